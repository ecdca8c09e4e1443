import { meant } from "./advice";
import type { Report } from "./fault";
import { elements, isUnknown, type Names, type Parts, sound } from "./parts";
import type { Shape } from "./schema";

type Metrics = NonNullable<Shape["metrics"]>;

/**
 * Who may fetch them are clients.
 * @param clients all names of clients, as they were given
 */
export function checkMetrics(from: Parts<Metrics["from"]> | undefined, clients: Names, report: Report): void {
  const known = clients.names;
  for (const { index, value: name } of sound(from)) {
    const near = meant(name, known);
    if (isUnknown(clients, name))
      report(
        `metrics.from[${index}]`,
        name,
        `the name of a client: ${known.join(", ") || "there are none"}`,
        near === undefined ? "add the client, or take it out here" : `did you mean "${near}"?`,
      );
    else if (elements(from).indexOf(name) !== index)
      report(`metrics.from[${index}]`, name, "each client once", "take one of the two out");
  }
}
