import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";

/** An ed25519 SSH key pair. */
export interface SshKey {
  /** OpenSSH's format, without a passphrase; a secret. */
  readonly privateKey: pulumi.Output<string>;
  /** One line: `ssh-ed25519 AAAA...` */
  readonly publicKey: pulumi.Output<string>;
}

/** A key pair that is made once; the ID of its resource is a fingerprint of the public half. */
export function sshKey(name: string, options: pulumi.CustomResourceOptions): SshKey {
  const key = new tls.PrivateKey(name, { algorithm: "ED25519" }, options);
  return {
    privateKey: pulumi.secret(key.privateKeyOpenssh),
    // The provider ends it with a newline.
    publicKey: key.publicKeyOpenssh.apply((line) => line.trim()),
  };
}
