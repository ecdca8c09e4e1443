import { describe, expect, it } from "vitest";
import { faultText } from "../../gateway/settings/fault";
import { CA, CUSTOMER, CUSTOMER_KEY, CUSTOMER_PEM } from "./certificatesFixtures";
import { ec2, parse, publicKey, vpn, type Raw } from "./settingsFixtures";

const warningsOf = (profile: string, exit: Raw = vpn) =>
  parse({ host: ec2, exits: [exit] }, undefined, { [String(exit["profile"])]: profile }).warnings;
const openvpn = (...remotes: string[]) => `client\n${remotes.join("\n")}\nremote-cert-tls server\n${CA}${CUSTOMER}`;
const wireguard = { ...vpn, kind: "wireguard", profile: "wg.conf" };
const conf = (endpoint: string) =>
  `[Interface]\nPrivateKey = ${publicKey(1)}\nAddress = 10.2.0.2/32\n[Peer]\nPublicKey = ${publicKey(2)}\nEndpoint = ${endpoint}\n`;

describe("a provider known by", () => {
  it("names only is warned of at its first line, and how to add an address", () => {
    expect(warningsOf(openvpn("# two", "remote a.example 443 tcp", "remote b.example"))).toEqual([
      {
        key: "exits[0].profile",
        value: "vpn.ovpn:3",
        allowed: expect.stringContaining(
          "OpenVPN 2.6 takes, as this is; but the provider is known by name only",
        ) as string,
        mend: "add a line `remote ADDRESS 443 tcp` with an address the provider names",
      },
    ]);
    expect(warningsOf(conf("nl.provider.example:51820"), wireguard)).toEqual([
      {
        key: "exits[0].profile",
        value: "wg.conf:6",
        allowed: expect.stringContaining("wg-quick, as this is; but the provider is known by name only") as string,
        mend: expect.stringContaining("address in the name's place") as string,
      },
    ]);
  });

  it("an address among others is not", () => {
    expect(warningsOf(openvpn("remote a.example", "remote 203.0.113.7"))).toEqual([]);
    expect(warningsOf(conf("203.0.113.7:51820"), wireguard)).toEqual([]);
  });
});

it("warnings of several exits come together, each with its own", () => {
  const exits = [vpn, { ...wireguard, name: "wg", slot: 2 }];
  const { warnings } = parse({ host: ec2, exits }, undefined, { "wg.conf": conf("nl.provider.example:51820") });
  expect(warnings.map(({ key, value }) => [key, value])).toEqual([
    ["exits[0].profile", "vpn.ovpn:2"],
    ["exits[1].profile", "wg.conf:6"],
  ]);
});

it("warnings are written as faults are, and hold no key", () => {
  const text = `client\nremote h\n${CA}${CUSTOMER}`;
  const warnings = warningsOf(text);
  expect(warnings).toHaveLength(2);
  const said = warnings.map(faultText).join("\n");
  expect(said).toMatch(/^wg-gateway:exits\[0\]\.profile is "vpn\.ovpn:2"\n {4}allowed: .*\n {4}mend: {4}\w/);
  for (const secret of [CUSTOMER_KEY, CUSTOMER_PEM].flatMap((pem) => pem.split("\n")))
    expect(said).not.toContain(secret);
});
