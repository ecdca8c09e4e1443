import fc from "fast-check";

/** A value as JSON has it, and nothing else: that is how a stack's configuration and a release arrive. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What would be found in a rendered file if a text of the settings went where it is read as more than a text. */
export const SMUGGLED = "smuggled";

/** Texts that are something else to a shell, nft, wg, dnsmasq, OpenVPN, systemd, JSON or a path than they are to a reader. */
const hostileTexts = [
  ...["", " ", "\t", "0", "-", "..", "/", "*", "%s", "\u0000", "\u2028", "\ud800", "\uFEFF", "１０", "ı", "K"],
  ...[`a\n${SMUGGLED}`, `a\r${SMUGGLED}`, `"; ${SMUGGLED} "`, `$(${SMUGGLED})`, `\`${SMUGGLED}\``, `a } ${SMUGGLED} {`],
  ...[`a; ${SMUGGLED}`, `a # ${SMUGGLED}`, `../../${SMUGGLED}`, `/etc/${SMUGGLED}`, `a/${SMUGGLED}`, `${SMUGGLED}=1`],
  ...["__proto__", "constructor", "hasOwnProperty", "toString", "length", "direct", "block", "host", "local", "none"],
  ...["10.4.0.0/24", "10.4.0.5/24", "10.4.0.0/33", "10.4.0.0/-1", "0.0.0.0/0", "10.4.0.256", "010.4.0.7", "1e1.4.0.7"],
  ...["255.255.255.255", "0.0.0.0", "10.4.0.9-10.4.0.3", "10.4.0.1-", "-10.4.0.1", "1.2.3.4/32-1.2.3.5", "::1"],
  ...[
    "10.200.1.0/24",
    "10.4.0.0/0",
    "224.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "80-",
    "80-79",
    "0-0",
    "65536",
    "80-90",
  ],
  ...["25:00", "24:00", "09:00", "9:00", "Europe/Nowhere", "europe/berlin", "UTC+1", "posixrules", "a".repeat(5000)],
];

const hostileNumbers = [0, -0, -1, 0.5, 1, 2, 49, 50, 51, 253, 65535, 65536, 2 ** 31, 2 ** 53, 1e308, -1e308, 1e-300];

const anyJson = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;

/** What may well stand somewhere else than it is put. */
const likely: Json[] = [
  "10.4.0.77",
  "10.4.0.128/26",
  "10.9.0.0/16",
  "192.0.2.9",
  "nl",
  "vpn",
  "any",
  "tcp",
  "icmp",
  3,
  1400,
  22,
];

/** What may be put in the place of a value. */
const anyReplacement: fc.Arbitrary<Json> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Json>(...likely) },
  { weight: 5, arbitrary: fc.constantFrom<Json>(...hostileTexts) },
  { weight: 3, arbitrary: fc.constantFrom<Json>(...hostileNumbers) },
  { weight: 2, arbitrary: fc.constantFrom<Json>(null, true, false, [], {}, [[]], [null], { "": 1 }) },
  { weight: 1, arbitrary: anyJson },
);

type Path = readonly (string | number)[];

/** Where every value within another stands, the whole first. */
const pathsIn = (value: Json, at: Path = []): Path[] => [
  at,
  ...(typeof value !== "object" || value === null
    ? []
    : Array.isArray(value)
      ? value.flatMap((one, index) => pathsIn(one, [...at, index]))
      : Object.entries(value).flatMap(([key, one]) => pathsIn(one, [...at, key]))),
];

const valueAt = (value: Json, path: Path): Json =>
  path.reduce<Json>((found, part) => (found as Record<string | number, Json>)[part]!, value);

/** A change of the map or list that holds what is at a path. */
type Change = (holder: Json, key: string | number) => void;

const own = (holder: object, key: string, value: Json) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });

const changes = (replacement: Json, other: Json): Change[] => [
  (holder, key) => own(holder as object, String(key), replacement),
  (holder, key) => own(holder as object, String(key), other),
  (holder, key) => (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete (holder as object)[key as never]),
  (holder, key) =>
    Array.isArray(holder)
      ? holder.push(structuredClone(holder[Number(key)]!))
      : own(holder as object, typeof replacement === "string" ? replacement : `${key}s`, other),
  (holder, key) => {
    const text = (holder as Record<string, Json>)[key];
    if (typeof text !== "string") return;
    const at = text.length >> 1;
    const more = typeof replacement === "string" ? replacement : " ";
    own(holder as object, String(key), text.slice(0, at) + more + text.slice(at));
  },
];

/**
 * A value and a few changes of it: something else in its place, what stands elsewhere in it, a key or an element less, one more, a text
 * within a text.
 */
export const mutated = (base: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc
    .tuple(
      base,
      fc.array(fc.record({ at: fc.nat(), from: fc.nat(), how: fc.nat(), replacement: anyReplacement }), {
        minLength: 1,
        maxLength: 2,
      }),
    )
    .map(([good, all]) => {
      let value = structuredClone(good);
      for (const { at, from, how, replacement } of all) {
        const paths = pathsIn(value);
        const path = paths[at % paths.length]!;
        const other = structuredClone(valueAt(value, paths[from % paths.length]!));
        const possible = changes(structuredClone(replacement), other);
        if (path.length === 0) value = how % 20 === 0 ? structuredClone(replacement) : value;
        else possible[how % possible.length]!(valueAt(value, path.slice(0, -1)), path.at(-1)!);
      }
      return value;
    });
