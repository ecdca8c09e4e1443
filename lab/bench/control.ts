import { same } from "./bare";
import type { Benchmark } from "./benchmark";
import { bothPathsFigures } from "./paths";

/** How far from 1 the paths' ratios come out where there is no difference. */
export const control: Benchmark = {
  name: "control",
  title: "Both paths beside themselves",
  against: "the same rules, loaded anew at each turn as they are on the other side",
  lab: "deployed",
  run: (bench) => bothPathsFigures(bench, same),
};
