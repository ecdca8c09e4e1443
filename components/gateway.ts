import * as pulumi from "@pulumi/pulumi";
import { deriveKey, type WireGuardKeys, wireGuardKeys } from "../gateway/keys";
import { atAddress, type ClientPlan, planGateway } from "../gateway/plan/plan";
import { renderProfile } from "../gateway/render/profile";
import type { ClientKeys } from "../gateway/secrets";
import type { Settings } from "../gateway/settings/schema";
import type { Credentials } from "../gateway/settings/settings";
import { Clients } from "./clients";
import { GatewayRelease } from "./gatewayRelease";
import type { Host } from "./host";
import { secretText } from "./secretText";

/** What every gateway that serves the same clients has to have. */
export interface GatewayKeys {
  /** A secret. */
  readonly server: pulumi.Output<WireGuardKeys>;
  /** By the client's name; a secret. */
  readonly clients: pulumi.Output<Record<string, ClientKeys>>;
}

export interface GatewayArgs {
  readonly host: Host;
  readonly settings: Settings;
  /** By the exit's name; a secret. */
  readonly credentials: pulumi.Output<Record<string, Credentials>>;
  /** Those of the gateway that this one is a replica of. Default: keys of its own, made once. */
  readonly keys?: GatewayKeys;
}

/** Where to look for an exit on the machine. */
export interface ExitOutput {
  readonly namespace: string;
  /** Number of its routing table. */
  readonly table: number;
  /** Path of OpenVPN's log. */
  readonly log: string;
}

/** A WireGuard split-tunnel gateway on a host: from settings to a plan, from the plan and the keys to a release. */
export class Gateway extends pulumi.ComponentResource {
  readonly address: pulumi.Output<string>;
  /** ADDRESS:PORT, what clients connect to. */
  readonly endpoint: pulumi.Output<string>;
  readonly serverPublicKey: pulumi.Output<string>;
  /** By the exit's name. */
  readonly exits: Record<string, ExitOutput>;
  /** WireGuard profiles by the client's name; a secret. */
  readonly clientProfiles: pulumi.Output<Record<string, string>>;
  readonly keys: GatewayKeys;
  /** Done once the gateway is on its machine. */
  readonly release: pulumi.Resource;

  constructor(
    name: string,
    { host, settings, credentials, keys }: GatewayArgs,
    options?: pulumi.ComponentResourceOptions,
  ) {
    super("wg-gateway:index:Gateway", name, {}, options);
    const plan = planGateway(settings);
    this.keys = keys ?? this.makeKeys(name, settings, plan.clients);
    const { server, clients } = this.keys;

    this.address = host.address;
    this.endpoint = pulumi.interpolate`${settings.wireguard.endpoint ?? host.address}:${plan.wireguard.port}`;
    this.serverPublicKey = pulumi.unsecret(server.publicKey);
    this.exits = Object.fromEntries(
      plan.exits.map(({ name: exit, namespace, table, log }) => [exit, { namespace, table, log }]),
    );
    this.clientProfiles = pulumi
      .all([clients, this.serverPublicKey, this.endpoint, host.address])
      .apply(([clientKeys, serverPublicKey, endpoint, address]) => {
        const common = { plan: atAddress(plan, address), serverPublicKey, endpoint };
        return Object.fromEntries(
          plan.clients.flatMap((client) => {
            const own = clientKeys[client.name];
            return own ? [[client.name, renderProfile({ ...common, client, keys: own })]] : [];
          }),
        );
      });

    this.release = new GatewayRelease(
      `${name}-release`,
      { host, plan, serverPrivateKey: server.privateKey, clients, credentials },
      { parent: this },
    );
    this.registerOutputs({
      address: this.address,
      endpoint: this.endpoint,
      serverPublicKey: this.serverPublicKey,
      exits: this.exits,
      clientProfiles: this.clientProfiles,
    });
  }

  private makeKeys(name: string, { wireguard, host }: Settings, clients: readonly ClientPlan[]): GatewayKeys {
    const secret = secretText(`${name}-server-key`, wireguard, { parent: this, protect: host.protect });
    return {
      server: pulumi.secret(secret.apply((text) => wireGuardKeys(deriveKey(text, "private key")))),
      clients: new Clients(`${name}-clients`, clients, { parent: this }).keys,
    };
  }
}
