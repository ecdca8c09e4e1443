import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { MachineFile } from "../gateway/render/file";
import { installedFile, type Product } from "../gateway/render/fixed";
import type { Host } from "./host";
import { listUserdata, readUserdata } from "./projectFiles";

/** The files of userdata/ that a product's release brings as they are. */
export const fixedFiles = (product: Product): MachineFile[] =>
  listUserdata().flatMap((name) => installedFile(product, name, readUserdata(name)) ?? []);

export interface ReleaseArgs {
  readonly host: Host;
  /** What goes to standard input; treated as secret. */
  readonly bundle: pulumi.Output<string>;
  /** Name of the text, in userdata/, that takes it away from the machine. */
  readonly remove: string;
}

/**
 * Brings a release to its machine as one bundle on standard input and has it applied; removes it when it is deleted.
 * There is no `update`: a changed bundle runs `create` again, which applies what differs. There are no `triggers`: they would
 * replace the command, and so run `delete`, which takes away what was just installed.
 */
export const release = (name: string, { host, bundle, remove }: ReleaseArgs, parent: pulumi.Resource) =>
  new command.remote.Command(
    name,
    {
      connection: host.connection,
      create: readUserdata("receive.sh"),
      delete: readUserdata(remove),
      stdin: pulumi.secret(bundle),
      // Both streams are shown as they come: the machine's programs write short lines without secrets.
      logging: "stdoutAndStderr",
      // Default true: the output would be offered to sshd as environment, which refuses it and is warned about each time.
      addPreviousOutputInEnv: false,
    },
    {
      parent,
      dependsOn: host.ready,
      deletedWith: host.deletedWith,
      additionalSecretOutputs: ["stdout", "stderr"],
    },
  );
