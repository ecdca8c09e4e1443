import { joinAlike, type Interval } from "../settings/address";
import type { Choice, Window } from "./choices";

/* Lists of choices as lookups by protocol and port, whose cost does not grow with the list. */

/** What is left when protocol and port are known: the exit of the first window that is open, else `exit`. */
export interface Decision {
  /** Each window once. */
  readonly hours: readonly { readonly window: Window; readonly exit: string }[];
  readonly exit: string;
}

/** Destination ports, 0..65535, for which the same is decided. */
export interface PortPiece extends Interval {
  readonly decision: Decision;
}

export interface ProtocolLookup {
  readonly protocol: NonNullable<Choice["protocol"]>;
  /** Disjoint and ascending; each differs from `other`, and from a neighbour that it touches. */
  readonly ports: readonly PortPiece[];
  /** For all other ports. */
  readonly other: Decision;
}

/** The same decisions as those of a list of choices, in which the first match wins. */
export interface Lookup {
  /** Only those for which it is not `other` alone. */
  readonly protocols: readonly ProtocolLookup[];
  /** For all other protocols. */
  readonly other: Decision;
}

const PROTOCOLS = ["tcp", "udp", "icmp"] as const;

const same = (a: Decision, b: Decision): boolean => JSON.stringify(a) === JSON.stringify(b);

const about = (choices: readonly Choice[], protocol: Choice["protocol"]): Choice[] =>
  choices.filter((choice) => choice.protocol === undefined || choice.protocol === protocol);

/** @param choices that hold but for their hours, in order @throws when all of them have hours */
function decide(choices: readonly Choice[]): Decision {
  const hours: Decision["hours"][number][] = [];
  for (const { window, exit } of choices) {
    if (window === undefined) return { hours, exit };
    // When it is open, the choice that named it first has decided.
    if (hours.every((before) => before.window.name !== window.name)) hours.push({ window, exit });
  }
  throw new Error("the last choice has a condition");
}

/** The borders of the choices' ports cut all ports into pieces, within which the same is decided. */
function protocolLookup(choices: readonly Choice[], protocol: ProtocolLookup["protocol"]): ProtocolLookup {
  const own = about(choices, protocol);
  const other = decide(own.filter(({ ports }) => ports === undefined));
  const borders = own.flatMap(({ ports }) => ports ?? []).flatMap(({ first, last }) => [first, last + 1]);
  const starts = [...new Set(borders)].sort((a, b) => a - b);
  const all = { first: starts[0] ?? 0, last: (starts.at(-1) ?? 0) - 1 };
  // Each choice is put to the pieces that it is about: most are about few of thousands.
  const indexOf = new Map(starts.map((start, index) => [start, index]));
  const pieces = starts
    .slice(1)
    .map((next, index) => ({ first: starts[index] ?? 0, last: next - 1, choices: [] as Choice[] }));
  for (const choice of own)
    for (const { first, last } of choice.ports ?? [all])
      for (const piece of pieces.slice(indexOf.get(first), indexOf.get(last + 1))) piece.choices.push(choice);
  const decided = pieces.map(({ first, last, choices: here }): PortPiece => ({ first, last, decision: decide(here) }));
  return { protocol, ports: joinAlike(decided.filter(({ decision }) => !same(decision, other))), other };
}

/** @param choices in order; the last one has no condition */
export function lookupOf(choices: readonly Choice[]): Lookup {
  const other = decide(about(choices, undefined));
  const all = PROTOCOLS.map((protocol) => protocolLookup(choices, protocol));
  return { protocols: all.filter((one) => one.ports.length > 0 || !same(one.other, other)), other };
}

/**
 * Where a client's questions to the gateway's resolver go: by the way that its HTTPS (TCP, port 443) would take.
 * So names are asked where the web is fetched; a client whose web is blocked learns local names alone.
 * @param choices in order; the last one has no condition
 */
export function dnsLookup(choices: readonly Choice[]): Lookup {
  const { ports, other } = protocolLookup(choices, "tcp");
  const https = ports.find(({ first, last }) => first <= 443 && 443 <= last);
  return { protocols: [], other: https?.decision ?? other };
}
