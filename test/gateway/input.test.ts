import { describe, expect, it } from "vitest";
import { renderHostRules } from "../../gateway/render/nftables";
import { addressNumber } from "../../gateway/settings/address";
import { fault, holds, withEc2, withExisting, withWireguard } from "./faultTable";
import { gatewayOf } from "./gateways";
import { fromClient, load, trace, type Packet } from "./nftTrace";
import { existing, type Raw } from "./settingsFixtures";

const exits = [{ name: "vpn", profile: "asks.ovpn" }];
const rulesOf = (raw: Raw) => load(renderHostRules(gatewayOf({ exits, ...raw }).plan));
const inputOf = (raw: Raw): string[] | undefined => rulesOf(raw).chains.get("filter_input");
const policyOf = (raw: Raw): string | undefined =>
  /type filter hook input .* policy (\w+);/.exec(renderHostRules(gatewayOf({ exits, ...raw }).plan))?.[1];
const withHost = (part: Raw): Raw => ({ host: { ...existing, ...part } });

const always = [
  "ip daddr 10.4.0.1 goto input_inner",
  "ip daddr 10.200.1.1 goto input_inner",
  "ct state established,related accept",
  "jump input_by_link",
];
const essential = [
  "icmp type { destination-unreachable, time-exceeded, parameter-problem, echo-request } accept",
  "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request } accept",
  "icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept",
  "udp sport 67 udp dport 68 accept",
  "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
];

describe("what reaches the machine from outside", () => {
  it("is what an existing machine decides", () => {
    expect(policyOf(withHost({}))).toBe("accept");
    expect(inputOf(withHost({}))).toEqual(always);
  });

  it("is on EC2 WireGuard, SSH, which the security group holds to its networks, and what no machine can be without", () => {
    expect(policyOf({})).toBe("drop");
    expect(inputOf({ wireguard: { port: 51820 } })).toEqual([
      ...always,
      "udp dport 51820 accept",
      "tcp dport { 22 } accept",
      ...essential,
    ]);
    expect(policyOf({ host: { kind: "ec2", sshFrom: ["198.51.100.23/32"], firewall: false } })).toBe("accept");
  });

  it("is the same on an existing machine that asks for it, with its own SSH and what it publishes", () => {
    const raw = {
      ...withHost({ firewall: true, port: 2222, sshFrom: ["198.51.100.0/24", "203.0.113.7/32"] }),
      published: { services: [{ protocol: "tcp", ports: [443] }] },
    };
    expect(policyOf(raw)).toBe("drop");
    expect(inputOf(raw)).toEqual([
      ...always,
      "udp dport 45822 accept",
      "ip saddr { 198.51.100.0/24, 203.0.113.7/32 } tcp dport { 22, 2222 } accept",
      "jump input_published",
      ...essential,
    ]);
  });
});

describe("an inner address", () => {
  it.each(["10.4.0.1", "10.200.1.1"])(
    "%s is not reached from outside, by what looks like an answer neither",
    (inner) => {
      for (const raw of [{}, withHost({}), withHost({ firewall: true })])
        for (const state of ["new", "established"] as const)
          for (const [device, wanted] of [
            ["eth0", "drop"],
            ["lo", "accept"],
          ] as const) {
            const packet = {
              ...fromClient(addressNumber("1.1.1.2"), "udp", 40000),
              destination: inner,
              in: device,
              state,
            };
            expect(trace(rulesOf(raw), "filter_input", packet).verdict).toBe(wanted);
          }
    },
  );
});

describe("a client", () => {
  const packet = (destination: string, protocol: string, port?: number): Packet => ({
    ...fromClient(addressNumber("10.4.0.50"), protocol, port),
    destination,
  });
  const verdict = (raw: Raw, one: Packet): string =>
    trace(rulesOf(raw), one.out === "" ? "filter_input" : "filter_forward", one).verdict;

  it("reaches the machine's SSH when that is asked for, on the gateway's address", () => {
    const asked = withHost({ sshFromClients: true, port: 2222 });
    for (const port of [22, 2222]) {
      expect(verdict(withHost({ port: 2222 }), packet("10.4.0.1", "tcp", port))).toContain("reject");
      expect(verdict(asked, packet("10.4.0.1", "tcp", port))).toBe("accept");
      expect(verdict(asked, packet("198.51.100.10", "tcp", port))).toContain("reject");
    }
    expect(verdict(asked, packet("10.4.0.1", "tcp", 80))).toContain("reject");
  });

  it("reaches other clients, unless they are kept from each other", () => {
    const other = { ...packet("10.4.0.200", "tcp", 80), out: "wg0" };
    expect(verdict({}, other)).toBe("accept");
    expect(verdict({ wireguard: { isolation: true } }, other)).toBe("reject with icmp admin-prohibited");
  });

  it.each(["169.254.169.254", "10.200.1.2", "10.200.1.1"])("does not reach %s", (address) => {
    for (const out of ["eth0", "veth-wg"])
      expect(verdict({}, { ...packet(address, "tcp", 80), out, mark: 0x200, ctMark: 0x200 })).toContain("reject");
  });

  it.each([
    ["10.4.0.50", "eth0", "drop"],
    ["10.4.0.50", "veth-wg", "drop"],
    ["10.4.0.50", "wg0", "accept"],
    ["10.4.0.1", "lo", "policy accept"],
    ["10.200.1.2", "eth0", "drop"],
    ["10.200.1.2", "wg0", "drop"],
    ["10.200.1.2", "veth-wg", "accept"],
    ["198.51.100.9", "eth0", "policy accept"],
  ])("an inner source or another: %s by %s: %s", (source, device, wanted) => {
    const one = { ...packet("198.51.100.9", "tcp", 80), source, in: device };
    expect(trace(rulesOf({}), "mangle_prerouting", one).verdict).toBe(wanted);
  });
});

describe("settings of what reaches the machine", () => {
  const yes = "true or false";
  holds({
    "a firewall in a text": fault(withEc2({ firewall: "on" }), "host.firewall", yes, "without quotes: true"),
    "the same on an existing machine": fault(withExisting({ firewall: 1 }), "host.firewall", yes, "for false"),
    "SSH of clients in a text": fault(
      withEc2({ sshFromClients: "yes" }),
      "host.sshFromClients",
      yes,
      "without quotes: true",
    ),
    "isolation in a text": fault(
      withWireguard({ isolation: "on" }),
      "wireguard.isolation",
      yes,
      "without quotes: true",
    ),
    "sshFrom on an existing machine without firewall": fault(
      withExisting({ sshFrom: ["198.51.100.23/32"] }),
      "host.sshFrom",
      "only with firewall: true",
      "take sshFrom out",
    ),
    "an empty sshFrom there": fault(
      withExisting({ firewall: true, sshFrom: [] }),
      "host.sshFrom",
      "list of networks",
      "Pulumi.yaml",
    ),
  });
});
