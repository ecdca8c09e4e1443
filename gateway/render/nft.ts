import { MARK_MASK, NFT_TABLE } from "../plan/ids";
import type { ExitPlan, Plan } from "../plan/plan";
import { type Interval, intervalText, networksOf } from "../settings/address";

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

/** More than so many are not asked one after another. */
const FEW = 8;

/** What one thing of a packet is, and the verdict then. */
export type Case = readonly [value: string, verdict: string];

/**
 * Rules that decide by one value. A few cases are a rule each, many are one lookup.
 * @param what such as `iifname`, or with the operator that compares it, `ct mark & 0xff00 ==`
 */
export function decide(what: string, cases: readonly Case[]): string[] {
  if (cases.length <= FEW) return cases.map(([value, verdict]) => `${what} ${value} ${verdict}`);
  const members = cases.map(([value, verdict]) => `${value} : ${verdict}`);
  return [`${what.replace(/ ==$/, "")} vmap { ${members.join(", ")} }`];
}

/** Addresses or ports, and the verdict for what has one of them. */
export interface Range extends Interval {
  readonly verdict: string;
}

/** Rules of a chain, and the chains that these lead to. */
export interface Decided {
  readonly rules: readonly string[];
  readonly chains: string;
}

/**
 * Rules that decide by ranges; what is in none goes on behind them. Many are a tree, in which a rule jumps to a chain for several ranges.
 * Not a map: the kernel shows its intervals some tens of microseconds after the rules that look them up are in force, and a packet that
 * comes meanwhile would pass for one that is in no range.
 * @param name of the chains, before their numbers
 * @param what such as `ip saddr`
 * @param text how nft writes a range
 * @param levels how many jumps may lead to a range, 1 or more: from a hook to the last chain the kernel allows 15, with each `goto`
 */
function decideRange(
  name: string,
  what: string,
  ranges: readonly Range[],
  text: (range: Interval) => string,
  levels = 2,
): Decided {
  const rule = (range: Interval, verdict: string): string => `${what} ${text(range)} ${verdict}`;
  if (ranges.length <= FEW) return { rules: ranges.map((one) => rule(one, one.verdict)), chains: "" };
  // As many branches at each level.
  const size = Math.ceil(ranges.length / Math.ceil((ranges.length / FEW) ** (1 / levels)));
  const branches = Array.from({ length: Math.ceil(ranges.length / size) }, (_, index) => {
    const some = ranges.slice(index * size, (index + 1) * size);
    const first = Math.min(...some.map((one) => one.first));
    const last = Math.max(...some.map((one) => one.last));
    const branch = `${name}_${index + 1}`;
    const { rules, chains } = decideRange(branch, what, some, text, levels - 1);
    return { rule: rule({ first, last }, `jump ${branch}`), chains: chain(branch, rules) + chains };
  });
  return { rules: branches.map((one) => one.rule), chains: branches.map((one) => one.chains).join("") };
}

/** The same by addresses. */
export const decideAddress = (name: string, what: string, ranges: readonly Range[], levels?: number): Decided =>
  decideRange(name, what, ranges, addressesText, levels);

/** The same by ports. @param what such as `tcp dport` */
export const decidePort = (name: string, what: string, ranges: readonly Range[]): Decided =>
  decideRange(name, what, ranges, ({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));

/** A network in CIDR form, which the kernel compares faster, or what is none as {@link intervalText}. */
function addressesText(range: Interval): string {
  const [network = "", ...others] = networksOf(range);
  return others.length > 0 || range.first === range.last ? intervalText(range) : network;
}

/** By the exit that a packet comes from, to a chain for each: `goto PURPOSE_exit_NAME`. */
export const byLink = ({ exits }: Plan, purpose: string): string[] =>
  decide(
    "iifname",
    exits.map((exit): Case => [`"${exit.hostLink}"`, `goto ${purpose}_${chainName(exit)}`]),
  );
