import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK_MARK, DIRECT_MARK, FALLBACK_TABLE, MARK_MASK } from "../../gateway/plan/ids";
import type { IpRule } from "../../gateway/plan/plan";
import { contains, intervalOf } from "../../gateway/settings/address";
import { anyGateway, exitOf, type Gateway } from "./gateways";
import { trace, type Packet } from "./nftTrace";
import {
  anySelection,
  anyTraffic,
  loaded,
  packetOf,
  possibleWays,
  selectorsOf,
  wayOf,
  type Selection,
  type Traffic,
} from "./ruleOracle";

const UPLINK = "eth0";
/** A mark of ours that no exit has: that of one that was taken away. */
const GONE = 0xff00;

/** A gateway, what is selected on it, and traffic of its clients. */
interface Case {
  readonly gateway: Gateway;
  readonly selection: Selection;
  readonly traffic: readonly Traffic[];
}
const anyCase: fc.Arbitrary<Case> = anyGateway.chain((gateway) =>
  fc.record({
    gateway: fc.constant(gateway),
    selection: anySelection(gateway.plan),
    traffic: fc.array(anyTraffic(gateway.settings), { minLength: 8, maxLength: 8 }),
  }),
);

/** Fails with what led to it. */
function equal(found: unknown, wanted: unknown, { gateway, selection }: Case, ...about: unknown[]): void {
  if (found === wanted) return;
  const { rules, groups } = gateway.settings;
  const why = JSON.stringify({ about, selection: [...selection], groups, rules });
  expect.fail(`${String(found)} instead of ${String(wanted)}: ${why}`);
}

/** What the marks of a way are, and by which device it leaves. */
function leaving({ plan }: Gateway, way: string): { mark: number; ctMark: number; link: string } {
  if (way === "direct") return { mark: 0, ctMark: DIRECT_MARK, link: UPLINK };
  if (way === "block") return { mark: BLOCK_MARK, ctMark: 0, link: UPLINK };
  const { clientMark, hostLink } = exitOf(plan, way);
  return { mark: clientMark, ctMark: clientMark, link: hostLink };
}
const end = (way: string): string => (way === "direct" || way === "block" ? way : `exit_${way.replaceAll("-", "_")}`);
const linksOf = ({ plan }: Gateway): string[] => [UPLINK, ...plan.exits.map(({ hostLink }) => hostLink)];
const exitsOf = ({ plan }: Gateway): string[] => plan.exits.map(({ name }) => name);

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

