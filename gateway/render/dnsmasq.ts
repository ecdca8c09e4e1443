import { DIRECT_RESOLVER_PORT } from "../plan/ids";
import type { Plan } from "../plan/plan";

/**
 * Configuration of one resolver (`man 8 dnsmasq`). Each exit has a process and a cache of its own: a name may have other answers
 * where its provider is.
 * @param listen the addresses it answers on
 * @param askFrom the source address of its queries; the rules lead that of an exit's resolver into the exit. Undefined: the host's
 */
export function renderResolver(plan: Plan, listen: readonly string[], askFrom?: string): string {
  return resolver(
    plan,
    53,
    listen,
    plan.dns.upstreams.map((upstream) => `server=${upstream}${askFrom === undefined ? "" : `@${askFrom}`}`),
  );
}

/** The direct clients' resolver, which the rules lead their questions to. */
export const renderDirectResolver = (plan: Plan): string =>
  resolver(
    plan,
    DIRECT_RESOLVER_PORT,
    [plan.wireguard.address],
    plan.dns.upstreams.map((upstream) => `server=${upstream}`),
  );

/** The resolver of those whom no rule leads to another, the blocked: it has nobody to ask, and refuses what is not local. */
export const renderLocalResolver = (plan: Plan): string => resolver(plan, 53, [plan.wireguard.address], []);

/**
 * Answers of upstreams with private addresses are kept from clients, or a page of the internet could speak to a device beside them under
 * its own name (DNS rebinding). What `stop-dns-rebind` does not count, the addresses that carriers share (RFC 6598), is made NXDOMAIN, for
 * every name; bare and written as IPv6.
 */
const rebinding = (allowed: readonly string[]): string[] =>
  allowed.includes(".")
    ? []
    : [
        "stop-dns-rebind",
        "bogus-nxdomain=100.64.0.0/10",
        "bogus-nxdomain=::ffff:100.64.0.0/106",
        ...allowed.map((name) => `rebind-domain-ok=/${name}/`),
      ];

function resolver(plan: Plan, port: number, listen: readonly string[], servers: readonly string[]): string {
  const records = Object.entries(plan.dns.records);
  return [
    `port=${port}`,
    "no-resolv",
    "no-hosts",
    // Bound to the addresses alone: with bind-dynamic a TCP question is refused when it came in by another interface than the
    // address's own, as one does that the rules lead from wg0 to an exit's resolver.
    "bind-interfaces",
    ...listen.map((address) => `listen-address=${address}`),
    ...servers,
    ...records.map(([name, address]) => `host-record=${name},${address}`),
    // Not even a question for another type of a local name leaves.
    ...records.map(([name]) => `local=/${name}/`),
    "domain-needed",
    "bogus-priv",
    ...rebinding(plan.dns.privateDomains),
    // 150 each by default, too few for a house full of clients.
    "cache-size=10000",
    "dns-forward-max=1000",
    "",
  ].join("\n");
}
