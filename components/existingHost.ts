import * as pulumi from "@pulumi/pulumi";
import type { ExistingHostSettings } from "../gateway/settings/schema";
import { type Connection, type Host, machineReady, proven } from "./host";
import { readProjectFile } from "./projectFiles";

/** A Linux machine that is there already; `destroy` gives it back as it was. */
export class ExistingHost extends pulumi.ComponentResource implements Host {
  readonly address: pulumi.Output<string>;
  readonly connection: pulumi.Output<Connection>;
  readonly identity: pulumi.Output<string>;
  readonly disposable = false;
  readonly ready: pulumi.Resource;

  /** @param settings checked ones: `privateKeyFile` can be read, `hostKey` is the key itself */
  constructor(name: string, settings: ExistingHostSettings, options?: pulumi.ComponentResourceOptions) {
    super("wg-gateway:index:ExistingHost", name, {}, options);
    const { address, port, user, hostKey, privateKeyFile } = settings;
    const privateKey = privateKeyFile === undefined ? undefined : readProjectFile(privateKeyFile);
    const connection: Connection = { host: address, port, user, privateKey, hostKey };

    this.address = pulumi.output(address);
    this.identity = pulumi.output(`${address} ${hostKey}`);
    const ready = machineReady(`${name}-ready`, { connection }, { parent: this });
    this.ready = ready;
    this.connection = proven(ready, connection);
    this.registerOutputs({ address: this.address });
  }
}
