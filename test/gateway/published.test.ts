import { describe, expect, it } from "vitest";
import { atAddress, planGateway } from "../../gateway/plan/plan";
import { renderHostRules } from "../../gateway/render/nftables";
import { renderProfile } from "../../gateway/render/profile";
import { fault, holds } from "./faultTable";
import { ADDRESS, gatewayOf } from "./gateways";
import { fromClient, load, trace, type Packet } from "./nftTrace";
import { ec2, existing, faultsOf, parse, type Raw } from "./settingsFixtures";
import { addressNumber } from "../../gateway/settings/address";

const tcp = (...ports: (number | string)[]) => [{ protocol: "tcp", ports }];
const named = { ...existing, address: "gateway.example.org" };
const withPublished = (published: unknown, host: Raw = ec2): Raw => ({ host, published });

describe("what the gateway's machine publishes", () => {
  holds({
    "at a port of the resolver's": fault(
      withPublished({ services: tcp(53) }),
      "published.services[0].ports[0]",
      "the clients' resolver has it",
      "take it out",
    ),
    "in a range with a port of the resolver's": fault(
      withPublished({ services: [{ protocol: "udp", ports: ["5000-6000"] }] }),
      "published.services[0].ports[0]",
      "the clients' resolver has it",
      "take it out",
    ),
    "at WireGuard's port": fault(
      withPublished({ services: [{ protocol: "udp", ports: [45822] }] }),
      "published.services[0].ports[0]",
      "WireGuard has it",
      "take it out",
    ),
    "at the metrics' port": fault(
      { ...withPublished({ services: tcp(9586) }), metrics: {} },
      "published.services[0].ports[0]",
      "metrics.port has it",
      "take it out",
    ),
    "SSH, on EC2": fault(
      withPublished({ services: tcp(443, 22) }),
      "published.services[0].ports[1]",
      "SSH from sshFrom has it",
      "take it out",
    ),
    "a port twice": fault(
      withPublished({ services: [...tcp(443), ...tcp("400-500")] }),
      "published.services[1].ports[0]",
      "published.services[0].ports[0] has it",
      "take it out",
    ),
    "at a name": fault(
      withPublished({ services: tcp(443) }, named),
      "published.addresses",
      "published.services needs them",
      "the name has",
    ),
    "for a transparent client, at a name": fault(
      { host: named, clients: [{ name: "laptop", address: "10.4.0.50", tunnel: "transparent" }] },
      "published.addresses",
      "clients[0].tunnel needs them",
      "the name has",
    ),
    "at an address of the clients' network": fault(
      withPublished({ addresses: ["10.4.0.9"] }),
      "published.addresses[0]",
      "10.4.0.0/24",
      "the internet reaches",
    ),
  });

  it.each([
    ["SSH where the machine is somebody's", withPublished({ services: tcp(22) }, existing)],
    ["SSH where the internet is meant", withPublished({ services: tcp(22) }, { ...ec2, sshFromAnywhere: true })],
    ["TCP and UDP at one port", withPublished({ services: [...tcp(443), { protocol: "udp", ports: [443] }] })],
    ["a name with addresses", withPublished({ services: tcp(443), addresses: ["203.0.113.7"] }, named)],
    ["a name that nothing needs the address of", { host: named }],
  ])("takes %s", (_, raw) => {
    expect(faultsOf(raw).message).toBe("");
  });

  it("is at the machine's address unless the settings say where", () => {
    const { settings } = parse(withPublished({ services: tcp(443) }));
    expect(atAddress(planGateway(settings), ADDRESS).published.addresses).toEqual([ADDRESS]);
    const { settings: told } = parse(withPublished({ services: tcp(443), addresses: ["203.0.113.7"] }));
    expect(atAddress(planGateway(told), ADDRESS).published.addresses).toEqual(["203.0.113.7"]);
    expect(() => renderHostRules(planGateway(settings))).toThrow("not known yet");
  });
});

