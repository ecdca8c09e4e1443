import { describe, expect, it } from "vitest";
import { wireGuardKeys } from "../../gateway/keys";
import { parseWireGuardProfile } from "../../gateway/settings/wireguardProfile";

const { privateKey, publicKey } = wireGuardKeys(Buffer.alloc(32, 7));
const presharedKey = Buffer.alloc(32, 8).toString("base64");
const BASE = `[Interface]
PrivateKey = ${privateKey}
Address = 10.2.0.2/32
DNS = 10.2.0.1

[Peer]
PublicKey = ${publicKey}
AllowedIPs = 0.0.0.0/0
Endpoint = 203.0.113.7:51820
`;
const plain = {
  kind: "wireguard",
  remotes: [{ host: "203.0.113.7", port: 51820, protocol: "udp" }],
  wantsCredentials: false,
  address: "10.2.0.2",
  mtu: 1420,
  privateKey,
  publicKey,
  presharedKey: undefined,
};

describe("files in the manner of", () => {
  it.each<[string, string, object]>([
    ["the least there is", BASE, {}],
    [
      "one with remarks in both sections, and IPv6 beside IPv4",
      BASE.replace("PrivateKey", "# Key for home\n# Bouncing = 1\n# NAT-PMP (Port Forwarding) = off\nPrivateKey")
        .replace("10.2.0.2/32", "10.2.0.2/32, 2001:db8::2:2/128")
        .replace("PublicKey", "# NL-FREE#142\nPublicKey")
        .replace("0.0.0.0/0", "0.0.0.0/0, ::/0\nPersistentKeepalive = 25"),
      {},
    ],
    [
      "one with IPv6 first and no blanks",
      BASE.replace("10.2.0.2/32", "fc00:bbbb::1/128,10.2.0.2/32").replaceAll(" = ", "="),
      {},
    ],
    [
      "one with a line for each address and network",
      BASE.replace("10.2.0.2/32", "10.2.0.2/32\nAddress = fd01::2/128").replace(
        "0.0.0.0/0",
        "0.0.0.0/0\nAllowedIPs = ::/0",
      ),
      {},
    ],
    [
      "one with a name, a preshared key and a small MTU",
      BASE.replace("DNS", "MTU = 1320\nDNS")
        .replace("AllowedIPs", `PresharedKey = ${presharedKey}\nAllowedIPs`)
        .replace("203.0.113.7:51820", "nl3.vpn.provider.example:1637"),
      {
        mtu: 1320,
        presharedKey,
        remotes: [{ host: "nl3.vpn.provider.example", port: 1637, protocol: "udp" }],
      },
    ],
    ["one with the network's length", BASE.replace("/32", "/16"), {}],
    ["one with a bare address", BASE.replace("/32", ""), {}],
    ["one with halves of the internet", BASE.replace("0.0.0.0/0", "0.0.0.0/1, 128.0.0.0/1, ::/1, 8000::/1"), {}],
    [
      "one with all that wg-quick does by itself",
      BASE.replace("DNS", "Table = off\nFwMark = 0xca6c\nListenPort = 51820\nSaveConfig = false\nDNS"),
      {},
    ],
    ["Windows", `\uFEFF${BASE.replaceAll("\n", "\r\n")}`, {}],
    [
      "somebody's own hand",
      BASE.toLowerCase()
        .replace(privateKey.toLowerCase(), `\t${privateKey}\t# mine`)
        .replace(publicKey.toLowerCase(), publicKey)
        .replace("[peer]", "  [PEER] # the one"),
      {},
    ],
    ["an MTU larger than fits", BASE.replace("DNS", "MTU = 1500\nDNS"), { mtu: 1420 }],
    ["the smallest MTU", BASE.replace("DNS", "MTU = 576\nDNS"), { mtu: 576 }],
    ["one with the peer first", `${BASE.slice(BASE.indexOf("[Peer]"))}${BASE.slice(0, BASE.indexOf("[Peer]"))}`, {}],
  ])("%s", (_, text, differs) => {
    const { profile, findings } = parseWireGuardProfile(text);
    expect(findings).toEqual([]);
    expect(profile).toEqual({ ...plain, ...differs });
  });

  it("a setting that stands there twice: the last counts, as for wg", () => {
    const { profile, findings } = parseWireGuardProfile(`${BASE}Endpoint = 203.0.113.8:1\n`);
    expect(findings).toEqual([]);
    expect(profile.remotes).toMatchObject([{ host: "203.0.113.8", port: 1 }]);
  });
});

