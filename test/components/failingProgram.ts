import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { deploy } from "../../lab/engine/deploy";

/**
 * A process of its own for engineFailures.test.ts, since a rejection nobody handles would count against the test: a program whose `apply`
 * throws. Arguments: the state file and the port of the machine.
 */
const [, , stateFile = "", port = ""] = process.argv;

deploy({
  command: "up",
  project: "p",
  stack: "s",
  stateFile,
  config: {},
  program: () => {
    const broken = pulumi.output("text").apply((text): string => {
      throw new Error(`cannot render ${text}`);
    });
    const connection = { host: "127.0.0.1", port: Number(port), hostKey: "none", dialErrorLimit: 0 };
    new command.remote.Command("release", { connection, create: "create release", stdin: broken });
    return Promise.resolve({});
  },
  log: console.log,
}).then(
  () => process.exit(0),
  (error: Error) => {
    console.log(error.message);
    process.exit(1);
  },
);
