import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignSources, describeChoices, type Choice } from "../../gateway/plan/choices";
import { intervalOf } from "../../gateway/settings/address";
import { anyGateway, gatewayOf } from "./gateways";

describe("sources", () => {
  it("cover the subnet once, in order, and neighbours differ", () => {
    fc.assert(
      fc.property(anyGateway, ({ settings, plan }) => {
        const { first, last } = intervalOf(settings.wireguard.subnet);
        expect(plan.sources[0]?.first).toBe(first);
        expect(plan.sources.at(-1)?.last).toBe(last);
        plan.sources.forEach((piece, index) => {
          expect(piece.first).toBeLessThanOrEqual(piece.last);
          const next = plan.sources[index + 1];
          if (next) expect(next.first).toBe(piece.last + 1);
          if (next) expect(next.choices).not.toEqual(piece.choices);
        });
      }),
      { numRuns: 300 },
    );
  });

  it("end each with a choice that has no condition, the only one of its kind", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan }) => {
        for (const { choices } of plan.sources) {
          const free = choices.map(({ protocol, ports, window }) => !protocol && !ports && !window);
          expect(free).toEqual(choices.map((_, index) => index === choices.length - 1));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("have the rules of a list in its order, cut where they begin and end", () => {
    const hours = { days: ["mon" as const], from: "09:00", to: "17:00", timeZone: "Europe/Berlin" };
    const name = expect.stringMatching(/^window-[0-9a-f]{8}$/) as string;
    const window = { ...hours, name, days: [1] };
    const web: Choice = {
      protocol: "tcp",
      ports: [
        { first: 80, last: 80 },
        { first: 8000, last: 8100 },
      ],
      exit: "a",
    };
    expect(
      assignSources("10.4.0.0/24", [
        { from: "10.4.0.16-10.4.0.47", protocol: "tcp", ports: [80, "8000-8100"], exit: "a" },
        { from: "10.4.0.32/27", exit: "b" },
        { during: hours, exit: "block" },
      ]),
    ).toEqual([
      { ...intervalOf("10.4.0.0/28"), choices: [{ window, exit: "block" }, { exit: "direct" }] },
      { ...intervalOf("10.4.0.16/28"), choices: [web, { window, exit: "block" }, { exit: "direct" }] },
      { ...intervalOf("10.4.0.32/28"), choices: [web, { exit: "b" }] },
      { ...intervalOf("10.4.0.48/28"), choices: [{ exit: "b" }] },
      { ...intervalOf("10.4.0.64-10.4.0.255"), choices: [{ window, exit: "block" }, { exit: "direct" }] },
    ]);
  });

  it("name a window by what it is: other rules, their order and that of its days change nothing", () => {
    const hours = { from: "22:00", to: "06:00", timeZone: "UTC" };
    const nameOf = (days: string[], ...more: object[]) =>
      gatewayOf({ rules: [...more, { during: { ...hours, days }, exit: "block" }] })
        .plan.sources.at(-1)
        ?.choices.at(-2)?.window?.name;
    expect(nameOf(["mon", "fri"])).toBe(nameOf(["fri", "mon", "fri"], { protocol: "icmp", exit: "block" }));
    expect(nameOf(["mon", "fri"])).not.toBe(nameOf(["mon"]));
  });
});

describe("choices in words", () => {
  const window = { name: "window-12345678", days: [1], from: "09:00", to: "17:00", timeZone: "UTC" };
  const ports = [
    { first: 80, last: 80 },
    { first: 443, last: 500 },
  ];
  it.each<[string, Choice[]]>([
    ["direct", [{ exit: "direct" }]],
    ["tcp=a;direct", [{ protocol: "tcp", exit: "a" }, { exit: "direct" }]],
    ["tcp:80,443-500=a;block", [{ protocol: "tcp", ports, exit: "a" }, { exit: "block" }]],
    ["window-12345678=a;b", [{ window, exit: "a" }, { exit: "b" }]],
    ["udp:80,443-500@window-12345678=se-1;b", [{ protocol: "udp", ports, window, exit: "se-1" }, { exit: "b" }]],
  ])("%s", (words, choices) => {
    expect(describeChoices(choices)).toBe(words);
  });

  it("differ when the choices do, and have no blank", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan }) => {
        const words = plan.sources.map(({ choices }) => describeChoices(choices));
        expect(words.filter((text) => !/^[a-z0-9:,;=@-]+$/.test(text))).toEqual([]);
        const different = new Set(plan.sources.map(({ choices }) => JSON.stringify(choices)));
        expect(new Set(words).size).toBe(different.size);
      }),
      { numRuns: 300 },
    );
  });
});
