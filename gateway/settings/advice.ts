import { distance } from "fastest-levenshtein";
import { Address4, Address6 } from "ip-address";
import { z } from "zod";
import { addressNumber, isAddress, isCidr } from "./address";

/** What to do about a value. */
export interface Advice {
  /** With the value to write instead, where there is one. */
  readonly full: string;
  /** The same without that value, for a setting that is a secret. */
  readonly how: string;
}

/** @returns the known word nearest to a mistyped, shortened or longer one, if it is near enough to be meant */
export function meant(word: string, known: readonly string[]): string | undefined {
  const typed = word.toLowerCase();
  const far = (candidate: string) => {
    const begins = candidate.startsWith(typed) || (candidate.length > 2 && typed.startsWith(candidate));
    return begins ? 1 : distance(typed, candidate.toLowerCase());
  };
  const [best] = known.map((candidate) => ({ candidate, far: far(candidate) })).sort((a, b) => a.far - b.far);
  // Of three letters, two others are another word.
  const near = word.length > 3 ? Math.max(2, Math.floor(word.length / 3)) : 1;
  return best && best.far <= near ? best.candidate : undefined;
}

/** Values that may have been meant: this is advice only where the setting takes all of them. */
export interface Correction extends Advice {
  readonly values: readonly unknown[];
}

/** A value as it stands in a stack's file. */
const inYaml = (value: unknown): string =>
  Array.isArray(value) ? `[${value.map(inYaml).join(", ")}]` : (JSON.stringify(value) ?? String(value));

/** correction("10.4.0.5", "write it without the port") -> write it without the port: "10.4.0.5" */
const correction = (value: unknown, how: string): Correction => ({
  values: [value],
  how,
  full: `${how}: ${inYaml(value)}`,
});

const unquoted = "write it without quotes";
const quoted = "write it in quotes";

/** YAML's words for true and false, which in quotes are texts. */
const truths = new Map([
  ...["true", "yes", "on"].map((word) => [word, true] as const),
  ...["false", "no", "off"].map((word) => [word, false] as const),
]);

/** 10.4.0.210/28 -> 10.4.0.208/28, or 10.4.0.210/32 where the setting takes a single address */
function networkCorrections(cidr: string): Correction[] {
  if (!isCidr(cidr)) return [];
  const [address, length] = cidr.split("/");
  const network = `${new Address4(cidr).startAddress().correctForm()}/${length}`;
  const how = "write the network's first address";
  const both = `write the network, "${network}", or the address alone, "${address}/32"`;
  return [{ values: [network, `${address}/32`], how, full: both }, correction(network, how)];
}

/** 10.4.0.9-10.4.0.3 -> 10.4.0.3-10.4.0.9, and 81-80 -> 80-81 */
function rangeCorrections(range: string): Correction[] {
  const [first = "", last = "", ...rest] = range.split("-");
  const number = (end: string) => (isAddress(end) ? addressNumber(end) : Number(end));
  const descending = rest.length === 0 && number(first) > number(last);
  return descending ? [correction(`${last}-${first}`, "write the lower end first")] : [];
}

function textCorrections(text: string): Correction[] {
  const bare = text.trim();
  const lower = bare.toLowerCase();
  const truth = truths.get(lower);
  if (bare === "") return [];
  const trimmed = bare === text ? [] : [correction(bare, "write it on one line, without spaces around it")];
  if (/[\n\r]/.test(text)) return trimmed;
  return [
    ...trimmed,
    ...(/^\d+$/.test(bare) ? [correction(Number(bare), unquoted)] : []),
    ...(truth === undefined ? [] : [correction(truth, unquoted)]),
    correction(bare.replace(/\s+/g, ""), "write it without spaces"),
    correction(lower, "write it in lower case"),
    ...networkCorrections(bare),
    ...rangeCorrections(bare),
    correction(`${bare}/32`, "for a single address write"),
    correction(bare.replace(/\/.*/, ""), "write the address without a prefix length"),
    correction(bare.replace(/\b0+(?=\d)/g, ""), "write it without leading zeros"),
    correction(bare.replace(/^([^:]+):\d+$/, "$1"), "write it without the port"),
    correction(`0${bare}`, "write two digits for the hour"),
  ];
}

/** YAML 1.1 reads 09:30 without quotes as a number to the base of 60: 570. */
const clockText = (minutes: number): string =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");

function corrections(value: unknown): Correction[] {
  if (typeof value === "string") return textCorrections(value);
  if (typeof value === "number") return [correction(String(value), quoted), correction(clockText(value), quoted)];
  if (typeof value === "boolean") {
    // Which of the words stood there is lost.
    const how = `${quoted}: without them YAML reads yes, no, on and off as true or false`;
    return [{ values: [String(value)], how, full: how }];
  }
  return Array.isArray(value) && value.length === 1 ? [correction(value[0], "write it alone, not as a list")] : [];
}

/** "10.0.0.0/8, 10.1.0.0/16" -> ["10.0.0.0/8", "10.1.0.0/16"], and 80 -> [80] */
export function listCorrections(value: unknown): Correction[] {
  if (typeof value === "number") return [correction([value], "write it as a list")];
  if (typeof value !== "string") return [];
  const texts = value.split(/[\s,]+/).filter(Boolean);
  const numbers = texts.map((text) => (/^\d+$/.test(text) ? Number(text) : text));
  return [texts, numbers].map((list) => correction(list, "write it as a list"));
}

const isIPv6 = (text: string): boolean => text.includes(":") && text.split("-").every((end) => Address6.isValid(end));
/** A setting that takes one of these is about addresses. */
const ipv4 = ["192.0.2.1", "192.0.2.0/24", "10.4.0.0/24"];

/**
 * What may help with a value that a setting does not take: what is near it and would be taken.
 * @param tries what may have been meant; default: by the kind of the value
 */
export function adviceOn(value: unknown, setting: z.ZodType, tries = corrections(value)): Advice | undefined {
  const takes = (other: unknown) => setting.safeParse(other).success;
  const same = (text: string): Advice => ({ how: text, full: text });
  if (value === null) return same("give it a value, or take the line out");
  if (typeof value === "string" && isIPv6(value.trim()) && ipv4.some(takes))
    return same("IPv6 is not supported here: write an IPv4 one");
  const found = tries.find(({ values }) => values.every(takes));
  if (found) return found;
  const words = setting instanceof z.ZodEnum ? setting.options.map(String) : [];
  const near = typeof value === "string" ? meant(value, words) : undefined;
  return near === undefined ? undefined : same(`did you mean "${near}"?`);
}
