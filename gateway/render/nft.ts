import { MARK_MASK, NFT_TABLE, WG_INTERFACE } from "../plan/ids";
import type { ExitPlan, Plan } from "../plan/plan";

/* The vocabulary of both rulesets (`man 8 nft`). */

export const hex = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`;
const OTHERS = hex(~MARK_MASK >>> 0);
export const OURS = hex(MARK_MASK);

export const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");
/** `elements = { ... }`, or nothing: nft takes no empty list. */
export const elements = (members: readonly string[]): string =>
  members.length > 0 ? `elements = { ${members.join(", ")} }` : "";

/** A ruleset file that replaces our table, and nothing else, in one transaction (`man 8 nft`, "nft -f"). */
export const replaceTable = (body: string, table: string = NFT_TABLE): string =>
  `table inet ${table}\ndelete table inet ${table}\n\ntable inet ${table} {\n${body}}\n`;

export const DNS = "meta l4proto { tcp, udp } th dport 53";
export const SYN = "tcp flags & (syn | rst) == syn";

export const setMark = (mark: number): string => `meta mark set meta mark & ${OTHERS} | ${hex(mark)}`;
export const setConnectionMark = (mark: number): string => `ct mark set ct mark & ${OTHERS} | ${hex(mark)}`;

/** What names an exit in a chain's name: no hyphen may stand there, and no exit's name can make it one of our other chains. */
export const chainName = (exit: ExitPlan): string => `exit_${exit.name.replaceAll("-", "_")}`;

/**
 * Rules that lead to a chain of a purpose for the clients, and to one for each exit's veth: as many whatever the number of exits. The
 * clients' is no lookup: a packet that is under way while the table is replaced finds nothing in it any more (nf_tables_commit), and
 * theirs must find the chain that ends in `drop`.
 * @param others what comes by other interfaces, as elements of the map
 */
export function byInterface({ exits }: Plan, purpose: string, others: readonly string[] = []): string {
  const links = exits.map((exit) => `"${exit.hostLink}" : goto ${purpose}_from_${chainName(exit)}`);
  const clients = `iifname "${WG_INTERFACE}" goto ${purpose}_from_clients`;
  const map = [...links, ...others];
  return map.length === 0 ? clients : `${clients}\n\t\tiifname vmap { ${map.join(", ")} }`;
}
