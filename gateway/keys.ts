import { createHmac, createPrivateKey } from "node:crypto";

/**
 * The public half of a private key, 32 bytes each. By JWK (RFC 8037), which comes to OpenSSL as the bytes themselves: its decoders of
 * DER take eight times as long with Node.js 20, and there is a key for each client. The half that is asked for is not looked at.
 * @throws RangeError when `seed` is not 32 bytes
 */
function publicKeyOf(crv: "X25519" | "Ed25519", seed: Buffer): Buffer {
  if (seed.length !== 32) throw new RangeError(`a private key is 32 bytes, not ${seed.length}`);
  const key = { kty: "OKP", crv, d: seed.toString("base64url"), x: "" };
  const { x = "" } = createPrivateKey({ key, format: "jwk" }).export({ format: "jwk" });
  return Buffer.from(x, "base64url");
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
  const clamped = Buffer.from(seed);
  clamped[0] = (clamped[0] ?? 0) & 248;
  clamped[31] = ((clamped[31] ?? 0) & 127) | 64;
  return {
    privateKey: clamped.toString("base64"),
    publicKey: publicKeyOf("X25519", clamped).toString("base64"),
  };
}

/**
 * The key that two endpoints share, the same for both, from a secret that neither has.
 * @param seed 32 random bytes
 * @returns 32 bytes in base64, as `wg genpsk` prints them
 */
export function pairKey(seed: Buffer, one: string, other: string): string {
  return createHmac("sha256", seed).update([one, other].sort().join(" ")).digest("base64");
}

/** An ed25519 SSH key pair. */
export interface SshKeys {
  /** The private key as OpenSSH writes it (its PROTOCOL.key); without a passphrase. */
  readonly privateKey: string;
  /** One line: `ssh-ed25519 AAAA... COMMENT`. */
  readonly publicKey: string;
}

const sshString = (bytes: Buffer | string): Buffer => {
  const body = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
};

/**
 * The same seed gives the same text, so that a second deployment sees no change; every library at hand puts fresh random
 * check numbers into OpenSSH's format, which is why it is written here.
 * @param seed 32 random bytes
 * @param comment shown in authorized_keys
 * @throws RangeError when `seed` is not 32 bytes
 */
export function sshKeys(seed: Buffer, comment: string): SshKeys {
  const publicBytes = publicKeyOf("Ed25519", seed);
  const publicBlob = Buffer.concat([sshString("ssh-ed25519"), sshString(publicBytes)]);
  const check = publicBytes.subarray(0, 4);
  const unpadded = Buffer.concat([
    check,
    check,
    publicBlob,
    sshString(Buffer.concat([seed, publicBytes])),
    sshString(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (unpadded.length % 8)) % 8 }, (_, index) => index + 1));
  const count = Buffer.from([0, 0, 0, 1]);
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    sshString("none"),
    sshString("none"),
    sshString(""),
    count,
    sshString(publicBlob),
    sshString(Buffer.concat([unpadded, padding])),
  ]);
  const lines = whole.toString("base64").replace(/.{70}/g, "$&\n").trimEnd();
  return {
    privateKey: `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`,
    publicKey: `ssh-ed25519 ${publicBlob.toString("base64")} ${comment}`,
  };
}
