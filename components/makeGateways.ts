import type * as pulumi from "@pulumi/pulumi";
import type { Settings } from "../gateway/settings/schema";
import type { Credentials } from "../gateway/settings/settings";
import { Gateway } from "./gateway";
import type { Host } from "./host";
import { makeHost } from "./makeHost";

/** A gateway, and the machine that it is on. */
export interface PlacedGateway {
  readonly host: Host;
  readonly gateway: Gateway;
}

export interface Gateways extends PlacedGateway {
  readonly replicas: readonly (PlacedGateway & { readonly name: string })[];
}

/** The gateway on its host, and the same on each replica's: all have the first one's keys, so that a client may turn to any. */
export function makeGateways(settings: Settings, credentials: pulumi.Output<Record<string, Credentials>>): Gateways {
  const { wireguard, published } = settings;
  const open = { wireguardPort: wireguard.port, services: published.services };

  const host = makeHost("host", settings.host, open);
  const gateway = new Gateway("gateway", { host, settings, credentials });
  // What replaces all machines (new user data) replaces one after another: each waits for the gateway before it.
  let before = gateway;
  const replicas = settings.replicas.map((replica) => {
    const replicaHost = makeHost(`replica-${replica.name}-host`, replica.host, { ...open, after: [before.release] });
    const args = { host: replicaHost, settings: { ...settings, host: replica.host }, credentials, keys: gateway.keys };
    before = new Gateway(`replica-${replica.name}`, args);
    return { name: replica.name, host: replicaHost, gateway: before };
  });
  return { host, gateway, replicas };
}
