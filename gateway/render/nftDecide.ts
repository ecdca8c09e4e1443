import type { Plan } from "../plan/plan";
import { type Interval, intervalOf, intervalText, networksOf } from "../settings/address";
import { chain, chainName, hex, OURS } from "./nft";

/*
 * Rules that decide by one value of a packet, which goes on behind them where it has none of theirs. Few values are a rule each, many are a
 * tree, in which a rule jumps to a chain for several. Not a set or a map: the kernel shows what is in one some tens of microseconds after
 * the rules that look it up are in force, and a packet that comes meanwhile would pass for one that is not in it.
 */

/** More than so many are not asked one after another. */
const FEW = 8;

/** Rules of a chain, and the chains that these lead to. */
export interface Decided {
  readonly rules: readonly string[];
  readonly chains: string;
}

const joined = (all: readonly Decided[]): Decided => ({
  rules: all.flatMap(({ rules }) => rules),
  chains: all.map(({ chains }) => chains).join(""),
});
/** A chain of a tree, for what fits a condition. */
const branch = (name: string, condition: string, { rules, chains }: Decided): Decided => ({
  rules: [`${condition} jump ${name}`],
  chains: chain(name, rules) + chains,
});

/** Addresses, ports or marks, and the verdict for what has one of them. */
interface Range extends Interval {
  readonly verdict: string;
}

const around = (ranges: readonly Interval[]): Interval => ({
  first: Math.min(...ranges.map(({ first }) => first)),
  last: Math.max(...ranges.map(({ last }) => last)),
});

/**
 * Decides by ranges.
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
  const condition = (range: Interval): string => `${what} ${text(range)}`;
  if (ranges.length <= FEW) return { rules: ranges.map((one) => `${condition(one)} ${one.verdict}`), chains: "" };
  // As many branches at each level.
  const size = Math.ceil(ranges.length / Math.ceil((ranges.length / FEW) ** (1 / levels)));
  const branches = Array.from({ length: Math.ceil(ranges.length / size) }, (_, index) => {
    const some = ranges.slice(index * size, (index + 1) * size);
    const next = `${name}_${index + 1}`;
    return branch(next, condition(around(some)), decideRange(next, what, some, text, levels - 1));
  });
  return joined(branches);
}

/** By addresses. */
export const decideAddress = (name: string, what: string, ranges: readonly Range[]): Decided =>
  decideRange(name, what, ranges, addressesText);

/** By ports. @param what such as `tcp dport` */
export const decidePort = (name: string, what: string, ranges: readonly Range[]): Decided =>
  decideRange(name, what, ranges, ({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));

/** By our bits of a mark. @param what `ct mark` or `meta mark` */
export const decideMark = (name: string, what: string, ranges: readonly Range[]): Decided =>
  decideRange(name, `${what} & ${OURS}`, ranges, ({ first, last }) =>
    first === last ? `== ${hex(first)}` : `${hex(first)}-${hex(last)}`,
  );

/** An interface, and the verdict for what comes or goes by it. */
type Link = readonly [name: string, verdict: string];

/** By interfaces, of which many are told apart by how their names begin. @param what `iifname` or `oifname` */
export function decideLink(name: string, what: string, links: readonly Link[]): Decided {
  const rule = ([link, verdict]: Link): string => `${what} "${link}" ${verdict}`;
  if (links.length <= FEW) return { rules: links.map(rule), chains: "" };
  const [one = "", ...others] = links.map(([link]) => link);
  let shared = one.length;
  while (!others.every((other) => other.startsWith(one.slice(0, shared)))) shared -= 1;
  const beginnings = [...new Set(links.map(([link]) => link.slice(0, shared + 1)))];
  const branches = beginnings.map((beginning, index) => {
    const some = links.filter(([link]) => link.slice(0, shared + 1) === beginning);
    const next = `${name}_${index + 1}`;
    return some.length === 1
      ? { rules: some.map(rule), chains: "" }
      : branch(next, `${what} "${beginning}*"`, decideLink(next, what, some));
  });
  return joined(branches);
}

/** A network in CIDR form, which the kernel compares faster, or what is none as {@link intervalText}. */
function addressesText(range: Interval): string {
  const [network = "", ...others] = networksOf(range);
  return others.length > 0 || range.first === range.last ? intervalText(range) : network;
}

/** An address or a network in CIDR form, and the verdict for what is in it. */
type Network = readonly [network: string, verdict: string];

/** By networks. @param levels as of {@link decideRange} */
export const decideNetwork = (name: string, what: string, networks: readonly Network[], levels?: number): Decided =>
  decideRange(
    name,
    what,
    networks.map(([network, verdict]) => ({ ...intervalOf(network), verdict })),
    addressesText,
    levels,
  );

/** The same in a chain of that name, which most packets do not come into. */
export const networkBranch = (name: string, what: string, networks: readonly Network[]): Decided =>
  branch(
    name,
    `${what} ${addressesText(around(networks.map(([network]) => intervalOf(network))))}`,
    decideNetwork(name, what, networks),
  );

/** By the exit that a packet comes from, to a chain for each: `goto PURPOSE_exit_NAME`. */
export const byLink = ({ exits }: Plan, purpose: string): Decided =>
  decideLink(
    `${purpose}_exits`,
    "iifname",
    exits.map((exit) => [exit.hostLink, `goto ${purpose}_${chainName(exit)}`]),
  );

/** By the exit whose resolver sends a packet, to a chain for each: `goto PURPOSE_of_exit_NAME`. */
export const byResolver = ({ exits }: Plan, purpose: string): Decided =>
  decideNetwork(
    `${purpose}_of_exits`,
    "ip saddr",
    exits.map((exit) => [exit.hostAddress, `goto ${purpose}_of_${chainName(exit)}`]),
  );
