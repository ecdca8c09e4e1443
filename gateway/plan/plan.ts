import { contains, intervalOf, addressNumber, addressText, overlap, type Interval } from "../settings/address";
import type { ProviderProfile } from "../settings/profile";
import type { Settings } from "../settings/schema";
import { PEER_RULE_PRIORITY, slotIds, type SlotIds } from "./ids";

/** A client as the machine knows it. */
export interface ClientPlan {
  readonly name: string;
  readonly address: string;
  /** Name of its exit: that of the first rule that holds its address, else "direct". */
  readonly exit: string;
  /** Set when the client keeps its private key to itself. */
  readonly publicKey: string | undefined;
}

/** An OpenVPN provider: one namespace, one veth pair, one table, two marks, one resolver. */
export interface ExitPlan extends SlotIds {
  readonly name: string;
  /** The addresses whose traffic leaves here; disjoint, ascending. */
  readonly sources: readonly Interval[];
  readonly provider: ProviderProfile;
  /** Where OpenVPN writes. */
  readonly log: string;
}

/** One line of the routing policy database (`man 8 ip-rule`). */
export interface IpRule {
  readonly priority: number;
  readonly from?: string;
  readonly to?: string;
  readonly mark?: number;
  /** Number of a routing table, or "main". */
  readonly table: number | "main";
}

/** Everything the machine shall be, as data; nothing here is text of any file format. */
export interface Plan {
  readonly wireguard: {
    readonly subnet: string;
    /** The gateway's own address, first of the subnet, and the length of its prefix. */
    readonly address: string;
    readonly prefixLength: number;
    readonly port: number;
    readonly mtu: number;
    /** What TCP's maximum segment size is clamped to, bytes: MTU less 40 of IPv4 and TCP headers. */
    readonly mss: number;
  };
  readonly clients: readonly ClientPlan[];
  readonly exits: readonly ExitPlan[];
  /** The addresses that go straight to the internet; disjoint, ascending. With the exits' sources they make up the subnet. */
  readonly directSources: readonly Interval[];
  readonly localNetworks: readonly string[];
  readonly ipRules: readonly IpRule[];
  readonly dns: { readonly upstreams: readonly string[]; readonly records: Readonly<Record<string, string>> };
}

/**
 * Which addresses of the subnet leave by which exit: first match wins, nothing matched means "direct".
 * @returns disjoint intervals in ascending order that cover the whole subnet
 */
export function assignSources(subnet: string, rules: Settings["rules"]): (Interval & { exit: string })[] {
  let open: Interval[] = [intervalOf(subnet)];
  const assigned: (Interval & { exit: string })[] = [];
  for (const rule of [...rules, { exit: "direct" }]) {
    const wanted = intervalOf(rule.from ?? subnet);
    open = open.flatMap((piece) => {
      if (!overlap(piece, wanted)) return [piece];
      const first = Math.max(piece.first, wanted.first);
      const last = Math.min(piece.last, wanted.last);
      assigned.push({ first, last, exit: rule.exit });
      return [
        { first: piece.first, last: first - 1 },
        { first: last + 1, last: piece.last },
      ].filter((rest) => rest.first <= rest.last);
    });
  }
  return assigned
    .sort((a, b) => a.first - b.first)
    .reduce<(Interval & { exit: string })[]>((joined, next) => {
      const before = joined.at(-1);
      if (before?.exit === next.exit && before.last + 1 === next.first)
        joined[joined.length - 1] = { ...before, last: next.last };
      else joined.push(next);
      return joined;
    }, []);
}

/** Decides everything; renders nothing. Pure. */
export function planGateway(settings: Settings): Plan {
  const { wireguard, dns, localNetworks } = settings;
  const subnet = intervalOf(wireguard.subnet);
  const assigned = assignSources(wireguard.subnet, settings.rules);
  const sourcesOf = (exit: string) =>
    assigned.filter((piece) => piece.exit === exit).map(({ first, last }) => ({ first, last }));

  const exits = settings.exits.map((exit): ExitPlan => ({
    ...slotIds(exit.slot, exit.name),
    name: exit.name,
    sources: sourcesOf(exit.name),
    provider: exit.provider,
    log: exit.slot === 1 ? "/var/log/openvpn-ns.log" : `/var/log/openvpn-ns-${exit.name}.log`,
  }));

  const ipRules: IpRule[] = [
    { priority: PEER_RULE_PRIORITY, from: wireguard.subnet, to: wireguard.subnet, table: "main" },
    ...[wireguard.subnet, ...localNetworks].map((to, index): IpRule => ({
      priority: PEER_RULE_PRIORITY + 1 + index,
      to,
      table: "main",
    })),
    ...exits.flatMap((exit): IpRule[] => [
      { priority: exit.clientPriority, mark: exit.clientMark, table: exit.table },
      { priority: exit.resolverPriority, mark: exit.resolverMark, table: exit.table },
    ]),
  ];

  return {
    wireguard: {
      subnet: wireguard.subnet,
      address: addressText(subnet.first + 1),
      prefixLength: Number(wireguard.subnet.split("/")[1]),
      port: wireguard.port,
      mtu: wireguard.mtu,
      mss: wireguard.mtu - 40,
    },
    clients: settings.clients.map((client) => {
      const at = addressNumber(client.address);
      const exit = assigned.find((piece) => contains(piece, { first: at, last: at }))?.exit ?? "direct";
      return { name: client.name, address: client.address, exit, publicKey: client.publicKey };
    }),
    exits,
    directSources: sourcesOf("direct"),
    localNetworks,
    ipRules,
    dns,
  };
}
