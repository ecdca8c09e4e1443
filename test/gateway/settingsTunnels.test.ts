import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressNumber, contains, intervalOf } from "../../gateway/settings/address";
import { SettingsError } from "../../gateway/settings/fault";
import { parseStack } from "../../gateway/settings/settings";
import type { TunnelSettings } from "../../gateway/settings/tunnelChecks";
import { NOW } from "./certificatesFixtures";
import { ec2, existing, hostKey, type Raw } from "./settingsFixtures";
import { documentedTunnel, endpoints } from "./tunnels";

const parsed = (raw: Raw): readonly TunnelSettings[] =>
  parseStack(raw, { readFile: () => undefined, credentials: undefined, now: NOW }).tunnels;

function faults(raw: Raw): string[][] {
  try {
    parsed(raw);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.faults.map(({ key, allowed, mend }) => [key, allowed, mend]);
  }
  return [];
}

const [a, b] = endpoints;
const tunnel = (part: Raw = {}): Raw => ({ tunnels: [{ ...documentedTunnel, ...part }] });
const withA = (part: Raw): Raw => tunnel({ endpoints: [{ ...a, ...part }, b] });

it("has the document's defaults", () => {
  const [one] = parsed(tunnel());
  expect(one).toMatchObject({
    interface: "wg0",
    table: 123,
    priority: 455,
    route: "prefix",
    network: "10.0.0.0/30",
    mtu: 1420,
    endpoints: [
      { name: "a", address: "10.0.0.1", listenPort: 51821, snat: "none", keyVersion: 1 },
      { name: "b", address: "10.0.0.2", listenPort: 51822, snat: "none", keyVersion: 1 },
    ],
  });
});

it("stands without a gateway, and beside one", () => {
  expect(parsed(tunnel())).toHaveLength(1);
  expect(parsed({ host: ec2, ...tunnel() })).toHaveLength(1);
  // As the CLI hands over what Pulumi.yaml has a default for.
  expect(parsed({ clients: [], exits: [], wireguard: {}, ...tunnel() })).toHaveLength(1);
  for (const more of [
    { wireguard: { mtu: 1400 } },
    { clients: [{ name: "phone", address: "10.4.0.50" }] },
    { rules: 7 },
  ])
    expect(faults({ ...more, ...tunnel() }).map(([key]) => key)).toContain("host");
  expect(faults({ tunnels: [] }).map(([key]) => key)).toEqual(["host"]);
});

it("takes the smallest network that holds every endpoint", () => {
  const anyAddresses = fc.uniqueArray(
    fc.integer({ min: addressNumber("10.0.0.1"), max: addressNumber("10.0.255.254") }),
    { minLength: 2, maxLength: 8 },
  );
  fc.assert(
    fc.property(anyAddresses, (numbers) => {
      const text = (n: number) => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
      const [one] = parsed(
        tunnel({
          endpoints: numbers.map((number, index) => ({
            name: `e${index}`,
            address: text(number),
            host: { ...existing, address: `203.0.113.${index + 1}` },
          })),
        }),
      );
      const holds = (cidr: string) => {
        const { first, last } = intervalOf(cidr);
        return numbers.every((number) => first < number && number < last);
      };
      const network = one?.network ?? "";
      expect(holds(network)).toBe(true);
      // Neither half of it does.
      const { first, last } = intervalOf(network);
      const length = Number(network.split("/")[1]) + 1;
      if (length <= 30)
        for (const half of [first, first + (last - first + 1) / 2])
          expect(holds(`${text(half)}/${length}`)).toBe(false);
      expect(contains(intervalOf("10.0.0.0/8"), intervalOf(network))).toBe(true);
    }),
  );
});

