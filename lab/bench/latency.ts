import { bare } from "./bare";
import type { Benchmark } from "./benchmark";
import { eachSide, exchanging, whileCarrying } from "./exchange";
import { figuresOf } from "./figure";
import { meter, quantiles, rate, roundTrips } from "./traffic";

/** Echo requests a second. */
const PACE = 200;

/** What the direct path suffers from the other one's load. */
export const latency: Benchmark = {
  name: "latency",
  title: "Latency of the direct path",
  against: "the same WireGuard and the same OpenVPN client, with two ip rules and NAT alone",
  lab: "deployed",
  async run({ rounds, seconds, say, ...scenario }) {
    const { host } = scenario.lab.clients.direct;
    const echoes = async () => quantiles(await roundTrips(host, seconds * PACE, PACE));
    const { ours, base } = await exchanging(scenario, bare, { rounds, say }, async (turnTo, order) => {
      const idle = await eachSide(turnTo, order, echoes);
      // An echo that is lost is waited for.
      const longest = order.length * (seconds + bare.turn + 3);
      const busy = await whileCarrying(scenario, turnTo, "vpn", true, longest, () =>
        eachSide(turnTo, order, async () => {
          const before = await meter(scenario);
          const { median, p99 } = await echoes();
          return { median, p99, load: rate(before, await meter(scenario)) };
        }),
      );
      const sample = (side: (typeof order)[number]) => ({
        ...{ idleMedian: idle[side].median, idle: idle[side].p99 },
        ...busy[side],
      });
      return { ours: sample("ours"), base: sample("base") };
    });
    const measures = {
      idleMedian: { what: "idle, median", unit: "ms" },
      idle: { what: "idle, 99 of 100", unit: "ms" },
      median: { what: "VPN path saturated, median", unit: "ms" },
      p99: { what: "VPN path saturated, 99 of 100", unit: "ms", goal: { atMost: 1 } },
      load: { what: "through the machine meanwhile", unit: "Mbit/s" },
    };
    return figuresOf(measures, ours, base);
  },
};
