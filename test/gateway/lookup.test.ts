import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Choice } from "../../gateway/plan/choices";
import { dnsLookup, lookupOf, type Decision, type Lookup } from "../../gateway/plan/lookup";
import { intervalOf } from "../../gateway/settings/address";
import { gatewayOf } from "./gateways";
import { trace } from "./nftTrace";
import { loaded, packetOf } from "./ruleOracle";
import type { Raw } from "./settingsFixtures";

const only = (exit: string): Decision => ({ hours: [], exit });
const port = (first: number, last: number, decision: Decision) => ({ first, last, decision });
const window = (name: string) => ({ name, days: [1], from: "09:00", to: "17:00", timeZone: "UTC" });
const tcp = (ports: [number, number][], exit: string, hours?: string): Choice => ({
  protocol: "tcp",
  ports: ports.map(([first, last]) => ({ first, last })),
  ...(hours !== undefined && { window: window(hours) }),
  exit,
});
const rest: Choice = { exit: "direct" };

describe("a list of choices becomes a lookup:", () => {
  const other = only("direct");
  it.each<[string, Choice[], Lookup]>([
    ["without conditions", [rest], { protocols: [], other }],
    [
      "by protocol alone",
      [{ protocol: "icmp", exit: "a" }, rest],
      { protocols: [{ protocol: "icmp", ports: [], other: only("a") }], other },
    ],
    [
      "by a protocol that goes where all others go",
      [{ protocol: "udp", exit: "direct" }, rest],
      { protocols: [], other },
    ],
    [
      "the first range that holds a port has it",
      [
        tcp([[10, 20]], "a"),
        tcp(
          [
            [5, 15],
            [18, 30],
          ],
          "b",
        ),
        rest,
      ],
      {
        protocols: [
          { protocol: "tcp", ports: [port(5, 9, only("b")), port(10, 20, only("a")), port(21, 30, only("b"))], other },
        ],
        other,
      },
    ],
    [
      "neighbours that go to the same exit are one",
      [tcp([[80, 80]], "a"), tcp([[81, 90]], "a"), tcp([[92, 65535]], "a"), rest],
      { protocols: [{ protocol: "tcp", ports: [port(80, 90, only("a")), port(92, 65535, only("a"))], other }], other },
    ],
    [
      "ports that go where all other ports go are none",
      [tcp([[80, 80]], "direct"), tcp([[70, 90]], "a"), rest],
      { protocols: [{ protocol: "tcp", ports: [port(70, 79, only("a")), port(81, 90, only("a"))], other }], other },
    ],
    [
      "hours keep their place between ports, and each counts once",
      [tcp([[1, 2]], "a"), tcp([[2, 3]], "b", "w"), tcp([[3, 4]], "c"), { window: window("w"), exit: "d" }, rest],
      {
        protocols: [
          {
            protocol: "tcp",
            ports: [
              port(1, 2, only("a")),
              port(3, 3, { hours: [{ window: window("w"), exit: "b" }], exit: "c" }),
              port(4, 4, only("c")),
            ],
            other: { hours: [{ window: window("w"), exit: "d" }], exit: "direct" },
          },
        ],
        other: { hours: [{ window: window("w"), exit: "d" }], exit: "direct" },
      },
    ],
  ])("%s", (_, choices, wanted) => {
    expect(lookupOf(choices)).toEqual(wanted);
  });
});

