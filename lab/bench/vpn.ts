import type { Scenario } from "../flows";
import { sideBySide } from "./bare";
import type { Benchmark } from "./benchmark";
import { figuresOf, type Sample } from "./figure";
import { pathMeasures } from "./paths";
import { meter, transfer } from "./traffic";

/** Throughput both ways of the VPN client, and what it takes of the processors. */
async function measure(scenario: Scenario, seconds: number): Promise<Sample> {
  const { lab } = scenario;
  const { host } = lab.clients.vpn;
  const before = await meter(scenario);
  const down = await transfer(lab, host, seconds, true);
  const up = await transfer(lab, host, seconds, false);
  const after = await meter(scenario);
  const gigabytes = (down.bytes + up.bytes) / 1e9;
  const rate = ({ bytes, seconds: took }: { bytes: number; seconds: number }) => (bytes * 8) / took / 1e6;
  return {
    down: rate(down),
    up: rate(up),
    all: (after.all - before.all) / gigabytes,
    tunnels: (after.tunnels - before.tunnels) / gigabytes,
  };
}

export const vpn: Benchmark = {
  name: "vpn",
  title: "VPN path",
  against: "wg-quick and a bare OpenVPN client in the same namespace layout, NAT alone",
  lab: "deployed",
  async run({ rounds, seconds, say, ...scenario }) {
    const { ours, base } = await sideBySide(scenario, { rounds, say }, () => measure(scenario, seconds));
    return figuresOf(pathMeasures(0.97), ours, base);
  },
};
