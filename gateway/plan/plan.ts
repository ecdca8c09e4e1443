import {
  addressNumber,
  addressText,
  contains,
  intervalOf,
  joinNeighbours,
  networksOf,
  type Interval,
} from "../settings/address";
import type { Service } from "../settings/fields";
import type { ClientSettings, ProviderProfile, Settings } from "../settings/schema";
import { assignSources, type Choice, type Source } from "./choices";
import {
  BLOCK_MARK,
  BLOCK_RULE_PRIORITY,
  FALLBACK_RULE_PRIORITY,
  FALLBACK_TABLE,
  PEER_RULE_PRIORITY,
  slotIds,
  WG_INTERFACE,
  type SlotIds,
} from "./ids";

/** A client as the machine knows it. */
export interface ClientPlan {
  readonly name: string;
  readonly address: string;
  /** The ways its packets may take, in order; see {@link Choice}. */
  readonly choices: readonly Choice[];
  /** Set when the client keeps its private key to itself. */
  readonly publicKey: string | undefined;
  /** What its profile takes into the tunnel. */
  readonly tunnel: ClientSettings["tunnel"];
  /** Another one means other keys. */
  readonly keyVersion: number;
}

/** A provider: one namespace, one veth pair, one table, two marks, one resolver. */
export interface ExitPlan extends SlotIds {
  readonly name: string;
  /** The addresses whose traffic may leave here; disjoint, ascending. */
  readonly sources: readonly Interval[];
  readonly provider: ProviderProfile;
  /** Where the tunnel's program writes. */
  readonly log: string;
}

/** Exits of which the first that is well carries the traffic. */
export interface GroupPlan {
  readonly name: string;
  /** Names of exits, the preferred one first. */
  readonly members: readonly string[];
  /** Seconds that an earlier member must have been well before the group goes back to it. */
  readonly backAfter: number;
}

/** One line of the routing policy database (`man 8 ip-rule`). */
export interface IpRule {
  readonly priority: number;
  readonly from?: string;
  readonly to?: string;
  readonly mark?: number;
  /** The interface by which the packet came in. */
  readonly iif?: string;
  /** UDP destination port. */
  readonly port?: number;
  /** Number of a routing table, or "main". */
  readonly table: number | "main";
}

/** What reaches the machine itself from outside. */
export interface InputPlan {
  /** Whether all that is not named is dropped. */
  readonly shut: boolean;
  /** Where sshd may listen. */
  readonly sshPorts: readonly number[];
  /** Networks that reach SSH; undefined: everybody. */
  readonly sshFrom: readonly string[] | undefined;
  readonly sshFromClients: boolean;
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
    /** Whether clients are kept from each other. */
    readonly isolation: boolean;
  };
  readonly input: InputPlan;
  readonly clients: readonly ClientPlan[];
  readonly exits: readonly ExitPlan[];
  readonly groups: readonly GroupPlan[];
  /** Every address of the clients' network and the ways its packets may take; disjoint, ascending. */
  readonly sources: readonly Source[];
  readonly localNetworks: readonly string[];
  readonly ipRules: readonly IpRule[];
  /** What the machine serves to clients through the tunnel, also by its public addresses. */
  readonly published: {
    readonly services: readonly Service[];
    /** Undefined until the machine's address is known; see {@link atAddress}. */
    readonly addresses: readonly string[] | undefined;
  };
  /** Undefined: none are collected, nothing listens. */
  readonly metrics:
    | {
        /** TCP, on the gateway's own address. */
        readonly port: number;
        /** Addresses of the clients that may fetch them. */
        readonly from: readonly string[];
      }
    | undefined;
  readonly dns: {
    readonly upstreams: readonly string[];
    readonly records: Readonly<Record<string, string>>;
    /** Names whose answers may be private addresses; "." for every name. */
    readonly privateDomains: readonly string[];
  };
}

/**
 * On EC2 the security group holds SSH to `sshFrom`, and the machine leaves that to it: there a change takes effect before the machine is
 * reached, while here the operator's new address would have to be let in by a login from the old one.
 */
