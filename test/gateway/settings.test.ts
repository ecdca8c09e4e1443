import { describe, expect, it } from "vitest";
import { CA, CUSTOMER } from "./certificatesFixtures";
import { ec2, existing, faultsOf, hostKey, parse, PROFILE, publicKey, vpn, type Raw } from "./settingsFixtures";

const SECRET = "hunter2-is-no-password";
const login = { username: "someone", password: SECRET };
const provider = {
  kind: "openvpn",
  remotes: [{ host: "provider.example", port: 1194, protocol: "udp" }],
  wantsCredentials: false,
  mssfix: "1450",
  lines: ["remote-cert-tls server", ...`${CA}${CUSTOMER}`.trimEnd().split("\n")],
};

describe("the least settings", () => {
  it("get the documented defaults", () => {
    expect(parse({ host: ec2, exits: [vpn] })).toEqual({
      settings: {
        host: {
          kind: "ec2",
          instanceType: "t4g.small",
          sshFrom: ["198.51.100.23/32"],
          sshFromAnywhere: false,
          volumeSize: 8,
          firewall: true,
          sshFromClients: false,
          tags: {},
          protect: false,
        },
        replicas: [],
        wireguard: { subnet: "10.4.0.0/24", port: 45822, mtu: 1420, isolation: false, keyVersion: 1 },
        exits: [{ name: "vpn", kind: "openvpn", profile: "vpn.ovpn", slot: 1, provider }],
        rules: [{ from: "10.4.0.128-10.4.0.255", exit: "vpn" }],
        groups: [],
        clients: [],
        dns: {
          upstreams: ["1.1.1.2", "1.0.0.2", "8.8.8.8", "8.8.4.4"],
          records: { "vault.raff.local": "10.4.0.7", "rafflab.internal": "10.4.0.3" },
          privateDomains: [],
        },
        localNetworks: ["10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24"],
        published: { services: [] },
      },
      credentials: new Map(),
      warnings: [
        {
          key: "exits[0].profile",
          value: "vpn.ovpn:2",
          allowed: expect.stringContaining("known by name only") as string,
          mend: expect.stringContaining("`remote ADDRESS 1194 udp`") as string,
        },
      ],
    });
  });

  it("have no rule without an exit, and none when none is wanted", () => {
    expect(parse({ host: ec2 }).settings.rules).toEqual([]);
    expect(parse({ host: ec2, exits: [vpn], rules: [] }).settings.rules).toEqual([]);
  });

  it("of an existing host are its address and its host key", () => {
    const input = { firewall: false, sshFromClients: false, protect: false };
    const host = { kind: "existing", address: "198.51.100.10", port: 22, user: "root", hostKey, ...input };
    expect(parse({ host: existing }).settings.host).toEqual(host);
    expect(parse({ host: { ...existing, hostKey: "host.pub" } }).settings.host).toEqual(host);
    const named = { ...existing, address: "gateway.example" };
    expect(parse({ host: named }).settings.host).toMatchObject({ address: "gateway.example" });
  });
});

describe("settings that are allowed", () => {
  it.each<[string, Raw]>([
    [
      "the whole internet to SSH when it is said twice",
      { host: { ...ec2, sshFrom: ["0.0.0.0/0"], sshFromAnywhere: true } },
    ],
    ["a /8 to SSH", { host: { ...ec2, sshFrom: ["10.0.0.0/8"] } }],
    ["an exit's network without the exit", { host: ec2, localNetworks: ["10.200.1.0/24"] }],
    ["98 local networks", { host: ec2, localNetworks: Array.from({ length: 98 }, (_, i) => `172.16.${i}.0/24`) }],
    ["the last free address", { host: ec2, clients: [{ name: "a", address: "10.4.0.254", publicKey: publicKey(1) }] }],
    [
      "two exits",
      {
        host: ec2,
        exits: [vpn, { ...vpn, name: "b", slot: 50 }],
        rules: [{ from: "10.4.0.9", exit: "b" }, { exit: "direct" }],
      },
    ],
    ["a login", { host: { ...existing, privateKeyFile: "id_ed25519", user: "admin", port: 2222 } }],
  ])("%s", (_, raw) => {
    expect(faultsOf(raw).faults).toEqual([]);
  });

  it("credentials of an exit come by its name", () => {
    const { credentials, settings } = parse({ host: ec2, exits: [{ ...vpn, profile: "asks.ovpn" }] }, { vpn: login });
    expect(credentials).toEqual(new Map([["vpn", login]]));
    expect(JSON.stringify(settings)).not.toContain(SECRET);
  });
});

describe("all faults come together", () => {
  const keysOf = (raw: unknown, credentials?: unknown) => faultsOf(raw, credentials).faults.map(({ key }) => key);

  it("those of single values in all sections, and those between the sections that are sound", () => {
    const raw = {
      host: { kind: "existing", address: "10.4.0.9", hostKey: "no.pub", port: 22 },
      wireguard: { subnet: "10.4.0.0/24" },
      exits: [vpn, { name: "b", profile: "script.ovpn", slot: 2 }, { name: "c", profile: "no.ovpn", slot: 2 }],
      rules: [{ exit: "d" }, { from: "10.9.0.0/24", exit: "vpn" }],
      clients: [{ name: "Phone", address: "10.4.0.50" }],
      dns: { upstreams: ["dns.google"], records: { "a.b": 7 } },
      localNetworks: ["10.4.0.0/16"],
      fireWall: true,
    };
    expect(new Set(keysOf(raw, { other: login }))).toEqual(
      new Set([
        "clients[0].name",
        "dns.upstreams[0]",
        "dns.records.a.b",
        "fireWall",
        "exits[1].profile",
        "exits[2].profile",
        "exits[2].slot",
        "credentials.other",
        "rules[0].exit",
        "rules[1].from",
        "localNetworks[0]",
        "host.address",
        "host.hostKey",
      ]),
    );
  });

  it("several of one client, each on its own line of the message", () => {
    const client = { name: "phone", address: "10.4.0.50", publicKey: publicKey(1) };
    const { faults, message } = faultsOf({ host: ec2, clients: [client, client] });
    expect(faults.map(({ key }) => key)).toEqual(["clients[1].name", "clients[1].address", "clients[1].publicKey"]);
    expect(message).toContain("has 3 faults; nothing was changed");
    expect(message.match(/^ {2}wg-gateway:\S+ is /gm)).toHaveLength(3);
  });

  it("and a section that is not sound makes no faults in another", () => {
    expect(keysOf({ host: ec2, exits: [{ ...vpn, slot: 99 }], rules: [{ exit: "vpn" }] }, { vpn: login })).toEqual([
      "exits[0].slot",
    ]);
    const clients = [{ name: "a", address: "192.168.0.9" }];
    expect(keysOf({ host: ec2, wireguard: { subnet: "192.168.0.1/24" }, clients })).toEqual(["wireguard.subnet"]);
  });

  it("with the line of each in a profile", () => {
    const next = PROFILE.split("\n").length;
    const { faults } = faultsOf({ host: ec2, exits: [vpn] }, undefined, { "vpn.ovpn": `${PROFILE}up x\ncd /\n` });
    expect(faults.map(({ value }) => value)).toEqual([`vpn.ovpn:${next}`, `vpn.ovpn:${next + 1}`]);
  });
});
