import { z } from "zod";
import { LOCAL_RESOLVER_PORT } from "../plan/ids";
import type { Report } from "./fault";
import { field, map, text } from "./fields";
import type { Shape } from "./schema";
import { meant } from "./shape";

const scrapers = "a list of names of clients";

/** For Prometheus, on the WireGuard side alone. */
export const metrics = z.strictObject(
  {
    /** TCP port on the gateway's WireGuard address. Default 9586. */
    port: field(
      z
        .int()
        .min(1024)
        .max(65535)
        .refine((value) => value !== LOCAL_RESOLVER_PORT),
      `a whole number 1024..65535, other than ${LOCAL_RESOLVER_PORT}, which is the resolver's`,
      "leave it out for 9586",
    ).default(9586),
    /** Names of the clients that may fetch them. Default none: only the machine itself. */
    from: z.array(text("the name of a client"), scrapers).default([]),
  },
  map,
);

/** Who may fetch them are clients. */
export function checkMetrics({ from }: z.output<typeof metrics>, clients: Shape["clients"], report: Report): void {
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