function planInput(host: Settings["host"]): InputPlan {
  const existing = host.kind === "existing" ? host : undefined;
  return {
    shut: host.firewall,
    // A port that is forwarded to the machine may be another one there.
    sshPorts: [...new Set([22, existing?.port ?? 22])],
    sshFrom: existing?.sshFrom,
    sshFromClients: host.sshFromClients,
  };
}

/**
 * For those who may never go direct: where their mark or its rule was lost, with our nft table for instance, the main table would take
 * them out by the uplink. This one leads back into wg0, where no peer has the addresses of the internet.
 */
const fallbackRules = (sources: readonly Source[]): IpRule[] =>
  joinNeighbours(sources.filter(({ choices }) => choices.every(({ exit }) => exit !== "direct")))
    .flatMap(networksOf)
    .map((from) => ({ priority: FALLBACK_RULE_PRIORITY, from, iif: WG_INTERFACE, table: FALLBACK_TABLE }));

/** Decides everything; renders nothing. Pure. */
export function planGateway(settings: Settings): Plan {
  const { wireguard, dns, localNetworks } = settings;
  const subnet = intervalOf(wireguard.subnet);
  const sources = assignSources(wireguard.subnet, settings.rules);
  const leadsTo = (choice: string, exit: string) =>
    choice === exit || settings.groups.some(({ name, members }) => name === choice && members.includes(exit));
  const sourcesOf = (exit: string) =>
    sources
      .filter(({ choices }) => choices.some((choice) => leadsTo(choice.exit, exit)))
      .map(({ first, last }) => ({ first, last }));

  const exits = settings.exits.map((exit): ExitPlan => ({
    ...slotIds(exit.slot, exit.name),
    name: exit.name,
    sources: sourcesOf(exit.name),
    provider: exit.provider,
    log: exit.slot === 1 ? "/var/log/openvpn-ns.log" : `/var/log/openvpn-ns-${exit.name}.log`,
  }));

  const mayBlock = sources.some(({ choices }) =>
    choices.some(({ exit }) => exit === "block" || settings.groups.some(({ name }) => name === exit)),
  );
  const ipRules: IpRule[] = [
    ...(mayBlock ? [{ priority: BLOCK_RULE_PRIORITY, mark: BLOCK_MARK, table: "main" } as const] : []),
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
    ...fallbackRules(sources),
    // What an exit's resolver says goes by the exit, whatever mark was lost; its errors (ICMP), which quote questions, never had one.
    // Where the exit's table is lost, too, it goes nowhere.
    ...exits.flatMap(({ hostAddress, table }): IpRule[] => [
      { priority: FALLBACK_RULE_PRIORITY + 1, from: hostAddress, table },
      { priority: FALLBACK_RULE_PRIORITY + 2, from: hostAddress, table: FALLBACK_TABLE },
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
      isolation: wireguard.isolation,
    },
    input: planInput(settings.host),
    clients: settings.clients.map((client) => {
      const at = addressNumber(client.address);
      const choices = sources.find((piece) => contains(piece, { first: at, last: at }))?.choices ?? [];
      const { name, address, publicKey, tunnel, keyVersion } = client;
      return { name, address, choices, publicKey, tunnel, keyVersion };
    }),
    exits,
    groups: settings.groups,
    sources,
    localNetworks,
    ipRules,
    published: { services: settings.published.services, addresses: settings.published.addresses },
    metrics: settings.metrics && {
      port: settings.metrics.port,
      from: settings.clients.flatMap(({ name, address }) => (settings.metrics?.from.includes(name) ? [address] : [])),
    },
    dns,
  };
}

/**
 * The plan once its machine is known.
 * @param address the machine's public address; or a name, where checked settings need no address
 */
export const atAddress = (plan: Plan, address: string): Plan => ({
  ...plan,
  published: { ...plan.published, addresses: plan.published.addresses ?? [address] },
});

/**
 * The machine's public addresses.
 * @throws Error before they are known
 */
export function publicAddressesOf({ published }: Plan): readonly string[] {
  if (published.addresses === undefined) throw new Error("the machine's public address is not known yet");
  return published.addresses;
}
