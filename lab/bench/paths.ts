import type { Scenario } from "../flows";
import { type Side, SideBySide } from "./bare";
import type { Bench, Benchmark } from "./benchmark";
import { figuresOf, interleave, type Measures, type Sample } from "./figure";
import { processors, transfer } from "./traffic";

/** Throughput both ways, and what it takes of the processors. */
export async function measurePath(scenario: Scenario, which: "direct" | "vpn", seconds: number): Promise<Sample> {
  const { lab } = scenario;
  const { host } = lab.clients[which];
  const before = await processors(scenario);
  const down = await transfer(lab, host, seconds, true);
  const up = await transfer(lab, host, seconds, false);
  const after = await processors(scenario);
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

const compared =
  (which: "direct" | "vpn", least: number) =>
  async ({ rounds, seconds, say, ...scenario }: Bench & Scenario) => {
    const sides = new SideBySide(scenario);
    const side = (name: Side) => async (round: number) => {
      say(`round ${round}: ${name}`);
      await sides.use(name);
      return measurePath(scenario, which, seconds);
    };
    try {
      const { ours, base } = await interleave(rounds, side("gateway"), side(which === "vpn" ? "bare" : "bare direct"));
      return figuresOf(pathMeasures(least), ours, base);
    } finally {
      await sides.use("gateway");
    }
  };

export const direct: Benchmark = {
  name: "direct",
  title: "Direct path",
  against: "wg-quick and a masquerade rule",
  lab: "deployed",
  run: compared("direct", 0.98),
};

export const vpn: Benchmark = {
  name: "vpn",
  title: "VPN path",
  against: "wg-quick and a bare OpenVPN client in the same namespace layout, NAT alone",
  lab: "deployed",
  run: compared("vpn", 0.97),
};
