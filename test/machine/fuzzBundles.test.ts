import fc from "fast-check";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EndpointPlan } from "../../gateway/plan/tunnel";
import { renderFiles, renderRelease } from "../../gateway/render/bundle";
import type { MachineFile } from "../../gateway/render/file";
import { renderEndpointFiles } from "../../gateway/render/tunnel";
import { mutated, type Json } from "../gateway/fuzzMutations";
import { documented } from "../gateway/gateways";
import { documentedTunnel, plansOf, secretsOf } from "../gateway/tunnels";
import { python } from "./python";

/** In the place of gatewayctl, or of tunnelctl: notes what it was asked. */
const MAIN =
  "import sys\nasked = []\ndef main(words):\n    sys.asked.append((words, sys.stdin.read()))\n    return 0\n";

/** A failure tells what it was: with it as FUZZ_SEED all is as it was then. */
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

const fixedOf = (lib: string, control: string): MachineFile[] => [
  { path: `${lib}/main.py`, mode: "0644", content: MAIN },
  { path: `/usr/local/sbin/${control}`, mode: "0755", content: "#!/bin/sh\n" },
];
const { plan, secrets } = documented();
const [endpoint] = plansOf({ ...documentedTunnel, route: "rule" }) as [EndpointPlan];

/** A good release of each program, and what its modules are told: that nothing of what the machine has is in the way. */
const programs = {
  gatewayctl: {
    good: renderRelease({ machine: "i-1", owner: "o/p/s/it" }, [
      ...fixedOf("/usr/local/lib/wg-gateway/gatewayctl", "gatewayctl"),
      ...renderFiles(plan, secrets),
    ]),
    free: "import preflight\npreflight.listeners = preflight.priority_users = preflight.table_users = lambda *wanted: []\nsteps = apply.GatewaySteps()",
    lib: "wg-gateway",
  },
  tunnelctl: {
    good: renderRelease({ machine: "i-1", owner: "o/p/s/it" }, [
      ...fixedOf("/usr/local/lib/wg-tunnel", "tunnelctl"),
      ...renderEndpointFiles(endpoint, secretsOf(endpoint)),
    ]),
    free: "for name in ('links_named', 'listeners', 'priority_users', 'address_users', 'table_users'): setattr(apply, name, lambda *wanted: [])\napply.run = lambda *command, check: ''\nsteps = apply.TunnelSteps()",
    lib: "wg-tunnel",
  },
};
type Program = keyof typeof programs;

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** The digest that a release of these files has, where they are files at all: what is wrong with it is then not the digest. */
function digested(release: Json): Json {
  const { files } = Object(release) as { files?: unknown };
  if (!Array.isArray(files)) return release;
  const hashed = createHash("sha256");
  for (const file of files as ({ path?: Json; mode?: Json; content?: Json } | null)[])
    hashed.update(`${textOf(file?.path)}\0${textOf(file?.mode)}\0${textOf(file?.content)}\0`);
  return { ...(release as object), digest: hashed.digest("hex") };
}

const bentText = (good: string) =>
  fc
    .record({
      how: fc.nat({ max: 3 }),
      at: fc.nat(),
      length: fc.nat({ max: 40 }),
      piece: fc.string({ unit: "binary" }),
    })
    .map(({ how, at, length, piece }) => {
      const place = at % good.length;
      if (how === 0) return good.slice(0, place);
      if (how === 1) return good.slice(0, place) + good.slice(place + 1 + length);
      if (how === 2) return good.slice(0, place) + piece + good.slice(place);
      return good.slice(0, place) + good.slice(place, place + length) + good.slice(place);
    });
const anyBundle = (good: string) => {
  const bentRelease = mutated(fc.constant(JSON.parse(good) as Json));
  return fc.oneof(
    bentText(good),
    bentRelease.map((value) => JSON.stringify(value)),
    { weight: 2, arbitrary: bentRelease.map(digested).map((value) => JSON.stringify(value)) },
    fc.constantFrom(
      "",
      "null",
      "[]",
      "{}",
      "[".repeat(100_000),
      '{"files":[],"digest":"x"}',
      "9".repeat(5000),
      "\ud800",
    ),
  );
};

/** Each bundle by receive.sh's own program, and by the parser of the program, in one process: what each said, or "taken". */
const RECEIVE = `
import contextlib, io, os, re, sys
import apply, transaction
from bundle import Release
from machine import Fault
program = compile(re.search(r"-c '\\n(.*)\\n'", data["receive"], re.S)[1], "receive", "exec")
# Nothing but what a bundle brings: the program itself would do what it is asked, here.
exec(data["free"])
path = [folder for folder in sys.path if "userdata" not in folder]

class Input:
    def __init__(self, text):
        self.buffer = io.BytesIO(text.encode("utf-8", "surrogatepass"))

def received(text):
    sys.asked, sys.stdin, sys.path[:] = [], Input(text), path
    sys.modules.pop("main", None)
    opened = set(os.listdir("/proc/self/fd"))
    try:
        exec(program, {})
    except SystemExit as ended:
        return ended.code if ended.code else ("taken" if sys.asked == [(["apply"], text)] else "asked for something else")
    except BaseException as error:
        return f"{type(error).__name__}: {error} (thrown)"
    finally:
        for handle in set(os.listdir("/proc/self/fd")) - opened:
            with contextlib.suppress(OSError):
                os.close(int(handle))

def parsed(text):
    try:
        release = Release(text)
        release.check_paths()
        transaction.accept(release, None, None, steps)
    except Fault as fault:
        return str(fault)
    except BaseException as error:
        return f"{type(error).__name__}: {error} (thrown)"
    sound = all(type(one) is str for one in [*release.files, *release.files.values()])
    inside = all(re.match(f"/etc/|/usr/local/(lib/{data['lib']}|sbin)/", path) and ".." not in path.split("/") for path in release.files)
    return "taken" if sound and inside else "taken, and is not sound"

result = [[received(text), parsed(text)] for text in data["bundles"]]
`;
const receive = readFileSync(join(__dirname, "../../userdata/receive.sh"), "utf8");
const outcomes = (program: Program, bundles: readonly string[]) =>
  python<[string, string][]>(RECEIVE, { receive, bundles, ...programs[program] }, program);

