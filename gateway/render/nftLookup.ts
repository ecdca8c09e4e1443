import type { Choice } from "../plan/choices";
import { dnsLookup, lookupOf, type Decision, type Lookup, type ProtocolLookup } from "../plan/lookup";
import type { Plan } from "../plan/plan";
import { chain } from "./nft";
import { endChain, type Purpose, selectedChains, windowChain } from "./nftChoices";
import { decideAddress, type Decided, decidePort } from "./nftDecide";

/** A chain's name for each different one of some things, by its JSON: `mark_hours_1`, `mark_hours_2`, ... */
const numbered = (prefix: string, all: readonly unknown[]): ReadonlyMap<string, string> =>
  new Map([...new Set(all.map((one) => JSON.stringify(one)))].map((one, index) => [one, `${prefix}_${index + 1}`]));

const decisionsOf = ({ protocols, other }: Lookup): Decision[] => [
  ...protocols.flatMap((one) => [...one.ports.map(({ decision }) => decision), one.other]),
  other,
];

/**
 * From a packet's source to its end. Where its way depends on protocol and port it goes on in chains such as `mark_choice_1` and
 * `mark_choice_1_tcp`. Where it depends on the hour, then or from the beginning, a chain such as `mark_hours_1` asks one window after
 * another.
 */
export function renderLookups(plan: Plan, purpose: Purpose): Decided {
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
  const portChains = (name: string, { ports, other }: ProtocolLookup): string => {
    const ranges = ports.map(({ first, last, decision }) => ({ first, last, verdict: decided(decision) }));
    const { rules, chains } = decidePort(name, "th dport", ranges);
    return chain(name, [...rules, decided(other)]) + chains;
  };
  const choiceChains = (name: string, { protocols, other }: Lookup): string => {
    const byPort = protocols.filter(({ ports }) => ports.length > 0);
    const next = (one: ProtocolLookup) => (byPort.includes(one) ? `goto ${name}_${one.protocol}` : decided(one.other));
    return [
      chain(name, [...protocols.map((one) => `meta l4proto ${one.protocol} ${next(one)}`), decided(other)]),
      ...byPort.map((one) => portChains(`${name}_${one.protocol}`, one)),
    ].join("");
  };

  const { rules, chains } = decideAddress(
    `${purpose}_source`,
    "ip saddr",
    placed.map(({ source: { first, last }, lookup }) => ({ first, last, verdict: start(lookup) })),
  );
  return {
    rules,
    chains: [
      chains,
      selectedChains(plan, purpose),
      ...[...hoursNames].map(([one, name]) => hoursChain(name, JSON.parse(one) as Decision)),
      ...[...choiceNames].map(([one, name]) => choiceChains(name, JSON.parse(one) as Lookup)),
    ].join(""),
  };
}
