import { bare } from "./bare";
import type { Benchmark } from "./benchmark";
import { eachSide, exchanging, type Side, whileCarrying } from "./exchange";
import { figuresOf, type Sample } from "./figure";
import { less, meter, quantiles, rate, roundTrips, sum } from "./traffic";

/** Echo requests a second. */
const PACE = 200;

/** What the direct path suffers from the other one's load. */
export const latency: Benchmark = {
  name: "latency",
  title: "Latency of the direct path",
  against: "the same WireGuard and the same OpenVPN client, with three ip rules and NAT alone",
  lab: "deployed",
  async run({ rounds, seconds, say, ...scenario }) {
    const { host } = scenario.lab.clients.direct;
    const echoes = () => roundTrips(host, seconds * PACE, PACE);
    const { ours, base } = await exchanging(scenario, bare, { rounds, say }, async (turnTo, order) => {
      const idle = await eachSide(turnTo, order, echoes);
      // Begun on ours, whose rules note which exit a connection began on.
      await turnTo("ours");
      const busy = await whileCarrying(scenario, "vpn", true, () =>
        eachSide(turnTo, order, async () => {
          const before = await meter(scenario);
          const times = await echoes();
          return { times, load: less(await meter(scenario), before) };
        }),
      );
      const sample = (side: Side): Sample => {
        const [quiet, loud] = [quantiles(idle[side].flat()), quantiles(busy[side].flatMap(({ times }) => times))];
        const load = rate(sum(busy[side].map((one) => one.load)));
        return { idleMedian: quiet.median, idle: quiet.p99, median: loud.median, p99: loud.p99, load };
      };
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
