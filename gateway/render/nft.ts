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

export const setMark = (mark: number): string => `meta mark set meta mark & ${OTHERS} | ${hex(mark)}`;
export const setConnectionMark = (mark: number): string => `ct mark set ct mark & ${OTHERS} | ${hex(mark)}`;

/** What names an exit in a chain's name: no hyphen may stand there, and no exit's name can make it one of our other chains. */
export const chainName = (exit: ExitPlan): string => `exit_${exit.name.replaceAll("-", "_")}`;

/** More than so many are looked up, fewer are asked one after another. */
const FEW = 8;

/** What one thing of a packet is, and the verdict then. */
export type Case = readonly [value: string, verdict: string];

/**
 * Rules that decide by one thing of a packet. A few cases are a rule each: as quick as a lookup, and nothing that a packet could miss which
 * is under way while the table is replaced (the kernel takes the elements of the old maps away before the rules are left, and shows
 * intervals of the new ones after these are in force). Many are one lookup.
 * @param what such as `iifname`, or with the operator that compares it, `ct mark & 0xff00 ==`
 * @param map the map that has the cases, where they are many; default one without a name
 */
export function decide(what: string, cases: readonly Case[], map?: string): string[] {
  if (cases.length <= FEW) return cases.map(([value, verdict]) => `${what} ${value} ${verdict}`);
  return [`${what.replace(/ ==$/, "")} vmap ${map === undefined ? `{ ${members(cases).join(", ")} }` : `@${map}`}`];
}

const members = (cases: readonly Case[]): string[] => cases.map(([value, verdict]) => `${value} : ${verdict}`);

/** The map of addresses that {@link decide} names, or nothing where it asks one after another. */
export const caseMap = (name: string, cases: readonly Case[]): string =>
  cases.length <= FEW
    ? ""
    : `	map ${name} {
		type ipv4_addr : verdict
		flags interval
		${elements(members(cases))}
	}

`;

/** By the exit that a packet comes from, to a chain for each: `goto PURPOSE_exit_NAME`. */
export const byLink = ({ exits }: Plan, purpose: string): string[] =>
  decide(
    "iifname",
    exits.map((exit): Case => [`"${exit.hostLink}"`, `goto ${purpose}_${chainName(exit)}`]),
  );
