import type { Plan } from "../plan/plan";
import { portInterval } from "../settings/fields";
import { chain } from "./nft";
import { decidePort } from "./nftDecide";

/**
 * A chain that gives its verdict to what is for a published service, and lets all else go on.
 * @param others rules of the chain besides
 */
export function publishedChain(
  { published }: Plan,
  name: string,
  verdict: string,
  others: readonly string[] = [],
): string {
  const decided = (["tcp", "udp"] as const).map((protocol) => {
    const ports = published.services.flatMap((one) => (one.protocol === protocol ? one.ports.map(portInterval) : []));
    const ranges = ports.map((range) => ({ ...range, verdict }));
    return decidePort(`${name}_${protocol}`, `${protocol} dport`, ranges);
  });
  return [chain(name, [...decided.flatMap(({ rules }) => rules), ...others]), ...decided.map((one) => one.chains)].join(
    "",
  );
}
