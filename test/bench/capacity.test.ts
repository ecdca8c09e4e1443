import { describe, expect, test } from "vitest";

import { capacity } from "../../lab/bench/capacity";
import type { Outcome } from "../../lab/bench/figure";

const outcome = (name: string, figures: Readonly<Record<string, number>>): Outcome => ({
  ...{ name, title: name, measured: "2026-01-02T03:04:05Z", machine: "a machine", load: 0 },
  figures: Object.entries(figures).map(([what, value]) => ({ what, unit: "", ours: [value / 2, value, value * 2] })),
});
const path = (name: string, own: number, lab: number, down: number, up: number): Outcome =>
  outcome(name, {
    "to the client": down,
    "from the client": up,
    "processor time of the machine's tunnel programs": own,
    "processor time of the whole lab": lab,
  });
const direct = path("direct", 2, 8, 3000, 2000);
const vpn = path("vpn", 40, 80, 120, 150);
const memory = outcome("memory", { wireguard: 10, "for each exit: its resolver": 2, "for each exit: OpenVPN": 4 });

describe("what an instance carries", () => {
  const text = capacity([direct, vpn, memory]) ?? "";
  const row = (name: string) => text.split("\n").find((line) => line.startsWith(`| ${name}`));

  test("is nothing until all of it was measured", () => {
    expect(capacity([direct, memory])).toBeUndefined();
  });

  test("follows from the medians", () => {
    expect(text).toContain("1000..4000 Mbit/s"); // 8000 / 8, 8000 / 2
    expect(text).toContain("100..200 Mbit/s"); // 8000 / 80, 8000 / 40
    expect(text).toContain("120..200 Mbit/s"); // the slower direction, 8000 / 40
    expect(text).toContain("16, 310 MB");
  });

  test.each([
    ["the baseline and the credits", "t4g.small", "| 0.4 (20 %) | 128 | 40..80 | network | credits |"],
    ["the baseline and the core", "c7g.xlarge", "| 4 | 1876 | 120..200 | network | OpenVPN's core |"],
    ["the processor alone", "c7gn.medium", "| 1 | 1000..3125 | 100..200 | processor, or network | processor |"],
    [
      "the internet gateway",
      "c7gn.large",
      "| 2 | 2000..5000 | 120..200 | processor, or the 5 Gbit/s | OpenVPN's core |",
    ],
  ])("is bound by %s", (_, name, end) => {
    expect(row(name)).toContain(end);
  });
});
