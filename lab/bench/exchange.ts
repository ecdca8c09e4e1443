import { setTimeout as sleep } from "node:timers/promises";

import { onMachine, type Scenario, withoutRepair } from "../flows";
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

/**
 * Exchanges what differs between two set-ups under a connection that goes on, a moment apart: the rest is not merely alike, it is the same,
 * and what slows the machine slows both.
 */
export class Exchange {
  private now: Side = "ours";

  private constructor(
    private readonly scenario: Scenario,
    private readonly sides: Sides,
  ) {}

  /** What `use` returns; the machine is as it was, then. Meanwhile it does not mend itself. */
  static async between<T>(scenario: Scenario, sides: Sides, use: (exchange: Exchange) => Promise<T>): Promise<T> {
    return withoutRepair(scenario, async () => {
      await onMachine(scenario, "systemctl stop wg-gateway-watch");
      const exchange = new Exchange(scenario, sides);
      try {
        return await use(exchange);
      } finally {
        await exchange.turnTo("ours");
        await onMachine(scenario, "systemctl start wg-gateway-watch");
      }
    });
  }

  private async turnTo(side: Side): Promise<void> {
    if (this.now !== side) await onMachine(this.scenario, this.sides[side]);
    this.now = side;
  }

  /** Throughput both ways, and what it takes of the processors, of each side. */
  async measure(round: number, which: "direct" | "vpn", seconds: number): Promise<Record<Side, Sample>> {
    // What comes first and what comes second differ by themselves: each side is as often the one as the other.
    const order: readonly Side[] = round % 2 === 1 ? ["base", "ours"] : ["ours", "base"];
    const down = await this.carried(order, which, seconds, true);
    const up = await this.carried(order, which, seconds, false);
    return { ours: sampleOf(down.ours, up.ours), base: sampleOf(down.base, up.base) };
  }

  private async carried(
    order: readonly Side[],
    which: "direct" | "vpn",
    seconds: number,
    down: boolean,
  ): Promise<Record<Side, readonly [Meter, Meter]>> {
    const { lab } = this.scenario;
    await this.turnTo(order[0]!);
    let running = true;
    const time = 2 * seconds + this.sides.turn + 3;
    const carrying = transfer(lab, lab.clients[which].host, time, down).finally(() => (running = false));
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
