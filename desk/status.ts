import { Command } from "commander";
import type { Where } from "./changes";
import type { Desk } from "./desk";
import { gatewayOutput, type Which } from "./outputs";
import { Refusal } from "./refusal";
import { type Connection, onMachine } from "./ssh";
import { findStack } from "./stackFile";

interface Options extends Where, Which {
  readonly json?: boolean;
}

/** The command `npm run status`. */
export const statusProgram = (desk: Desk): Command =>
  new Command("npm run status --")
    .description("what the gateway is doing now: `gatewayctl status` on its machine, over SSH")
    .option("--stack <stack>", "whose gateway (default: PULUMI_STACK, else dev)")
    .option("--replica <replica>", "which replica's (default: the gateway on wg-gateway:host)")
    .option("--json", "for programs")
    .action((options: Options) => showStatus(desk, options));

/** Shows what `gatewayctl status` says on the machine of a stack. */
async function showStatus(desk: Desk, { stack: name, json, replica }: Options): Promise<void> {
  const stack = findStack(desk, name);
  const outputs = { first: "connection", replicas: "replicaConnections" };
  const connection = (await gatewayOutput(desk, stack, { replica }, outputs, "ways to the machine")) as Connection;
  const command = [
    ...(connection.user === "root" ? [] : ["sudo", "-n"]),
    "/usr/local/sbin/gatewayctl status",
    json ? "--json" : `--colour ${desk.colours ? "always" : "never"}`,
  ];
  const { status, stdout, stderr } = await onMachine(connection, desk.env["SSH_AUTH_SOCK"], command.join(" "));
  if (status !== 0)
    throw new Refusal(
      `gatewayctl on ${connection.host} ends with ${status ?? "a signal"}: ${(stderr || stdout).trim() || "it says nothing"}`,
      "a machine that the stack was deployed to",
      `pulumi up --stack ${stack.name}; after \`gatewayctl down\`, see Restoring in docs/operations.md`,
    );
  desk.print(stdout.trimEnd());
}
