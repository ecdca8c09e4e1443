import Table from "cli-table3";
import { describeChoices } from "../gateway/plan/choices";
import { planGateway } from "../gateway/plan/plan";
import { openStack, type Where } from "./changes";
import { type Desk, usualWords } from "./desk";
import { checkSettings } from "./stackDocument";

/** The clients of a stack's file, in its order. */
export function listClients(desk: Desk, where: Where): void {
  const document = openStack(desk, where);
  const { clients } = planGateway(checkSettings(desk, document));
  if (clients.length === 0)
    return desk.print(`${document.stack.file} has no clients: ${(desk.words ?? usualWords).client} add NAME`);
  const table = new Table({
    head: ["name", "address", "ways", "key", "profile"],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, address, choices, publicKey, keyVersion, tunnel } of clients) {
    const key = publicKey === undefined ? "ours" : "own";
    table.push([
      name,
      address,
      describeChoices(choices),
      keyVersion > 1 ? `${key}, version ${keyVersion}` : key,
      tunnel,
    ]);
  }
  desk.print(table.toString());
}
