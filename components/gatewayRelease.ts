import * as pulumi from "@pulumi/pulumi";
import { atAddress, type Plan } from "../gateway/plan/plan";
import { renderBundle } from "../gateway/render/bundle";
import type { ClientKeys, GatewaySecrets } from "../gateway/secrets";
import type { Credentials } from "../gateway/settings/settings";
import type { Host } from "./host";
import { fixedFiles, ownerOf, release } from "./release";

export interface GatewayReleaseArgs {
  readonly host: Host;
  readonly plan: Plan;
  /** {@link GatewaySecrets}, not made yet. All of it is treated as secret. */
  readonly serverPrivateKey: pulumi.Input<string>;
  readonly clients: pulumi.Input<Record<string, ClientKeys>>;
  readonly credentials: pulumi.Input<Record<string, Credentials>>;
}

/** The whole gateway on its machine. */
export class GatewayRelease extends pulumi.ComponentResource {
  constructor(name: string, args: GatewayReleaseArgs, options?: pulumi.ComponentResourceOptions) {
    super("wg-gateway:index:GatewayRelease", name, {}, options);
    const { host, plan, serverPrivateKey, clients, credentials } = args;
    const fixed = fixedFiles("gateway");
    const bundle = pulumi
      .all([host.identity, host.address, serverPrivateKey, clients, credentials])
      .apply(([machine, address, server, keys, logins]) => {
        const secrets: GatewaySecrets = {
          serverPrivateKey: server,
          clients: new Map(Object.entries(keys)),
          credentials: new Map(Object.entries(logins)),
        };
        return renderBundle({
          plan: atAddress(plan, address),
          secrets,
          target: { machine, owner: ownerOf(name) },
          fixed,
        });
      });
    release(`${name}-apply`, { host, bundle, remove: "remove.sh" }, this);
    this.registerOutputs({});
  }
}
