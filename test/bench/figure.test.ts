import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { type Figure, figuresOf, meets, percentile, ratio, spread } from "../../lab/bench/figure";
import { eachSide } from "../../lab/bench/exchange";

const values = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 20 });
const figure = (more: Partial<Figure>): Figure => ({ what: "speed", unit: "Mbit/s", ours: [1], ...more });

describe("a spread", () => {
  test.each([
    [[3], 3, 3, 3],
    [[3, 1, 2], 2, 1, 3],
    [[4, 1, 2, 10], 3, 1, 10],
    [[10, 9, 100], 10, 9, 100],
  ])("of %j", (all, median, least, most) => {
    expect(spread(all)).toEqual({ median, least, most });
  });

  test("has half of the values on either side, in whatever order they came", () => {
    fc.assert(
      fc.property(values, (all) => {
        const { median, least, most } = spread(all);
        expect(all.filter((value) => value <= median).length * 2).toBeGreaterThanOrEqual(all.length);
        expect(all.filter((value) => value >= median).length * 2).toBeGreaterThanOrEqual(all.length);
        expect([least, most]).toEqual([Math.min(...all), Math.max(...all)]);
        expect(spread([...all].reverse())).toEqual(spread(all));
      }),
    );
  });

  test("of nothing is an error", () => {
    expect(() => spread([])).toThrow(RangeError);
  });
});

test.each([
  [0, 1],
  [50, 51],
  [99, 100],
  [100, 101],
])("percentile %d of 1..101", (percent, expected) => {
  const all = Array.from({ length: 101 }, (_, index) => index + 1);
  expect(percentile(all, percent)).toBeCloseTo(expected);
});

describe("a ratio", () => {
  test("is taken round by round: what made a round slow made both slow", () => {
    expect(ratio({ ours: [99, 9.9, 50], base: [100, 10, 100] })).toEqual({ median: 0.99, least: 0.5, most: 0.99 });
  });

  test("needs something beside it, in as many rounds", () => {
    expect(ratio({ ours: [1] })).toBeUndefined();
    expect(() => ratio({ ours: [1, 2], base: [1] })).toThrow("2 values beside 1");
  });
});

test.each<[string, Partial<Figure>, boolean | undefined]>([
  ["no goal", { base: [1] }, undefined],
  ["a goal, and nothing beside it", { goal: { atLeast: 1 } }, undefined],
  ["as much as asked for", { base: [1], goal: { atLeast: 1 } }, true],
  ["too little", { base: [1.1], goal: { atLeast: 0.98 } }, false],
  ["too much", { base: [0.5], goal: { atMost: 1.2 } }, false],
  ["little enough", { base: [1], goal: { atMost: 1 } }, true],
  ["within a limit", { ours: [1, 2, 9], limit: 2 }, true],
  ["beyond a limit", { ours: [1, 2.1, 9], limit: 2 }, false],
])("meets: %s", (_, more, expected) => {
  expect(meets(figure(more))).toBe(expected);
});

describe("samples", () => {
  const measures = { speed: { what: "speed", unit: "m/s", goal: { atLeast: 1 } } };

  test("become figures", () => {
    expect(figuresOf(measures, [{ speed: 1 }, { speed: 2 }], [{ speed: 3 }, { speed: 4 }])).toEqual([
      { what: "speed", unit: "m/s", goal: { atLeast: 1 }, ours: [1, 2], base: [3, 4] },
    ]);
  });

  test.each([{}, { speed: NaN }])("%j in one round is an error", (lacking) => {
    expect(() => figuresOf(measures, [{ speed: 1 }, lacking as Record<string, number>])).toThrow(
      "round 2 measured no speed",
    );
  });
});

test("each side is measured whenever its turn comes", async () => {
  const seen: string[] = [];
  const turnTo = (side: string) => Promise.resolve(void seen.push(`turn to ${side}`));
  const found = await eachSide(turnTo, ["base", "ours", "ours", "base"], (side) => Promise.resolve(seen.push(side)));
  const turns = ["base", "ours", "ours", "base"].flatMap((side) => [`turn to ${side}`, side]);
  expect(seen).toEqual(turns);
  expect(found).toEqual({ base: [2, 8], ours: [4, 6] });
});