/** Whether a bundle has no other program to run than the one that notes what it was asked. */
function mainIsOurs(bundle: string): boolean {
  try {
    const { files } = JSON.parse(bundle) as { files: { path: string; content: string }[] };
    return files.every(({ path, content }) => basename(path) !== "main.py" || content === MAIN);
  } catch {
    return true;
  }
}

describe.each(Object.keys(programs) as Program[])(
  `whatever arrives instead of a release of %s, seed ${seed}:`,
  (program) => {
    const { good } = programs[program];

    it("the release itself is taken", () => {
      expect(outcomes(program, [good])).toEqual([["taken", "taken"]]);
    });

    it("is refused in words, with nothing changed, or is a release that keeps to its places", () => {
      const bundles = fc.sample(anyBundle(good), { numRuns: 2500, seed });
      const all = outcomes(program, bundles);
      const refused =
        /^the (release (did not arrive whole|has a file where none of ours belongs|has format|is not whole)|machine is not free).*nothing was changed/s;
      all.forEach(([received, parsed], index) => {
        const bundle = bundles[index] ?? "";
        const why = `${parsed.slice(0, 500)}: bundle ${index} of seed ${seed}: ${JSON.stringify(bundle)}`;
        // A release whose main is another program is not the receiver's affair: the digest was right.
        if (mainIsOurs(bundle))
          expect(received, why).toMatch(
            /^taken$|^the release did not arrive whole; nothing was changed; deploy again$/,
          );
        if (parsed !== "taken") expect(parsed, why).toMatch(refused);
      });
      const kinds = new Set(all.map(([, parsed]) => parsed.slice(0, 20)));
      expect(kinds.size).toBeGreaterThanOrEqual(4);
    });
  },
);

/** gatewayctl with words, its commands replaced by a note of what was asked. */
const ARGUMENTS = `
import contextlib, io, os
import main
os.geteuid = lambda: 0
asked = []
for name in [name for name in dir(main) if name.startswith("do_")]:
    setattr(main, name, lambda arguments, name=name: asked.append([name, {key: value for key, value in vars(arguments).items() if key != "do"}]) or 0)

def outcome(words):
    asked.clear()
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            status = main.main(words)
    except SystemExit as ended:
        status = ended.code
    except BaseException as error:
        return [repr(error), said.getvalue(), []]
    return [status, said.getvalue(), list(asked)]

result = [outcome(words) for words in data]
`;

describe(`whatever gatewayctl is asked, seed ${seed}:`, () => {
  const commands = ["apply", "status", "check", "down", "select", "watch"];
  const options = ["--json", "--repair", "--purge", "--help", "-h"];
  const anyWord = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...commands) },
    { weight: 4, arbitrary: fc.constantFrom(...options) },
    fc.constantFrom(...options).chain((option) => fc.nat({ max: option.length }).map((end) => option.slice(0, end))),
    fc.constantFrom(
      "",
      "-",
      "--",
      "---",
      "--json=1",
      "--purge=no",
      "@/etc/passwd",
      "%s",
      "{}",
      "\n",
      "\ud800",
      "appl",
      "Apply",
    ),
    fc.string({ unit: "binary", maxLength: 5 }),
  );
  const anyWords = fc.array(anyWord, { maxLength: 4 });

  it("is done when every word of it is known, and is else an error that shows what may be asked", () => {
    const all = fc.sample(anyWords, { numRuns: 2000, seed });
    const outcomesOf = python<[number | string, string, [string, Record<string, unknown>][]][]>(ARGUMENTS, all);
    const seen = { done: 0, refused: 0, helped: 0 };
    outcomesOf.forEach(([status, said, asked], index) => {
      const words = all[index] ?? [];
      const why = JSON.stringify({ words, status, said, asked });
      if (asked.length > 0) {
        seen.done += 1;
        const [[name, { command, ...flags }]] = asked as [[string, Record<string, unknown>]];
        // Nothing was done that was not spelled out, and nothing that was spelled out was left undone.
        expect([status, `do_${String(command)}`, asked.length], why).toEqual([0, name, 1]);
        const given = new Set(words.filter((word) => word !== "--"));
        const done = Object.entries(flags).flatMap(([flag, value]) => (value === true ? `--${flag}` : []));
        expect(new Set([command, ...done]), why).toEqual(given);
      } else if (status === 0) {
        seen.helped += 1;
        expect(said, why).toMatch(/^usage: gatewayctl/);
      } else {
        seen.refused += 1;
        expect(status, why).toBe(2);
        expect(said, why).toMatch(/^usage: gatewayctl[\s\S]*gatewayctl[a-z ]*: error: /);
      }
    });
    expect(Math.min(seen.done, seen.refused, seen.helped)).toBeGreaterThan(50);
  });
});