describe("refused", () => {
  const SHORT = "A".repeat(42);
  it.each<[string, string, number | undefined, string]>([
    ["PreUp", BASE.replace("DNS", "PreUp = id\nDNS"), 4, "`PreUp` runs a command"],
    [
      "PostUp, as a kill switch",
      BASE.replace("DNS", "PostUp = iptables -I OUTPUT ! -o %i -j REJECT && ip6tables -I OUTPUT -j REJECT\nDNS"),
      4,
      "`PostUp` runs a command",
    ],
    ["predown, in small letters and the wrong section", `${BASE}predown=id\n`, 10, "`predown` runs a command"],
    ["PostDown before any section", `PostDown = id\n${BASE}`, 1, "`PostDown` runs a command"],
    ["a second peer", `${BASE}[Peer]\nPublicKey = x\nEndpoint = [::1]:1\n`, 10, "another [Peer]"],
    ["no private key", BASE.replace(/PrivateKey.*\n/, ""), undefined, "there is no PrivateKey"],
    ["a private key to fill in", BASE.replace(privateKey, "<your key>"), 2, "PrivateKey is not a whole key"],
    ["a key cut short", BASE.replace(privateKey, SHORT), 2, "PrivateKey is not a whole key"],
    ["a key with more behind it", BASE.replace(publicKey, `${publicKey};id`), 7, "PublicKey is not a whole key"],
    ["a key that is no base64", BASE.replace(publicKey, `${"!".repeat(43)}=`), 7, "PublicKey is not a whole key"],
    ["no public key", BASE.replace(/PublicKey.*\n/, ""), undefined, "there is no PublicKey"],
    ["an empty preshared key", `${BASE}PresharedKey =\n`, 10, "PresharedKey is not a whole key"],
    ["no address", BASE.replace(/Address.*\n/, ""), undefined, "there is no Address"],
    ["an IPv6 address alone", BASE.replace("10.2.0.2/32", "2001:db8::2/128"), 3, "Address is not an IPv4 one"],
    ["half an address", BASE.replace("10.2.0.2/32", "10.2.0/32"), 3, "Address is not an IPv4 one"],
    ["an address with a command", BASE.replace("10.2.0.2/32", "10.2.0.2/$(id)"), 3, "Address is not an IPv4 one"],
    ["no endpoint", BASE.replace(/Endpoint.*\n/, ""), undefined, "there is no Endpoint"],
    ["an endpoint over IPv6", BASE.replace("203.0.113.7", "[2001:db8::1]"), 9, "Endpoint is an IPv6 address"],
    ["an endpoint over IPv6, bare", BASE.replace("203.0.113.7", "2001:db8::1"), 9, "not HOST:PORT"],
    ["an endpoint without a port", BASE.replace(":51820", ""), 9, "not HOST:PORT"],
    ["an endpoint with port 0", BASE.replace(":51820", ":0"), 9, "not HOST:PORT"],
    ["an endpoint with a port too high", BASE.replace(":51820", ":65536"), 9, "not HOST:PORT"],
    ["an endpoint with half an address", BASE.replace("203.0.113.7", "203.0.113"), 9, "not HOST:PORT"],
    ["an endpoint with an option", BASE.replace("203.0.113.7", "-h"), 9, "not HOST:PORT"],
    ["an endpoint with a command", BASE.replace("203.0.113.7", "a`id`.example"), 9, "not HOST:PORT"],
    ["an endpoint with blanks", BASE.replace("203.0.113.7", "a b"), 9, "not HOST:PORT"],
    ["an MTU too small", BASE.replace("DNS", "MTU = 575\nDNS"), 4, "MTU is not a number"],
    ["an MTU in words", BASE.replace("DNS", "MTU = auto\nDNS"), 4, "MTU is not a number"],
    ["an MTU with a command", BASE.replace("DNS", "MTU = 1420;id\nDNS"), 4, "MTU is not a number"],
    ["another WireGuard", BASE.replace("DNS", "Jc = 4\nDNS"), 4, "AmneziaWG"],
    ["a setting nobody knows", BASE.replace("DNS", "Reserved = 1,2,3\nDNS"), 4, "no setting of wg-quick"],
    ["a setting in the wrong section", BASE.replace("DNS", "Endpoint = 203.0.113.7:1\nDNS"), 4, "no setting"],
    ["a setting before any section", `MTU = 1420\n${BASE}`, 1, "no setting of wg-quick"],
    ["another section", `${BASE}[Socks5]\n`, 10, "no setting of wg-quick"],
    ["a return in the middle", BASE.replace("DNS", "MTU = 1420\rPostUp = id\nDNS"), 4, "control character"],
  ])("%s, with its line", (_, text, line, problem) => {
    const { findings } = parseWireGuardProfile(text);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.line).toBe(line);
    expect(findings[0]?.problem).toContain(problem);
    expect(findings[0]?.mend).toMatch(/\w{3}/);
  });

  it("a command of a second peer's as well", () => {
    expect(parseWireGuardProfile(`${BASE}[Peer]\nPostUp = id\n`).findings).toMatchObject([{ line: 10 }, { line: 11 }]);
  });

  it("an empty file, and an OpenVPN profile in its place", () => {
    expect(parseWireGuardProfile(" \r\n").findings[0]).toMatchObject({ problem: "the file is empty" });
    const { findings } = parseWireGuardProfile("client\nremote 203.0.113.7 1194\n");
    expect(findings.slice(0, 2)).toMatchObject([{ line: 1 }, { line: 2 }]);
  });
});
