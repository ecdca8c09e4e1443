import type { Scenario } from "../flows";
import { sideBySide } from "./bare";
import type { Benchmark } from "./benchmark";
import { figuresOf, type Sample } from "./figure";
import { quantiles, roundTrips, transfer } from "./traffic";

/** Echo requests a second. */
const PACE = 100;

async function measure({ lab }: Scenario, seconds: number): Promise<Sample> {
  const { direct, vpn } = lab.clients;
  const echoes = () => roundTrips(direct.host, seconds * PACE, PACE);
  const idle = quantiles(await echoes());
  // The transfer begins before the first echo and ends after the last.
  const [busy, { bytes, seconds: took }] = await Promise.all([echoes(), transfer(lab, vpn.host, seconds + 1, true)]);
  const { median, p99 } = quantiles(busy);
  return { idleMedian: idle.median, idle: idle.p99, median, p99, load: (bytes * 8) / took / 1e6 };
}

/** What the direct path suffers from the other one's load. */
export const latency: Benchmark = {
  name: "latency",
  title: "Latency of the direct path",
  against: "wg-quick and a bare OpenVPN client",
  lab: "deployed",
  async run({ rounds, seconds, say, ...scenario }) {
    const { ours, base } = await sideBySide(scenario, { rounds, say }, () => measure(scenario, seconds));
    const measures = {
      idleMedian: { what: "idle, median", unit: "ms" },
      idle: { what: "idle, 99 of 100", unit: "ms" },
      median: { what: "VPN path saturated, median", unit: "ms" },
      p99: { what: "VPN path saturated, 99 of 100", unit: "ms", goal: { atMost: 1 } },
      load: { what: "through the VPN path meanwhile", unit: "Mbit/s" },
    };
    return figuresOf(measures, ours, base);
  },
};
