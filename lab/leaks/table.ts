import Table from "cli-table3";

import { type Outcome, wrongIn } from "./fault";
import { kindsOf, tally } from "./outside";
import { names } from "./scene";

const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** Outcomes for people. */
export function table(outcomes: readonly Outcome[]): string {
  const shown = new Table({
    head: [
      "fault",
      "sent",
      "leaked",
      ...names.map((name) => `${name}: lost, silent, TCP`),
      "back by",
      "mended in",
      "answered in",
      "ok",
    ],
    style: { head: [], border: [], compact: true },
  });
  for (const outcome of outcomes) {
    const { fault, sent, leaked, lost, out, ends, mending, recovered } = outcome;
    shown.push([
      fault.title,
      Object.values(sent).reduce((sum, count) => sum + count),
      tally(kindsOf(leaked)),
      ...names.map((name) => `${lost[name].length}, ${seconds(out[name])}, ${ends[name][0] ?? "kept"}`),
      fault.back,
      mending === undefined ? "" : seconds(mending),
      typeof recovered === "string" ? "NOT" : seconds(recovered),
      wrongIn(outcome).length === 0 ? "ok" : "NO",
    ]);
  }
  return shown.toString();
}
