import { bare, bareProfile } from "./bare";
import type { Benchmark } from "./benchmark";
import { exchangedAnew } from "./exchange";
import { figuresOf } from "./figure";
import { pathFigures, pathMeasures } from "./paths";

const LEAST = 0.97;

/** What the rules cost. */
export const vpn: Benchmark = {
  name: "vpn",
  title: "VPN path",
  against: "the same WireGuard and the same OpenVPN client in the same namespace, with three ip rules and NAT alone",
  lab: "deployed",
  run: (bench) => pathFigures(bench, bare, "vpn", LEAST),
};

/** What rules and the client's configuration come to. */
export const profile: Benchmark = {
  name: "profile",
  title: "VPN path, beside the provider's profile as it comes",
  against:
    "the same, with an OpenVPN client that has neither `fast-io` nor `rcvbuf`, nor another `mssfix` than OpenVPN's own",
  lab: "deployed",
  async run({ rounds, seconds, say, ...scenario }) {
    const { ours, base } = await exchangedAnew(scenario, bareProfile, { rounds, seconds, say }, "vpn");
    return figuresOf(pathMeasures(LEAST), ours, base);
  },
};
