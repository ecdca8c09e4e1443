import { describe, expect, it } from "vitest";
import { parseProfile as parseAt } from "../../gateway/settings/profile";
import { CA, CUSTOMER, NOW, STATIC_KEY } from "./certificatesFixtures";

const parseProfile = (text: string) => parseAt(text, NOW);
const KEY = `<tls-auth>\n${STATIC_KEY}\n</tls-auth>\n`;
const inlines = (text: string): string[] => text.trimEnd().split("\n");

/** Options that providers' own files hold besides, each beside the rest of a profile. */
const harmless = [
  "up /etc/openvpn/update-resolv-conf",
  "down /etc/openvpn/update-resolv-conf",
  "up '/etc/openvpn/update-systemd-resolved'",
  "script-security 2",
  "keysize 256",
  "inactive 3600",
  "session-timeout 3600",
  "shaper 100000",
  "echo hello",
  "mtu-test",
  "remap-usr1 SIGTERM",
  "single-session",
  "multihome",
  "tcp-nodelay",
  "allow-recursive-routing",
  "mark 7",
  "ignore-unknown-option fancy other\nother 1\nfancy",
  "setenv FORWARD_COMPATIBLE 1\nfancy 1",
  "setenv opt fancy 1",
  "key-method 2",
  "ncp-disable",
  "ns-cert-type server",
  "route-method exe",
  "route-delay 2",
  "passtos",
  "auth-nocache",
  "auth-user-pass mullvad_userpass.txt",
  "setenv UV_IPV6 yes",
  "setenv FORWARD_COMPATIBLE 1",
  "setenv-safe UV_PLAT linux",
  "push-peer-info",
  "tun-ipv6",
  "explicit-exit-notify 5",
  "disable-occ",
  "ignore-unknown-option block-outside-dns",
  "block-outside-dns",
  'pull-filter ignore "route-ipv6"',
  "sndbuf 524288",
  "compress",
  'tls-cipher "DEFAULT:@SECLEVEL=0"',
  "verify-x509-name Server name-prefix",
  "remote-random",
  "data-ciphers AES-256-GCM:AES-256-CBC:AES-192-GCM",
  "tls-cert-profile preferred",
  "<crl-verify>\n-----BEGIN X509 CRL-----\nMIIC\n-----END X509 CRL-----\n</crl-verify>",
];

it.each(harmless)("a profile is taken with: %s", (line) => {
  const { findings, profile } = parseProfile(`client\nremote 203.0.113.7 1194 udp\n${CA}${CUSTOMER}${line}\n`);
  expect(findings).toEqual([]);
  expect(profile.lines.join("\n")).not.toMatch(/^(up|down|script-security|keysize|key-method|ncp-disable|setenv)/m);
});

describe("profiles in the manner of", () => {
  it("a large provider: one server, tls-auth, years of options", () => {
    const text = `client
dev tun
proto udp
remote se123.provider.example 1194
resolv-retry infinite
remote-random
nobind
tun-mtu 1500
tun-mtu-extra 32
mssfix 1450
persist-key
persist-tun
ping 15
ping-restart 0
ping-timer-rem
reneg-sec 0
comp-lzo no
verify-x509-name CN=se123.provider.example

remote-cert-tls server

auth-user-pass
verb 3
pull
fast-io
cipher AES-256-CBC
auth SHA512
${CA}key-direction 1
${KEY}`;
    const { profile, findings } = parseProfile(text.replaceAll("\n", "\r\n"));
    expect(findings).toEqual([]);
    expect(profile).toEqual({
      kind: "openvpn",
      remotes: [{ host: "se123.provider.example", port: 1194, protocol: "udp" }],
      wantsCredentials: true,
      mssfix: "1450",
      lines: [
        "reneg-sec 0",
        "comp-lzo no",
        "verify-x509-name CN=se123.provider.example",
        "remote-cert-tls server",
        "pull",
        "auth SHA512",
        ...inlines(CA),
        "key-direction 1",
        ...inlines(KEY),
        "data-ciphers AES-256-GCM:AES-128-GCM:CHACHA20-POLY1305:?AES-256-CBC",
        "data-ciphers-fallback AES-256-CBC",
      ],
    });
  });

  it("one with many servers and ports, comments, quotes and a byte order mark", () => {
    const text = `\uFEFF# Free servers; keep secret
; tcp works behind most firewalls
client
dev tun
proto udp
port 8443
auth-user-pass
remote 203.0.113.7 443
remote de-01.provider.example
remote de-02.provider.example 1194 udp # fastest
\tremote   "de-03.provider.example"  5060   'udp4' ;comment
server-poll-timeout 20
setenv CLIENT_CERT 0
setenv opt block-outside-dns
ignore-unknown-option block-outside-dns
verify-x509-name "C=SE, O='Provider', CN=de" subject
data-ciphers AES-256-GCM:AES-128-GCM
explicit-exit-notify
disable-occ
topology subnet
fragment 1300
ns-cert-type server
peer-fingerprint 00:11:22
${CA}`;
    const { profile, findings } = parseProfile(text);
    expect(findings).toEqual([]);
    expect(profile.wantsCredentials).toBe(true);
    expect(profile.mssfix).toBe("1300");
    expect(profile.remotes).toEqual([
      { host: "203.0.113.7", port: 443, protocol: "udp" },
      { host: "de-01.provider.example", port: 8443, protocol: "udp" },
      { host: "de-02.provider.example", port: 1194, protocol: "udp" },
      { host: "de-03.provider.example", port: 5060, protocol: "udp" },
    ]);
    expect(profile.lines).toEqual([
      `verify-x509-name "C=SE, O='Provider', CN=de" subject`,
      "topology subnet",
      "fragment 1300",
      "ns-cert-type server",
      "peer-fingerprint 00:11:22",
      ...inlines(CA),
      "data-ciphers AES-256-GCM:AES-128-GCM",
    ]);
  });

  it("a company with <connection> blocks, each with a protocol and a port of its own", () => {
    const text = `client
<connection>
remote a.example
proto tcp-client
rport 443
connect-timeout 5
</connection>
  <connection>
  --remote b.example
  </connection>
<connection>
remote c.example 53 tcp4-client
</connection>
port 1195
${CA}${CUSTOMER}`;
    const { profile, findings } = parseProfile(text);
    expect(findings).toEqual([]);
    expect(profile.remotes).toEqual([
      { host: "a.example", port: 443, protocol: "tcp" },
      { host: "b.example", port: 1195, protocol: "udp" },
      { host: "c.example", port: 53, protocol: "tcp" },
    ]);
    expect(profile.lines.filter((line) => line.startsWith("<"))).toEqual(
      ["ca", "cert", "key"].flatMap((name) => [`<${name}>`, `</${name}>`]),
    );
  });

  it("OpenVPN before 2.5: [inline], with the direction beside it", () => {
    const { profile, findings } = parseProfile(
      `client\nremote h 1\nca [inline]\ntls-auth [inline] 1\nauth-user-pass\n${CA}${KEY}`,
    );
    expect(findings).toEqual([]);
    expect(profile.lines).toEqual(["key-direction 1", ...inlines(CA), ...inlines(KEY)]);
  });
});
