import { execFileSync } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Provider } from "./resources";
import type { WireProperties } from "./secretValue";

/** By ssh-keygen: the ssh2 package cuts a leading zero byte off, so that one of 256 of its keys is none. */
function newKey(): { id: string; outputs: WireProperties } {
  const folder = mkdtempSync(join(tmpdir(), "wg-gateway-key-"));
  try {
    const file = join(folder, "key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file]);
    // As golang.org/x/crypto/ssh writes it: without a comment, with a newline.
    const publicKey = `${readFileSync(`${file}.pub`, "utf8").trim()}\n`;
    const raw = Buffer.from(publicKey.split(" ")[1] ?? "", "base64").subarray(-32);
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
    // terraform-provider-tls, common_key.go: the SHA-1 of the public key in PKIX.
    const id = createHash("sha1")
      .update(key.export({ format: "der", type: "spki" }))
      .digest("hex");
    return { id, outputs: { privateKeyOpenssh: readFileSync(file, "utf8"), publicKeyOpenssh: publicKey } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As pulumi-tls 5.6 makes it, of ed25519 alone; the formats that the program does not use are left out. */
export const tlsResources: Readonly<Record<string, Provider>> = {
  "tls:index/privateKey:PrivateKey": {
    lasting: false,
    secretOutputs: ["privateKeyOpenssh"],
    create({ algorithm }) {
      if (algorithm !== "ED25519")
        throw new Error(`the embedded engine makes no key of ${JSON.stringify(algorithm)}: use the Pulumi CLI`);
      return Promise.resolve(newKey());
    },
    delete: () => Promise.resolve(),
  },
};
