import { Command, Option } from "commander";
import { addClient, type Addition, moveClient, type Place, removeClient, rotateClient, type Where } from "./changes";
import { type Desk, usualWords } from "./desk";
import { type Shown, showClient } from "./profiles";
import { listClients } from "./table";

/** The commands of `npm run client`. */
export function clientProgram(desk: Desk): Command {
  const program = new Command((desk.words ?? usualWords).client).description(
    "the clients of a gateway: changes the stack's file and nothing else; the next deployment carries a change out",
  );
  const command = (words: string, description: string) =>
    program
      .command(words)
      .description(description)
      .option("--stack <stack>", "whose settings (default: PULUMI_STACK, else dev)");
  const address = () =>
    new Option("--address <address>", "this address instead; it decides the exit").conflicts("exit");

  command("add <name>", "add a client at the next free address of an exit")
    .option("--exit <exit>", "an exit, a group, direct or block (default: the way of most of the clients' network)")
    .addOption(address())
    .option("--public-key <key>", "the device's own WireGuard key (default: a key pair is made for it)")
    .option("--internal", "a profile for internal networks alone: the device's internet stays its own")
    .addOption(
      new Option("--transparent", "as --internal, and the gateway's public address; wg-quick on Linux").conflicts(
        "internal",
      ),
    )
    .action((name: string, options: Addition) => addClient(desk, name, options));
  command("list", "the clients, their addresses and ways out").action((options: Where) => listClients(desk, options));
  command("show <name>", "a client's deployed profile; it holds its keys")
    .option("--replica <replica>", "for this replica (default: for the gateway on wg-gateway:host)")
    .option("--qr", "as a picture for a telephone")
    .addOption(new Option("--file <path>", "into a new file that only you can read").conflicts("qr"))
    .action((name: string, options: Shown) => showClient(desk, name, options));
  command("move <name>", "give a client an address of another exit")
    .option("--exit <exit>", "an exit, a group, direct or block")
    .addOption(address())
    .action((name: string, options: Place) => moveClient(desk, name, options));
  command("rotate <name>", "make a client new keys").action((name: string, options: Where) =>
    rotateClient(desk, name, options),
  );
  command("remove <name>", "take a client out").action((name: string, options: Where) =>
    removeClient(desk, name, options),
  );
  return program;
}