const cases: Record<string, [Raw, string, string, string]> = {
  "one endpoint": [tunnel({ endpoints: [a] }), "tunnels[0].endpoints", "2..64", "Pulumi.yaml"],
  "a name twice": [
    tunnel({ endpoints: [a, { ...b, name: "a" }] }),
    "tunnels[0].endpoints[1].name",
    "endpoints[0].name has it",
    "another name",
  ],
  "a WireGuard address twice": [
    withA({ address: "10.0.0.2" }),
    "tunnels[0].endpoints[1].address",
    "endpoints[0].address has it",
    "its own",
  ],
  "a public address that is the other's": [
    withA({ publicAddresses: ["203.0.113.2"] }),
    "tunnels[0].endpoints[1].publicAddresses",
    "has it",
    "its own",
  ],
  "a machine twice": [
    tunnel({ endpoints: [a, { ...b, host: { ...existing, address: "198.51.100.1" }, publicAddresses: [] }] }),
    "tunnels[0].endpoints[1].host.address",
    "nor another endpoint",
    "one tunnel",
  ],
  "the gateway's machine": [
    { host: { ...existing, address: "198.51.100.1" }, ...tunnel() },
    "tunnels[0].endpoints[0].host.address",
    "host.address has it",
    "another machine",
  ],
  "a machine by a name": [
    withA({ host: { ...existing, address: "a.example.org" } }),
    "tunnels[0].endpoints[0].publicAddresses",
    "ip rules take no names",
    "[] for none",
  ],
  "a translation to no address": [
    withA({ snat: "input", publicAddresses: [] }),
    "tunnels[0].endpoints[0].snat",
    "none for",
    "leave it out",
  ],
  "a version of its keys that is none": [
    withA({ keyVersion: 0 }),
    "tunnels[0].endpoints[0].keyVersion",
    "1..",
    "add 1",
  ],
  "a translation nobody knows": [
    withA({ snat: "output" }),
    "tunnels[0].endpoints[0].snat",
    "postrouting",
    "leave it out",
  ],
  "services of a machine that is there": [
    withA({ services: [{ protocol: "tcp", ports: [443] }] }),
    "tunnels[0].endpoints[0].services",
    "EC2 hosts",
    "decided on the machine",
  ],
  "SSH as a service on EC2": [
    withA({ host: ec2, services: [{ protocol: "tcp", ports: [22] }] }),
    "tunnels[0].endpoints[0].services[0].ports[0]",
    "SSH from sshFrom has it",
    "take it out",
  ],
  "WireGuard's port as a service": [
    withA({ host: ec2, services: [{ protocol: "udp", ports: ["51000-52000"] }] }),
    "tunnels[0].endpoints[0].services[0].ports[0]",
    "WireGuard has it",
    "take it out",
  ],
  "SSH from everywhere": [
    withA({ host: { ...ec2, sshFrom: ["0.0.0.0/0"] } }),
    "tunnels[0].endpoints[0].host.sshFrom",
    "no more than a /8",
    "/32",
  ],
  "a host key that is none": [
    withA({ host: { ...existing, address: "198.51.100.1", hostKey: "missing.pub" } }),
    "tunnels[0].endpoints[0].host.hostKey",
    "a file that holds",
    "ssh_host_ed25519_key.pub",
  ],
  "an address outside the network": [
    tunnel({ network: "10.1.0.0/24", endpoints: [{ ...a, address: "10.1.0.1" }, b] }),
    "tunnels[0].endpoints[1].address",
    "of 10.1.0.0/24",
    "tunnels[0].network",
  ],
  "the network's first address": [
    tunnel({ network: "10.0.0.0/24", endpoints: [{ ...a, address: "10.0.0.0" }, b] }),
    "tunnels[0].endpoints[0].address",
    "other than its first and its last",
    "tunnels[0].network",
  ],
  "a public address inside the network": [
    withA({ publicAddresses: ["10.0.0.3"] }),
    "tunnels[0].endpoints[0].publicAddresses",
    "outside the tunnel's network",
    "tunnels[0].network",
  ],
  "a network that no prefix needs": [
    tunnel({ route: "rule", network: "10.0.0.0/24" }),
    "tunnels[0].network",
    "route: prefix",
    "take it out",
  ],
  "addresses too far apart": [
    withA({ address: "172.16.0.1" }),
    "tunnels[0].network",
    "lie further apart",
    "route: rule",
  ],
  "a table of the kernel's": [tunnel({ table: 254 }), "tunnels[0].table", "1..252", "123"],
  "a priority behind the main table's": [tunnel({ priority: 32764 }), "tunnels[0].priority", "1..32763", "455"],
  "an interface with a long name": [tunnel({ interface: "wireguard-tunnel" }), "tunnels[0].interface", "1..15", "wg0"],
  "a peer that dies too soon": [tunnel({ deadAfter: 5 }), "tunnels[0].deadAfter", "6..600", "15"],
  "a key nobody knows": [tunnel({ prioritiy: 455 }), "tunnels[0].prioritiy", "priority", "did you mean"],
};

describe("a tunnel with one fault", () => {
  it.each(Object.entries(cases))("%s", (_, [raw, key, allowed, mend]) => {
    const found = faults(raw);
    expect(found.map(([where]) => where)).toEqual([key]);
    expect(found[0]?.[1]).toContain(allowed);
    expect(found[0]?.[2]).toContain(mend);
  });
});

it("two tunnels have two names and no machine together", () => {
  expect(faults({ tunnels: [documentedTunnel, documentedTunnel] }).map(([key]) => key)).toEqual([
    "tunnels[1].name",
    "tunnels[1].endpoints[0].host.address",
    "tunnels[1].endpoints[1].host.address",
  ]);
  const elsewhere = endpoints.map((one, index) => ({
    ...one,
    host: { kind: "existing", address: `192.0.2.${index + 1}`, hostKey },
  }));
  expect(
    parsed({ tunnels: [documentedTunnel, { ...documentedTunnel, name: "other", endpoints: elsewhere }] }),
  ).toHaveLength(2);
});
