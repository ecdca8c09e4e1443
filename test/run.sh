#!/usr/bin/env bash
# Everything that can be checked, in the order of what is told soonest; called by `npm test` through lab/setup.sh.
# Ends with `N passed, N failed` alone on a line; a skipped test counts as failed, and so does a step that finds no test.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

passed=0 failed=0
step() {
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '== %s: FAILED\n' "$name"
  fi
}

# suite PROJECT: runs a vitest project and adds its own counts.
suite() {
  local report
  report=$(mktemp)
  printf '\n== tests: %s\n' "$1"
  npx vitest run --project "$1" --reporter=default --reporter=json --outputFile.json="$report"
  local status=$? counts
  # shellcheck disable=SC2016  # JavaScript
  counts=$(node --print '
    const r = JSON.parse(fs.readFileSync(process.argv[1], "utf8"));
    `${r.numPassedTests} ${r.numFailedTests + r.numPendingTests + r.numTodoTests}`' "$report" 2>/dev/null) || counts='0 1'
  rm -f -- "$report"
  passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
  if ((${counts% *} == 0 || (status != 0 && ${counts#* } == 0))); then
    failed=$((failed + 1))
    printf '== tests: %s: FAILED (exit status %d, %s passed)\n' "$1" "$status" "${counts% *}"
  fi
}

step 'types' npx tsc --noEmit
step 'lint' npm run --silent lint
suite unit
suite lab

printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
