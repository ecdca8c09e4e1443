import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Plan } from "../gateway/plan/plan";
import { renderBundle } from "../gateway/render/bundle";
import { installedFile } from "../gateway/render/fixed";
import type { ClientKeys, GatewaySecrets } from "../gateway/secrets";
import type { Credentials } from "../gateway/settings/settings";
import type { Host } from "./host";
import { listUserdata, readUserdata } from "./projectFiles";

export interface GatewayReleaseArgs {
  readonly host: Host;
  readonly plan: Plan;
  /** {@link GatewaySecrets}, not made yet. All of it is treated as secret. */
  readonly serverPrivateKey: pulumi.Input<string>;
  readonly clients: pulumi.Input<Record<string, ClientKeys>>;
  readonly credentials: pulumi.Input<Record<string, Credentials>>;
}

/**
 * Brings the whole gateway to the machine as one bundle on standard input and has it applied; removes it when it is deleted.
 * There is no `update`: a changed bundle runs `create` again, which applies what differs. There are no `triggers`: they would
 * replace the command, and so run `delete`, which takes away what was just installed.
 */
export class GatewayRelease extends pulumi.ComponentResource {
  constructor(name: string, args: GatewayReleaseArgs, options?: pulumi.ComponentResourceOptions) {
    super("wg-gateway:index:GatewayRelease", name, {}, options);
    const { host, plan, serverPrivateKey, clients, credentials } = args;
    const fixed = listUserdata().flatMap((file) => installedFile(file, readUserdata(file)) ?? []);
    const bundle = pulumi
      .all([host.identity, serverPrivateKey, clients, credentials])
      .apply(([machine, server, keys, logins]) => {
        const secrets: GatewaySecrets = {
          serverPrivateKey: server,
          clients: new Map(Object.entries(keys)),
          credentials: new Map(Object.entries(logins)),
        };
        return renderBundle({ plan, secrets, machine, fixed });
      });

    new command.remote.Command(
      `${name}-apply`,
      {
        connection: host.connection,
        create: readUserdata("receive.sh"),
        delete: readUserdata("remove.sh"),
        stdin: pulumi.secret(bundle),
        // Both streams are shown as they come: gatewayctl writes short lines without secrets.
        logging: "stdoutAndStderr",
        // Default true: the output would be offered to sshd as environment, which refuses it and is warned about each time.
        addPreviousOutputInEnv: false,
      },
      {
        parent: this,
        dependsOn: host.ready,
        deletedWith: host.deletedWith,
        additionalSecretOutputs: ["stdout", "stderr"],
      },
    );
    this.registerOutputs({});
  }
}
