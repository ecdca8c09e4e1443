import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { intervalOf } from "../../gateway/settings/address";
import { checkReach } from "../../gateway/settings/ruleChecks";
import { schema, type RuleSettings } from "../../gateway/settings/schema";
import { anyRules } from "./gateways";
import { firstMatch, type Traffic } from "./ruleOracle";
import { fault, holds } from "./faultTable";
import { ec2, faultsOf, vpn, type Raw } from "./settingsFixtures";

const exits = [vpn, { ...vpn, name: "se", slot: 2 }];
const group = { name: "any", members: ["vpn", "se"] };
const withRules = (...rules: Raw[]): Raw => ({ host: ec2, exits, groups: [group], rules });
const office = { from: "09:00", to: "17:00", timeZone: "Europe/Berlin" };

describe("a rule that cannot match is named, with those that take its traffic:", () => {
  const web = { protocol: "tcp", ports: [80, 443] };
  const half = { from: "10.4.0.128/25" };
  const other = { ...office, to: "18:00" };
  const dead = (key: string, by: string, ...rules: Raw[]) =>
    fault(
      withRules(...rules.map((rule) => ({ exit: "vpn", ...rule }))),
      key,
      `first match wins, and all of its traffic is taken by ${by}`,
      "move it up, or take it out",
    );
  holds({
    "after one for everything": dead("rules[1]", "rules[0]", {}, { ...half, ...web }),
    "after the same": dead("rules[1]", "rules[0]", half, half),
    "after a larger network": dead("rules[1]", "rules[0]", half, { from: "10.4.0.200" }),
    "after two halves of its network": dead(
      "rules[2]",
      "rules[0], rules[1]",
      { from: "10.4.0.0-10.4.0.99" },
      { from: "10.4.0.100-10.4.0.255" },
      {},
    ),
    "after three that overlap, and one of somebody else's": dead(
      "rules[4]",
      "rules[0], rules[2], rules[3]",
      { from: "10.4.0.10-10.4.0.20" },
      { from: "10.4.0.99" },
      { from: "10.4.0.15-10.4.0.25" },
      { from: "10.4.0.26-10.4.0.30" },
      { from: "10.4.0.10-10.4.0.30" },
    ),
    "after one without its protocol": dead("rules[1]", "rules[0]", half, { ...half, protocol: "icmp" }),
    "after one without its ports": dead("rules[1]", "rules[0]", { protocol: "tcp" }, web),
    "after ports that hold its own": dead("rules[1]", "rules[0]", { protocol: "tcp", ports: ["80-500"] }, web),
    "after its ports one by one": dead(
      "rules[2]",
      "rules[0], rules[1]",
      { protocol: "tcp", ports: [443, 8080] },
      { protocol: "tcp", ports: [79, 80] },
      web,
    ),
    "after ranges that touch": dead(
      "rules[2]",
      "rules[0], rules[1]",
      { protocol: "udp", ports: ["1-100", "201-300"] },
      { protocol: "udp", ports: ["101-200"] },
      { protocol: "udp", ports: ["50-250"] },
    ),
    "after other ports for each half of its network": dead(
      "rules[3]",
      "rules[0], rules[1], rules[2]",
      { ...half, protocol: "tcp" },
      { protocol: "tcp", ports: [443] },
      { from: "10.4.0.0/25", protocol: "tcp", ports: [80] },
      web,
    ),
    "in hours after the same without hours": dead("rules[1]", "rules[0]", half, { ...half, during: office }),
    "in hours after the same hours": dead("rules[1]", "rules[0]", { during: office }, { ...half, during: office }),
    "in hours after the same, their days in another order": dead(
      "rules[1]",
      "rules[0]",
      { during: { ...office, days: ["mon", "tue"] } },
      { during: { ...office, days: ["tue", "mon"] } },
    ),
    "in hours after the same every day": dead(
      "rules[1]",
      "rules[0]",
      { during: office },
      { during: { ...office, days: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] } },
    ),
    "in hours after the same hours and one without": dead(
      "rules[2]",
      "rules[0], rules[1]",
      { during: office, from: "10.4.0.0/25" },
      half,
      { during: office },
    ),
  });

  it.each<[string, Raw[]]>([
    ["before one for everything", [{ ...half, ...web }, {}]],
    ["with one address more", [half, { from: "10.4.0.127-10.4.0.255" }]],
    ["with an address between two", [{ from: "10.4.0.0-10.4.0.99" }, { from: "10.4.0.101-10.4.0.255" }, {}]],
    [
      "of any protocol after the three that have names",
      [{ protocol: "tcp" }, { protocol: "udp" }, { protocol: "icmp" }, {}],
    ],
    ["of another protocol", [web, { protocol: "udp", ports: [80, 443] }]],
    ["with a port between two", [{ protocol: "tcp", ports: ["1-79", "81-65535"] }, web]],
    ["of every port after all that can be named", [{ protocol: "tcp", ports: ["1-65535"] }, { protocol: "tcp" }]],
    ["without hours after the same in hours", [{ during: office }, {}]],
    ["in other hours", [{ during: office }, { during: other }]],
    ["on other days", [{ during: { ...office, days: ["mon"] } }, { during: office }]],
    ["in another zone", [{ during: office }, { during: { ...office, timeZone: "UTC" } }]],
  ])("not %s", (_, rules) => {
    expect(faultsOf(withRules(...rules.map((rule) => ({ exit: "vpn", ...rule })))).faults).toEqual([]);
  });

  it("in its own words", () => {
    const during = { ...office, days: ["sat", "mon"] };
    const { message } = faultsOf(withRules({ exit: "any" }, { ...half, ...web, during, exit: "block" }));
    expect(message).toContain(
      'wg-gateway:rules[1] is "from 10.4.0.128/25 tcp 80,443 during mon,sat 09:00-17:00 to block"\n',
    );
  });
});

