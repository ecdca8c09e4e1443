import { createHash } from "node:crypto";
import { intervalOf, joinAlike, overlap, type Interval } from "../settings/address";
import type { RuleSettings, Settings, WindowSettings } from "../settings/schema";
import { portInterval, weekdays } from "../settings/fields";

/** Hours in which a rule counts. */
export interface Window {
  /** Made of its content, so that it stays when other rules come and go. */
  readonly name: string;
  /** ISO weekdays on which it begins, 1 (Monday)..7. */
  readonly days: readonly number[];
  /** HH:MM. An end that is not after the beginning lies on the next day. */
  readonly from: string;
  readonly to: string;
  /** IANA's name. */
  readonly timeZone: string;
}

/** One of the ways that a client's packet may take, when its condition holds. */
export interface Choice {
  readonly protocol?: "tcp" | "udp" | "icmp";
  /** Destination ports; undefined: all. */
  readonly ports?: readonly Interval[];
  readonly window?: Window;
  /** Name of an exit or of a group, "direct" or "block". */
  readonly exit: string;
}

/** Neighbouring addresses to which the same rules apply. */
export interface Source extends Interval {
  /** In order; the first whose condition holds counts. The last one has none. */
  readonly choices: readonly Choice[];
}

function windowOf({ days, from, to, timeZone }: WindowSettings): Window {
  const numbers = weekdays.flatMap((day, index) => (days.includes(day) ? [index + 1] : []));
  const content = { days: numbers, from, to, timeZone };
  const hash = createHash("sha256").update(JSON.stringify(content)).digest("hex").slice(0, 8);
  return { name: `window-${hash}`, ...content };
}

function choiceOf({ protocol, ports, during, exit }: RuleSettings): Choice {
  return {
    ...(protocol && { protocol }),
    ...(ports && { ports: ports.map(portInterval) }),
    ...(during && { window: windowOf(during) }),
    exit,
  };
}

const unconditional = ({ protocol, window }: Choice): boolean => protocol === undefined && window === undefined;

/**
 * Which rules apply to which addresses: first match wins, nothing matched means "direct".
 * @returns disjoint intervals in ascending order that cover the subnet; neighbours differ in their choices
 */
export function assignSources(subnet: string, rules: Settings["rules"]): Source[] {
  const whole = intervalOf(subnet);
  const placed = [...rules, { exit: "direct" }].map((rule) => ({
    source: "from" in rule && rule.from !== undefined ? intervalOf(rule.from) : whole,
    choice: choiceOf(rule),
  }));
  const borders = placed.flatMap(({ source }) => [source.first, source.last + 1]);
  const starts = [...new Set([whole.first, ...borders])]
    .filter((at) => at >= whole.first && at <= whole.last)
    .sort((a, b) => a - b);
  const pieces = starts.map((first, index): Source => {
    const piece = { first, last: (starts[index + 1] ?? whole.last + 1) - 1 };
    const applying = placed.filter(({ source }) => overlap(source, piece)).map(({ choice }) => choice);
    return { ...piece, choices: applying.slice(0, applying.findIndex(unconditional) + 1) };
  });
  return joinAlike(pieces);
}

/** A source's choices in words, for people: `tcp:80,443=vpn direct`. */
export function describeChoices(choices: readonly Choice[]): string {
  const range = ({ first, last }: Interval) => (first === last ? `${first}` : `${first}-${last}`);
  return choices
    .map(({ protocol, ports, window, exit }) => {
      const condition = [
        protocol && [protocol, ...(ports ? [ports.map(range).join(",")] : [])].join(":"),
        window?.name,
      ];
      const words = condition.filter((word) => word !== undefined).join("@");
      return words === "" ? exit : `${words}=${exit}`;
    })
    .join(";");
}