describe("every lookup", () => {
  const ports = fc.integer({ min: 440, max: 446 });
  const anyChoice: fc.Arbitrary<Choice> = fc
    .record({
      protocol: fc.constantFrom("tcp" as const, "tcp" as const, "udp" as const, "icmp" as const, undefined),
      ranges: fc.array(fc.tuple(ports, ports), { maxLength: 3 }),
      hours: fc.constantFrom("v", "w", undefined, undefined),
      exit: fc.constantFrom("a", "b", "direct"),
    })
    .map(({ protocol, ranges, hours, exit }) => ({
      ...(protocol && { protocol }),
      ...((protocol === "tcp" || protocol === "udp") &&
        ranges.length > 0 && {
          ports: ranges.map(([a, b]) => ({ first: Math.min(a, b), last: Math.max(a, b) })),
        }),
      ...(hours && { window: window(hours) }),
      exit,
    }));
  const anyChoices = fc.array(anyChoice, { maxLength: 20 }).map((choices) => [...choices, rest]);

  const decided = ({ hours, exit }: Decision, open: readonly string[]): string =>
    hours.find((one) => open.includes(one.window.name))?.exit ?? exit;

  it("decides as the first match of the list, whatever is open", () => {
    fc.assert(
      fc.property(anyChoices, fc.subarray(["v", "w"]), (choices, open) => {
        const lookup = lookupOf(choices);
        const firstMatch = (protocol: string, at: number) =>
          choices.find(
            (choice) =>
              (choice.protocol ?? protocol) === protocol &&
              (choice.ports?.some(({ first, last }) => first <= at && at <= last) ?? true) &&
              (choice.window === undefined || open.includes(choice.window.name)),
          )?.exit;
        for (const protocol of ["tcp", "udp", "icmp", "gre"])
          for (const at of [0, 439, 440, 441, 442, 443, 444, 445, 446, 447, 65535]) {
            const own = lookup.protocols.find((one) => one.protocol === protocol);
            const piece = own?.ports.find(({ first, last }) => first <= at && at <= last);
            const found = piece?.decision ?? own?.other ?? lookup.other;
            expect(decided(found, open)).toBe(firstMatch(protocol, at));
          }
        expect(decided(dnsLookup(choices).other, open)).toBe(firstMatch("tcp", 443));
      }),
      { numRuns: 500 },
    );
  });

  it("has no more than it needs: disjoint pieces in order, which differ from what is beside them and from the rest", () => {
    fc.assert(
      fc.property(anyChoices, (choices) => {
        const { protocols, other } = lookupOf(choices);
        for (const own of protocols) {
          expect(own.ports.length > 0 || JSON.stringify(own.other) !== JSON.stringify(other)).toBe(true);
          own.ports.forEach((piece, index) => {
            const before = own.ports[index - 1];
            expect(piece.first).toBeLessThanOrEqual(piece.last);
            expect(piece.decision).not.toEqual(own.other);
            if (before) expect(before.last).toBeLessThan(piece.first);
            if (before?.last === piece.first - 1) expect(before.decision).not.toEqual(piece.decision);
          });
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("up to a hundred of a kind, a packet is held against four rules more at most where there are four times as many", () => {
  const exits = [{ name: "vpn", profile: "plain.ovpn" }];
  const last = { from: "10.4.0.128/25", exit: "vpn" };
  const during = { from: "09:00", to: "17:00", timeZone: "Europe/Berlin" };
  /** The most that any packet meets, to the rules' ports and others, from either half of the network. */
  function most(rules: readonly Raw[]): Record<string, number> {
    const gateway = gatewayOf({ exits, rules: [...rules, last] });
    const nft = loaded(gateway.plan, new Map());
    const walked = (chain: string) =>
      Math.max(
        ...["10.4.0.5", "10.4.0.200"].flatMap((address) =>
          ["tcp", "udp", "icmp"].flatMap((protocol) =>
            [...new Set([1, 999, ...rules.flatMap(portsOf)])].map((at) => {
              const source = intervalOf(address).first;
              return trace(nft, chain, packetOf({ source, protocol, port: protocol === "icmp" ? undefined : at }))
                .walked;
            }),
          ),
        ),
      );
    return { mark: walked("mangle_prerouting"), forward: walked("filter_forward") };
  }
  const portsOf = (rule: Raw): number[] =>
    ((rule["ports"] ?? []) as (number | string)[]).flatMap((one) => String(one).split("-").map(Number));
  const byPort = (count: number): Raw[] =>
    Array.from({ length: count }, (_, index) => ({
      protocol: "tcp",
      ports: [1000 + 20 * index, `${1010 + 20 * index}-${1025 + 20 * index}`],
      exit: index % 2 === 0 ? "vpn" : "block",
    }));

  it("exits, for which it is five, whoever sends it and wherever it goes; with less than nine, no more of them", () => {
    const walked = (count: number): number[] => {
      const many = Array.from({ length: count }, (_, index) => ({
        name: index === 0 ? "vpn" : `vpn${index}`,
        profile: "plain.ovpn",
        slot: index + 1,
      }));
      const nft = loaded(gatewayOf({ exits: many, rules: [last] }).plan, new Map(), "eth0");
      const client = packetOf({ source: intervalOf("10.4.0.200").first, protocol: "tcp", port: 443 });
      const on = { mark: 0x200, ctMark: 0x200 };
      const out = { ...client, ...on, in: "wg0", out: "veth-wg" };
      const sealed = { ...client, in: "veth-wg", out: "eth0", source: "10.200.1.2", destination: "203.0.113.20" };
      const back = {
        ...client,
        ...on,
        state: "established" as const,
        source: "198.51.100.9",
        destination: "10.4.0.200",
      };
      const all = [out, sealed, { ...back, in: "veth-wg", out: "wg0" }, { ...back, in: "eth0", out: "wg0", ctMark: 0 }];
      const hooks = ["mangle_prerouting", "filter_forward", "filter_input", "mangle_output", "filter_postrouting"];
      return all.flatMap((packet) => hooks.map((hook) => trace(nft, hook, packet).walked));
    };
    const nine = walked(9);
    walked(36).forEach((rules, index) => expect(rules).toBeLessThanOrEqual(nine[index]! + 5));
    walked(1).forEach((rules, index) => expect(rules).toBeLessThanOrEqual(nine[index]! + 8));
  });

  const fourMore = (few: Record<string, number>, many: Record<string, number>): void =>
    Object.entries(many).forEach(([hook, rules]) => expect(rules).toBeLessThanOrEqual(few[hook]! + 4));

  it("pieces of the network", () => {
    const pieces = (count: number): Raw[] =>
      Array.from({ length: count }, (_, index) => ({ from: `10.4.0.${2 * index}`, exit: "vpn" }));
    fourMore(most(pieces(25)), most(pieces(100)));
  });

  it("rules by port", () => {
    fourMore(most(byPort(16)), most(byPort(64)));
  });

  it("rules by port, some of which have hours; with hours, four more at most", () => {
    const timed = (count: number): Raw[] =>
      byPort(count).map((rule, index) => ({ ...rule, ...(index % 3 === 0 && { during }) }));
    fourMore(most(byPort(2)), most(timed(2)));
    fourMore(most(timed(16)), most(timed(64)));
  });
});
