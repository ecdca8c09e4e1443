import { describe, expect, test } from "vitest";
import { type Fault, type Outcome, wrongIn } from "../../lab/leaks/fault";
import { kinds } from "../../lab/probes";
import { answerable } from "../../lab/leaks/scene";

const fault: Fault = {
  title: "the exit is away, and resolvers",
  make: "true",
  concerns: { vpn: answerable, direct: ["dns gateway"] },
  back: "timer",
  mend: () => Promise.resolve(),
};
const numbersOf = (kind: (typeof kinds)[number], count: number): number[] =>
  Array.from({ length: count }, (_, index) => kinds.indexOf(kind) + index * kinds.length);
const none = { direct: [], vpn: [], wg: [] };
const noPause = { direct: 0, vpn: 0, wg: 0 };

/** An outcome as it has to be, with changes. */
const outcome = (changes: Partial<Outcome> = {}): Outcome => ({
  fault,
  sent: { direct: 1000, vpn: 4000, wg: 4000 },
  leaked: [],
  lost: { direct: numbersOf("dns gateway", 50), vpn: numbersOf("tcp", 300), wg: numbersOf("udp", 40) },
  overflowed: noPause,
  sentAt: (_, number) => number / 1000,
  bitten: ["direct", "vpn"],
  out: { direct: 0.2, vpn: 5, wg: 0.2 },
  ends: none,
  mending: 3,
  recovered: 2,
  ...changes,
});

test("nothing is wrong when the concerned lose, and get it back", () => {
  expect(wrongIn(outcome())).toEqual([]);
  expect(wrongIn(outcome({ ends: { ...none, vpn: ["unheard"] } }))).toEqual([]);
  expect(wrongIn(outcome({ ends: { ...none, vpn: ["cut"] }, out: { direct: 0.2, vpn: 1, wg: 0.2 } }))).toEqual([]);
});

test("a client may lose as many more as full queues on its way dropped", () => {
  const concernsNobody = { fault: { ...fault, concerns: {} }, bitten: [] };
  const lost = { direct: numbersOf("udp", 20), vpn: numbersOf("udp", 50), wg: [] };
  const overflowed = { direct: 10, vpn: 10, wg: 90 };
  expect(wrongIn(outcome({ ...concernsNobody, lost, out: noPause, overflowed }))).toEqual([]);
  expect(
    wrongIn(outcome({ ...concernsNobody, lost, out: noPause, overflowed: { direct: 9, vpn: 9, wg: 90 } })),
  ).toEqual([
    "the direct client lost 20 udp, of 1000 probes, 0.0 to 0.2 s after the beginning, 9 in full queues",
    "the vpn client lost 50 udp, of 4000 probes, 0.0 to 0.4 s after the beginning, 9 in full queues",
  ]);
});

describe("wrong is", () => {
  const seen = { at: 0, kind: "udp", probe: "vpn 2", text: "a packet" } as const;
  test.each<[string, Partial<Outcome>, string]>([
    ["a packet outside", { leaked: [seen] }, "leaked 1 udp, the first: a packet"],
    ["a fault that does nothing to somebody", { bitten: ["vpn"] }, "the direct client lost nothing by it"],
    [
      "a loss of what is not concerned",
      { lost: { direct: numbersOf("udp", 11), vpn: [], wg: [] } },
      "the direct client lost 11 udp, of 1000 probes, 0.0 to 0.1 s after the beginning, 0 in full queues",
    ],
    [
      "a pause of who is not concerned",
      { out: { direct: 0, vpn: 5, wg: 2.5 } },
      "the wg client heard nothing for 2.5 s",
    ],
    [
      "a connection that is cut, of who is not concerned",
      { ends: { ...none, direct: ["cut"] } },
      "the direct client had its TCP connection cut",
    ],
    [
      "a connection that neither goes on nor is cut after a short fault",
      { ends: { ...none, vpn: ["unheard"] }, out: { direct: 0, vpn: 3, wg: 0 } },
      "the vpn client had a TCP connection that hung",
    ],
    ["a slow mending", { mending: 61 }, "mended after 61 s"],
    ["a slow recovery", { recovered: 61 }, "answered again after 61 s"],
    ["no recovery", { recovered: "not answered: vpn: tcp running" }, "not answered: vpn: tcp running"],
    [
      "a control that shows nothing of a kind",
      { fault: { ...fault, shows: ["udp", "tcp"] }, leaked: [seen] },
      "tcp is not seen outside",
    ],
  ])("%s", (_, changes, line) => expect(wrongIn(outcome(changes))).toEqual([line]));
});
