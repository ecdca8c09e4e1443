import type { Report } from "./fault";
import type { Shape } from "./schema";
import { meant } from "./shape";

/** Who may fetch them are clients. */
export function checkMetrics({ from }: NonNullable<Shape["metrics"]>, clients: Shape["clients"], report: Report): void {
  const known = clients.map(({ name }) => name);
  from.forEach((name, index) => {
    const near = meant(name, known);
    if (!known.includes(name))
      report(
        `metrics.from[${index}]`,
        name,
        `the name of a client: ${known.join(", ") || "there are none"}`,
        near === undefined ? "add the client, or take it out here" : `did you mean "${near}"?`,
      );
    else if (from.indexOf(name) !== index)
      report(`metrics.from[${index}]`, name, "each client once", "take one of the two out");
  });
}
