import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { about, type Figure, figuresOf, percentile, ratio, spread, verdict } from "../../lab/bench/figure";
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
    expect(spread(all)).toEqual({ median, least, most, within: [least, most] });
  });

  test("has half of the values on either side, in whatever order they came", () => {
    fc.assert(
      fc.property(values, (all) => {
        const { median, least, most, within } = spread(all);
        expect(all.filter((value) => value <= median).length * 2).toBeGreaterThanOrEqual(all.length);
        expect(all.filter((value) => value >= median).length * 2).toBeGreaterThanOrEqual(all.length);
        expect([least, ...within, most]).toEqual([least, ...within, most].sort((a, b) => a - b));
        expect(within[0] <= median && median <= within[1]).toBe(true);
        expect([least, most]).toEqual([Math.min(...all), Math.max(...all)]);
        expect(spread([...all].reverse())).toEqual(spread(all));
      }),
    );
  });

  // Of the tables of the sign test: so many of so many values lie outside, at either end, 19 times of 20.
  test.each([
    [1, 0],
    [5, 0],
    [6, 0],
    [8, 0],
    [9, 1],
    [12, 2],
    [20, 5],
    [25, 7],
    [40, 13],
  ])("of %d values has its median within all but %d at either end", (count, left) => {
    const all = Array.from({ length: count }, (_, index) => index);
    expect(spread(all).within).toEqual([left, count - 1 - left]);
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
    expect(ratio({ ours: [99, 9.9, 50], base: [100, 10, 100] })).toMatchObject({
      median: 0.99,
      least: 0.5,
      most: 0.99,
    });
  });

  test("needs something beside it, in as many rounds", () => {
    expect(ratio({ ours: [1] })).toBeUndefined();
    expect(() => ratio({ ours: [1, 2], base: [1] })).toThrow("2 values beside 1");
  });
});

test.each<[string, Partial<Figure>, string | undefined]>([
  ["no goal", { base: [1] }, undefined],
  ["a goal, and nothing beside it", { goal: { atLeast: 1 } }, undefined],
  ["as much as asked for", { base: [1], goal: { atLeast: 1 } }, "yes"],
  ["too little", { base: [1.1], goal: { atLeast: 0.98 } }, "NO"],
  ["too much", { base: [0.5], goal: { atMost: 1.2 } }, "NO"],
  ["little enough", { base: [1], goal: { atMost: 1 } }, "yes"],
  ["enough by the median alone", { ours: [1, 2, 3], base: [2, 2, 2], goal: { atLeast: 1 } }, "likely"],
  ["too little by the median alone", { ours: [1, 2, 3], base: [2, 2, 2], goal: { atLeast: 1.1 } }, "unlikely"],
  ["too much by the median alone", { ours: [1, 2, 3], base: [2, 2, 2], goal: { atMost: 0.9 } }, "unlikely"],
  ["within a limit", { ours: [1, 2, 2], limit: 2 }, "yes"],
  ["within a limit by the median alone", { ours: [1, 2, 9], limit: 2 }, "likely"],
  ["beyond a limit", { ours: [3, 2.1, 9], limit: 2 }, "NO"],
  ["beyond a limit by the median alone", { ours: [1, 2.1, 9], limit: 2 }, "unlikely"],
])("%s", (_, more, expected) => {
  expect(verdict(figure(more))).toBe(expected);
});

describe("samples", () => {
  const measures = { speed: { what: "speed", unit: "m/s", goal: { atLeast: 1 } } };

  test("become figures", () => {
    expect(figuresOf(measures, [{ speed: 1 }, { speed: 2 }], [{ speed: 3 }, { speed: 4 }])).toEqual([
      { what: "speed", unit: "m/s", goal: { atLeast: 1 }, ours: [1, 2], base: [3, 4] },
    ]);
  });

  test("are told apart by what they are about", () => {
    expect(figuresOf(about("vpn", measures), [{ speed: 1 }])).toEqual([
      { what: "vpn: speed", unit: "m/s", goal: { atLeast: 1 }, ours: [1] },
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
