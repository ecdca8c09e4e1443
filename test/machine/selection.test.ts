import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressNumber, addressText, intervalText } from "../../gateway/settings/address";
import { python } from "./python";

describe("an address", () => {
  it.each<[string, string[], boolean]>([
    ["10.4.0.5", [], false],
    ["10.4.0.5", ["10.4.0.5"], true],
    ["10.4.0.50", ["10.4.0.5"], false],
    ["10.4.0.5", ["10.4.0.50"], false],
    ["10.4.0.9", ["10.4.0.10-10.4.0.20"], false],
    ["10.4.0.10", ["10.4.0.10-10.4.0.20"], true],
    ["10.4.0.20", ["10.4.0.10-10.4.0.20"], true],
    ["10.4.0.21", ["10.4.0.10-10.4.0.20"], false],
    ["10.4.1.0", ["10.4.0.200-10.4.1.5"], true],
    ["10.4.0.3", ["10.4.0.200-10.4.1.5"], false],
    ["10.4.0.7", ["10.4.0.1", "10.4.0.3-10.4.0.5", "10.4.0.7"], true],
  ])("%s is within %j: %s", (address, sources, within) => {
    expect(python("import selection\nresult = list(selection.within(*data))", [[address], sources])).toEqual(
      within ? [address] : [],
    );
  });

  it("and a range are to the machine what they are to the plan", () => {
    const anyAddress = fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.integer({ min: 0x0a040000, max: 0x0a040110 }));
    const anyCase = fc.tuple(anyAddress, anyAddress, anyAddress);
    fc.assert(
      fc.property(fc.array(anyCase, { minLength: 200, maxLength: 200 }), (all) => {
        const cases = all.map(([at, a, b]) => ({ at, first: Math.min(a, b), last: Math.max(a, b) }));
        const found = python<[number, boolean][]>(
          "import selection\nresult = [(selection.number(at), at in selection.within([at], [source])) for at, source in data]",
          cases.map(({ at, ...range }) => [addressText(at), intervalText(range)]),
        );
        expect(found).toEqual(cases.map(({ at, first, last }) => [at, first <= at && at <= last]));
      }),
      { numRuns: 10 },
    );
  });
});

describe("networks for those that are cut", () => {
  const cover = (cases: readonly (readonly [number[], number[]])[]): string[][] =>
    python(
      `
import ipaddress, selection
sets = lambda case: ({ipaddress.IPv4Address(at) for at in side} for side in case)
result = [[str(network) for network in selection.cover(*sets(case))] for case in data]`,
      cases,
    );

  it.each<[string, string[], string[], string[]]>([
    ["nobody", [], ["10.4.0.5"], []],
    ["one alone", ["10.4.0.5"], [], ["10.4.0.5/32"]],
    ["all", ["10.4.0.2", "10.4.0.200"], [], ["10.4.0.0/24"]],
    ["one half", ["10.4.0.130", "10.4.0.250"], ["10.4.0.2", "10.4.0.127"], ["10.4.0.128/25"]],
    ["around another", ["10.4.0.2", "10.4.0.4"], ["10.4.0.3"], ["10.4.0.2/32", "10.4.0.4/32"]],
  ])("%s: %j without %j: %j", (_name, inside, outside, networks) => {
    expect(cover([[inside.map(addressNumber), outside.map(addressNumber)]])).toEqual([networks]);
  });

  it("hold each of them and no other; none can be left out, and no two be one", () => {
    const anyCase = fc
      .uniqueArray(fc.oneof(fc.nat({ max: 2 ** 32 - 1 }), fc.integer({ min: 0x0a040000, max: 0x0a040020 })), {
        maxLength: 12,
      })
      .chain((all) => fc.tuple(fc.subarray(all), fc.constant(all)))
      .map(([inside, all]) => [inside, all.filter((at) => !inside.includes(at))] as const);
    const holds = (network: string, at: number): boolean => {
      const [first = "", length = ""] = network.split("/");
      const block = (address: number) => Math.floor(address / 2 ** (32 - Number(length)));
      return block(at) === block(addressNumber(first));
    };
    fc.assert(
      fc.property(fc.array(anyCase, { minLength: 50, maxLength: 50 }), (cases) => {
        for (const [index, networks] of cover(cases.map(([inside, outside]) => [inside, outside])).entries()) {
          const [inside, outside] = cases[index]!;
          for (const at of inside) expect(networks.filter((network) => holds(network, at))).toHaveLength(1);
          expect(outside.filter((at) => networks.some((network) => holds(network, at)))).toEqual([]);
          expect(networks.filter((network) => !inside.some((at) => holds(network, at)))).toEqual([]);
          const firsts = networks.map((network) => addressNumber(network.split("/")[0]!)).sort((a, b) => a - b);
          for (const [at, next] of firsts.slice(1).entries()) {
            const length = Math.clz32(firsts[at]! ^ next);
            expect(outside.some((other) => holds(`${addressText(next)}/${length}`, other))).toBe(true);
          }
        }
      }),
      { numRuns: 10 },
    );
  });
});

