import fc from "fast-check";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { sshKeys, wireGuardKeys } from "../../gateway/keys";

const folder = mkdtempSync(join(tmpdir(), "wg-gateway-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));

const hex = (text: string): Buffer => Buffer.from(text, "hex");
const inHex = (base64: string): string => Buffer.from(base64, "base64").toString("hex");
const wrongLengths = [0, 31, 33, 64];

describe("WireGuard keys", () => {
  // RFC 7748, section 6.1, whose private keys are given before they are clamped.
  it.each([
    [
      "Alice's",
      "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
      "70076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c6a",
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
    ],
    [
      "Bob's",
      "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
      "58ab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e06b",
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    ],
  ])("are %s of the RFC, clamped", (_, seed, clamped, publicKey) => {
    const keys = wireGuardKeys(hex(seed));
    expect(inHex(keys.privateKey)).toBe(clamped);
    expect(inHex(keys.publicKey)).toBe(publicKey);
  });

  it("clamp where all bits are set, and leave the seed alone", () => {
    const seed = Buffer.alloc(32, 0xff);
    const clamped = Buffer.from(wireGuardKeys(seed).privateKey, "base64");
    expect([clamped[0], clamped[1], clamped[31]]).toEqual([0xf8, 0xff, 0x7f]);
    expect(seed).toEqual(Buffer.alloc(32, 0xff));
  });

  it("of the same seed are the same, of another are others", () => {
    expect(wireGuardKeys(Buffer.alloc(32, 1))).toEqual(wireGuardKeys(Buffer.alloc(32, 1)));
    expect(wireGuardKeys(Buffer.alloc(32, 1)).publicKey).not.toBe(wireGuardKeys(Buffer.alloc(32, 16)).publicKey);
  });

  it.each(wrongLengths)("are not made of %i bytes", (length) => {
    expect(() => wireGuardKeys(Buffer.alloc(length, 7))).toThrow(RangeError);
  });
});

/** What OpenSSH reads out of a private key. */
function readBack(privateKey: string): string {
  const file = join(folder, "key");
  writeFileSync(file, privateKey);
  chmodSync(file, 0o600);
  return execFileSync("ssh-keygen", ["-y", "-P", "", "-f", file], { encoding: "utf8" }).trim();
}

describe("SSH keys", () => {
  it("are the pair of RFC 8032, section 7.1, test 1", () => {
    const { publicKey } = sshKeys(hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"), "test");
    const blob = Buffer.from(publicKey.split(" ")[1] ?? "", "base64");
    expect(blob.subarray(-32).toString("hex")).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  });

  it("are read by OpenSSH, whatever the padding", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.stringMatching(/^[a-z@-]{1,12}$/),
        (seed, comment) => {
          const keys = sshKeys(Buffer.from(seed), comment);
          expect(readBack(keys.privateKey)).toBe(keys.publicKey);
          expect(keys.publicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68} /);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("of the same seed are the same text, of another are others", () => {
    expect(sshKeys(Buffer.alloc(32, 1), "a")).toEqual(sshKeys(Buffer.alloc(32, 1), "a"));
    expect(sshKeys(Buffer.alloc(32, 1), "a").publicKey).not.toBe(sshKeys(Buffer.alloc(32, 2), "a").publicKey);
  });

  it.each(wrongLengths)("are not made of %i bytes", (length) => {
    expect(() => sshKeys(Buffer.alloc(length, 7), "test")).toThrow(RangeError);
  });
});
