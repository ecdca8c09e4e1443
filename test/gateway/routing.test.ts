import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FALLBACK_TABLE, MARK_MASK } from "../../gateway/plan/ids";
import type { IpRule } from "../../gateway/plan/plan";
import { contains, intervalOf } from "../../gateway/settings/address";
import { exitOf, type Gateway } from "./gateways";
import { trace, type Packet } from "./nftTrace";
import { anyCase, end, equal, exitsOf, leaving, UPLINK } from "./routingCases";
import { loaded, packetOf, possibleWays, selectorsOf, wayOf } from "./ruleOracle";

/** Whether an ip rule (`man 8 ip-rule`) is about a packet. */
function isFor({ from, to, iif, mark }: IpRule, packet: Packet): boolean {
  const within = (network: string | undefined, address: string) =>
    network === undefined || contains(intervalOf(network), intervalOf(address));
  return (
    within(from, packet.source) &&
    within(to, packet.destination) &&
    (iif === undefined || iif === packet.in) &&
    (mark === undefined || (packet.mark & MARK_MASK) === mark)
  );
}
/** The routing table in which a packet is looked up; an exit's has a default route always, if only an unreachable one. */
const routed = ({ plan }: Gateway, packet: Packet): IpRule["table"] =>
  [...plan.ipRules].sort((a, b) => a.priority - b.priority).find((rule) => isFor(rule, packet))?.table ?? "main";
const tableOf = ({ plan }: Gateway, way: string): IpRule["table"] =>
  way === "direct" || way === "block" ? "main" : exitOf(plan, way).table;

describe("without the rules of nft, so without marks,", () => {
  it("whoever may never go direct comes to clients and local networks alone; the others lose nothing", () => {
    fc.assert(
      fc.property(anyCase, ({ gateway, traffic }) => {
        const { rules, wireguard, localNetworks } = gateway.settings;
        for (const { source } of traffic) {
          const at = { first: source, last: source };
          const about = rules.filter(({ from }) => contains(intervalOf(from ?? wireguard.subnet), at));
          const always = about.findIndex(({ protocol, during }) => protocol === undefined && during === undefined);
          const never = always >= 0 && about.slice(0, always + 1).every(({ exit }) => exit !== "direct");
          const packet = packetOf({ source, protocol: "tcp", port: 443 });
          expect(routed(gateway, packet)).toBe(never ? FALLBACK_TABLE : "main");
          for (const network of [wireguard.subnet, ...localNetworks])
            expect(routed(gateway, { ...packet, destination: network.split("/")[0] ?? "" })).toBe("main");
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the rules that nft loads lead a packet as the first matching rule of the settings says:", () => {
  it("its mark, and out of the device that the mark leads to", () => {
    fc.assert(
      fc.property(anyCase, fc.constantFrom(0, 0x10000, 0x30045), (one, others) => {
        const rules = loaded(one.gateway.plan, one.selection, UPLINK);
        for (const traffic of one.traffic) {
          const way = wayOf(one.gateway, one.selection, traffic);
          const { mark, ctMark, link } = leaving(one.gateway, way);
          const marked = trace(rules, "mangle_prerouting", { ...packetOf(traffic), mark: others, ctMark: others });
          equal(marked.chain, `mark_${end(way)}`, one, traffic);
          equal(marked.packet.mark, mark | others, one, traffic);
          equal(marked.packet.ctMark, ctMark | others, one, traffic);
          equal(routed(one.gateway, marked.packet), tableOf(one.gateway, way), one, traffic);
          const out = trace(rules, "filter_forward", { ...marked.packet, out: link });
          equal(out.through.includes(`forward_${end(way)}`), true, one, traffic);
          equal(out.verdict === "accept", way !== "block", one, traffic);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("the resolver of where its TCP to port 443 goes", () => {
    fc.assert(
      fc.property(anyCase, fc.constantFrom("tcp", "udp"), (one, protocol) => {
        const rules = loaded(one.gateway.plan, one.selection, UPLINK);
        const { address } = one.gateway.plan.wireguard;
        for (const { source } of one.traffic) {
          const way = wayOf(one.gateway, one.selection, { source, protocol: "tcp", port: 443 });
          const question = { ...packetOf({ source, protocol, port: 53 }), destination: address };
          const answered = trace(rules, "nat_prerouting", question);
          equal(answered.chain, `dns_${end(way)}`, one, question);
          if (way === "block") equal(answered.verdict, "accept", one, question);
          else {
            const resolver = way === "direct" ? `${address}:5353` : exitOf(one.gateway.plan, way).hostAddress;
            equal(answered.verdict, `dnat ip to ${resolver}`, one, question);
          }
          for (const part of [{ destination: "1.1.1.2" }, { port: 443 }, { in: UPLINK }])
            equal(trace(rules, "nat_prerouting", { ...question, ...part }).verdict, "policy accept", one, part);
        }
      }),
      { numRuns: 250 },
    );
  });
});

describe("a change of what is selected", () => {
  it("concerns an address when it can change its way, and an exit lets in all whom anything can lead to it", () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        const { windows, groups } = selectorsOf(one.gateway.plan);
        for (const traffic of one.traffic) {
          const at = { first: traffic.source, last: traffic.source };
          const before = wayOf(one.gateway, one.selection, traffic);
          for (const way of possibleWays(one.gateway.settings, traffic).filter((name) => end(name) !== name)) {
            const lets = exitOf(one.gateway.plan, way).sources.some((source) => contains(source, at));
            equal(lets, true, one, traffic, way);
          }
          for (const { name, sources } of [...windows, ...groups]) {
            const concerned = sources.some((source) => contains(intervalOf(source), at));
            for (const variant of ["open", "closed", "none", ...exitsOf(one.gateway)])
              if (wayOf(one.gateway, new Map([...one.selection, [name, variant]]), traffic) !== before)
                equal(concerned, true, one, traffic, name, variant);
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
