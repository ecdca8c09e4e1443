import { isDeepStrictEqual } from "node:util";
import { join } from "node:path";
import { describeChoices } from "../gateway/plan/choices";
import { planGateway, type Plan } from "../gateway/plan/plan";
import { meant } from "../gateway/settings/advice";
import { mainWay, nextAddress } from "./addresses";
import { type Desk, type Stack, usualWords } from "./desk";
import { unifiedDiff } from "./diff";
import { addEntry, applySplices, type Entry, removeEntry, setField, type Splice } from "./edit";
import { Refusal } from "./refusal";
import { checkSettings, clientsLines, parseStack, rawClients, type StackDocument } from "./stackDocument";
import { findStack, readProjectText, replaceText } from "./stackFile";

export interface Where {
  /** Default: see {@link findStack}. */
  readonly stack?: string;
}

export interface Place extends Where {
  readonly exit?: string;
  readonly address?: string;
}

export interface Addition extends Place {
  readonly publicKey?: string;
  readonly internal?: boolean;
  readonly transparent?: boolean;
}

export function openStack(desk: Desk, { stack: name }: Where): StackDocument {
  const stack = findStack(desk, name);
  const text = readProjectText(desk, join(desk.stackDir ?? desk.projectDir, stack.file));
  if (text === undefined) throw new Refusal(`${stack.file} cannot be read`, "a file you may read", "look at its mode");
  // It would be written back as another byte.
  if (text.includes("\uFFFD"))
    throw new Refusal(`${stack.file} holds bytes that are no text`, "a file in UTF-8", "save it in UTF-8");
  return parseStack(desk, stack, text);
}

/** @returns the index of a client. @throws Refusal when there is none of that name */
export function findClient(document: StackDocument, name: string): number {
  const names = rawClients(document).map((client) => String(client["name"]));
  const index = names.indexOf(name);
  if (index >= 0) return index;
  const near = meant(name, names);
  throw new Refusal(
    `NAME is ${JSON.stringify(name)}, and ${document.stack.file} has no such client`,
    `one of ${names.join(", ") || "none: there are no clients yet"}`,
    near === undefined ? "`list` shows them" : `did you mean ${near}?`,
  );
}

/**
 * Writes a change when it does what it should and the program would take the result; shows it.
 * @param wanted the clients as they shall be
 * @returns the plan of the result
 */
function write(desk: Desk, document: StackDocument, splices: readonly Splice[], wanted: readonly unknown[]): Plan {
  const { stack, text, clientsKey, clientsPair, plain } = document;
  const after = applySplices(text, splices);
  const result = parseStack(desk, stack, after);
  const key = clientsPair ? String(clientsPair.key) : clientsKey;
  const expected = { ...plain, config: { ...(plain["config"] as object), [key]: wanted } };
  if (!isDeepStrictEqual(result.plain, expected))
    throw new Refusal(
      `${clientsKey} in ${stack.file} is written in a way that cannot be changed safely`,
      "a list of maps, without anchors and references",
      "edit it by hand",
    );
  const plan = planGateway(checkSettings(desk, result));
  replaceText(join(desk.stackDir ?? desk.projectDir, stack.file), text, after);
  desk.print(unifiedDiff(stack.file, text, after, clientsLines(result)));
  return plan;
}

/** What an operator does after a change whose profile has to reach the device. */
function sayNext({ print, words = usualWords }: Desk, { name: stack }: Stack, name: string, { clients }: Plan): void {
  const show = (how: string) => `${words.client} show ${name} ${how}${words.stackOption(stack)}`;
  const client = clients.find((other) => other.name === name);
  const ownKey = client?.publicKey !== undefined;
  print(`\nways:  ${name} at ${client?.address}: ${describeChoices(client?.choices ?? [])}`);
  print(`next:  ${words.up(stack)}`);
  if (ownKey) print(`then:  ${show(`--file ${name}.conf`)}   and put the device's own private key into it`);
  else print(`then:  ${show("--qr")}   or --file ${name}.conf`);
}

/** An address may be chosen that an internal name stands for; it is meant, or it is a mistake. */
function remarkName(desk: Desk, address: string, records: Readonly<Record<string, string>>): void {
  for (const [name, target] of Object.entries(records))
    if (target === address) desk.remark(`note: the internal name ${name} stands for ${address}`);
}

export function addClient(desk: Desk, name: string, addition: Addition): void {
  const { exit, address, publicKey, internal, transparent, stack } = addition;
  const document = openStack(desk, { stack });
  const settings = checkSettings(desk, document);
  const plan = planGateway(settings);
  const entry: Entry = {
    name,
    address: address ?? nextAddress(settings, plan, exit),
    ...(publicKey !== undefined && { publicKey }),
    ...(internal && { tunnel: "internal" }),
    ...(transparent && { tunnel: "transparent" }),
  };
  const result = write(desk, document, addEntry(document, entry), [...rawClients(document), entry]);
  if (address !== undefined) remarkName(desk, address, settings.dns.records);
  sayNext(desk, document.stack, name, result);
}

export function moveClient(desk: Desk, name: string, { exit, address, stack }: Place): void {
  if (exit === undefined && address === undefined)
    throw new Refusal(`where to move ${name} is missing`, "--exit EXIT or --address ADDRESS", "give one of the two");
  const document = openStack(desk, { stack });
  const index = findClient(document, name);
  const settings = checkSettings(desk, document);
  const plan = planGateway(settings);
  const client = plan.clients[index];
  const same = exit === undefined ? client?.address === address : client && mainWay(client.choices) === exit;
  if (same)
    throw new Refusal(
      `${name} is at ${client?.address}, exit ${mainWay(client?.choices ?? [])}, already`,
      "another exit or address",
      "`list` shows where clients are",
    );
  const next = address ?? nextAddress(settings, plan, exit);
  const wanted = rawClients(document).map((other, at) => (at === index ? { ...other, address: next } : other));
  const result = write(desk, document, setField(document, index, "address", next), wanted);
  remarkName(desk, next, settings.dns.records);
  desk.print(`\nFrom the next deployment on, ${name} is cut off until its device has the new profile.`);
  sayNext(desk, document.stack, name, result);
}

export function rotateClient(desk: Desk, name: string, where: Where): void {
  const document = openStack(desk, where);
  const index = findClient(document, name);
  const client = checkSettings(desk, document).clients[index];
  const keyVersion = (client?.keyVersion ?? 1) + 1;
  const wanted = rawClients(document).map((other, at) => (at === index ? { ...other, keyVersion } : other));
  const result = write(desk, document, setField(document, index, "keyVersion", keyVersion), wanted);
  if (client?.publicKey !== undefined)
    desk.print(`\n${name} keeps its own key: new is what it shares with the gateway, its PresharedKey. For a new key of
its own, make one on the device and put its public half into ${document.stack.file}, publicKey.`);
  desk.print(`\nFrom the next deployment on, ${name} is cut off until its device has the new profile.`);
  sayNext(desk, document.stack, name, result);
}

export function removeClient(desk: Desk, name: string, where: Where): void {
  const document = openStack(desk, where);
  const index = findClient(document, name);
  write(
    desk,
    document,
    removeEntry(document, index),
    rawClients(document).filter((_, at) => at !== index),
  );
  const { up } = desk.words ?? usualWords;
  desk.print(`\nnext:  ${up(document.stack.name)}   and ${name} gets in no more`);
}
