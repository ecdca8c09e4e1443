import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  EXIT_RULE_PRIORITY,
  FALLBACK_RULE_PRIORITY,
  MARK_MASK,
  MAX_LOCAL_NETWORKS,
  MAX_SLOT,
  PEER_RULE_PRIORITY,
  slotIds,
} from "../../gateway/plan/ids";
import { planGateway, type ExitPlan, type Plan } from "../../gateway/plan/plan";
import { intervalOf, joinNeighbours } from "../../gateway/settings/address";
import { anyGateway, documented, exitOf, gatewayOf } from "./gateways";

const slots = Array.from({ length: MAX_SLOT }, (_, index) => index + 1);

describe("a slot", () => {
  it("1 has the documented names and numbers", () => {
    expect(slotIds(1, "anything")).toEqual({
      namespace: "vpn_ns",
      hostLink: "veth-wg",
      namespaceLink: "veth-vpn",
      network: "10.200.1.0/24",
      hostAddress: "10.200.1.1",
      namespaceAddress: "10.200.1.2",
      table: 200,
      clientMark: 0x200,
      resolverMark: 0x100,
      clientPriority: 200,
      resolverPriority: 201,
    });
  });

  it("7 has its own", () => {
    expect(slotIds(7, "se-1")).toEqual({
      namespace: "vpn_ns_se-1",
      hostLink: "veth-wg-7",
      namespaceLink: "veth-vpn-7",
      network: "10.200.7.0/24",
      hostAddress: "10.200.7.1",
      namespaceAddress: "10.200.7.2",
      table: 206,
      clientMark: 0xe00,
      resolverMark: 0xd00,
      clientPriority: 212,
      resolverPriority: 213,
    });
  });

  it("shares nothing with another, and stays within what is ours", () => {
    const all = slots.map((slot) => slotIds(slot, "longname"));
    const marks = all.flatMap(({ clientMark, resolverMark }) => [clientMark, resolverMark]);
    expect(new Set(marks).size).toBe(2 * MAX_SLOT);
    expect(marks.filter((mark) => mark === 0 || (mark & MARK_MASK) !== mark)).toEqual([]);
    expect(new Set(all.map(({ table }) => table)).size).toBe(MAX_SLOT);
    expect(all.filter(({ table }) => table < 200 || table > 252)).toEqual([]);
    const links = all.flatMap(({ hostLink, namespaceLink }) => [hostLink, namespaceLink]);
    expect(new Set(links).size).toBe(2 * MAX_SLOT);
    expect(links.filter((link) => link.length > 15)).toEqual([]);
    const priorities = all.flatMap(({ clientPriority, resolverPriority }) => [clientPriority, resolverPriority]);
    expect(new Set(priorities).size).toBe(2 * MAX_SLOT);
    expect(Math.min(...priorities)).toBe(EXIT_RULE_PRIORITY);
    expect(Math.max(...priorities)).toBeLessThan(FALLBACK_RULE_PRIORITY);
    expect(new Set(all.map(({ network }) => network)).size).toBe(MAX_SLOT);
  });
});