const subnet = "10.4.0.0/29";

/** Rules that often stand in each other's way. */
const anyList = fc
  .oneof(
    anyRules(subnet, ["a"]),
    // Of few ports and hours, so that several together take all of one's traffic.
    fc.array(
      fc.record({
        from: fc.constantFrom(undefined, "10.4.0.0/30", "10.4.0.4/30", "10.4.0.2-10.4.0.5"),
        protocol: fc.constantFrom("tcp", "tcp", "udp"),
        ports: fc.option(fc.subarray(["1-2", 3, "4-65535", "2-6", 7], { minLength: 1 }), { nil: undefined }),
        during: fc.option(fc.constantFrom("09:00", "10:00"), { freq: 2, nil: undefined }).map((from) => {
          return from && { from, to: "17:00", timeZone: "UTC" };
        }),
        exit: fc.constant("a"),
      }),
      { maxLength: 8 },
    ),
  )
  .map((rules) => schema.shape.rules.parse(rules) ?? []);

/** Traffic of every kind that the rules tell apart. */
function everyTraffic(rules: readonly RuleSettings[]): Traffic[] {
  const { first, last } = intervalOf(subnet);
  const edges = rules.flatMap(({ ports }) => ports?.flatMap((port) => String(port).split("-").map(Number)) ?? []);
  const ports = [...new Set([0, 65535, ...edges.flatMap((port) => [port - 1, port, port + 1])])];
  const sources = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return sources.flatMap((source) => [
    ...["icmp", "gre"].map((protocol) => ({ source, protocol, port: undefined })),
    ...["tcp", "udp"].flatMap((protocol) =>
      ports.filter((port) => 0 <= port && port <= 65535).map((port) => ({ source, protocol, port })),
    ),
  ]);
}

/** The rules that some traffic meets first at some time: for every set of hours that may be open. */
function reached(rules: readonly RuleSettings[]): number[] {
  const hours = [...new Set(rules.flatMap(({ during }) => (during ? [JSON.stringify(during)] : [])))];
  const times = Array.from({ length: 2 ** hours.length }, (_, time) => hours.filter((_, at) => (time >> at) & 1));
  const traffic = everyTraffic(rules);
  const met = times.flatMap((open) =>
    traffic.map((one) => firstMatch(rules, one, (during) => open.includes(JSON.stringify(during)))),
  );
  return rules.flatMap((rule, index) => (met.includes(rule) ? [index] : []));
}

it("a rule is refused as unreachable exactly when no packet meets it first, whatever windows are open", () => {
  let refused = 0;
  fc.assert(
    fc.property(
      anyList.filter((rules) => new Set(rules.flatMap(({ during }) => JSON.stringify(during) ?? [])).size <= 4),
      (rules) => {
        const keys: string[] = [];
        checkReach(rules, subnet, (key) => void keys.push(key));
        const met = reached(rules);
        const wanted = rules.flatMap((_, index) => (met.includes(index) ? [] : [`rules[${index}]`]));
        refused += wanted.length;
        expect(keys).toEqual(wanted);
      },
    ),
    { numRuns: 400 },
  );
  expect(refused).toBeGreaterThan(50);
});