describe("whatever mark, connection mark, state and route a packet has,", () => {
  const states = ["new", "established", "related", "invalid"] as const;

  it("it leaves by its own way or not at all", () => {
    const anyStates = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.constantFrom<Packet["state"][]>(...states)), {
      minLength: 4,
      maxLength: 4,
    });
    fc.assert(
      fc.property(anyCase, anyStates, (one, all) => {
        const { gateway, selection } = one;
        const rules = loaded(gateway.plan, selection, UPLINK);
        const ours = gateway.plan.exits.flatMap((exit) => [exit.clientMark, exit.resolverMark]);
        const marks = [0, 0, DIRECT_MARK, DIRECT_MARK, ...ours, GONE];
        for (const traffic of one.traffic) {
          const way = wayOf(gateway, selection, traffic);
          const ways = possibleWays(gateway.settings, traffic);
          equal(way === "block" || ways.includes(way), true, one, traffic, way, ways);
          for (const [a, b, state] of all) {
            // An ICMP error is about another packet, and goes where that one's connection does.
            if (state === "related" && traffic.protocol === "icmp") continue;
            const [mark = 0, ctMark = 0] = [marks[a % marks.length], marks[b % marks.length]];
            for (const out of ["docker0", ...linksOf(gateway)]) {
              const packet = { ...packetOf(traffic), mark, ctMark, state, out };
              const { through, verdict } = trace(rules, "filter_forward", packet);
              if (verdict === "accept")
                equal(way === "block" ? "nothing" : leaving(gateway, way).link, out, one, packet);
              if (through.includes("forward_direct")) equal(ways.includes("direct"), true, one, packet, ways);
            }
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("on another exit than its own it is reset when it is TCP, else dropped", () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        const rules = loaded(one.gateway.plan, one.selection, UPLINK);
        for (const traffic of one.traffic) {
          const way = wayOf(one.gateway, one.selection, traffic);
          const others = ["direct", ...exitsOf(one.gateway)].filter((began) => began !== way);
          const gone = { mark: 0, ctMark: GONE };
          for (const { mark, ctMark } of [...others.map((began) => leaving(one.gateway, began)), gone]) {
            const running = { ...packetOf(traffic), state: "established", ctMark } as const;
            const marked = trace(rules, "mangle_prerouting", running).packet;
            equal(`${marked.mark} ${marked.ctMark}`, `${mark} ${ctMark}`, one, running);
            for (const out of [...linksOf(one.gateway), "wg0"]) {
              const cut = trace(rules, "filter_forward", { ...marked, out }).verdict;
              const wanted = traffic.protocol === "tcp" ? /^reject with tcp reset$/ : /^drop$|^reject with icmp /;
              equal(wanted.test(cut), true, one, running, out, cut);
            }
          }
        }
      }),
      { numRuns: 80 },
    );
  });

  it("an ICMP error leaves by the way of the connection that it is about", () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        const rules = loaded(one.gateway.plan, one.selection, UPLINK);
        for (const began of ["direct", ...exitsOf(one.gateway)]) {
          const { ctMark, link } = leaving(one.gateway, began);
          for (const { source } of one.traffic) {
            const error = { ...packetOf({ source, protocol: "icmp", port: undefined }), state: "related" } as const;
            const marked = trace(rules, "mangle_prerouting", { ...error, ctMark }).packet;
            for (const out of linksOf(one.gateway))
              equal(trace(rules, "filter_forward", { ...marked, out }).verdict === "accept", out === link, one, error);
          }
        }
      }),
      { numRuns: 50 },
    );
  });

  it("an inner address comes by its own interface alone, or from the machine itself", () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        const { exits } = one.gateway.plan;
        const rules = loaded(one.gateway.plan, one.selection, UPLINK);
        const inner: [string, string][] = [
          ...one.traffic.map((traffic): [string, string] => [packetOf(traffic).source, "wg0"]),
          ...exits.map((exit): [string, string] => [exit.namespaceAddress, exit.hostLink]),
        ];
        for (const [source, own] of inner)
          for (const by of ["wg0", "lo", ...linksOf(one.gateway)]) {
            const packet = { ...packetOf({ source: 0, protocol: "tcp", port: 443 }), source, in: by };
            const { verdict } = trace(rules, "mangle_prerouting", packet);
            equal(verdict === "drop", by !== own && by !== "lo", one, packet);
          }
      }),
      { numRuns: 50 },
    );
  });

  it("to where no client may go it is rejected, whatever way it takes", () => {
    fc.assert(
      fc.property(anyCase, fc.constantFrom<Packet["state"]>("new", "established"), (one, state) => {
        const rules = loaded(one.gateway.plan, one.selection, UPLINK);
        const exits = one.gateway.plan.exits.map(({ namespaceAddress }) => namespaceAddress);
        for (const traffic of one.traffic)
          for (const destination of ["169.254.169.254", ...exits])
            for (const out of [...linksOf(one.gateway), "wg0"]) {
              const { packet } = trace(rules, "mangle_prerouting", { ...packetOf(traffic), state, destination });
              const { verdict } = trace(rules, "filter_forward", { ...packet, out });
              equal(verdict, "reject with icmp admin-prohibited", one, packet, out);
            }
      }),
      { numRuns: 50 },
    );
  });

  it("without a connection mark it leaves by no uplink", () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        const rules = loaded(one.gateway.plan, one.selection, UPLINK);
        for (const traffic of one.traffic) {
          const { verdict } = trace(rules, "filter_forward", { ...packetOf(traffic), out: UPLINK });
          equal(verdict === "accept", false, one, traffic);
        }
      }),
      { numRuns: 50 },
    );
  });

  it("it does not leave by an uplink that is not known, not to a local network either", () => {
    fc.assert(
      fc.property(anyCase, (one) => {
        const rules = loaded(one.gateway.plan, one.selection, "none-yet");
        for (const traffic of one.traffic) {
          const { packet } = trace(rules, "mangle_prerouting", packetOf(traffic));
          for (const destination of [packet.destination, "10.0.0.7", "192.168.0.1"]) {
            const { verdict } = trace(rules, "filter_forward", { ...packet, destination, out: UPLINK });
            equal(verdict === "accept", false, one, packet, destination);
          }
        }
      }),
      { numRuns: 50 },
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
