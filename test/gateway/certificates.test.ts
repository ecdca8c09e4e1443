import { describe, expect, it } from "vitest";
import { parseProfile } from "../../gateway/settings/profile";
import { CA, CA_PEM, CUSTOMER_KEY, CUSTOMER_PEM, NOW } from "./certificatesFixtures";
import {
  EC_KEY,
  MD5_PEM,
  MD5_ROOT_PEM,
  OLD_CA_PEM,
  OTHER_KEY,
  PLAIN_P12,
  SHA1_PEM,
  SMALL_KEY,
  SMALL_PEM,
} from "./weakFixtures";

const TOP = "client\nremote 203.0.113.7 1194 udp\nremote-cert-tls server\nauth-user-pass\n";
const said = (text: string, now: Date | string = NOW) => {
  const { findings, warnings } = parseProfile(text, new Date(now));
  return { findings, warnings };
};
const block = (name: string, ...contents: string[]) => `<${name}>\n${contents.join("\n")}\n</${name}>\n`;
const rows = (text: string) => text.split("\n").length;
const nothing = { findings: [], warnings: [] };

describe("a certificate", () => {
  it.each(["2020-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2119-12-02T00:00:00Z"])("is good at %s", (now) => {
    expect(said(TOP + CA, now)).toEqual(nothing);
  });

  it.each(["2119-12-02T00:00:01Z", "2120-01-01T00:00:00Z"])("is soon too old at %s", (now) => {
    const problem = "the certificate of CN=Provider CA in <ca> expires on 2120-01-01";
    const mend = expect.stringContaining("again before then") as string;
    expect(said(TOP + CA, now)).toEqual({ findings: [], warnings: [{ line: 6, problem, mend }] });
  });

  it("is too old a second later", () => {
    const problem = "the certificate of CN=Provider CA in <ca> expired on 2120-01-01";
    const mend = expect.stringContaining(
      "profile with a newer certificate, if a new download gives this file",
    ) as string;
    expect(said(TOP + CA, "2120-01-01T00:00:01Z")).toEqual({ findings: [{ line: 6, problem, mend }], warnings: [] });
  });

  it("is not valid yet", () => {
    const problem = "the certificate of CN=Provider CA in <ca> is not valid before 2020-01-01";
    const mend = expect.stringContaining("clock, which says 2019-12-31") as string;
    expect(said(TOP + CA, "2019-12-31T23:59:59Z")).toEqual({ findings: [{ line: 6, problem, mend }], warnings: [] });
  });

  it.each(["cert", "extra-certs"])("of a customer is read in <%s>", (name) => {
    const text = TOP + CA + block(name, CUSTOMER_PEM) + (name === "cert" ? block("key", CUSTOMER_KEY) : "");
    expect(said(text)).toEqual(nothing);
    expect(said(text, "2100-07-02").findings).toMatchObject([
      { line: rows(TOP + CA) + 1, problem: `the certificate of CN=customer 4711 in <${name}> expired on 2100-07-01` },
    ]);
  });

  it("is found among others, with text around, by its own line, at any line's end", () => {
    const text = TOP + block("ca", "Certificate:", "    Data:", CA_PEM, "", "the next one", CUSTOMER_PEM, "end");
    const line = rows(`${TOP}<ca>\nCertificate:\n    Data:\n${CA_PEM}\n\nthe next one\n`);
    for (const one of [text, text.replaceAll("\n", "\r\n"), text.replaceAll("-----\n", "----- \t\n")]) {
      expect(said(one)).toEqual(nothing);
      expect(said(one, "2100-07-02")).toMatchObject({ findings: [], warnings: [{ line }] });
      expect(said(one, "2100-06-30").warnings).toMatchObject([{ line }]);
    }
  });

  describe("of two authorities, the old and the new one,", () => {
    const both = TOP + block("ca", OLD_CA_PEM, CA_PEM);
    it("is warned of when it has expired, for the other is enough", () => {
      const problem =
        "the certificate of CN=Provider CA in <ca> expired on 2025-01-01; others in the block take its place";
      expect(said(both)).toMatchObject({ findings: [], warnings: [{ line: 6, problem }] });
      expect(said(TOP + block("ca", CA_PEM, OLD_CA_PEM)).findings).toEqual([]);
    });

    it("is refused when none is left", () => {
      expect(said(both, "2120-01-02").findings.map(({ line }) => line)).toEqual([6, 6 + rows(OLD_CA_PEM)]);
      expect(said(both, "2010-01-01").findings).toHaveLength(2);
      expect(said(TOP + block("ca", OLD_CA_PEM)).findings).toHaveLength(1);
    });

    it("does not stand in for a customer's own one", () => {
      const own = TOP + CA + block("cert", OLD_CA_PEM, CUSTOMER_PEM) + block("key", OTHER_KEY);
      expect(said(own).findings.map(({ problem }) => problem)).toContain(
        "the certificate of CN=Provider CA in <cert> expired on 2025-01-01",
      );
    });
  });

  it.each([
    ["SHA-1", SHA1_PEM, EC_KEY, "is signed with SHA-1"],
    ["MD5", MD5_PEM, EC_KEY, "is signed with MD5"],
    ["a short key", SMALL_PEM, SMALL_KEY, "has an RSA key of 768 bits"],
  ])("of a customer with %s stops OpenVPN of Debian 12, unless the profile takes it", (_, pem, key, problem) => {
    const text = TOP + CA + block("cert", pem) + block("key", key);
    expect(said(text).findings).toMatchObject([{ line: rows(TOP + CA) + 1 }]);
    expect(said(text).findings[0]?.problem).toContain(problem);
    expect(said(`tls-cert-profile insecure\n${text}`)).toEqual(nothing);
    expect(said(`tls-cipher "DEFAULT:@SECLEVEL=0"\n${text}`)).toEqual(nothing);
    expect(said(`tls-cert-profile legacy\n${text}`).findings).toHaveLength(1);
  });

  it("of an authority that signed itself may have any signature; one that another signed may not", () => {
    expect(said(TOP + block("ca", MD5_ROOT_PEM))).toEqual(nothing);
    const { findings, warnings } = said(TOP + block("ca", MD5_ROOT_PEM, SHA1_PEM));
    expect(findings).toEqual([]);
    expect(warnings.map(({ problem }) => problem)).toEqual([
      expect.stringContaining(
        "the certificate of CN=sha1 customer in <ca> is signed with SHA-1: OpenVPN refuses servers",
      ),
    ]);
  });

  it.each([
    ["holds something else", "certificate", 5, "no certificate stands in <ca>"],
    ["is empty", "", 5, "no certificate stands in <ca>"],
    ["holds one pushed to the right", CA_PEM.replaceAll(/^/gm, "  "), 5, "no certificate stands in <ca>"],
    ["holds half of one", CA_PEM.split("\n").slice(0, 4).join("\n"), 6, "a certificate in <ca> cannot be read"],
    ["holds a damaged one", CA_PEM.replace("MIIB", "MIIA"), 6, "a certificate in <ca> cannot be read"],
    ["holds a good one and a cut one", `${CA_PEM}\n-----BEGIN CERTIFICATE-----\nMIIB`, 6 + rows(CA_PEM), "be read"],
    ["holds a cut one and a good one", `-----BEGIN CERTIFICATE-----\nMIIB\n${CA_PEM}`, 6, "be read"],
  ])("is missed where the block %s", (_, content, line, problem) => {
    expect(said(TOP + block("ca", content))).toMatchObject({
      findings: [{ line, problem: expect.stringContaining(problem) as string }],
      warnings: [],
    });
  });

  it("in other blocks is nobody's business, nor is a block that never ends", () => {
    expect(said(TOP + CA + block("crl-verify", "-----BEGIN CERTIFICATE-----"))).toEqual(nothing);
    expect(said(`${TOP}${CA}<cert>\n`).findings).toHaveLength(1);
  });
});

