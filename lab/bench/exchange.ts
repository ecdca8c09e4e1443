import { setTimeout as sleep } from "node:timers/promises";

import { onMachine, type Scenario, withoutRepair } from "../flows";
import type { Bench } from "./benchmark";
import type { Sample } from "./figure";
import { type Meter, meter, rate, transfer } from "./traffic";

/** Two set-ups of a machine, as shell texts that turn it from the other one to this one; it begins as `ours`. */
export interface Sides {
  readonly ours: string;
  readonly base: string;
  /** Seconds that a turn takes at most. */
  readonly turn: number;
}
export type Side = "ours" | "base";

type Way = "direct" | "vpn";

/** Turns a machine, where it is not that side's yet. */
export type TurnTo = (side: Side) => Promise<void>;

/**
 * Exchanges what differs between two set-ups, a moment apart, while everything else goes on: the rest is not merely alike, it is the same,
 * and what slows the machine slows both. Meanwhile the machine does not mend itself; afterwards it is as it was.
 * @param measure a round; what comes first and what comes second differ by themselves, so each side is as often the one as the other
 */
export async function exchanging<T>(
  scenario: Scenario,
  sides: Sides,
  { rounds, say }: Pick<Bench, "rounds" | "say">,
  measure: (turnTo: TurnTo, order: readonly Side[]) => Promise<Record<Side, T>>,
): Promise<Record<Side, T[]>> {
  let now: Side = "ours";
  const turnTo = async (side: Side): Promise<void> => {
    if (now !== side) await onMachine(scenario, sides[side]);
    now = side;
  };
  return withoutRepair(scenario, async () => {
    await onMachine(scenario, "systemctl stop wg-gateway-watch");
    const found: Record<Side, T[]> = { ours: [], base: [] };
    try {
      for (let round = 1; round <= rounds; round++) {
        say(`round ${round}`);
        const { ours, base } = await measure(turnTo, round % 2 === 1 ? ["base", "ours"] : ["ours", "base"]);
        found.ours.push(ours);
        found.base.push(base);
      }
    } finally {
      await turnTo("ours");
      await onMachine(scenario, "systemctl start wg-gateway-watch");
    }
    return found;
  });
}

/** Measures each side, after its turn. */
export async function eachSide<T>(
  turnTo: TurnTo,
  order: readonly Side[],
  measure: (side: Side) => Promise<T>,
): Promise<Record<Side, T>> {
  const found = {} as Record<Side, T>;
  for (const side of order) {
    await turnTo(side);
    found[side] = await measure(side);
  }
  return found;
}

/**
 * Exchanges under a connection that goes on.
 * @returns of each side and round, for each of the ways: throughput in both directions, and what that takes of the processors
 */
export async function exchanged<W extends Way>(
  scenario: Scenario,
  sides: Sides,
  bench: Bench,
  ways: readonly W[],
): Promise<Record<Side, Record<W, Sample>[]>> {
  return exchanging(scenario, sides, bench, async (turnTo, order) => {
    const found = { ours: {}, base: {} } as Record<Side, Record<W, Sample>>;
    for (const way of ways) {
      const carried = (down: boolean) =>
        whileCarrying(scenario, turnTo, way, down, 2 * (bench.seconds + sides.turn), () =>
          eachSide(turnTo, order, () => between(scenario, () => sleep(bench.seconds * 1000))),
        );
      const [down, up] = [await carried(true), await carried(false)];
      for (const side of order) found[side][way] = sampleOf(down[side], up[side]);
    }
    return found;
  });
}

/**
 * Carries data while something is done.
 * @param down whether the client receives @param seconds how long that takes at most
 */
export async function whileCarrying<T>(
  { lab }: Scenario,
  turnTo: TurnTo,
  way: Way,
  down: boolean,
  seconds: number,
  work: () => Promise<T>,
): Promise<T> {
  // On ours, whose rules note which exit a connection began on.
  await turnTo("ours");
  let running = true;
  const carrying = transfer(lab, lab.clients[way].host, seconds + 3, down).finally(() => (running = false));
  try {
    // It has begun: what it carried until then is left out.
    await sleep(1500);
    const result = await work();
    if (!running) throw new Error("the transfer ended before it was measured");
    return result;
  } finally {
    await carrying;
  }
}

/** The meter before and after something. */
type Span = readonly [Meter, Meter];

async function between(scenario: Scenario, what: () => Promise<unknown>): Promise<Span> {
  const before = await meter(scenario);
  await what();
  return [before, await meter(scenario)];
}

function sampleOf(down: Span, up: Span): Sample {
  const grown = ([before, after]: Span, what: keyof Meter) => after[what] - before[what];
  const gigabytes = (grown(down, "bytes") + grown(up, "bytes")) / 1e9;
  const used = (what: "all" | "tunnels") => (grown(down, what) + grown(up, what)) / gigabytes;
  return { down: rate(...down), up: rate(...up), all: used("all"), tunnels: used("tunnels") };
}
