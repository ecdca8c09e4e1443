import { describe, expect, it } from "vitest";
import { parseProfile } from "../../gateway/settings/profile";
import { CA, CUSTOMER, CUSTOMER_KEY, CUSTOMER_PEM, NOW, STATIC_KEY } from "./certificatesFixtures";
import { ENCRYPTED_KEY, ENCRYPTED_OLD_KEY, LOCKED_P12, OTHER_KEY, PLAIN_P12 } from "./weakFixtures";

const TOP = `client\nremote 203.0.113.7 1194 udp\nremote-cert-tls server\n${CA}`;
const NEXT = TOP.split("\n").length;
const block = (name: string, content: string) => `<${name}>\n${content}\n</${name}>\n`;
const problems = (text: string) => parseProfile(text, NOW).findings.map(({ problem }) => problem);
/** A tls-crypt-v2 key: 256 bytes of key, and what the server wrapped, whose length stands in its last two bytes. */
const wrapped = (size: number, told = size) => {
  const bytes = Buffer.alloc(256 + size, 0x5a);
  bytes.writeUInt16BE(told, bytes.length - 2);
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return [
    "-----BEGIN OpenVPN tls-crypt-v2 client key-----",
    ...lines,
    "-----END OpenVPN tls-crypt-v2 client key-----",
  ].join("\n");
};

describe("a profile that says who its customer is", () => {
  it.each([
    ["by a certificate", CUSTOMER],
    ["by a user name and a password", "auth-user-pass\n"],
    ["by both", `auth-user-pass\n${CUSTOMER}`],
    ["by a PKCS#12 file", block("pkcs12", PLAIN_P12)],
    ["with text around the key", block("cert", CUSTOMER_PEM) + block("key", `Key:\n${CUSTOMER_KEY}\n`)],
    ["beside tls-auth", `auth-user-pass\nkey-direction 1\n${block("tls-auth", STATIC_KEY)}`],
    [
      "beside tls-crypt, in capitals",
      `auth-user-pass\n${block("tls-crypt", STATIC_KEY.replaceAll("6acef03f", "6ACEF03F"))}`,
    ],
    ["beside tls-crypt-v2", `auth-user-pass\n${block("tls-crypt-v2", wrapped(300))}`],
  ])("%s is taken", (_, text) => {
    expect(problems(TOP + text)).toEqual([]);
    expect(problems((TOP + text).replaceAll("\n", "\r\n"))).toEqual([]);
  });
});

/** OpenVPN 2.6.14 was tried with each kind: it ends before it sends a packet. */
describe("a profile with which OpenVPN does not start is refused:", () => {
  const half = STATIC_KEY.split("\n").slice(0, 10).join("\n");
  it.each([
    ["no customer", "", undefined, "nothing tells the provider who its customer is"],
    ["a certificate without a key", block("cert", CUSTOMER_PEM), undefined, "there is a <cert> without a <key>"],
    ["a key without a certificate", block("key", CUSTOMER_KEY), undefined, "there is a <key> without a <cert>"],
    ["an encrypted key", CUSTOMER.replace(CUSTOMER_KEY, ENCRYPTED_KEY), 12, "is encrypted"],
    ["a key encrypted as OpenSSL did once", CUSTOMER.replace(CUSTOMER_KEY, ENCRYPTED_OLD_KEY), 12, "is encrypted"],
    ["half a key", CUSTOMER.replace(CUSTOMER_KEY, CUSTOMER_KEY.slice(0, 60)), 12, "cannot be read"],
    ["another's key", CUSTOMER.replace(CUSTOMER_KEY, OTHER_KEY), 12, "does not belong to the first certificate"],
    ["half a static key", `auth-user-pass\n${block("tls-auth", half)}`, 1, "the key in <tls-auth> is not whole"],
    [
      "a static key cut in a line",
      `auth-user-pass\n${block("tls-crypt", STATIC_KEY.replace("27\n", "\n"))}`,
      1,
      "not whole",
    ],
    [
      "a static key without its end",
      `auth-user-pass\n${block("tls-auth", STATIC_KEY.replace(/-----END.*/, ""))}`,
      1,
      "whole",
    ],
    [
      "half a wrapped key",
      `auth-user-pass\n${block("tls-crypt-v2", wrapped(300, 400))}`,
      1,
      "<tls-crypt-v2> is not whole",
    ],
    ["a wrapped key of nothing", `auth-user-pass\n${block("tls-crypt-v2", "")}`, 1, "<tls-crypt-v2> is not whole"],
    ["a PKCS#12 file with a password", block("pkcs12", LOCKED_P12), 0, "has a password"],
    ["half a PKCS#12 file", block("pkcs12", PLAIN_P12.slice(0, 300)), 0, "cannot be read"],
    [
      "tls-auth beside tls-crypt",
      `auth-user-pass\n${block("tls-auth", STATIC_KEY)}${block("tls-crypt", STATIC_KEY)}`,
      24,
      "`tls-auth` and `tls-crypt` exclude each other",
    ],
  ] as [string, string, number | undefined, string][])("%s", (_, text, after, problem) => {
    const { findings } = parseProfile(TOP + text, NOW);
    expect(findings).toHaveLength(1);
    expect(findings[0]?.problem).toContain(problem);
    expect(findings[0]?.line).toBe(after === undefined ? undefined : NEXT + after);
    expect(findings[0]?.mend).toMatch(/\w/);
    for (const line of [...CUSTOMER_KEY.split("\n"), ...ENCRYPTED_KEY.split("\n"), "6acef03f62675b4b"])
      expect(`${findings[0]?.problem}${findings[0]?.mend}`).not.toContain(line);
  });
});
