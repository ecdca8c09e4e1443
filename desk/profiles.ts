import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { resolve } from "node:path";
import { findClient, openStack, type Where } from "./changes";
import type { Desk, Stack } from "./desk";
import { qrPicture } from "./picture";
import { Refusal } from "./refusal";
import { rawClients } from "./stackDocument";

/** Bytes; a thousand profiles are half a megabyte. */
const LONGEST_OUTPUT = 64 * 2 ** 20;

interface Ended {
  readonly error: (Error & { readonly code?: unknown }) | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The stack's profiles by client, out of its state. They come over a pipe and stand in no message. */
async function deployedProfiles({ projectDir, env }: Desk, { name }: Stack): Promise<Record<string, string>> {
  const command = ["stack", "output", "clientProfiles", "--json", "--show-secrets", "--non-interactive"];
  const { error, stdout, stderr } = await new Promise<Ended>((settle) =>
    execFile(
      "pulumi",
      [...command, "--stack", name],
      { cwd: projectDir, env: { ...env, PULUMI_SKIP_UPDATE_CHECK: "true" }, maxBuffer: LONGEST_OUTPUT },
      (failure, out, said) => settle({ error: failure, stdout: out, stderr: said }),
    ),
  );
  if (error?.code === "ENOENT")
    throw new Refusal(
      "there is no pulumi on PATH, and the profiles are in its state",
      "the Pulumi CLI, logged in to the stack's backend",
      "install it: https://www.pulumi.com/docs/iac/download-install/",
    );
  if (error)
    throw new Refusal(
      `pulumi does not tell the profiles of stack ${name}: ${stderr.trim() || "it says nothing"}`,
      "a deployed stack, and whatever its secrets are opened with (PULUMI_CONFIG_PASSPHRASE, ...)",
      `pulumi up --stack ${name}, or what pulumi says`,
    );
  return JSON.parse(stdout) as Record<string, string>;
}

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

export interface Shown extends Where {
  readonly qr?: boolean;
  readonly file?: string;
}

/** Shows a client's profile as it is deployed, or puts it into a picture or a file. */
export async function showClient(desk: Desk, name: string, { qr, file, stack: stackName }: Shown): Promise<void> {
  const document = openStack(desk, { stack: stackName });
  const { stack } = document;
  const client = rawClients(document)[findClient(document, name)];
  if (qr && client?.["publicKey"] !== undefined)
    throw new Refusal(
      `--qr is given, and ${name} keeps its private key to itself: its profile is not whole`,
      "--qr for clients whose key was made here",
      `use --file ${name}.conf, and put the key into it on the device`,
    );
  const profile = (await deployedProfiles(desk, stack))[name];
  if (profile === undefined)
    throw new Refusal(
      `${name} is in ${stack.file} and not deployed`,
      "a deployed client",
      `pulumi up --stack ${stack.name}`,
    );
  if (!profile.includes(`\nAddress = ${String(client?.["address"])}/32\n`))
    desk.remark(
      `note: this is what is deployed; ${stack.file} gives ${name} another address. pulumi up --stack ${stack.name}`,
    );
  if (file !== undefined) {
    writeProfile(resolve(desk.workDir, file), profile);
    desk.print(`${file}: the profile of ${name}, with its keys, for you alone to read (0600)`);
  } else desk.print(qr ? qrPicture(profile) : profile.trimEnd());
}
