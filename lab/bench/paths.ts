import type { Scenario } from "../flows";
import type { Bench } from "./benchmark";
import { exchanged, type Sides, type Way } from "./exchange";
import { type Figure, figuresOf, type Measures } from "./figure";

/** @param least what throughput shall at least be, and the bytes for a processor second */
export const pathMeasures = (least: number): Measures => ({
  down: { what: "to the client", unit: "Mbit/s", goal: { atLeast: least } },
  up: { what: "from the client", unit: "Mbit/s", goal: { atLeast: least } },
  tunnels: { what: "processor time of the machine's tunnel programs", unit: "s/GB", goal: { atMost: 1 / least } },
  all: { what: "processor time of the whole lab", unit: "s/GB" },
});

/** One way beside a bare one. */
export async function pathFigures(
  { rounds, seconds, say, ...scenario }: Bench & Scenario,
  sides: Sides,
  way: Way,
  least: number,
): Promise<Figure[]> {
  const { ours, base } = await exchanged(scenario, sides, { rounds, seconds, say }, [way]);
  const samples = (all: typeof ours) => all.map((one) => one[way]);
  return figuresOf(pathMeasures(least), samples(ours), samples(base));
}
