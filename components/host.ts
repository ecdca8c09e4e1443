import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { Service } from "../gateway/settings/fields";

/** How a machine is reached over SSH; always with the host key it has to prove. */
export interface Connection {
  readonly host: string;
  readonly port?: number;
  readonly user: string;
  /** OpenSSH's format, no passphrase. Default: the keys of the SSH agent. */
  readonly privateKey?: string;
  /** `ssh-ed25519 AAAA...` */
  readonly hostKey: string;
}

/** A machine that a gateway can be brought to, however it came to be. */
export interface Host {
  /** The public address, or name, that clients reach. */
  readonly address: pulumi.Output<string>;
  /** A secret, and known only once it has worked. */
  readonly connection: pulumi.Output<Connection>;
  /** Another text whenever it is another machine: what was set up on the one before is not on this one. On EC2 the instance's ID. */
  readonly identity: pulumi.Output<string>;
  /** Whether the machine goes when it is deleted, and its release with it; else the release is removed over SSH. */
  readonly disposable: boolean;
  /** Done once the machine takes commands. */
  readonly ready: pulumi.Resource;
}

/** What desk/awaitMachine.ts reads from standard input. */
export interface ExpectedMachine {
  readonly connection: Connection;
  /** One that was just made; its address may lead to the one before for a while. */
  readonly newMachine?: {
    /** As cloud-init notes it. */
    readonly instanceId: string;
    /** What its user data has it prove at first: `ssh-ed25519 AAAA...` */
    readonly bootHostKey: string;
    /** The private half of the connection's host key, OpenSSH's format: replaces the one of the user data. */
    readonly hostPrivateKey: string;
  };
}

/** What a host lets in from everywhere; on a machine that is there, the machine decides. */
export interface Open {
  /** UDP port of WireGuard. */
  readonly wireguardPort: number;
  readonly services?: readonly Service[];
}

/**
 * Waits until the machine takes commands and has proved who it is; again whenever it is another one, for its identity is an input. A
 * local command, for the one of the provider that dials says only how often it has dialled, and cannot compare the machine.
 */
export const machineReady = (
  name: string,
  expected: pulumi.Input<ExpectedMachine>,
  options: pulumi.CustomResourceOptions,
): command.local.Command =>
  new command.local.Command(
    name,
    {
      // From the program's folder, where the provider runs it: an absolute path would differ from checkout to checkout.
      create: "node --import tsx desk/awaitMachine.ts",
      stdin: pulumi.secret(pulumi.jsonStringify(expected)),
      // Standard output, the key that the machine has proved, comes back by PULUMI_COMMAND_STDOUT.
      addPreviousOutputInEnv: true,
      logging: "stderr",
    },
    { ...options, customTimeouts: { create: "30m", update: "30m" } },
  );

/** What is known of a connection once it has worked, and not before: a wrong one must not become an output. */
export const proven = (ready: command.local.Command, connection: pulumi.Input<Connection>): pulumi.Output<Connection> =>
  // By its output: the URN of a command that failed is known, too.
  pulumi.secret(pulumi.all([connection, ready.stdout]).apply(([known]) => known));