describe("the ip rules", () => {
  it("of the documented gateway are the documented ones", () => {
    const { plan } = gatewayOf({ exits: [{ name: "vpn", profile: "asks.ovpn" }] });
    expect(plan.ipRules).toEqual([
      { priority: 100, from: "10.4.0.0/24", to: "10.4.0.0/24", table: "main" },
      { priority: 101, to: "10.4.0.0/24", table: "main" },
      { priority: 102, to: "10.0.0.0/16", table: "main" },
      { priority: 103, to: "10.0.1.0/24", table: "main" },
      { priority: 104, to: "10.0.2.0/24", table: "main" },
      { priority: 200, mark: 0x200, table: 200 },
      { priority: 201, mark: 0x100, table: 200 },
      { priority: 300, from: "10.4.0.128/25", iif: "wg0", table: 250 },
      { priority: 301, from: "10.200.1.1", table: 200 },
      { priority: 302, from: "10.200.1.1", table: 250 },
    ]);
  });

  it("end, for those who may never go direct, in a table that is no exit's, in as few networks as can be", () => {
    const hours = { from: "09:00", to: "17:00", timeZone: "UTC" };
    const { plan } = gatewayOf({
      exits: [{ name: "vpn", profile: "asks.ovpn" }],
      groups: [{ name: "any", members: ["vpn"] }],
      rules: [
        { from: "10.4.0.7", exit: "block" },
        { from: "10.4.0.8-10.4.0.12", protocol: "tcp", exit: "any" },
        { from: "10.4.0.8-10.4.0.11", exit: "vpn" },
        { from: "10.4.0.96/27", during: hours, exit: "direct" },
        { from: "10.4.0.64/26", exit: "vpn" },
      ],
    });
    const last = plan.ipRules.filter(({ priority }) => priority === FALLBACK_RULE_PRIORITY);
    expect(last.map(({ from }) => from)).toEqual(["10.4.0.7/32", "10.4.0.8/30", "10.4.0.64/27"]);
    expect(slots.map((slot) => slotIds(slot, "any").table)).not.toContain(last[0]?.table);
    expect(gatewayOf({}).plan.ipRules.filter(({ priority }) => priority >= FALLBACK_RULE_PRIORITY)).toEqual([]);
  });

  it("of as many local networks as may be all stand before the exits'", () => {
    const localNetworks = Array.from({ length: MAX_LOCAL_NETWORKS }, (_, index) => `172.16.${index}.0/24`);
    const { plan } = gatewayOf({ localNetworks, exits: [{ name: "vpn", profile: "asks.ovpn" }] });
    const priorities = plan.ipRules.map(({ priority }) => priority);
    expect(new Set(priorities).size).toBe(priorities.length);
    expect(priorities[0]).toBe(PEER_RULE_PRIORITY);
    const local = plan.ipRules.filter(({ to }) => to !== undefined).map(({ priority }) => priority);
    expect(Math.max(...local)).toBe(EXIT_RULE_PRIORITY - 1);
  });
});

describe("the documented plan", () => {
  it("has the documented values", () => {
    const { plan } = gatewayOf({ exits: [{ name: "vpn", profile: "asks.ovpn" }] });
    expect(plan.wireguard).toEqual({
      subnet: "10.4.0.0/24",
      address: "10.4.0.1",
      prefixLength: 24,
      port: 45822,
      mtu: 1420,
      mss: 1380,
      isolation: false,
    });
    expect(plan.sources).toEqual([
      { ...intervalOf("10.4.0.0/25"), choices: [{ exit: "direct" }] },
      { ...intervalOf("10.4.0.128/25"), choices: [{ exit: "vpn" }] },
    ]);
    expect(exitOf(plan, "vpn")).toMatchObject({
      sources: [intervalOf("10.4.0.128/25")],
      log: "/var/log/openvpn-ns.log",
    });
  });

  it("gives each client the choices of its address", () => {
    const { plan } = documented();
    expect(plan.clients.map(({ name, choices }) => [name, choices])).toEqual([
      ["laptop", [{ exit: "direct" }]],
      ["phone", [{ exit: "vpn" }]],
      ["tv", [{ exit: "se-1" }]],
    ]);
    expect(exitOf(plan, "vpn").sources).toEqual([
      intervalOf("10.4.0.128-10.4.0.199"),
      intervalOf("10.4.0.201-10.4.0.255"),
    ]);
    expect(exitOf(plan, "se-1").log).toBe("/var/log/openvpn-ns-se-1.log");
  });
});

describe("an exit", () => {
  it("stays as it is when others come, go and change their order", () => {
    fc.assert(
      fc.property(
        anyGateway
          .filter(({ plan }) => plan.exits.length > 0)
          .chain((gateway) =>
            fc.record({
              gateway: fc.constant(gateway),
              kept: fc.constantFrom(...gateway.settings.exits),
              others: fc.shuffledSubarray([...gateway.settings.exits]),
            }),
          ),
        ({ gateway: { settings, plan }, kept, others }) => {
          const exits = [...others.filter(({ name }) => name !== kept.name), kept];
          const groups = settings.groups.filter(({ members }) => members.includes(kept.name));
          const stay = [kept.name, ...groups.map(({ name }) => name)];
          const rules = settings.rules.map((rule) => (stay.includes(rule.exit) ? rule : { ...rule, exit: "direct" }));
          const after = planGateway({ ...settings, exits, groups, rules });
          // The rules of others may cut its sources into other pieces; they are the same addresses.
          const whole = (of: Plan): ExitPlan => ({
            ...exitOf(of, kept.name),
            sources: joinNeighbours(exitOf(of, kept.name).sources),
          });
          expect(whole(after)).toEqual(whole(plan));
          const ofKept = ({ table }: { table: unknown }) => table === exitOf(plan, kept.name).table;
          expect(after.ipRules.filter(ofKept)).toEqual(plan.ipRules.filter(ofKept));
        },
      ),
    );
  });
});