describe("a client's packet for the gateway's public address", () => {
  const { plan } = gatewayOf(
    withPublished({ services: [...tcp(443, "8000-8100"), { protocol: "udp", ports: [443] }] }),
  );
  const rules = load(renderHostRules(plan));
  const packet = (protocol: string, port?: number, local = false): Packet => ({
    ...fromClient(addressNumber("10.4.0.50"), protocol, port),
    destination: ADDRESS,
    local,
  });
  const atGateway = (one: Packet): Packet => ({ ...one, destination: plan.wireguard.address, local: true });

  it.each([
    ["tcp", 443, "redirect"],
    ["tcp", 8050, "redirect"],
    ["udp", 443, "redirect"],
    ["icmp", undefined, "redirect"],
    ["tcp", 22, "policy accept"],
    ["tcp", 53, "policy accept"],
    ["udp", 8050, "policy accept"],
  ])("%s %s, where that is translated outside: %s", (protocol, port, verdict) => {
    expect(trace(rules, "nat_prerouting", packet(protocol, port)).verdict).toBe(verdict);
  });

  it("is left alone where the address is on the machine", () => {
    expect(trace(rules, "nat_prerouting", packet("tcp", 443, true)).verdict).toBe("policy accept");
  });

  it.each([
    ["tcp", 443, "accept"],
    ["udp", 443, "accept"],
    ["icmp", undefined, "accept"],
    ["tcp", 22, "reject with icmpx admin-prohibited"],
    ["udp", 8050, "reject with icmpx admin-prohibited"],
  ])("%s %s reaches the machine: %s", (protocol, port, verdict) => {
    for (const one of [packet(protocol, port, true), atGateway(packet(protocol, port))])
      expect(trace(rules, "filter_input", one).verdict).toBe(verdict);
  });

  it("is refused at the machine where nothing is published", () => {
    const shut = load(renderHostRules(gatewayOf({}).plan));
    expect(trace(shut, "nat_prerouting", packet("tcp", 443)).verdict).toBe("policy accept");
    expect(trace(shut, "filter_input", atGateway(packet("tcp", 443))).verdict).toContain("reject");
  });
});

describe("a transparent client's profile", () => {
  const raw = {
    published: { addresses: ["203.0.113.9", "203.0.113.10"] },
    clients: [{ name: "laptop", address: "10.4.0.50", tunnel: "transparent" }],
    localNetworks: ["10.0.1.0/24"],
    wireguard: { port: 45000 },
  };
  const { plan, secrets } = gatewayOf(raw);
  const [client] = plan.clients;
  const keys = secrets.clients.get("laptop");
  if (!client || !keys) throw new Error("no client");
  const lines = renderProfile({ plan, client, keys, serverPublicKey: "S=", endpoint: "203.0.113.9:45000" }).split("\n");
  const hook = (when: string) =>
    lines.filter((line) => line.startsWith(`${when} = `)).map((line) => line.split(" = ")[1]);
  const rules = [
    "to 203.0.113.9 ipproto 17 dport 45000 table main priority 455",
    "to 203.0.113.10 ipproto 17 dport 45000 table main priority 455",
    "to 203.0.113.9 table 123 priority 456",
    "to 203.0.113.10 table 123 priority 456",
    "to 10.4.0.0/24 table 123 priority 457",
    "to 10.0.1.0/24 table 123 priority 457",
  ];

  it("has the document's rules, put in anew and taken away again", () => {
    expect(lines).toContain("Table = 123");
    expect(hook("PreUp")).toEqual(rules.map((rule) => `ip rule del ${rule} 2>/dev/null || true; ip rule add ${rule}`));
    expect(hook("PostDown")).toEqual(rules.map((rule) => `ip rule del ${rule}`));
  });

  it("takes the public addresses into the tunnel, and says whom it is for", () => {
    expect(lines).toContain("AllowedIPs = 10.4.0.0/24, 10.0.1.0/24, 203.0.113.9/32, 203.0.113.10/32");
    expect(lines.filter((line) => line.startsWith("#")).join("\n")).toMatch(
      /wg-quick on Linux[^]*tunnel: internal[^]*10\.4\.0\.1/,
    );
  });
});
