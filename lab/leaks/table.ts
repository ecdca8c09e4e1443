import Table from "cli-table3";

import { wrongIn, type Outcome } from "./fault";
import { kindsOf, tally } from "./outside";
import { names } from "./scene";

/** Outcomes for people. */
export function table(outcomes: readonly Outcome[]): string {
  const shown = new Table({
    head: ["fault", "sent", "leaked", ...names.map((name) => `${name}: lost, silent`), "back by", "in", "ok"],
    style: { head: [], border: [], compact: true },
  });
  for (const outcome of outcomes) {
    const { fault, sent, leaked, lost, out, recovered } = outcome;
    shown.push([
      fault.title,
      Object.values(sent).reduce((sum, count) => sum + count),
      tally(kindsOf(leaked)),
      ...names.map((name) => `${lost[name].length}, ${out[name].toFixed(1)} s`),
      fault.back,
      typeof recovered === "string" ? "NOT" : `${recovered.toFixed(1)} s`,
      wrongIn(outcome).length === 0 ? "ok" : "NO",
    ]);
  }
  return shown.toString();
}
