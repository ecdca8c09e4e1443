import type { Plan } from "../gateway/plan/plan";
import { addressNumber, addressText, intervalOf, type Interval } from "../gateway/settings/address";
import type { Settings } from "../gateway/settings/schema";
import { meant } from "../gateway/settings/advice";
import { Refusal } from "./refusal";

/** Where the packets of an address go that no condition sends elsewhere. */
export const mainWay = (choices: Plan["sources"][number]["choices"]): string => choices.at(-1)?.exit ?? "direct";

/** The way that most of the clients' network takes; direct, when no other has more. */
function commonWay({ sources }: Plan): string {
  const count = (exit: string) =>
    sources
      .filter(({ choices }) => mainWay(choices) === exit)
      .reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return ["direct", ...sources.map(({ choices }) => mainWay(choices))].reduce((best, exit) =>
    count(exit) > count(best) ? exit : best,
  );
}

/** The addresses that always leave by an exit; when there are none, those that sometimes do. */
function addressesOf(exit: string, { sources }: Plan): Interval[] {
  const always = sources.filter(({ choices }) => mainWay(choices) === exit);
  return always.length > 0 ? always : sources.filter(({ choices }) => choices.some((choice) => choice.exit === exit));
}

/**
 * @param exit what `--exit` says: an exit, a group, direct or block. Default: the way that most of the clients' network takes
 * @returns the first address of that exit that nobody has: no client, and no internal name, which stands for a machine
 */
export function nextAddress(settings: Settings, plan: Plan, exit: string = commonWay(plan)): string {
  const known = ["direct", "block", ...[...settings.exits, ...settings.groups].map(({ name }) => name)];
  if (!known.includes(exit)) {
    const near = meant(exit, known);
    throw new Refusal(
      `--exit is ${JSON.stringify(exit)}`,
      `one of ${known.join(", ")}`,
      near === undefined ? "add the exit to the settings, or name another" : `did you mean ${near}?`,
    );
  }
  const pieces = addressesOf(exit, plan);
  if (pieces.length === 0) {
    const used = new Set(plan.sources.flatMap(({ choices }) => choices.map((choice) => choice.exit)));
    throw new Refusal(
      `--exit is ${JSON.stringify(exit)}, to which no rule leads`,
      `an exit that rules lead to: ${[...used].join(", ")}`,
      `add a rule to wg-gateway:rules whose exit is ${exit}`,
    );
  }
  const { first, last } = intervalOf(settings.wireguard.subnet);
  const taken = new Set([
    ...[first, first + 1, last],
    ...[...settings.clients.map(({ address }) => address), ...Object.values(settings.dns.records)].map(addressNumber),
  ]);
  for (const piece of pieces)
    for (let at = piece.first; at <= piece.last; at++) if (!taken.has(at)) return addressText(at);
  throw new Refusal(
    `exit ${exit} has no free address left`,
    "an address that no client and no name of dns.records has",
    "remove a client, give the exit more addresses in wg-gateway:rules, or name another exit",
  );
}
