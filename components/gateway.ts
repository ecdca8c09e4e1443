import * as pulumi from "@pulumi/pulumi";
import * as random from "@pulumi/random";
import { wireGuardKeys } from "../gateway/keys";
import { atAddress, planGateway } from "../gateway/plan/plan";
import { renderProfile } from "../gateway/render/profile";
import type { Settings } from "../gateway/settings/schema";
import type { Credentials } from "../gateway/settings/settings";
import { Clients, keepersOf } from "./clients";
import { GatewayRelease } from "./gatewayRelease";
import type { Host } from "./host";

export interface GatewayArgs {
  readonly host: Host;
  readonly settings: Settings;
  /** By the exit's name; a secret. */
  readonly credentials: pulumi.Output<Record<string, Credentials>>;
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

  constructor(name: string, { host, settings, credentials }: GatewayArgs, options?: pulumi.ComponentResourceOptions) {
    super("wg-gateway:index:Gateway", name, {}, options);
    const plan = planGateway(settings);
    const serverSeed = new random.RandomBytes(
      `${name}-server-key`,
      { length: 32, ...keepersOf(settings.wireguard) },
      { parent: this },
    );
    const server = pulumi.secret(serverSeed.base64.apply((base64) => wireGuardKeys(Buffer.from(base64, "base64"))));
    const { keys } = new Clients(`${name}-clients`, plan.clients, { parent: this });

    this.address = host.address;
    this.endpoint = pulumi.interpolate`${host.address}:${plan.wireguard.port}`;
    this.serverPublicKey = pulumi.unsecret(server.publicKey);
    this.exits = Object.fromEntries(
      plan.exits.map(({ name: exit, namespace, table, log }) => [exit, { namespace, table, log }]),
    );
    this.clientProfiles = pulumi
      .all([keys, this.serverPublicKey, this.endpoint, host.address])
      .apply(([clientKeys, serverPublicKey, endpoint, address]) => {
        const common = { plan: atAddress(plan, address), serverPublicKey, endpoint };
        return Object.fromEntries(
          plan.clients.flatMap((client) => {
            const own = clientKeys[client.name];
            return own ? [[client.name, renderProfile({ ...common, client, keys: own })]] : [];
          }),
        );
      });

    new GatewayRelease(
      `${name}-release`,
      { host, plan, serverPrivateKey: server.privateKey, clients: keys, credentials },
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
}
