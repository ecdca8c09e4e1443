import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addressNumber,
  addressText,
  intervalOf,
  intervalText,
  isAddress,
  isCidr,
  isSource,
  joinNeighbours,
  networksOf,
} from "../../gateway/settings/address";

describe("addresses", () => {
  it.each(["10.4.0.1", "0.0.0.0", "255.255.255.255"])("%s is one", (text) => expect(isAddress(text)).toBe(true));
  it.each(["10.4.0", "010.4.0.1", "10.4.0.1/32", " 10.4.0.1", "10.4.0.1\n", "0x0a.4.0.1", "::1", "256.0.0.1", ""])(
    "%j is none",
    (text) => expect(isAddress(text)).toBe(false),
  );
  it.each(["10.4.0.0/33", "10.4.0.0/", "10.4.0.0/024", "10.4.0.0/2/4", "10.4.0.0/-1", "10.4.0.0/ 8"])(
    "%j is no network",
    (text) => expect(isCidr(text)).toBe(false),
  );

  it("are numbers and back", () => {
    fc.assert(
      fc.property(fc.nat({ max: 0xffffffff }), (value) => {
        expect(isAddress(addressText(value))).toBe(true);
        expect(addressNumber(addressText(value))).toBe(value);
      }),
    );
  });

  it("make intervals and back", () => {
    const value = fc.nat({ max: 0xffffffff });
    fc.assert(
      fc.property(value, value, (a, b) => {
        const interval = { first: Math.min(a, b), last: Math.max(a, b) };
        expect(isSource(intervalText(interval))).toBe(true);
        expect(intervalOf(intervalText(interval))).toEqual(interval);
      }),
    );
    expect(intervalOf("10.4.0.128/25")).toEqual(intervalOf("10.4.0.128-10.4.0.255"));
  });
});

describe("an interval as networks", () => {
  const anyInterval = fc
    .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 70_000 }))
    .map(([first, length]) => ({ first, last: Math.min(first + length, 2 ** 32 - 1) }));

  it("is the same addresses, in networks of which no two neighbours are one", () => {
    fc.assert(
      fc.property(anyInterval, (interval) => {
        const networks = networksOf(interval);
        expect(networks.filter((network) => !isSource(network))).toEqual([]);
        expect(joinNeighbours(networks.map(intervalOf))).toEqual([interval]);
        expect(networks.length).toBeLessThanOrEqual(2 * 17);
      }),
    );
  });

  it.each([
    [{ first: 0, last: 2 ** 32 - 1 }, ["0.0.0.0/0"]],
    [intervalOf("10.4.0.128-10.4.0.255"), ["10.4.0.128/25"]],
    [intervalOf("255.255.255.255"), ["255.255.255.255/32"]],
    [intervalOf("10.4.0.1-10.4.0.6"), ["10.4.0.1/32", "10.4.0.2/31", "10.4.0.4/31", "10.4.0.6/32"]],
  ])("%j is %j", (interval, networks) => expect(networksOf(interval)).toEqual(networks));

  it("touching, are joined, and no others", () => {
    const joined = ["10.4.0.0-10.4.0.3", "10.4.0.4", "10.4.0.6-10.4.0.7", "10.4.0.8/30"].map(intervalOf);
    expect(joinNeighbours(joined).map(intervalText)).toEqual(["10.4.0.0-10.4.0.4", "10.4.0.6-10.4.0.11"]);
  });
});
