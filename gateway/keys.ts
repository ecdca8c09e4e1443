import { createPrivateKey, hkdfSync } from "node:crypto";

/**
 * The public half of an X25519 private key, 32 bytes each. By JWK (RFC 8037), which comes to OpenSSL as the bytes themselves: its
 * decoders of DER take eight times as long with Node.js 20, and there is a key for each client. The half that is asked for is not
 * looked at.
 */
function publicKeyOf(privateKey: Buffer): Buffer {
  const key = { kty: "OKP", crv: "X25519", d: privateKey.toString("base64url"), x: "" };
  const { x = "" } = createPrivateKey({ key, format: "jwk" }).export({ format: "jwk" });
  return Buffer.from(x, "base64url");
}

/**
 * A key out of a random text: HKDF with SHA-256 (RFC 5869).
 * @param secret at least 43 random letters and digits, that is 256 bits
 * @param purpose tells the keys of one secret apart, such as "private key"
 * @returns 32 bytes
 * @throws RangeError when `secret` is shorter
 */
export function deriveKey(secret: string, purpose: string): Buffer {
  if (secret.length < 43) throw new RangeError(`a secret has 43 characters or more, not ${secret.length}`);
  return Buffer.from(hkdfSync("sha256", secret, "wg-gateway", purpose, 32));
}

/** A WireGuard key pair, both base64, as `wg genkey` and `wg pubkey` write them. */
export interface WireGuardKeys {
  readonly privateKey: string;
  readonly publicKey: string;
}

/**
 * @param seed 32 random bytes
 * @returns the pair; the private key is clamped as Curve25519 wants it (RFC 7748, section 5), like `wg genkey` does
 * @throws RangeError when `seed` is not 32 bytes
 */
export function wireGuardKeys(seed: Buffer): WireGuardKeys {
  if (seed.length !== 32) throw new RangeError(`a private key is 32 bytes, not ${seed.length}`);
  const clamped = Buffer.from(seed);
  clamped[0] = (clamped[0] ?? 0) & 248;
  clamped[31] = ((clamped[31] ?? 0) & 127) | 64;
  return {
    privateKey: clamped.toString("base64"),
    publicKey: publicKeyOf(clamped).toString("base64"),
  };
}

/**
 * The key that two endpoints share, the same for both, from a secret that neither has.
 * @param secret as of {@link deriveKey}
 * @returns 32 bytes in base64, as `wg genpsk` prints them
 */
export const pairKey = (secret: string, ...endpoints: readonly [string, string]): string =>
  deriveKey(secret, `preshared key ${[...endpoints].sort().join(" ")}`).toString("base64");