/** In a folder of its own; `selected()` is {name: variant} of what stands there. */
const inFolder = <T>(program: string, data: unknown): T =>
  python<T>(
    `
import datetime, os, tempfile, machine, selection
root = tempfile.TemporaryDirectory()
selection.SELECTED, selection.UNLOADED, selection.CONFIG = root.name + "/run/selected", root.name + "/run/unloaded", root.name + "/config"
def selected():
    folder = selection.SELECTED
    return {name: machine.read(f"{folder}/{name}") for name in sorted(os.listdir(folder))} if os.path.isdir(folder) else {}
${program}
root.cleanup()`,
    data,
  );

describe("what is selected", () => {
  it("stands in a file for each, and what changed is told", () => {
    const [first, again, second, files, missing] = inFolder<unknown[]>(
      `
result = [selection.select({"a": "open", "b": "none"}), selection.select({"a": "open", "b": "none"}), selection.select({"b": "vpn", "c": "x"})]
result += [selected(), selection.selected("nothing")]`,
      null,
    );
    expect(first).toEqual(["a", "b"]);
    expect(again).toEqual([]);
    expect(second).toEqual(["b", "c"]);
    expect(files).toEqual({ a: "open\n", b: "vpn\n", c: "x\n" });
    expect(missing).toBeNull();
  });

  it("at the start is the windows of this moment, the groups as before or none, and nothing else", () => {
    const always = { days: [1, 2, 3, 4, 5, 6, 7], from: "00:00", to: "24:00", timeZone: "UTC", sources: [] };
    const windows = [
      { ...always, name: "window-1" },
      { ...always, name: "window-2", days: [] },
    ];
    const groups = ["group-a", "group-b"].map((name) => ({ name, members: ["x"], backAfter: 1, sources: [] }));
    const files = inFolder(
      `
machine.write(selection.CONFIG + "/selectors.json", json.dumps(data), 0o644)
selection.select({"window-1": "closed", "window-2": "open", "group-b": "x", "group-gone": "y", "window-gone": "open"})
selection.select_at_start()
result = selected()`,
      { windows, groups, exits: ["x"], upstreams: [] },
    );
    expect(files).toEqual({ "window-1": "open\n", "window-2": "closed\n", "group-a": "none\n", "group-b": "x\n" });
  });

  it("is nothing on a machine whose release has no selectors", () => {
    expect(inFolder("selection.select_at_start()\nresult = [selected(), selection.clients()]", null)).toEqual([{}, []]);
  });

  it("is left to the next call when it could not be loaded, and cuts then whom it concerns", () => {
    const passes = inFolder(
      `
def load(*_words):
    if fails:
        raise machine.Fault("no")
cuts, result, fails = [], [], False
selection.script, selection.run = load, lambda *words, check: cuts.append(words[3])
machine.write(selection.CONFIG + "/selectors.json", json.dumps(data), 0o644)
machine.write(selection.CONFIG + "/clients", "10.4.0.9 a x\\n10.4.0.10 b x\\n", 0o644)
for fails, choices in [(False, {"a": "open", "b": "vpn"}), (True, {"a": "closed", "b": "vpn"}), (True, {"a": "closed", "b": "vpn"}), (False, {"a": "closed", "b": "vpn"})]:
    cuts.clear()
    try:
        names = selection.switch(choices)
    except machine.Fault as fault:
        names = str(fault)
    result.append([names, sorted(set(cuts)), sorted(selection.unloaded())])
`,
      {
        windows: [{ name: "a", sources: ["10.4.0.9"] }],
        groups: [{ name: "b", sources: ["10.4.0.10"] }],
      },
    );
    expect(passes).toEqual([
      [["a", "b"], ["10.4.0.8/30"], []],
      ["no", [], ["a"]],
      ["no", [], ["a"]],
      [["a"], ["10.4.0.9/32"], []],
    ]);
  });
});

it("the clients come as address, name and ways, and what is none of these is passed over", () => {
  const lines = "# mine\n10.4.0.50 laptop tcp:80,8000-8100=vpn;window-1234abcd=block;direct\n10.4.0.51 tv direct\n";
  expect(
    inFolder('machine.write(selection.CONFIG + "/clients", data, 0o644)\nresult = selection.clients()', lines),
  ).toEqual([
    ["10.4.0.50", "laptop", "tcp:80,8000-8100=vpn;window-1234abcd=block;direct"],
    ["10.4.0.51", "tv", "direct"],
  ]);
});
