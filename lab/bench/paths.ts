import type { Scenario } from "../flows";
import type { Bench } from "./benchmark";
import { exchanged, type Sides, type Way } from "./exchange";
import { about, type Figure, figuresOf, type Measures } from "./figure";

/** @param least what throughput shall at least be, and the bytes for a processor second; default nothing is asked for */
export const pathMeasures = (least?: number): Measures => ({
  down: { what: "to the client", unit: "Mbit/s", ...(least && { goal: { atLeast: least } }) },
  up: { what: "from the client", unit: "Mbit/s", ...(least && { goal: { atLeast: least } }) },
  tunnels: {
    ...{ what: "processor time of the machine's tunnel programs", unit: "s/GB" },
    ...(least && { goal: { atMost: 1 / least } }),
  },
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

const ways: readonly Way[] = ["direct", "vpn"];

/** Both ways, each in its turn of a round. */
export async function bothPathsFigures(
  { rounds, seconds, say, ...scenario }: Bench & Scenario,
  sides: Sides,
  least?: number,
): Promise<Figure[]> {
  const { ours, base } = await exchanged(scenario, sides, { rounds, seconds, say }, ways);
  const named = <T>(of: (way: Way) => Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(ways.flatMap((way) => Object.entries(of(way)).map(([key, value]) => [`${way} ${key}`, value])));
  const measures = named((way) => about(way, pathMeasures(least)));
  const samples = (all: typeof ours) => all.map((round) => named((way) => round[way]));
  return figuresOf(measures, samples(ours), samples(base));
}
