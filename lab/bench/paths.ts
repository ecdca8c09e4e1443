import type { Measures } from "./figure";

/** @param least what throughput shall at least be, and the bytes for a processor second */
export const pathMeasures = (least: number): Measures => ({
  down: { what: "to the client", unit: "Mbit/s", goal: { atLeast: least } },
  up: { what: "from the client", unit: "Mbit/s", goal: { atLeast: least } },
  tunnels: { what: "processor time of the machine's tunnel programs", unit: "s/GB", goal: { atMost: 1 / least } },
  all: { what: "processor time of the whole lab", unit: "s/GB" },
});
