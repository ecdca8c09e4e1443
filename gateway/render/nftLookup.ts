import type { Choice } from "../plan/choices";
import { dnsLookup, lookupOf, type Decision, type Lookup, type ProtocolLookup } from "../plan/lookup";
import type { Plan } from "../plan/plan";
import { intervalText, type Interval } from "../settings/address";
import { type Case, chain } from "./nft";
import { endChain, windowChain, type Purpose } from "./nftChoices";

/** What a purpose makes of the rules. */
export interface RenderedLookups {
  /** From source to chain. */
  readonly cases: readonly Case[];
  /** The chains between those and the ends. */
  readonly chains: string;
}

/** A chain's name for each different one of some things, by its JSON: `mark_hours_1`, `mark_hours_2`, ... */
const numbered = (prefix: string, all: readonly unknown[]): ReadonlyMap<string, string> =>
  new Map([...new Set(all.map((one) => JSON.stringify(one)))].map((one, index) => [one, `${prefix}_${index + 1}`]));

const vmap = <T>(all: readonly T[], key: (one: T) => string, verdict: (one: T) => string): string =>
  `vmap { ${all.map((one) => `${key(one)} : ${verdict(one)}`).join(", ")} }`;

const portsOf = ({ first, last }: Interval): string => (first === last ? `${first}` : `${first}-${last}`);

const decisionsOf = ({ protocols, other }: Lookup): Decision[] => [
  ...protocols.flatMap((one) => [...one.ports.map(({ decision }) => decision), one.other]),
  other,
];

/**
 * Where a source's way depends on protocol and port it is looked up in chains such as `mark_choice_1` and `mark_choice_1_tcp`: a packet
 * meets as many rules with one port as with thousands. Where it depends on the hour, then or from the beginning, a chain such as
 * `mark_hours_1` asks one window after another.
 */
export function renderLookups(plan: Plan, purpose: Purpose): RenderedLookups {
  // Many sources may have the same list: it is resolved once.
  const seen = new Map<string, Lookup>();
  const resolve = (choices: readonly Choice[]): Lookup => {
    const list = JSON.stringify(choices);
    const lookup = seen.get(list) ?? (purpose === "dns" ? dnsLookup(choices) : lookupOf(choices));
    seen.set(list, lookup);
    return lookup;
  };
  const placed = plan.sources.map(({ choices, ...source }) => ({ source, lookup: resolve(choices) }));
  const lookups = [...seen.values()];
  const choiceNames = numbered(
    `${purpose}_choice`,
    lookups.filter(({ protocols }) => protocols.length > 0),
  );
  const hoursNames = numbered(
    `${purpose}_hours`,
    lookups.flatMap(decisionsOf).filter(({ hours }) => hours.length > 0),
  );

  const end = (exit: string): string => `goto ${endChain(plan, purpose, exit)}`;
  const decided = (decision: Decision): string => {
    const name = hoursNames.get(JSON.stringify(decision));
    return name === undefined ? end(decision.exit) : `goto ${name}`;
  };
  const start = (lookup: Lookup): string => {
    const name = choiceNames.get(JSON.stringify(lookup));
    return name === undefined ? decided(lookup.other) : `goto ${name}`;
  };

  const hoursChain = (name: string, { hours, exit }: Decision): string =>
    chain(name, [...hours.map((one) => `jump ${windowChain(plan, purpose, one.window, one.exit)}`), end(exit)]);
  const choiceChains = (name: string, { protocols, other }: Lookup): string => {
    const byPort = protocols.filter(({ ports }) => ports.length > 0);
    const next = (one: ProtocolLookup) => (byPort.includes(one) ? `goto ${name}_${one.protocol}` : decided(one.other));
    return [
      chain(name, [`meta l4proto ${vmap(protocols, ({ protocol }) => protocol, next)}`, decided(other)]),
      ...byPort.map((one) =>
        chain(`${name}_${one.protocol}`, [
          `th dport ${vmap(one.ports, portsOf, ({ decision }) => decided(decision))}`,
          decided(one.other),
        ]),
      ),
    ].join("");
  };

  return {
    cases: placed.map(({ source, lookup }): Case => [intervalText(source), start(lookup)]),
    chains: [
      ...[...hoursNames].map(([one, name]) => hoursChain(name, JSON.parse(one) as Decision)),
      ...[...choiceNames].map(([one, name]) => choiceChains(name, JSON.parse(one) as Lookup)),
    ].join(""),
  };
}
