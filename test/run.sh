#!/usr/bin/env bash
# Everything that can be checked, in the order of what is told soonest; called by `npm test` through lab/setup.sh.
# Ends with `N passed, N failed` alone on a line; a skipped test counts as failed, and so does a step that finds no test.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

# Runs a program that ends with this shell, however that is ended; a shell that waits takes a signal at once.
# In the background bash lowers SHLVL, and a bash of level 1 whose standard input is a socket, as Node.js gives it, reads bash.bashrc.
attended() {
  setpriv --pdeathsig TERM env SHLVL="$SHLVL" "$@" &
  wait $!
}

passed=0 failed=0 failures=()
step() {
  local name=$1
  shift
  printf '\n== %s\n' "$name"
  if attended "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("$name")
  fi
}

# run_tests PROJECT REPORT ARGUMENT...: runs tests, and writes their counts to REPORT.
run_tests() {
  local project=$1 report=$2
  shift 2
  attended node_modules/.bin/vitest run --project "$project" --reporter=default --reporter=json --outputFile.json="$report" "$@"
}

# count NAME REPORT STATUS: adds the counts of a run, and what did not pass to what is told at the end.
count() {
  local counts not_passed
  # shellcheck disable=SC2016  # JavaScript
  { read -r counts && mapfile -t not_passed; } < <(node --print '
    const r = JSON.parse(fs.readFileSync(process.argv[1], "utf8"));
    const tests = r.testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => status !== "passed");
    [
      `${r.numPassedTests} ${tests.length}`,
      ...tests.map((t) => `${t.fullName}: ${t.failureMessages[0] ?? t.status}`.split("\n")[0]),
      ...r.testResults.filter(({ message }) => message).map(({ message }) => message.split("\n")[0]),
    ].join("\n")' "$2" 2>/dev/null) || counts='0 1'
  passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
  if ((${counts% *} == 0 || ($3 != 0 && ${counts#* } == 0))); then
    failed=$((failed + 1))
    not_passed+=("exit status $3, ${counts% *} passed")
  fi
  failures+=("${not_passed[@]/#/$1: }")
}

unit_tests() {
  printf '\n== tests: unit\n'
  run_tests unit "$reports/unit"
  count unit "$reports/unit" $?
}

# lab_file FILE: one file of the lab's tests in a box of its own; what it says is shown when it has ended.
lab_file() {
  local report=$reports/${1##*/}
  # shellcheck disable=SC2016  # for the shell in the box
  attended bash lab/box.sh "$$-${1##*/}" bash -c 'run_tests "$@"' run_tests lab "$report" "$1" >"$report.log" 2>&1
  echo $? >"$report.status"
  flock "$reports" cat "$report.log"
}

# A lab waits more than it works, so that there may be one for each processor; each takes about 2 GB. Those that take longest come first,
# or the last one has the machine for itself.
lab_tests() {
  local long=(test/lab/{leaks,flows,lockout,ways,ec2}.test.ts) files file lanes
  mapfile -t files < <(printf '%s\n' "${long[@]}" test/lab/*.test.ts | awk '!seen[$0]++')
  lanes=$(nproc)
  ((lanes <= 4)) || lanes=4
  printf '\n== tests: lab, %d files, %d at a time\n' "${#files[@]}" "$lanes"
  # shellcheck disable=SC2016  # for the shells of xargs
  attended xargs -0 -n 1 -P "$lanes" -a <(printf '%s\0' "${files[@]}") setpriv --pdeathsig TERM bash -c 'lab_file "$1"' lab_file
  for file in "${files[@]}"; do
    count "$file" "$reports/${file##*/}" "$(cat "$reports/${file##*/}.status")"
  done
}

export -f attended run_tests lab_file
reports=$(mktemp -d)
export reports
trap 'rm -rf -- "$reports"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step 'types' npx tsc --noEmit
step 'lint' npm run --silent lint
unit_tests
step 'images' node --import tsx lab/main.ts images
lab_tests

# At the end, so that a long output ends with what is to be mended.
((${#failures[@]} == 0)) || printf '== FAILED: %s\n' "${failures[@]}"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
