import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { wireGuardKeys } from "../gateway/keys";
import type { ClientPlan } from "../gateway/plan/plan";
import type { ClientKeys } from "../gateway/secrets";

/** The clients' keys. They are made once and stay, also when the machine is replaced. */
export class Clients extends pulumi.ComponentResource {
  /** By the client's name; a secret. A record, since the SDK takes a Map for an object without properties. */
  readonly keys: pulumi.Output<Record<string, ClientKeys>>;

  constructor(name: string, clients: readonly ClientPlan[], options?: pulumi.ComponentResourceOptions) {
    super("wg-gateway:index:Clients", name, {}, options);
    const keys = clients.map((client) => {
      // One resource a client, not two: at a thousand clients it is the number of resources that takes the time.
      const bytes = new random.RandomBytes(
        `${name}-${client.name}`,
        { length: 64, ...keepersOf(client) },
        { parent: this },
      );
      return bytes.base64.apply((base64) => [client.name, clientKeys(client, Buffer.from(base64, "base64"))] as const);
    });
    this.keys = pulumi.secret(pulumi.all(keys).apply((entries) => Object.fromEntries(entries)));
    this.registerOutputs({});
  }
}

/** What random bytes are made anew with. Version 1 has none: adding some would replace every key that was made before there were versions. */
export const keepersOf = ({ keyVersion }: { readonly keyVersion: number }): { keepers?: Record<string, string> } =>
  keyVersion === 1 ? {} : { keepers: { keyVersion: String(keyVersion) } };

/** @param bytes 64 random ones: 32 for a private key, which a client with a key of its own does not use, and 32 for the preshared key */
function clientKeys({ publicKey }: ClientPlan, bytes: Buffer): ClientKeys {
  const made = wireGuardKeys(bytes.subarray(0, 32));
  return {
    privateKey: publicKey === undefined ? made.privateKey : undefined,
    publicKey: publicKey ?? made.publicKey,
    presharedKey: bytes.subarray(32).toString("base64"),
  };
}
