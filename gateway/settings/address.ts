import { Address4 } from "ip-address";

/** A closed interval of IPv4 addresses as integers; `first <= last`. */
export interface Interval {
  readonly first: number;
  readonly last: number;
}

/** @returns the address as an integer 0..2^32-1. @throws AddressError when `text` is no dotted-quad address */
export function addressNumber(text: string): number {
  return Number(new Address4(text).bigInt());
}

/** @param value an integer 0..2^32-1 @returns the dotted-quad form */
export function addressText(value: number): string {
  return Address4.fromBigInt(BigInt(value)).correctForm();
}

/** The canonical dotted quad: no leading zeros, no prefix length, no spaces. */
export function isAddress(text: string): boolean {
  return Address4.isValid(text) && !text.includes("/") && new Address4(text).correctForm() === text;
}

/** An IPv4 address or a DNS name, also a full one with its dot at the end; what looks like an address must be one. */
export function isHost(text: string): boolean {
  return /^[\d.]+$/.test(text) ? isAddress(text) : /^(?=.{1,254}$)\w([\w.-]*\w)?\.?$/.test(text);
}

/** `a.b.c.d/n` in canonical form; host bits may be set: see {@link hasHostBits}. */
export function isCidr(text: string): boolean {
  const [address, length, ...rest] = text.split("/");
  return rest.length === 0 && isAddress(address ?? "") && /^(\d|[12]\d|3[0-2])$/.test(length ?? "");
}

/** Whether a CIDR names a host inside its network, as in 10.4.0.5/24. */
export function hasHostBits(cidr: string): boolean {
  const parsed = new Address4(cidr);
  return parsed.startAddress().correctForm() !== parsed.correctForm();
}

/** A CIDR without host bits. */
export function isNetwork(text: string): boolean {
  return isCidr(text) && !hasHostBits(text);
}

/** @param text an address, a CIDR, or a range `a.b.c.d-e.f.g.h`; valid by {@link isSource} */
export function intervalOf(text: string): Interval {
  const [first, last] = text.split("-");
  if (last !== undefined) return { first: addressNumber(first ?? ""), last: addressNumber(last) };
  const parsed = new Address4(text);
  return { first: Number(parsed.startAddress().bigInt()), last: Number(parsed.endAddress().bigInt()) };
}

/** A single address, a CIDR without host bits, or a range whose first address is not after its last. */
export function isSource(text: string): boolean {
  if (isAddress(text) || isNetwork(text)) return true;
  const [first, last, ...rest] = text.split("-");
  if (rest.length > 0 || !isAddress(first ?? "") || !isAddress(last ?? "")) return false;
  return addressNumber(first ?? "") <= addressNumber(last ?? "");
}

export function contains(outer: Interval, inner: Interval): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

export function overlap(a: Interval, b: Interval): boolean {
  return a.first <= b.last && b.first <= a.last;
}

/** @returns the interval as nftables writes it: one address, or first-last */
export function intervalText({ first, last }: Interval): string {
  return first === last ? addressText(first) : `${addressText(first)}-${addressText(last)}`;
}

/** Ascending and disjoint pieces, with those that touch and are alike in all else made one. */
export function joinAlike<T extends Interval>(pieces: readonly T[]): T[] {
  const content = (piece: T): string => JSON.stringify({ ...piece, first: 0, last: 0 });
  return pieces.reduce<T[]>((joined, next) => {
    const before = joined.at(-1);
    if (before?.last === next.first - 1 && content(before) === content(next))
      joined[joined.length - 1] = { ...before, last: next.last };
    else joined.push(next);
    return joined;
  }, []);
}

/** Intervals, ascending and disjoint, with those that touch made one. */
export const joinNeighbours = (intervals: readonly Interval[]): Interval[] =>
  joinAlike(intervals.map(({ first, last }) => ({ first, last })));

/** @returns the fewest networks in CIDR form that are the interval together, ascending */
export function networksOf({ first, last }: Interval): string[] {
  const networks: string[] = [];
  for (let at = first; at <= last;) {
    let bits = 0;
    while (at % 2 ** (bits + 1) === 0 && at + 2 ** (bits + 1) - 1 <= last) bits += 1;
    networks.push(`${addressText(at)}/${32 - bits}`);
    at += 2 ** bits;
  }
  return networks;
}
