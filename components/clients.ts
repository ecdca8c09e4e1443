import * as pulumi from "@pulumi/pulumi";
import { deriveKey, wireGuardKeys } from "../gateway/keys";
import type { ClientPlan } from "../gateway/plan/plan";
import type { ClientKeys } from "../gateway/secrets";
import { secretText } from "./secretText";

/** The clients' keys. They are made once and stay, also when the machine is replaced. */
export class Clients extends pulumi.ComponentResource {
  /** By the client's name; a secret. A record, since the SDK takes a Map for an object without properties. */
  readonly keys: pulumi.Output<Record<string, ClientKeys>>;

  constructor(name: string, clients: readonly ClientPlan[], options?: pulumi.ComponentResourceOptions) {
    super("wg-gateway:index:Clients", name, {}, options);
    const keys = clients.map((client) =>
      // One resource a client, not two: at a thousand clients it is the number of resources that takes the time.
      secretText(`${name}-${client.name}`, client, { parent: this }).apply(
        (secret) => [client.name, clientKeys(client, secret)] as const,
      ),
    );
    this.keys = pulumi.secret(pulumi.all(keys).apply((entries) => Object.fromEntries(entries)));
    this.registerOutputs({});
  }
}

/** @param secret as of {@link deriveKey}; a client with a public key of its own uses it for the preshared key alone */
function clientKeys({ publicKey }: ClientPlan, secret: string): ClientKeys {
  const made = wireGuardKeys(deriveKey(secret, "private key"));
  return {
    privateKey: publicKey === undefined ? made.privateKey : undefined,
    publicKey: publicKey ?? made.publicKey,
    presharedKey: deriveKey(secret, "preshared key").toString("base64"),
  };
}
