import { describe, expect, it } from "vitest";
import { parseProfile as parseAt } from "../../gateway/settings/profile";
import { CA, NOW } from "./certificatesFixtures";
import { PROFILE as BASE } from "./settingsFixtures";

/** The number of the first line after {@link BASE}. */
const NEXT = BASE.split("\n").length;
const parseProfile = (text: string) => parseAt(text, NOW);

describe("refused, with its line", () => {
  it.each([
    ["a script", "up /etc/openvpn/client.up", "`up` runs a script"],
    ["a script with a harmless one's name", "up '/etc/openvpn/update-resolv-conf x'", "`up` runs a script"],
    ["a harmless script with more behind it", "down /etc/openvpn/update-resolv-conf x", "`down` runs a script"],
    ["a harmless script at another time", "ipchange /etc/openvpn/update-resolv-conf", "`ipchange` runs"],
    ["a plugin", "plugin evil.so", "`plugin` runs"],
    ["a certificate check by script", "tls-verify /bin/true", "`tls-verify` runs"],
    ["a crypto engine", "engine /tmp/evil.so", "`engine` runs"],
    ["a crypto provider", "providers /tmp/evil", "`providers` runs"],
    ["a change of directory", "cd /tmp", "`cd` runs"],
    ["another configuration", "config other.conf", "reads other files"],
    ["an option 2.6 rejects", "no-iv", "`no-iv` is an option that OpenVPN 2.6 rejects"],
    ["a file", "ca ca.crt", "`ca` names a file"],
    ["a file with a path of Windows", "ca C:\\keys\\ca.crt", "a backslash"],
    ["a file without a name", "crl-verify", "names a file"],
    ["a bridge", "dev tap0", "bridges Ethernet"],
    ["a bridge by another option", "dev-type tap", "bridges Ethernet"],
    ["a proxy for HTTP", "http-proxy 203.0.113.9 8080", "`http-proxy` goes through a proxy"],
    ["a proxy for SOCKS", "socks-proxy 203.0.113.9 1080", "`socks-proxy` goes through a proxy"],
    ["a question at each start", 'static-challenge "Your code" 1', "`static-challenge` needs a person"],
    ["a server's option", "mode server", "`mode` is a server's option"],
    ["a static key", "secret [inline]", "`secret` weakens the encryption"],
    ["a control port", "management 127.0.0.1 7505", "`management` lets another program"],
    ["a command", "genkey secret x", "`genkey` makes OpenVPN do one thing and end"],
    ["a script that the file would have skipped", "setenv opt up /bin/sh", "`up` runs a script"],
    ["a digest that OpenVPN does not know", "auth RSA-SHA256", "`auth` has an argument"],
    ["a TLS that there is not", "tls-version-min 1.4", "`tls-version-min` has an argument"],
    ["a direction that there is not", "key-direction 2", "`key-direction` has an argument"],
    ["packets without a size", "fragment", "`fragment` has an argument"],
    ["fragments over TCP", "remote h 443 tcp\nfragment 1300", "`fragment` stands beside a remote over TCP", 1],
    ["an option nobody looked at", "nosuch-option 8080", "not known to be safe"],
    ["a line longer than OpenVPN reads", `tls-cipher ${"A".repeat(244)}`, "254 bytes"],
    ["a direction that is as long, when it is written anew", `tls-auth [inline] ${"A".repeat(241)}`, "254 bytes"],
    ["a quote that is not closed", 'verify-x509-name "a', "quote"],
    ["a control character", "cipher\x01", "control character"],
    ["a remote over IPv6", "remote 2001:db8::1 1194", "reached by IPv6"],
    ["a remote by udp6", "remote h 1194 udp6", "reached by IPv6"],
    ["a remote by another protocol", "remote h 1194 sctp", "the protocol of `remote"],
    ["a remote with port 0", "remote h 0", "the PORT of"],
    ["a remote with a port too high", "remote h 65536", "the PORT of"],
    ["a remote with a port in hex", "remote h 0x50", "the PORT of"],
    ["a remote with half an address", "remote 203.0.113 1194", "the HOST of"],
    ["a remote that is an option to a program", "remote -h 1194", "the HOST of"],
    ["a remote without a host", "remote", "the HOST of"],
    ["a block that is never closed", "<cert>", "never closed"],
    ["a connection that is never closed", "<connection>", "never closed"],
    ["credentials", "<auth-user-pass>\nme\nsecret\n</auth-user-pass>", "holds the credentials"],
    ["a block nobody knows", "<secret>\nkey\n</secret>", "no client's profile has"],
  ] as [string, string, string, number?][])("%s", (_, line, problem, after = 0) => {
    const { findings } = parseProfile(`${BASE}${line}\n`);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ line: NEXT + after, problem: expect.stringContaining(problem) as string });
    expect(findings[0]?.mend).toMatch(/\w/);
  });

  it("inside a <connection> and inside a block, the line itself", () => {
    const block = "<connection>\nremote h 1\n<tls-auth>\nkey\n</tls-auth>\n</connection>\n";
    expect(parseProfile(`${BASE}${block}`).findings).toMatchObject([{ line: NEXT + 2 }]);
    expect(parseProfile(`${BASE}<connection>\nremote h 1\nup x\n</connection>\n`).findings).toMatchObject([
      { line: NEXT + 2 },
    ]);
    expect(parseProfile(`${BASE}<key>\nkey\n<b>\n</key>\n`).findings).toMatchObject([{ line: NEXT + 2 }]);
    expect(parseProfile(`${BASE}<connection>\ncipher none\n</connection>\n`).findings[0]?.problem).toContain(
      "`cipher`",
    );
  });

  it("all of them at once, the whole file where no line is to blame", () => {
    expect(parseProfile(`up x\ndown y\nauth-user-pass\n${CA}`).findings).toMatchObject([
      { line: 1 },
      { line: 2 },
      { problem: "no `remote` line names the provider" },
    ]);
    expect(parseProfile(" \r\n\t\n").findings).toMatchObject([{ problem: "the file is empty" }]);
    expect(parseProfile(`up x\nauth-user-pass\n${CA}`).findings.at(-1)?.line).toBeUndefined();
  });

  it("not what stands behind the end of a block, which OpenVPN does not read", () => {
    const { profile, findings } = parseProfile(`${BASE}<crl-verify>\nkey\n  </crl-verify> the end\nauth SHA256\n`);
    expect(findings).toEqual([]);
    expect(profile.lines.slice(-4)).toEqual(["<crl-verify>", "key", "</crl-verify>", "auth SHA256"]);
  });

  it.each([
    ["the longest line", `tls-cipher ${"A".repeat(243)}`],
    ["the longest host", `remote ${`${"a".repeat(62)}.`.repeat(4)}a 1`],
    ["a host with an underscore", "remote nl_1.provider.example 1194"],
    ["a host with its dot at the end", "remote nl.provider.example. 1194"],
    ["the last port", "remote h 65535"],
  ])("not %s", (_, line) => {
    expect(parseProfile(`${BASE}${line}\n`).findings).toEqual([]);
  });
});
