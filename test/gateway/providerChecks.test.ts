import { describe, expect, it, test } from "vitest";
import { EXIT_NETWORKS, MAX_SLOT, slotIds } from "../../gateway/plan/ids";
import { contains, intervalOf } from "../../gateway/settings/address";
import { ec2, faultsOf, parse, publicKey, vpn, type Raw } from "./settingsFixtures";

const conf = (address: string) =>
  `[Interface]\nPrivateKey = ${publicKey(1)}\nAddress = ${address}\n[Peer]\nPublicKey = ${publicKey(2)}\nEndpoint = 203.0.113.7:51820\n`;
const wireguard = { name: "wg", kind: "wireguard", profile: "wg.conf" };
const files = (address = "10.2.0.2/32") => ({ "wg.conf": conf(address) });
const login = { username: "a", password: "b" };
const warnings = (raw: Raw, credentials?: unknown) =>
  parse({ host: ec2, ...raw }, credentials, files()).warnings.filter(({ key }) => !key.startsWith("exits"));

describe("a WireGuard tunnel's own address", () => {
  it.each([
    ["a client's", "10.4.0.7/32", {}, "the clients' network 10.4.0.0/24", "choose another wireguard.subnet"],
    ["of the clients' network", "10.4.0.255", {}, "10.4.0.0/24", "wireguard.subnet"],
    [
      "of another clients' network",
      "172.16.9.9/32",
      { wireguard: { subnet: "172.16.0.0/16" } },
      "172.16.0.0/16",
      "subnet",
    ],
    ["of its own veth", "10.200.1.2/32", {}, "the exits' own networks", "another address"],
    ["of another exit's", "10.200.50.1/32", {}, "the exits' own networks", "another address"],
  ])("is refused when it is %s", (_, address, more, allowed, mend) => {
    const { faults } = faultsOf({ host: ec2, exits: [wireguard], ...more }, undefined, files(address));
    expect(faults).toMatchObject([{ key: "exits[0].profile", value: "wg.conf" }]);
    expect(faults[0]?.allowed).toContain(allowed);
    expect(faults[0]?.allowed).toContain(address.split("/")[0]);
    expect(faults[0]?.mend).toContain(mend);
  });

  it.each(["10.4.1.0/32", "10.3.255.255", "10.200.64.1", "10.199.0.1"])("may be %s", (address) => {
    expect(faultsOf({ host: ec2, exits: [wireguard] }, undefined, files(address)).faults).toEqual([]);
  });

  test("the networks of all slots are reserved", () => {
    for (let slot = 1; slot <= MAX_SLOT; slot += 1)
      expect(contains(intervalOf(EXIT_NETWORKS), intervalOf(slotIds(slot, "x").network))).toBe(true);
  });
});

describe("credentials that no profile asks for", () => {
  test("are warned of, and not shown", () => {
    const found = warnings({ exits: [vpn] }, { vpn: login });
    expect(found.map(({ key }) => key)).toEqual(["credentials.vpn"]);
    expect(found[0]?.allowed).toContain("vpn.ovpn does not ask");
    expect(found[0]?.mend).toContain("`auth-user-pass`");
    expect(JSON.stringify(found)).not.toContain('password":');
    expect(warnings({ exits: [wireguard] }, { wg: login })[0]?.mend).toContain("WireGuard has keys alone");
  });

  test("others are not", () => {
    expect(warnings({ exits: [{ ...vpn, profile: "asks.ovpn" }] }, { vpn: login })).toEqual([]);
  });
});

describe("an upstream inside one network", () => {
  it.each(["10.8.0.1", "172.31.0.2", "192.168.1.1", "100.64.0.7", "169.254.169.253", "127.0.0.53"])(
    "%s",
    (upstream) => {
      const found = warnings({ dns: { upstreams: ["1.1.1.2", upstream] } });
      expect(found).toMatchObject([{ key: "dns.upstreams[1]", value: upstream }]);
      expect(found[0]?.allowed).toContain("exists only inside one network");
    },
  );

  it.each([
    ["172.32.0.1", {}],
    ["11.0.0.1", {}],
    ["10.0.0.2", {}],
    ["192.168.7.1", { localNetworks: ["192.168.7.0/24"] }],
  ])("not %s", (upstream, more) => {
    expect(warnings({ dns: { upstreams: [upstream] }, ...more })).toEqual([]);
  });
});
