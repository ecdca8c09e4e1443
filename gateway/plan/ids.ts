/**
 * Every number and name the gateway claims on a machine, in one place, each with its reason.
 * Nothing else in the program invents a mark, a routing table, a rule priority or an interface name.
 */

/** The WireGuard interface; also the name of its wg-quick unit. */
export const WG_INTERFACE = "wg0";

/**
 * Where the direct clients' resolver listens, on the gateway's own address. On port 53 there is one that asks nobody: that is what all
 * clients find when our nft table is gone, and no question leaves by the wrong way.
 */
export const DIRECT_RESOLVER_PORT = 5353;

/** Name of our nftables table (family inet), in the host and in each namespace: the only table we ever load or delete. */
export const NFT_TABLE = "wg_gateway";

/**
 * Routing protocol number (0..255, `man 8 ip-route`) that tags our ip rules and routes, so that we find and remove ours and never
 * another's. 45 is assigned neither by the kernel (rtnetlink.h) nor by iproute2's rt_protos.
 */
export const ROUTE_PROTOCOL = 45;

/**
 * The bits of a firewall mark that are ours. Every match and every set goes through this mask: other programs use other bits
 * (Kubernetes 0xc000, Tailscale 0xff0000, wg-quick the port number as a whole mark on its own sockets).
 */
export const MARK_MASK = 0xff00;

/** Priority of the rule before all others, of what is blocked ({@link BLOCK_MARK}). */
export const BLOCK_RULE_PRIORITY = 99;
/** Priority of the rule of peers to peers; local networks follow one by one. */
export const PEER_RULE_PRIORITY = 100;
/** First priority of the exits' rules: local networks must all stand before it, or a VPN client could not reach them. */
export const EXIT_RULE_PRIORITY = 200;
/** How many local networks fit between the peers' rule, the one to the subnet itself, and the exits' rules. */
export const MAX_LOCAL_NETWORKS = EXIT_RULE_PRIORITY - PEER_RULE_PRIORITY - 2;

/**
 * Priority of what catches a client's packet that no exit's rule took, and two more for an exit's resolver's: behind all exits' (200..299),
 * before the main table's (32766).
 */
export const FALLBACK_RULE_PRIORITY = 300;
/** Routing table that leads nowhere but back to WireGuard; behind the last slot's. */
export const FALLBACK_TABLE = 250;

/**
 * Mark of what is blocked, within {@link MARK_MASK}, above every slot's. A rule before all others leads it past the fallback, back to
 * where it came from: there the kernel sends an ICMP redirect, and keeps to itself the errors that would tell of the block.
 */
export const BLOCK_MARK = 0xfc00;

/** First routing table of an exit. 253 to 255 belong to the kernel (default, main, local), which bounds the slots. */
const FIRST_TABLE = 200;
/** Slots are 1..50: 10.200.N.0/24 and the tables 200..249. */
export const MAX_SLOT = 50;
/** Holds the networks of all slots, so that an exit need not change when another is added. */
export const EXIT_NETWORKS = "10.200.0.0/18";

/** Metric of the `unreachable default` below an exit's real default: the largest there is, so that it is asked last. */
export const UNREACHABLE_METRIC = 4294967295;

/**
 * Connection mark of what began direct, within {@link MARK_MASK}, above every slot's. A mark of its own, not the lack of one: what was never
 * asked for its exit leaves by no uplink. Its packets have no mark of ours.
 */
export const DIRECT_MARK = 0xfb00;

/** Connection mark, in an exit's namespace, of what goes to its provider; within {@link MARK_MASK}, above every slot's. */
export const PROVIDER_MARK = 0xfa00;

/** What a slot claims. Slot 1 bears the documented names and numbers. */
export interface SlotIds {
  /** Name of the network namespace, shown by `ip netns list`. */
  readonly namespace: string;
  /** Host end of the veth pair, at most 15 characters. */
  readonly hostLink: string;
  /** Namespace end of the veth pair, at most 15 characters. */
  readonly namespaceLink: string;
  /** The /24 between host (.1) and namespace (.2). */
  readonly network: string;
  readonly hostAddress: string;
  readonly namespaceAddress: string;
  /** Routing table of the exit. */
  readonly table: number;
  /** Mark of the clients' packets for this exit; within {@link MARK_MASK}. */
  readonly clientMark: number;
  /** Mark of the packets of the exit's own resolver; within {@link MARK_MASK}. */
  readonly resolverMark: number;
  /** Priorities of the two ip rules that lead to the table. */
  readonly clientPriority: number;
  readonly resolverPriority: number;
}

/**
 * The names and numbers of one exit. They depend on its slot and name alone, so adding or removing another exit changes none.
 * @param slot 1..{@link MAX_SLOT}
 * @param name the exit's name, at most 8 characters
 */
export function slotIds(slot: number, name: string): SlotIds {
  const first = slot === 1;
  return {
    namespace: first ? "vpn_ns" : `vpn_ns_${name}`,
    hostLink: first ? "veth-wg" : `veth-wg-${slot}`,
    namespaceLink: first ? "veth-vpn" : `veth-vpn-${slot}`,
    network: `10.200.${slot}.0/24`,
    hostAddress: `10.200.${slot}.1`,
    namespaceAddress: `10.200.${slot}.2`,
    table: FIRST_TABLE + slot - 1,
    clientMark: 0x200 * slot,
    resolverMark: 0x200 * slot - 0x100,
    clientPriority: EXIT_RULE_PRIORITY + 2 * (slot - 1),
    resolverPriority: EXIT_RULE_PRIORITY + 2 * (slot - 1) + 1,
  };
}

/** Name of a transparent tunnel's nftables table (family inet). */
export const TUNNEL_NFT_TABLE = "wg_tunnel";

/**
 * Mark of what goes past a transparent tunnel: WireGuard's own packets, and connections that began outside of it. Within
 * {@link MARK_MASK}, above every slot's.
 */
export const PAST_TUNNEL_MARK = 0xfe00;
/** Connection mark of what began inside a transparent tunnel, and must not go on outside; within {@link MARK_MASK}. */
export const IN_TUNNEL_MARK = 0xfd00;
