import type * as pulumi from "@pulumi/pulumi";
import type { HostSettings, Settings } from "../gateway/settings/schema";
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
  const makeOpenHost = (name: string, host: HostSettings): Host =>
    makeHost(name, host, { wireguardPort: wireguard.port, services: published.services });

  const host = makeOpenHost("host", settings.host);
  const gateway = new Gateway("gateway", { host, settings, credentials });
  const replicas = settings.replicas.map((replica) => {
    const its = makeOpenHost(`replica-${replica.name}-host`, replica.host);
    const args = { host: its, settings: { ...settings, host: replica.host }, credentials, keys: gateway.keys };
    return { name: replica.name, host: its, gateway: new Gateway(`replica-${replica.name}`, args) };
  });
  return { host, gateway, replicas };
}
