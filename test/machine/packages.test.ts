import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { python } from "./python";

/** packages.install() with an apt that says and returns what it is told, call by call, and with a clock that sleep() moves on. */
const INSTALL = `
import packages, types
from machine import Fault
clock, calls, said, notes = [0], [], [], {}
packages.time = types.SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda seconds: clock.__setitem__(0, clock[0] + seconds))
packages.run = lambda *command: data["config"] if command[0] == "apt-config" else ""
packages.installed = lambda: set(packages.PACKAGES) - ({"nftables"} if "done" not in calls else set())
packages.kernel_has_wireguard = lambda: True
packages.say = said.append
packages.read, packages.write = notes.get, lambda path, text, mode: notes.__setitem__(path, text)

def answer(command, **_options):
    word = next(one for one in command if one in ("install", "update"))
    calls.append(word)
    lines = data["answers"]
    text = lines[min(len(calls), len(lines)) - 1]
    if word == "install" and not text:
        calls.append("done")
    return types.SimpleNamespace(returncode=100 if text else 0, stdout="", stderr=text)

packages.subprocess = types.SimpleNamespace(run=answer, TimeoutExpired=TimeoutError)
try:
    packages.install()
    fault = None
except Fault as error:
    fault = str(error)
result = {"calls": calls, "said": said, "fault": fault, "seconds": clock[0], "noted": packages.INSTALLED in notes}
`;

interface Outcome {
  readonly calls: string[];
  readonly said: string[];
  readonly fault: string | null;
  readonly seconds: number;
  readonly noted: boolean;
}
/** The last answer is that of every further call. An empty one: it worked. */
const install = (answers: readonly string[], config = "") => python<Outcome>(INSTALL, { answers, config });

const locked = (lock: string) =>
  `E: Could not get lock ${lock}. It is held by process 412 (apt-get)\nE: Unable to lock directory\n`;
const lists = locked("/var/lib/apt/lists/lock");
const archives = locked("/var/cache/apt/archives/lock");
const missing = "E: Unable to locate package nftables\n";

describe("another apt at work", () => {
  it("is waited for, with one line for each lock, and is no reason to fetch the package lists", () => {
    expect(install([archives, archives, ""])).toMatchObject({
      calls: ["install", "install", "install", "done"],
      said: [
        "installing nftables",
        "waiting for another apt, 300 s at most: process 412 (apt-get) holds /var/cache/apt/archives/lock",
        "installed in 2 s",
      ],
      fault: null,
      noted: true,
    });
  });

  it("is waited for where the package lists are needed, too", () => {
    expect(install([missing, lists, lists, "", ""])).toMatchObject({
      calls: ["install", "update", "update", "update", "install", "done"],
      fault: null,
    });
  });

  it.each([
    ["", 300],
    ["SECONDS='40'\n", 40],
    // For ever, in apt's words: but whoever deploys waits.
    ["SECONDS='-1'\n", 300],
  ])("that does not end is named after that time, over all of its locks; apt-config says %j", (config, limit) => {
    const { fault, seconds, calls, noted } = install(
      [missing, ...Array<string>(limit - 10).fill(lists), "", archives],
      config,
    );
    expect(fault).toBe(
      `another apt has not ended within ${limit} s: process 412 (apt-get) holds /var/cache/apt/archives/lock; nothing was changed; deploy again when that has ended`,
    );
    expect([Math.abs(seconds - limit) <= 2, calls.includes("done"), noted]).toEqual([true, false, false]);
  });
});

it("what apt cannot do otherwise is told in its words, after one try with new lists", () => {
  const { fault, calls, seconds } = install([missing, "", missing]);
  expect(fault).toBe("apt-get install nftables failed (100):\n  E: Unable to locate package nftables");
  expect([calls, seconds]).toEqual([["install", "update", "install"], 0]);
});

/** packages.needed() with an apt that knows what each installed package depends on: each of the lists by one of its alternatives. */
const NEEDED = `
import packages
def broken(there, depends):
    return {name for name in there if not all(any(one in there for one in choice) for choice in depends[name])}
def consequences(depends):
    def apt(*command, check=True):
        names = set(command[command.index("purge") + 1:])
        there = set(depends) - names
        while lost := broken(there, depends):
            there -= lost
        return "".join(f"Purg {name} [1.0]\\n" if name in names else f"Remv {name}:amd64 [1.0]\\n" for name in sorted(set(depends) - there))
    return apt
result = []
for depends, ours in data:
    packages.run = consequences(depends)
    kept = packages.needed(ours)
    left = set(depends) - (set(ours) - set(kept))
    result.append({"kept": kept, "broken": sorted(broken(left, depends))})
`;
type Depends = Record<string, string[][]>;
const needed = (worlds: [Depends, string[]][]) =>
  python<{ kept: Record<string, string[]>; broken: string[] }[]>(NEEDED, worlds);

describe("packages that came with the gateway", () => {
  const world: Depends = {
    ...{
      openvpn: [["libpkcs11"]],
      libpkcs11: [],
      nftables: [["libnftables1"]],
      libnftables1: [["libnftnl11"], ["libmnl0"]],
    },
    ...{ libnftnl11: [["libmnl0"]], libmnl0: [] },
  };
  const ours = Object.keys(world).sort();
  it.each<[string, Depends, Record<string, string[]>]>([
    ["all go where nothing needs any", {}, {}],
    [
      "one that somebody's package needs stays, and what it needs itself",
      { iptables: [["libnftnl11"]] },
      {
        libmnl0: ["iptables"],
        libnftnl11: ["iptables"],
      },
    ],
    [
      "each says who needs it",
      { ufw: [["iptables"]], iptables: [["libmnl0"]], "network-manager-openvpn": [["openvpn"]] },
      {
        libmnl0: ["iptables", "ufw"],
        libpkcs11: ["network-manager-openvpn"],
        openvpn: ["network-manager-openvpn"],
      },
    ],
    [
      "one of two that would do stays",
      { somebody: [["nftables", "openvpn"]] },
      { openvpn: ["somebody"], libpkcs11: ["somebody"] },
    ],
  ])("%s", (_, others, kept) => {
    // The alternatives are asked in the order of the names: of two that would do the last one stays.
    expect(needed([[{ ...world, ...others }, ours]])).toEqual([{ kept, broken: [] }]);
  });

  test("whatever depends on what: nothing else breaks, and none stays that could go, too", () => {
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const choice = fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: 2 });
    const lists = fc.array(fc.array(choice, { maxLength: 2 }), { minLength: 8, maxLength: 8 });
    const worlds = fc.array(fc.tuple(lists, fc.subarray(names)), { minLength: 100, maxLength: 100 });
    fc.assert(
      fc.property(worlds, (drawn) => {
        const known = drawn.map(([depends, ours]): [Depends, string[]] => [
          Object.fromEntries(names.map((name, index) => [name, depends[index]!])),
          ours,
        ]);
        const found = needed(known);
        expect(found.filter(({ broken }) => broken.length > 0)).toEqual([]);
        // Where no dependency has an alternative those that are needed are those that can be reached from others.
        for (const [index, [depends, ours]] of known.entries()) {
          if (
            Object.values(depends)
              .flat()
              .some((one) => one.length > 1)
          )
            continue;
          const reached = new Set(names.filter((name) => !ours.includes(name)));
          for (const name of reached) for (const [one = ""] of depends[name] ?? []) reached.add(one);
          expect(Object.keys(found[index]!.kept).sort()).toEqual(ours.filter((name) => reached.has(name)).sort());
        }
      }),
      { numRuns: 5 },
    );
  });
});
