import { contains, intervalOf } from "./address";
import type { Report } from "./fault";
import { elements, type Parts, sound } from "./parts";
import type { Shape } from "./schema";

const recordName = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Internal names; an address beside a name that is none is checked all the same. */
export function checkRecordNames(records: Parts<Shape["dns"]["records"]> | undefined, report: Report): void {
  if (typeof records !== "object") return;
  for (const name of Object.keys(records))
    if (!recordName.test(name)) {
      const lower = name.toLowerCase();
      report(
        `dns.records.${name}`,
        name,
        "a DNS name in lower case with at least one dot, each label 1..63 of a-z, 0-9, - and _",
        recordName.test(lower) ? `write it in lower case: ${lower}` : "write the full name",
      );
    }
}

/** An exit's resolver asks through its exit; what is local goes past it, and would find no way back. */
export function checkUpstreams(
  upstreams: Parts<Shape["dns"]["upstreams"]> | undefined,
  networks: Parts<Shape["localNetworks"]>,
  exits: Parts<Shape["exits"]>,
  report: Report,
): void {
  if (elements(exits).length === 0) return;
  for (const { index, value: upstream } of sound(upstreams)) {
    const network = sound(networks).find(({ value }) => contains(intervalOf(value), intervalOf(upstream)));
    if (network)
      report(
        `dns.upstreams[${index}]`,
        upstream,
        `resolvers outside of the local networks, for exits ask them through their tunnels; this one is in ${network.value}`,
        "name public resolvers, or take the network out of localNetworks",
      );
  }
}
