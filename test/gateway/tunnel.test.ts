import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { renderEndpointFiles, renderEndpointInterface, renderEndpointRules } from "../../gateway/render/tunnel";
import { ruleArguments } from "../../gateway/render/iproute";
import { planTunnel, type EndpointPlan } from "../../gateway/plan/tunnel";
import { anyTunnel, documentedTunnel, endpoints, plansOf, secretsOf, tunnelOf } from "./tunnels";
import type { Raw } from "./settingsFixtures";

const planOf = (name: string, part: Raw = {}): EndpointPlan => {
  const found = plansOf({ ...documentedTunnel, ...part }).find((plan) => plan.name === name);
  if (!found) throw new Error(name);
  return found;
};
const rulesOf = ({ rules, peers }: EndpointPlan): string[] =>
  [...rules, ...peers.flatMap((peer) => peer.rules)].map((rule) =>
    ruleArguments(rule).replace(/ from all| protocol \d+/g, ""),
  );
const interfaceOf = (plan: EndpointPlan): string[] => renderEndpointInterface(plan, secretsOf(plan)).split("\n");
const [a, b] = endpoints;

describe("the document's endpoint A", () => {
  it("leads WireGuard's own packets past the tunnel, and B's public address into it", () => {
    expect(rulesOf(planOf("a"))).toEqual([
      "priority 455 fwmark 0xfe00/0xff00 lookup main",
      "priority 455 to 203.0.113.2 ipproto udp dport 51822 lookup main",
      "priority 456 to 203.0.113.2 lookup 123",
    ]);
  });

  it.each([
    ["prefix", "10.0.0.1/30", [], []],
    ["route", "10.0.0.1/32", ["10.0.0.2"], []],
    ["rule", "10.0.0.1/32", [], ["priority 457 to 10.0.0.2 lookup 123"]],
  ])("reaches B's WireGuard address by %s", (route, address, routes, rules) => {
    const plan = planOf("a", { route });
    expect(plan.address).toBe(address);
    expect(plan.routes).toEqual(routes);
    expect(rulesOf(plan).filter((rule) => rule.startsWith("priority 457"))).toEqual(rules);
  });

  it("is the document's file for wg-quick, but that the rules of a peer follow its health", () => {
    expect(interfaceOf(planOf("a"))).toEqual(
      expect.arrayContaining([
        "Address = 10.0.0.1/30",
        "ListenPort = 51821",
        "Table = 123",
        "Endpoint = 203.0.113.2:51822",
        "AllowedIPs = 10.0.0.2/32, 203.0.113.2/32",
        "PersistentKeepalive = 5",
      ]),
    );
  });

  it.each([
    ["none", undefined, undefined],
    ["postrouting", "198.51.100.1", undefined],
    ["input", undefined, "198.51.100.1"],
  ])("with snat %s appears as it should, where it should", (snat, leavesAs, arrivesAs) => {
    const part = { endpoints: [{ ...a, snat }, b] };
    expect(planOf("a", part).leavesAs).toBe(leavesAs);
    expect(planOf("b", part).peers[0]?.arrivesAs).toBe(arrivesAs);
    const translates = (name: string) => renderEndpointRules(planOf(name, part)).includes("snat ip to 198.51.100.1");
    expect([translates("a"), translates("b")]).toEqual([leavesAs !== undefined, arrivesAs !== undefined]);
  });
});

it("an address that is not known before its machine is made is the machine's", () => {
  const tunnel = tunnelOf({
    ...documentedTunnel,
    endpoints: [{ name: "a", host: { kind: "ec2", sshFrom: ["192.0.2.1/32"] } }, b],
  });
  const [, ofB] = planTunnel(tunnel, { a: { address: "198.51.100.77" }, b: { address: "203.0.113.2" } });
  expect(ofB?.peers[0]).toMatchObject({ publicAddresses: ["198.51.100.77"], endpoint: "198.51.100.77:51821" });
  expect(() => planTunnel(tunnel, { a: { address: "198.51.100.77" } })).toThrow("endpoint b has no host");
});

describe("every tunnel", () => {
  it("has a filter that nft takes", () => {
    fc.assert(
      fc.property(anyTunnel, (raw) => {
        const input = plansOf(raw).map(renderEndpointRules).join("");
        const { status, stderr } = spawnSync("unshare", ["--net", "nft", "-f", "-"], { input, encoding: "utf8" });
        expect(`${status} ${stderr}`).toBe("0 ");
      }),
      { numRuns: 30 },
    );
  });

  it("leads no packet of WireGuard's own into the tunnel: the rule for each peer's port comes before the one for its address", () => {
    fc.assert(
      fc.property(anyTunnel, (raw) => {
        for (const plan of plansOf(raw))
          for (const peer of plan.peers) {
            const port = Number(peer.endpoint.split(":")[1]);
            const [host = ""] = peer.endpoint.split(":");
            for (const rule of peer.rules) {
              const past = plan.rules.filter(({ table, priority }) => table === "main" && priority < rule.priority);
              expect(past.some(({ mark }) => mark !== undefined)).toBe(true);
              expect(past.some((one) => one.to === rule.to && one.port === port)).toBe(true);
            }
            // Nor is what it connects to led in by a rule without such an exception.
            expect(
              plan.peers
                .flatMap(({ rules }) => rules)
                .filter(({ to }) => to === host)
                .every(({ to }) => plan.rules.some((one) => one.to === to)),
            ).toBe(true);
          }
      }),
    );
  });

  it("is the same from both ends: addresses, ports and the key that two share", () => {
    fc.assert(
      fc.property(anyTunnel, (raw) => {
        const plans = plansOf(raw);
        for (const own of plans)
          for (const peer of own.peers) {
            const other = plans.find(({ name }) => name === peer.name);
            expect(other?.address.split("/")[0]).toBe(peer.address);
            expect(other?.publicAddresses).toEqual(peer.publicAddresses);
            expect(String(other?.listenPort)).toBe(peer.endpoint.split(":")[1]);
          }
        expect(plans.every(({ keepalive, deadAfter }) => keepalive >= 1 && keepalive * 3 <= deadAfter)).toBe(true);
      }),
    );
  });

  it("has its keys in one file that root alone reads", () => {
    fc.assert(
      fc.property(anyTunnel, (raw) => {
        for (const plan of plansOf(raw)) {
          const secrets = secretsOf(plan);
          const texts = [secrets.privateKey, ...[...secrets.peers.values()].map(({ presharedKey }) => presharedKey)];
          for (const { mode, content } of renderEndpointFiles(plan, secrets))
            expect(texts.some((text) => content.includes(text))).toBe(mode === "0600");
        }
      }),
      { numRuns: 30 },
    );
  });
});
