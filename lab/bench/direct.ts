import { bareDirect } from "./bare";
import type { Benchmark } from "./benchmark";
import { pathFigures } from "./paths";

export const direct: Benchmark = {
  name: "direct",
  title: "Direct path",
  against: "wg-quick and a masquerade rule",
  lab: "deployed",
  run: (bench) => pathFigures(bench, bareDirect, "direct", 0.98),
};
