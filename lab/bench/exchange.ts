import { setTimeout as sleep } from "node:timers/promises";

import { onMachine, type Scenario, withoutRepair } from "../flows";
import type { Bench } from "./benchmark";
import type { Sample } from "./figure";
import { type Meter, meter, transfer } from "./traffic";

/** Two set-ups of a machine, as shell texts that turn it from the other one to this one; it begins as `ours`. */
export interface Sides {
  readonly ours: string;
  readonly base: string;
  /** Seconds that a turn takes at most. */
  readonly turn: number;
}
type Side = "ours" | "base";

type Way = "direct" | "vpn";

/**
 * Exchanges what differs between two set-ups under a connection that goes on, a moment apart: the rest is not merely alike, it is the same,
 * and what slows the machine slows both. Meanwhile the machine does not mend itself; afterwards it is as it was.
 * @returns of each side and round, for each of the ways: throughput in both directions, and what that takes of the processors
 */
export async function exchanged<W extends Way>(
  scenario: Scenario,
  sides: Sides,
  { rounds, seconds, say }: Bench,
  ways: readonly W[],
): Promise<Record<Side, Record<W, Sample>[]>> {
  return withoutRepair(scenario, async () => {
    await onMachine(scenario, "systemctl stop wg-gateway-watch");
    const exchange = new Exchange(scenario, sides, seconds);
    const found: Record<Side, Record<W, Sample>[]> = { ours: [], base: [] };
    try {
      for (let round = 1; round <= rounds; round++) {
        say(`round ${round}`);
        const ours = {} as Record<W, Sample>;
        const base = {} as Record<W, Sample>;
        for (const way of ways) ({ ours: ours[way], base: base[way] } = await exchange.measure(round, way));
        found.ours.push(ours);
        found.base.push(base);
      }
    } finally {
      await exchange.turnTo("ours");
      await onMachine(scenario, "systemctl start wg-gateway-watch");
    }
    return found;
  });
}

class Exchange {
  private now: Side = "ours";

  constructor(
    private readonly scenario: Scenario,
    private readonly sides: Sides,
    private readonly seconds: number,
  ) {}

  async turnTo(side: Side): Promise<void> {
    if (this.now !== side) await onMachine(this.scenario, this.sides[side]);
    this.now = side;
  }

  async measure(round: number, way: Way): Promise<Record<Side, Sample>> {
    // What comes first and what comes second differ by themselves: each side is as often the one as the other.
    const order: readonly Side[] = round % 2 === 1 ? ["base", "ours"] : ["ours", "base"];
    const down = await this.carried(order, way, true);
    const up = await this.carried(order, way, false);
    return { ours: sampleOf(down.ours, up.ours), base: sampleOf(down.base, up.base) };
  }

  /** Of each side, two moments of a connection's. @param down whether the client receives */
  private async carried(
    order: readonly Side[],
    way: Way,
    down: boolean,
  ): Promise<Record<Side, readonly [Meter, Meter]>> {
    const { lab } = this.scenario;
    const { seconds } = this;
    await this.turnTo(order[0]!);
    let running = true;
    const time = 2 * seconds + this.sides.turn + 3;
    const carrying = transfer(lab, lab.clients[way].host, time, down).finally(() => (running = false));
    const found = {} as Record<Side, readonly [Meter, Meter]>;
    try {
      // It has begun: what it carried until then is left out.
      await sleep(1500);
      for (const side of order) {
        await this.turnTo(side);
        const before = await meter(this.scenario);
        await sleep(seconds * 1000);
        found[side] = [before, await meter(this.scenario)];
      }
      if (!running) throw new Error("the transfer ended before it was measured");
    } finally {
      await carrying;
    }
    return found;
  }
}

function sampleOf(down: readonly [Meter, Meter], up: readonly [Meter, Meter]): Sample {
  const between = ([before, after]: readonly [Meter, Meter], what: keyof Meter) => after[what] - before[what];
  const rate = (way: readonly [Meter, Meter]) => (between(way, "bytes") * 8) / between(way, "at") / 1e6;
  const gigabytes = (between(down, "bytes") + between(up, "bytes")) / 1e9;
  const used = (what: "all" | "tunnels") => (between(down, what) + between(up, what)) / gigabytes;
  return { down: rate(down), up: rate(up), all: used("all"), tunnels: used("tunnels") };
}
