import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import type { Outcome } from "../../lab/bench/figure";
import { decades, linePlot, ratioPlot } from "../../lab/bench/plot";
import { markdown, shown, terminalTable, withFigures } from "../../lab/bench/report";
import { manyClients, manyRules, subnet } from "../../lab/bench/settings";
import { existing, parse } from "../gateway/settingsFixtures";

const outcome: Outcome = {
  name: "direct",
  title: 'Direct <path> & "more"',
  against: "bare tools",
  measured: "2026-01-02T03:04:05.000Z",
  machine: "2 processors",
  load: 1.5,
  figures: [
    { what: "speed", unit: "Mbit/s", ours: [90, 100, 110], base: [100, 100, 100], goal: { atLeast: 0.98 } },
    { what: "time", unit: "s", ours: [3, 2, 4], base: [1, 1, 1], goal: { atMost: 1.2 } },
    { what: "memory", unit: "MB", at: 10, ours: [20], limit: 300 },
    { what: "memory", unit: "MB", at: 1000, ours: [30, 50, 40], limit: 30 },
  ],
};

test.each([
  [0, "0"],
  [0.012345, "0.0123"],
  [1.5, "1.5"],
  [12.345, "12.3"],
  [1234.5, "1235"],
])("%d is shown as %s", (value, text) => {
  expect(shown(value)).toBe(text);
});

describe("a table", () => {
  test("in a document", () => {
    expect(markdown(outcome, ["direct.svg"])).toBe(`### Direct <path> & "more"

Beside it: bare tools. 3 rounds on 2026-01-02, 2 processors, load when it began 1.5.

| measured | gateway | beside it | ratio (least..most) | its median within | goal | met |
| --- | --- | --- | --- | --- | --- | --- |
| speed | 100 Mbit/s | 100 Mbit/s | 1 (0.9..1.1) | 0.9..1.1 | >= 0.98 | likely |
| time | 3 s | 1 s | 3 (2..4) | 2..4 | <= 1.2 | NO |
| memory, 10 | 20 MB |  |  |  | <= 300 MB | yes |
| memory, 1000 | 40 (30..50) MB |  |  |  | <= 30 MB | unlikely |

![Direct <path> & "more"](benchmarks/direct.svg)
`);
  });

  test("on a terminal has the same cells", () => {
    const text = terminalTable(outcome);
    for (const cell of ["against bare tools", "1 (0.9..1.1)", "3 (2..4)", "40 (30..50) MB", "NO"])
      expect(text).toContain(cell);
  });

  test("replaces what stands between the document's marks, and nothing else", () => {
    const document = readFileSync(join(__dirname, "..", "..", "docs", "benchmarks.md"), "utf8");
    const once = withFigures(document, "new figures\n");
    expect(once).toContain("new figures");
    expect(once.split("<!--")[0]).toBe(document.split("<!--")[0]);
    expect(withFigures(once, "new figures\n")).toBe(once);
    expect(() => withFigures("no marks", "")).toThrow("lacks the lines");
  });
});

describe("a plot", () => {
  const numbers = (svg: string, pattern: RegExp): number[] =>
    [...svg.matchAll(pattern)].map((match) => Number(match[1]));

  test("of ratios has a dot for each figure that has something beside it, one of 1 on the line of 1", () => {
    const svg = ratioPlot([outcome]);
    expect(svg).toMatch(/^<svg [^>]*>\n<title>ratios<\/title>/);
    expect(svg).toContain("Direct &lt;path> &amp; &quot;more&quot;: speed");
    const [speed, time] = numbers(svg, /<circle cx="([\d.]+)"/g);
    const [one] = numbers(svg, /<line x1="([\d.]+)"/g);
    expect(speed).toBe(one);
    expect(time).toBeGreaterThan(one!);
    expect(svg.match(/<circle/g)).toHaveLength(2);
  });

  test("of what was varied rises to the right where the figures grow", () => {
    const svg = linePlot(outcome)!;
    const [first, second] = /points="([^"]+)"/
      .exec(svg)![1]!
      .split(" ")
      .map((point) => point.split(",").map(Number));
    expect(second![0]).toBeGreaterThan(first![0]!);
    expect(second![1]).toBeLessThan(first![1]!);
    expect(svg).toContain("memory (MB)");
    expect(svg).not.toContain("NaN");
  });

  test("of nothing varied is none", () => {
    expect(linePlot({ ...outcome, figures: outcome.figures.slice(0, 2) })).toBeUndefined();
  });

  test.each([
    { all: [10, 1000], ticks: [10, 100, 1000] },
    { all: [0.02, 3], ticks: [0.01, 0.1, 1, 10] },
    { all: [1], ticks: [1, 10] },
  ])("its axis for $all", ({ all, ticks }) => {
    expect(decades(all)).toHaveLength(ticks.length);
    decades(all).forEach((tick, index) => expect(tick).toBeCloseTo(ticks[index]!));
  });
});

test.each([1, 10, 1000, 10_000])("settings of %d clients and 100 rules are sound", (count) => {
  const raw = {
    host: existing,
    wireguard: { subnet },
    exits: [{ name: "vpn", profile: "vpn.ovpn" }],
    clients: manyClients(count, subnet),
    rules: manyRules(100, { from: "10.128.128.0/17", exit: "vpn" }),
  };
  const { settings } = parse(raw);
  expect([settings.clients.length, settings.rules.length]).toEqual([count, 100]);
});
