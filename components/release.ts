import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { MachineFile } from "../gateway/render/file";
import { installedFile, type Product } from "../gateway/render/fixed";
import type { Host } from "./host";
import { listUserdata, readUserdata } from "./projectFiles";

/** The files of userdata/ that a product's release brings as they are. */
export const fixedFiles = (product: Product): MachineFile[] =>
  listUserdata().flatMap((name) => installedFile(product, name, readUserdata(name)) ?? []);

/** Whose a release is, on its machine. @param name of the release in its stack */
export const ownerOf = (name: string): string =>
  [pulumi.getOrganization(), pulumi.getProject(), pulumi.getStack(), name].join("/");

export interface ReleaseArgs {
  readonly host: Host;
  /** What goes to standard input; treated as secret. */
  readonly bundle: pulumi.Output<string>;
  /** Name of the text, in userdata/, that takes it away from the machine. */
  readonly remove: string;
}

/**
 * Brings a release to its machine as one bundle on standard input and has it applied. A changed bundle runs `create` again, which applies
 * what differs: there is no `update`. There are no `triggers`, which would replace the command.
 *
 * Where it is replaced all the same (`up --replace`), the old one goes first: its `delete`, which has the old bundle on standard input,
 * would take away what was just installed. A machine that goes with its host has no `delete`: its address may lead to the next one by then.
 */
export const release = (name: string, { host, bundle, remove }: ReleaseArgs, parent: pulumi.Resource) =>
  new command.remote.Command(
    name,
    {
      // For a machine that restarts: the provider's own patience is ten attempts within 11 s, this is two minutes.
      connection: host.connection.apply((connection) => ({ ...connection, dialErrorLimit: 30 })),
      create: readUserdata("receive.sh"),
      delete: host.disposable ? undefined : readUserdata(remove),
      stdin: pulumi.secret(bundle),
      // Both streams are shown as they come: the machine's programs write short lines without secrets.
      logging: "stdoutAndStderr",
      // Default true: the output would be offered to sshd as environment, which refuses it and is warned about each time.
      addPreviousOutputInEnv: false,
    },
    {
      parent,
      dependsOn: host.ready,
      deleteBeforeReplace: true,
      additionalSecretOutputs: ["stdout", "stderr"],
    },
  );
