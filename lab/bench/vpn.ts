import { bare } from "./bare";
import type { Benchmark } from "./benchmark";
import { pathFigures } from "./paths";

export const vpn: Benchmark = {
  name: "vpn",
  title: "VPN path",
  against: "the same WireGuard and the same OpenVPN client in the same namespace, with two ip rules and NAT alone",
  lab: "deployed",
  run: (bench) => pathFigures(bench, bare, "vpn", 0.97),
};
