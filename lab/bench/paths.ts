import type { Scenario } from "../flows";
import { type Side, SideBySide } from "./bare";
import type { Benchmark } from "./benchmark";
import { figuresOf, interleave, type Measures, type Sample } from "./figure";
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

/** @param least what throughput shall at least be, and the bytes for a processor second */
export const pathMeasures = (least: number): Measures => ({
  down: { what: "to the client", unit: "Mbit/s", goal: { atLeast: least } },
  up: { what: "from the client", unit: "Mbit/s", goal: { atLeast: least } },
  tunnels: { what: "processor time of the machine's tunnel programs", unit: "s/GB", goal: { atMost: 1 / least } },
  all: { what: "processor time of the whole lab", unit: "s/GB" },
});

export const vpn: Benchmark = {
  name: "vpn",
  title: "VPN path",
  against: "wg-quick and a bare OpenVPN client in the same namespace layout, NAT alone",
  lab: "deployed",
  async run({ rounds, seconds, say, ...scenario }) {
    const sides = new SideBySide(scenario);
    const side = (name: Side) => async (round: number) => {
      say(`round ${round}: ${name}`);
      await sides.use(name);
      return measure(scenario, seconds);
    };
    try {
      const { ours, base } = await interleave(rounds, side("gateway"), side("bare"));
      return figuresOf(pathMeasures(0.97), ours, base);
    } finally {
      await sides.use("gateway");
    }
  },
};
