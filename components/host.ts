import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../gateway/settings/fields";
import { readUserdata } from "./projectFiles";

/** How a machine is reached over SSH; always with the host key it has to prove. */
export interface Connection {
  readonly host: string;
  readonly port?: number;
  readonly user: string;
  /** OpenSSH's format, no passphrase. Default: the keys of the SSH agent. */
  readonly privateKey?: string;
  /** `ssh-ed25519 AAAA...` */
  readonly hostKey: string;
  readonly dialErrorLimit: number;
  readonly perDialTimeout: number;
}

/** A machine that a gateway can be brought to, however it came to be. */
export interface Host {
  /** The public address, or name, that clients reach. */
  readonly address: pulumi.Output<string>;
  readonly connection: pulumi.Output<Connection>;
  /** Another text whenever it is another machine: what was set up on the one before is not on this one. */
  readonly identity: pulumi.Output<string>;
  /** What takes everything on the machine away when it is deleted; without it, the release is removed over SSH. */
  readonly deletedWith?: pulumi.Resource;
  /** Done once the machine takes commands. */
  readonly ready: pulumi.Resource;
}

/** What a host lets in from everywhere; on a machine that is there, the machine decides. */
export interface Open {
  /** UDP port of WireGuard. */
  readonly wireguardPort: number;
  readonly services?: readonly Service[];
}

/**
 * How long to knock at a machine that is still booting. The pauses grow to 5 s, so 60 refused attempts last about four and a half
 * minutes; the provider's default of 10 gives up after 11 s. `perDialTimeout` is in seconds, for packets that are dropped.
 */
export const dialling = { dialErrorLimit: 60, perDialTimeout: 15 } as const;

/** Waits until the machine takes commands; again whenever it is another one, for its identity is an input. */
export function machineReady(
  name: string,
  { connection, identity }: Pick<Host, "connection" | "identity">,
  options: pulumi.CustomResourceOptions,
): command.remote.Command {
  return new command.remote.Command(
    name,
    {
      connection,
      create: readUserdata("ready.sh"),
      stdin: identity,
      addPreviousOutputInEnv: false,
      logging: "stdoutAndStderr",
    },
    { ...options, customTimeouts: { create: "15m", update: "15m" } },
  );
}
