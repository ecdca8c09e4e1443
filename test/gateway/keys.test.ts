import fc from "fast-check";
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { deriveKey, pairKey, wireGuardKeys } from "../../gateway/keys";

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

describe("a key that is derived", () => {
  const secret = "a".repeat(64);

  // RFC 5869 by another implementation: HMAC of node:crypto, one block of output.
  it("is HKDF with SHA-256", () => {
    const hmac = (key: Buffer | string, ...parts: readonly (Buffer | string)[]) =>
      parts.reduce((hash, part) => hash.update(part), createHmac("sha256", key)).digest();
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9]{43,64}$/), fc.string(), (text, purpose) => {
        const expected = hmac(hmac("wg-gateway", text), purpose, Buffer.from([1]));
        expect(deriveKey(text, purpose)).toEqual(expected);
      }),
    );
  });

  it("is another one for another purpose, and for another secret", () => {
    const keys = [deriveKey(secret, "a"), deriveKey(secret, "b"), deriveKey("b".repeat(64), "a")];
    expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(3);
  });

  it("is not made of a text that can be guessed", () => {
    expect(() => deriveKey("a".repeat(42), "a")).toThrow(RangeError);
  });

  it("that two endpoints share is the same for both, and another for another pair", () => {
    expect(pairKey(secret, "a", "b")).toBe(pairKey(secret, "b", "a"));
    const keys = [pairKey(secret, "a", "b"), pairKey(secret, "a", "c"), pairKey("b".repeat(64), "a", "b")];
    expect(new Set(keys).size).toBe(3);
  });
});
