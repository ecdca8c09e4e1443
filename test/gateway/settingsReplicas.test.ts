import { describe, expect, it } from "vitest";
import { fault, holds, withWireguard } from "./faultTable";
import { ec2, existing, faultsOf, hostKey, parse, type Raw } from "./settingsFixtures";

const at = (address: string, more: Raw = {}) => ({ ...existing, address, ...more });
const second = { name: "second", host: at("203.0.113.7") };
const withReplicas = (...replicas: unknown[]): Raw => ({ host: existing, replicas });
const withReplica = (host: unknown): Raw => withReplicas({ name: "second", host });
const services = { services: [{ protocol: "tcp", ports: [443] }] };
const phone = { name: "phone", address: "10.4.0.50" };

describe("replicas", () => {
  it("are none by default", () => {
    expect(parse({ host: ec2 }).settings.replicas).toEqual([]);
  });

  it("have hosts of either kind, with a gateway's defaults, and host keys out of files", () => {
    const far = { name: "far", host: { ...ec2, region: "us-east-1" } };
    const { replicas } = parse(
      withReplicas(far, { name: "second", host: at("203.0.113.7", { hostKey: "host.pub" }) }),
    ).settings;
    expect(replicas.map(({ name }) => name)).toEqual(["far", "second"]);
    expect(replicas[0]?.host).toMatchObject({ kind: "ec2", region: "us-east-1", firewall: true });
    expect(replicas[1]?.host).toMatchObject({ kind: "existing", hostKey, firewall: false, sshFromClients: false });
  });

  const key = "replicas[0].host";
  holds({
    "in a map": fault({ host: existing, replicas: {} }, "replicas", "at most 16", "Pulumi.yaml"),
    "more than there may be": fault(
      withReplicas(...Array.from({ length: 17 }, (_, i) => ({ name: `r${i}`, host: at(`203.0.113.${i}`) }))),
      "replicas",
      "at most 16",
      "Pulumi.yaml",
    ),
    "without a host": fault(withReplicas({ name: "second" }), key, '"existing"', "Pulumi.yaml"),
    "with a name that is none": fault(
      withReplicas({ ...second, name: "Second" }),
      "replicas[0].name",
      "1..16 of a-z",
      'lower case: "second"',
    ),
    "with a name twice": fault(
      withReplicas(second, { name: "second", host: at("203.0.113.8") }),
      "replicas[1].name",
      "replicas[0].name has it",
      "another name",
    ),
    "on the gateway's machine": fault(
      withReplica(existing),
      `${key}.address`,
      "host.address has it",
      "take the replica out",
    ),
    "on another replica's": fault(
      withReplicas(second, { ...second, name: "third" }),
      "replicas[1].host.address",
      "replicas[0].host.address has it",
      "another machine",
    ),
    "on a machine inside the clients' network": fault(
      withReplica(at("10.4.0.9")),
      `${key}.address`,
      "outside",
      "deploy",
    ),
    "with a host key that cannot be read": fault(
      withReplica(at("203.0.113.7", { hostKey: "no.pub" })),
      `${key}.hostKey`,
      "a file",
      "cat /etc",
    ),
    "with sshFrom and no firewall": fault(
      withReplica(at("203.0.113.7", { sshFrom: ["192.0.2.1/32"] })),
      `${key}.sshFrom`,
      "only with firewall: true",
      `set ${key}.firewall`,
    ),
    "on EC2, with the whole internet": fault(
      withReplica({ ...ec2, sshFrom: ["0.0.0.0/0"] }),
      `${key}.sshFrom`,
      "no more than a /8",
      "/32",
    ),
    "in a region that is none": fault(
      withReplica({ ...ec2, region: "Frankfurt" }),
      `${key}.region`,
      "eu-central-1",
      "aws:region",
    ),
    "with a key nobody knows": fault(
      withReplica(at("203.0.113.7", { usr: "admin" })),
      `${key}.usr`,
      "privateKeyFile",
      `did you mean ${key}.user?`,
    ),
    "beside public addresses of one machine": fault(
      { ...withReplicas(second), published: { ...services, addresses: ["198.51.100.10"] } },
      "published.addresses",
      "nothing where there are replicas",
      "take it out",
    ),
    "with a name for an address that is published": fault(
      { ...withReplica(at("gw.example.org")), published: services },
      `${key}.address`,
      "published.services needs it",
      "wireguard.endpoint",
    ),
    "beside a profile that knows one public address": fault(
      { ...withReplicas(second), clients: [{ ...phone, tunnel: "transparent" }] },
      "clients[0].tunnel",
      '"full" or "internal"',
      '"internal"',
    ),
  });

  it("ask for a gateway", () => {
    expect(faultsOf({ replicas: [second] }).faults.map((found) => found.key)).toContain("host");
  });

  it("are no endpoints of tunnels", () => {
    const endpoints = [
      { name: "a", host: at("203.0.113.7") },
      { name: "b", host: at("203.0.113.9") },
    ];
    const { faults } = faultsOf({ ...withReplicas(second), tunnels: [{ name: "app", endpoints }] });
    expect(faults).toMatchObject([
      {
        key: "tunnels[0].endpoints[0].host.address",
        allowed: expect.stringContaining("replicas[0].host.address has it") as string,
      },
    ]);
  });
});

describe("an endpoint", () => {
  holds({
    "with a port": fault(
      withWireguard({ endpoint: "gw.example.org:45822" }),
      "wireguard.endpoint",
      "without a port",
      'without the port: "gw.example.org"',
    ),
    "that is a number": fault(withWireguard({ endpoint: 1 }), "wireguard.endpoint", "DNS name", "leave"),
  });

  it.each(["gw.example.org", "203.0.113.9"])("may be %s", (endpoint) => {
    expect(parse(withWireguard({ endpoint })).settings.wireguard.endpoint).toBe(endpoint);
  });
});
