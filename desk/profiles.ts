import * as fs from "node:fs";
import { resolve } from "node:path";
import { findClient, openStack, type Where } from "./changes";
import { type Desk, usualWords } from "./desk";
import { gatewayOutput, type Which } from "./outputs";
import { qrPicture } from "./picture";
import { Refusal } from "./refusal";
import { rawClients } from "./stackDocument";

function writeProfile(path: string, profile: string): void {
  let file: number;
  try {
    file = fs.openSync(path, "wx", 0o600);
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new Refusal(
      `--file is ${JSON.stringify(path)}, ${exists ? "which exists" : `which cannot be made: ${(error as Error).message}`}`,
      "a new file in a folder you may write to",
      exists ? "name another, or remove that one first" : "name another path",
    );
  }
  try {
    fs.writeFileSync(file, profile);
  } finally {
    fs.closeSync(file);
  }
}

export interface Shown extends Where, Which {
  readonly qr?: boolean;
  readonly file?: string;
}

/** Shows a client's profile as it is deployed, or puts it into a picture or a file. */
export async function showClient(
  desk: Desk,
  name: string,
  { qr, file, stack: stackName, replica }: Shown,
): Promise<void> {
  const document = openStack(desk, { stack: stackName });
  const { stack } = document;
  const { up } = desk.words ?? usualWords;
  const client = rawClients(document)[findClient(document, name)];
  if (qr && client?.["publicKey"] !== undefined)
    throw new Refusal(
      `--qr is given, and ${name} keeps its private key to itself: its profile is not whole`,
      "--qr for clients whose key was made here",
      `use --file ${name}.conf, and put the key into it on the device`,
    );
  const outputs = { first: "clientProfiles", replicas: "replicaProfiles" };
  const profiles = (await gatewayOutput(desk, stack, { replica }, outputs, "profiles")) as Record<string, string>;
  const profile = profiles[name];
  if (profile === undefined)
    throw new Refusal(`${name} is in ${stack.file} and not deployed`, "a deployed client", up(stack.name));
  if (!profile.includes(`\nAddress = ${String(client?.["address"])}/32\n`))
    desk.remark(`note: this is what is deployed; ${stack.file} gives ${name} another address. ${up(stack.name)}`);
  if (file !== undefined) {
    writeProfile(resolve(desk.workDir, file), profile);
    desk.print(`${file}: the profile of ${name}, with its keys, for you alone to read (0600)`);
  } else desk.print(qr ? qrPicture(profile) : profile.trimEnd());
}
