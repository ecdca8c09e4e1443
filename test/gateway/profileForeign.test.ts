import { describe, expect, it, test } from "vitest";
import { parseProfile } from "../../gateway/settings/profile";
import { parseWireGuardProfile } from "../../gateway/settings/wireguardProfile";
import { NOW } from "./certificatesFixtures";
import { ec2, faultsOf, parse, PROFILE, publicKey, vpn } from "./settingsFixtures";

const CONF = `[Interface]
PrivateKey = ${publicKey(1)}
Address = 10.2.0.2/32
[Peer]
PublicKey = ${publicKey(2)}
Endpoint = 203.0.113.7:51820
`;
/** A file as readFileSync gives it with "utf8". */
const decoded = (bytes: Buffer) => bytes.toString("utf8");
const utf16 = (text: string, mark: string) => decoded(Buffer.from(mark + text, "utf16le"));
const bigEndian = (text: string) => decoded(Buffer.from(`\uFEFF${text}`, "utf16le").swap16());

describe("a file that is no profile is told of once, by both readers:", () => {
  it.each([
    ["UTF-16", utf16(PROFILE, "\uFEFF"), "UTF-16"],
    ["UTF-16 without a mark", utf16(CONF, ""), "UTF-16"],
    ["UTF-16, the other way round", bigEndian(PROFILE), "UTF-16"],
    ["a web page", `\n<!DOCTYPE html>\n<html>\n${"<p>Log in</p>\n".repeat(30)}</html>`, "web page"],
    ["a zip archive", `PK\x03\x04${"\0\x01\uFFFD".repeat(30)}`, "zip archive"],
    ["a picture", decoded(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])), "no text"],
    ["nothing", " \r\n\t", "is empty"],
    ["a gigantic one", "client\n".repeat(200_000), "larger than"],
  ])("%s", (_, text, problem) => {
    for (const { findings } of [parseProfile(text, NOW), parseWireGuardProfile(text)]) {
      expect(findings.map((finding) => finding.problem)).toEqual([expect.stringContaining(problem)]);
      expect(findings[0]?.mend).toMatch(/\w/);
    }
  });
});

describe("a profile of the other kind is told of once, at `kind`:", () => {
  it.each([
    ["WireGuard's without `kind: wireguard`", vpn, CONF, "openvpn", "write `kind: wireguard`"],
    [
      "WireGuard's in Windows' manner",
      vpn,
      `\uFEFF${CONF.replaceAll("\n", "\r\n")}`,
      "openvpn",
      "write `kind: wireguard`",
    ],
    [
      "OpenVPN's with `kind: wireguard`",
      { ...vpn, kind: "wireguard" },
      PROFILE,
      "wireguard",
      "take `kind: wireguard` out",
    ],
  ])("%s", (_, exit, text, value, mend) => {
    const { faults } = faultsOf({ host: ec2, exits: [exit] }, undefined, { "vpn.ovpn": text });
    expect(faults).toMatchObject([{ key: "exits[0].kind", value }]);
    expect(faults[0]?.mend).toContain(mend);
    expect(faults[0]?.allowed).toContain("vpn.ovpn is ");
  });

  test("with its own kind it is taken", () => {
    const files = { "vpn.ovpn": CONF };
    expect(parse({ host: ec2, exits: [{ ...vpn, kind: "wireguard" }] }, undefined, files).warnings).toEqual([]);
  });
});

/** Regular expressions that look at blanks again for each blank took minutes for a megabyte; a pass over it takes milliseconds. */
describe("a megabyte of blanks is read in one pass", () => {
  const blanks = " ".repeat(1_000_000);
  const pieces = {
    "before a word": `${blanks}client`,
    "between words": `remote${blanks}h`,
    "behind a word": `client${blanks}`,
    "before what is not understood": `remote h${blanks}\\`,
    "in quotes": `verify-x509-name "${blanks}`,
    "in a block": `<ca>\n${blanks}</ca\n</ca>`,
    "around an equals sign": `PrivateKey${blanks}=${blanks.slice(0, 10)}`,
    "behind a key": `PrivateKey${blanks}x`,
    "in a list": `[Interface]\nAddress = 10.2.0.2/32${blanks}x,${blanks.slice(0, 10)}`,
    "in an endpoint": `[Peer]\nEndpoint = ${blanks}:1`,
    "before a comment": `${blanks}# x`,
    "in front of a page": `${blanks}<html`,
    "of dashes": `-----BEGIN ${"A".repeat(500_000)}`,
    "as a host": `remote ${"a.".repeat(500_000)}`,
  };
  it.each(Object.entries(pieces))("%s", (_, text) => {
    const began = performance.now();
    parseProfile(`client\n${text}\n`, NOW);
    parseWireGuardProfile(`${text}\n`);
    expect(performance.now() - began).toBeLessThan(5000);
  });
});
