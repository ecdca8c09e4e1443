import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { python } from "./python";

/** What is seen of a peer in one look: bytes received so far and the age of its handshake in seconds, or nothing where it is not there. */
type Look = readonly [received: number, handshakeAge: number | null] | null;

/** Whether the peer is heard after each look, one a second, with `deadAfter` 3. */
const heard = (runs: readonly (readonly Look[])[]): boolean[][] =>
  python(
    `
import health
result = []
for looks in data:
    ear = health.Ear()
    heard = []
    for now, look in enumerate(looks):
        counted = {} if look is None else {"b": {"received": look[0], "handshake": 0 if look[1] is None else 1000 + now - look[1]}}
        ear.listen(counted, now, 1000 + now)
        heard.append(ear.hears("b", now, 3))
    result.append(heard)
`,
    runs,
    "tunnelctl",
  );

describe("a peer is heard", () => {
  const rows: [string, Look[], boolean[]][] = [
    [
      "not before anything came",
      [
        [0, null],
        [0, null],
      ],
      [false, false],
    ],
    [
      "when bytes came",
      [
        [0, null],
        [92, 0],
      ],
      [false, true],
    ],
    [
      "not for what came before the first look",
      [
        [500, null],
        [500, null],
      ],
      [false, false],
    ],
    [
      "for a handshake that is young at the first look",
      [
        [500, 1],
        [500, 2],
        [500, 3],
      ],
      [true, true, false],
    ],
    [
      "not for one that is old",
      [
        [500, 3],
        [500, 4],
      ],
      [false, false],
    ],
    [
      "until it was silent for that long",
      [
        [1, null],
        [2, null],
        [2, null],
        [2, null],
        [2, null],
      ],
      [false, true, true, true, false],
    ],
    [
      "again as soon as it speaks",
      [
        [1, null],
        [1, null],
        [1, null],
        [1, null],
        [2, null],
      ],
      [false, false, false, false, true],
    ],
    [
      "on an interface that was made anew between two looks",
      [
        [500, 9],
        [92, 0],
      ],
      [false, true],
    ],
    [
      "not on one that was made anew and has received nothing",
      [
        [500, 9],
        [0, null],
      ],
      [false, false],
    ],
    ["on one that was away for a while, by its new handshake", [[500, 9], null, [92, 0]], [false, false, true]],
  ];
  const found = heard(rows.map(([, looks]) => looks));
  it.each(rows.map(([name, , then], index) => [name, then, found[index]] as const))("%s", (_, then, is) => {
    expect(is).toEqual(then);
  });

  it("for as long as every third second something comes, and no longer than three seconds otherwise", () => {
    const grown = fc.array(fc.boolean(), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(grown, { minLength: 1, maxLength: 200 }), (runs) => {
        const counts = runs.map((signs) =>
          signs.reduce<number[]>((all, sign) => [...all, (all.at(-1) ?? 1) + Number(sign)], []),
        );
        const is = heard(counts.map((all) => all.map((count): Look => [count, null])));
        runs.forEach((signs, run) => {
          // The first look tells nothing: what was counted before it may be old.
          const last = (at: number) => signs.lastIndexOf(true, at);
          expect(is[run]).toEqual(signs.map((_, at) => last(at) > 0 && at - last(at) < 3));
        });
      }),
      { numRuns: 3 },
    );
  });

  it("no more once the watching has ended, so that a new watch begins with nobody heard", () => {
    const seen = python<string[][]>(
      `
import health, tempfile
health.HEARD = tempfile.mkdtemp() + "/heard.json"
health.data = lambda: {"peers": []}
health.delete_rules = lambda rules: None
health.write(health.HEARD, json.dumps(data), 0o644)
result = [health.heard()]
health.unwatched()
result.append(health.heard())
`,
      ["b"],
      "tunnelctl",
    );
    expect(seen).toEqual([["b"], []]);
  });
});

it("keeps the packet filter: loads it at the beginning, when it is another, and when somebody changed it, which is said once", () => {
  const seen = python<[number, string[]][]>(
    `
import health
files, table, loads, said = {health.RULES: "one"}, ["one"], [0], []
def load():
    loads[0] += 1
    table[0] = files[health.RULES]
health.read, health.loaded, health.load_filter, health.say = files.get, lambda: table[0], load, said.append
keeper, result = health.Filter(), []
for change in data:
    exec(change)
    keeper.keep()
    result.append([loads[0], list(said)])
`,
    ["", "", "table[0] = None", "", "table[0] = 'more'", "files[health.RULES] = 'two'", ""],
    "tunnelctl",
  );
  const said = "the packet filter is not as released: loaded again";
  expect(seen).toEqual([
    [1, []],
    [1, []],
    [2, [said]],
    [2, [said]],
    [3, [said, said]],
    [4, [said, said]],
    [4, [said, said]],
  ]);
});

it("says that the tunnel is up only while its interface is", () => {
  const up = python<boolean[]>(
    `
import status
status.tunnel.counters = lambda one: {"KEY": {}}
status.active = lambda unit: False
status.shown_rules = set
result = []
for one in data:
    status.tunnel.read = lambda path: one
    result.append(status.report({"tunnel": "app", "endpoint": "a", "interface": "wg0", "peers": []})["up"])
`,
    ["0x10090", "0x10091", null],
    "tunnelctl",
  );
  expect(up).toEqual([false, true, false]);
});

it("sends each peer a sign every third of `deadAfter`, into the tunnel, whatever becomes of another's", () => {
  const sent = python<[string, string, number][][]>(
    `
import health
packets = []
class Socket:
    def __init__(self, *kind): pass
    def __enter__(self): return self
    def __exit__(self, *error): pass
    def setsockopt(self, level, option, value): self.device = value.decode()
    def sendto(self, data, to):
        if to[0] == "10.0.0.3": raise OSError("no route")
        packets.append([self.device, *to])
health.socket.socket = Socket
voice, result = health.Voice(), []
for now in data:
    packets = []
    voice.speak({"deadAfter": 6, "interface": "wg0", "peers": [{"address": f"10.0.0.{last}"} for last in (2, 3, 4)]}, now)
    result.append(packets)
`,
    [100, 101, 102, 103.5, 104],
    "tunnelctl",
  );
  const signs = ["10.0.0.2", "10.0.0.4"].map((address) => ["wg0", address, 9]);
  expect(sent).toEqual([signs, [], signs, [], signs]);
});
