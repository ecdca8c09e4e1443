import { setTimeout as sleep } from "node:timers/promises";

import { onMachine, type Scenario, withoutRepair } from "../flows";
import type { Bench } from "./benchmark";
import type { Sample } from "./figure";
import { carrying, less, type Meter, meter, rate, sum } from "./traffic";

/** Two set-ups of a machine, as shell texts that turn it from the other one to this one; it begins as `ours`. */
export interface Sides {
  readonly ours: string;
  readonly base: string;
}
const SIDES = ["ours", "base"] as const;
export type Side = (typeof SIDES)[number];

export type Way = "direct" | "vpn";

/** Turns a machine, where it is not that side's yet. */
export type TurnTo = (side: Side) => Promise<void>;

/** Each side twice: what grows or ebbs steadily meanwhile is the same for both. */
const ORDERS: readonly (readonly Side[])[] = [
  ["base", "ours", "ours", "base"],
  ["ours", "base", "base", "ours"],
];

/**
 * Exchanges what differs between two set-ups, a moment apart, while everything else goes on: the rest is not merely alike, it is the same,
 * and what slows the machine slows both. Meanwhile the machine does not mend itself; afterwards it is as it was.
 * @param measure a round, in the order that it is given; each side is as often first as the other
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
        const { ours, base } = await measure(turnTo, ORDERS[round % 2]!);
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

/** Measures each side whenever its turn comes; of each, what was found in all of its turns. */
export async function eachSide<T>(
  turnTo: TurnTo,
  order: readonly Side[],
  measure: (side: Side) => Promise<T>,
): Promise<Record<Side, T[]>> {
  const found: Record<Side, T[]> = { ours: [], base: [] };
  for (const side of order) {
    await turnTo(side);
    found[side].push(await measure(side));
  }
  return found;
}

/**
 * Seconds between two turns of a connection that goes on. A machine that others use is slow for seconds or minutes at a time: so both sides
 * have as much of that.
 */
const MOMENT = 1;

/**
 * Exchanges under a connection that goes on: it is each side's for twice the seconds, moment by moment.
 * @returns of each side and round, for each of the ways: throughput in both directions, and what that takes of the processors
 */
export async function exchanged<W extends Way>(
  scenario: Scenario,
  sides: Sides,
  { rounds, seconds, say }: Bench,
  ways: readonly W[],
): Promise<Record<Side, Record<W, Sample>[]>> {
  return exchanging(scenario, sides, { rounds, say }, async (turnTo, order) => {
    const found = { ours: {}, base: {} } as Record<Side, Record<W, Sample>>;
    const moments = Array.from({ length: Math.ceil((2 * seconds) / MOMENT) }, () => order.slice(0, 2)).flat();
    for (const way of ways) {
      const spans = async (down: boolean) => {
        // Begun on ours, whose rules note which exit a connection began on.
        await turnTo("ours");
        return whileCarrying(scenario, way, down, () => eachSide(turnTo, moments, () => span(scenario, MOMENT)));
      };
      const [down, up] = [await spans(true), await spans(false)];
      for (const side of SIDES) found[side][way] = sampleOf(down[side], up[side]);
    }
    return found;
  });
}

/** Exchanges between connections, where none could go on: a new one for each moment. @returns as {@link exchanged} */
export async function exchangedAnew(
  scenario: Scenario,
  sides: Sides,
  { rounds, seconds, say }: Bench,
  way: Way,
): Promise<Record<Side, Sample[]>> {
  const carried = (down: boolean) => whileCarrying(scenario, way, down, () => span(scenario, seconds));
  return exchanging(scenario, sides, { rounds, say }, async (turnTo, order) => {
    const found = await eachSide(turnTo, order, async () => ({ down: await carried(true), up: await carried(false) }));
    const sample = (side: Side) =>
      sampleOf(
        found[side].map(({ down }) => down),
        found[side].map(({ up }) => up),
      );
    return { ours: sample("ours"), base: sample("base") };
  });
}

/** Carries data while something is done. @param down whether the client receives */
export async function whileCarrying<T>({ lab }: Scenario, way: Way, down: boolean, work: () => Promise<T>): Promise<T> {
  return carrying(lab, lab.clients[way].host, down, async () => {
    // What it carries while it begins is left out.
    await sleep(1500);
    return work();
  });
}

async function span(scenario: Scenario, seconds: number): Promise<Meter> {
  // What a turn leaves behind, as the kernel's taking down of rules.
  await sleep(100);
  const before = await meter(scenario);
  await sleep(seconds * 1000);
  return less(await meter(scenario), before);
}

function sampleOf(down: readonly Meter[], up: readonly Meter[]): Sample {
  const all = sum([...down, ...up]);
  const gigabytes = all.bytes / 1e9;
  return { down: rate(sum(down)), up: rate(sum(up)), all: all.all / gigabytes, tunnels: all.tunnels / gigabytes };
}