describe("the provider's server", () => {
  const plain = TOP.replace("remote-cert-tls server\n", "");
  const problem = (text: string) => said(text).findings.map((finding) => finding.problem);

  it("cannot be told from another without an authority and a fingerprint", () => {
    expect(said(TOP)).toMatchObject({
      findings: [{ problem: expect.stringContaining("no <ca> and no `peer-fingerprint`") as string }],
      warnings: [],
    });
    expect(problem(`${TOP}ca [inline]\n`)).toHaveLength(1);
    expect(problem(`${TOP}verify-hash 00:11\n`)).toHaveLength(1);
    // It is said once that a file is missing.
    expect(problem(`${TOP}ca ca.crt\n`)).toEqual(["`ca` names a file"]);
  });

  it.each([
    ["a fingerprint", "peer-fingerprint 00:11:22\n"],
    ["fingerprints in a block", block("peer-fingerprint", "00:11:22", "33:44:55")],
    ["an authority within a PKCS#12 file", block("pkcs12", PLAIN_P12)],
  ])("can be told by %s", (_, how) => {
    expect(said(TOP + how)).toEqual(nothing);
  });

  it.each([
    ["nothing", ""],
    ["the usage of a client", "remote-cert-tls client\n"],
    ["an old mark for a client", "ns-cert-type client\n"],
    ["the authority's own hash", "verify-hash 00:11\n"],
  ])("is anybody of the same authority with %s", (_, option) => {
    const { findings, warnings } = said(`${plain}${CA}${option}`);
    expect(findings).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).not.toHaveProperty("line");
    expect(warnings[0]?.problem).toContain("any customer of the provider");
    expect(warnings[0]?.mend).toContain("`remote-cert-tls server`");
  });

  it.each([
    "remote-cert-tls server",
    "--remote-cert-tls 'server'",
    "remote-cert-eku 1.3.6.1.5.5.7.3.1",
    "ns-cert-type server",
    "verify-x509-name vpn.provider.example name",
    "peer-fingerprint 00:11:22",
  ])("is the provider's with: %s", (option) => {
    expect(said(`${plain}${CA}${option}\n`)).toEqual(nothing);
  });
});
