import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { independent, stackWith, type Wrong, wrongs } from "./settingsErrors";
import { faultsOf } from "./settingsFixtures";

function keysOf(...errors: readonly Wrong[]): string[] {
  const { credentials, ...raw } = stackWith(...errors);
  return faultsOf(raw, credentials).faults.map(({ key }) => key);
}

const pairs = wrongs.flatMap((a, index) =>
  wrongs.slice(index + 1).flatMap((b): [Wrong, Wrong][] => (independent(a, b) ? [[a, b]] : [])),
);
const pairKey = (a: Wrong, b: Wrong): string => [wrongs.indexOf(a), wrongs.indexOf(b)].sort((x, y) => x - y).join();

describe("a valid stack", () => {
  it("has no errors", () => {
    expect(keysOf()).toEqual([]);
  });

  it.each(wrongs.map((wrong) => [wrong.key, wrong] as const))("with %s wrong has that error alone", (key, wrong) => {
    expect(keysOf(wrong)).toEqual([key]);
  });

  it("with independent errors has all of them and no others: any two are in one of these stacks", () => {
    const left = new Set(pairs.map(([a, b]) => pairKey(a, b)));
    for (const pair of pairs) {
      if (!left.has(pairKey(...pair))) continue;
      const errors = wrongs.reduce<Wrong[]>(
        (chosen, one) => (chosen.every((other) => independent(other, one)) ? [...chosen, one] : chosen),
        [...pair],
      );
      for (const a of errors) for (const b of errors) left.delete(pairKey(a, b));
      expect(keysOf(...errors).sort()).toEqual(errors.map(({ key }) => key).sort());
    }
    expect(pairs.length).toBeGreaterThan(2500);
    expect(left.size).toBe(0);
  });

  it("with any number of independent errors has all of them, and no others", () => {
    const anyErrors = fc
      .shuffledSubarray([...wrongs], { minLength: 2 })
      .map((some) =>
        some.reduce<Wrong[]>(
          (chosen, one) => (chosen.every((other) => independent(other, one)) ? [...chosen, one] : chosen),
          [],
        ),
      );
    fc.assert(
      fc.property(anyErrors, (errors) => {
        expect(keysOf(...errors).sort()).toEqual(errors.map(({ key }) => key).sort());
      }),
    );
  });
});
