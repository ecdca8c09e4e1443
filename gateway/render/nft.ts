import { MARK_MASK, NFT_TABLE } from "../plan/ids";
import type { ExitPlan, Plan } from "../plan/plan";

/* The vocabulary of both rulesets (`man 8 nft`). */

export const hex = (value: number): string => `0x${value.toString(16).padStart(8, "0")}`;
const OTHERS = hex(~MARK_MASK >>> 0);
export const OURS = hex(MARK_MASK);

/** `elements = { ... }`, or nothing: nft takes no empty list. */
export const elements = (members: readonly string[]): string =>
  members.length > 0 ? `elements = { ${members.join(", ")} }` : "";

export const indented = (rules: readonly string[]): string => rules.map((rule) => `\t\t${rule}\n`).join("");
export const chain = (name: string, rules: readonly string[]): string => `\n\tchain ${name} {\n${indented(rules)}\t}\n`;

/** A ruleset file that replaces our table, and nothing else, in one transaction (`man 8 nft`, "nft -f"). */
export const replaceTable = (body: string, table: string = NFT_TABLE): string =>
  `table inet ${table}\ndelete table inet ${table}\n\ntable inet ${table} {\n${body}}\n`;

/** The port first: most packets have another, and a comparison is quicker than a set. */
export const DNS = "th dport 53 meta l4proto { tcp, udp }";
export const SYN = "tcp flags & (syn | rst) == syn";
/** What comes after a connection's SYNs, which both ends have answered (`IPS_ASSURED` in the kernel's nf_conntrack_common.h). */
export const ASSURED = "ct status assured accept";

export const setMark = (mark: number): string => `meta mark set meta mark & ${OTHERS} | ${hex(mark)}`;
export const setConnectionMark = (mark: number): string => `ct mark set ct mark & ${OTHERS} | ${hex(mark)}`;

/** Of whoever is behind the gateway: clients, and what is in the namespaces. */
export const innerNetworks = ({ wireguard, exits }: Plan): string[] => [
  wireguard.subnet,
  ...exits.map(({ network }) => network),
];

/** What no client may reach. On EC2 the metadata service is link-local. */
export const prohibitedNetworks = ({ exits }: Plan): string[] => [
  "169.254.0.0/16",
  ...exits.map(({ network }) => network),
];

/** What names an exit in a chain's name: no hyphen may stand there, and no exit's name can make it one of our other chains. */
export const chainName = (exit: ExitPlan): string => `exit_${exit.name.replaceAll("-", "_")}`;
