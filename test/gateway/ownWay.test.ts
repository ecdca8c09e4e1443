import fc from "fast-check";
import { describe, it } from "vitest";
import { DIRECT_MARK } from "../../gateway/plan/ids";
import { trace, type Packet } from "./nftTrace";
import { anyCase, equal, exitsOf, leaving, linksOf, UPLINK } from "./routingCases";
import { loaded, packetOf, possibleWays, wayOf } from "./ruleOracle";

/** A mark of ours that no exit has: that of one that was taken away. */
const GONE = 0xff00;

describe("whatever mark, connection mark, state and route a packet has,", () => {
  const states = ["new", "established", "related", "invalid"] as const;

  it("it leaves by its own way or not at all", () => {
    const anyStates = fc.array(
      fc.tuple(fc.nat(), fc.nat(), fc.constantFrom<Packet["state"][]>(...states), fc.boolean()),
      {
        minLength: 4,
        maxLength: 4,
      },
    );
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
          for (const [a, b, state, assured] of all) {
            // An ICMP error is about another packet, and goes where that one's connection does.
            if (state === "related" && traffic.protocol === "icmp") continue;
            const [mark = 0, ctMark = 0] = [marks[a % marks.length], marks[b % marks.length]];
            for (const out of ["docker0", ...linksOf(gateway)]) {
              const packet = { ...packetOf(traffic), mark, ctMark, state, assured, out };
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
          for (const by of ["wg0", "lo", ...linksOf(one.gateway)])
            // What a client began was looked at then.
            for (const ctMark of [0, ...(by === "wg0" ? [] : exits.map(({ clientMark }) => clientMark))]) {
              const packet = { ...packetOf({ source: 0, protocol: "tcp", port: 443 }), source, in: by, ctMark };
              const { verdict } = trace(rules, "mangle_prerouting", packet);
              equal(verdict === "drop", by !== own && by !== "lo", one, packet);
            }
      }),
      { numRuns: 50 },
    );
  });

  it("of what an exit sends, answers on its own clients' connections alone come to a client, and nothing to elsewhere", () => {
    const anyMark = fc.integer({ min: 0, max: 0xff }).map((mark) => mark << 8);
    fc.assert(
      fc.property(
        anyCase,
        anyMark,
        fc.constantFrom("tcp", "udp", "icmp"),
        fc.boolean(),
        (one, mark, protocol, assured) => {
          const { exits } = one.gateway.plan;
          const rules = loaded(one.gateway.plan, one.selection, UPLINK);
          const client = packetOf(one.traffic[0]!).source;
          for (const { name, hostLink: by } of exits)
            for (const began of ["direct", ...exitsOf(one.gateway)])
              for (const state of states) {
                const { ctMark } = leaving(one.gateway, began);
                const [port, source] = [protocol === "icmp" ? undefined : 40_000, "198.51.100.9"];
                const packet: Packet = {
                  in: by,
                  out: "",
                  source,
                  destination: client,
                  protocol,
                  port,
                  state,
                  assured,
                  mark,
                  ctMark,
                };
                const arrived = trace(rules, "mangle_prerouting", packet);
                for (const out of ["wg0", "docker0", ...linksOf(one.gateway)]) {
                  const { verdict } =
                    arrived.verdict === "drop" ? arrived : trace(rules, "filter_forward", { ...arrived.packet, out });
                  const answers = began === name && out === "wg0" && (state === "established" || state === "related");
                  equal(verdict, answers ? "accept" : "drop", one, packet, out);
                }
              }
        },
      ),
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
