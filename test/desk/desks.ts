import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import type { Command } from "commander";
import { afterAll } from "vitest";
import type { Desk } from "../../desk/desk";
import { clientProgram } from "../../desk/program";
import { statusProgram } from "../../desk/status";
import { CA } from "../gateway/certificatesFixtures";

export const PASSWORD = "recognisable-password";

/** A stack with everything beside the clients that a file can have; `clients` is the entry itself, with its indentation. */
export const stackText = (clients: string): string => `# The office.
config:
  aws:region:   eu-central-1   # Frankfurt
  "wg-gateway:host": { kind: ec2, sshFrom: [ 198.51.100.23/32 ] }

  wg-gateway:exits:
  - name: 'vpn'
    profile: providers/vpn.ovpn
${clients}  # what the provider wants
  wg-gateway:credentials:
    vpn:
      username: someone
      password:
        secure: v1:AAAA
encryptionsalt: v1:BBBB
`;

export const LAPTOP_AND_PHONE = `  wg-gateway:clients:
    - name: laptop # Anna's
      address: "10.4.0.50"
    # telephones
    - { name: phone, address: 10.4.0.200 }
`;

/** What a command did. */
export interface Done {
  readonly out: string;
  readonly remarks: string;
  /** What stopped it. */
  readonly error: string | undefined;
}

const folders: string[] = [];
afterAll(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })));

/** @returns a new folder, which goes when the tests of the file have ended */
export function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wg-gateway-desk-"));
  folders.push(folder);
  return folder;
}

/** A project's folder of its own, and an operator at it. */
export class TestDesk {
  readonly dir = testFolder();
  readonly file = join(this.dir, "Pulumi.dev.yaml");
  readonly env: NodeJS.ProcessEnv = { PATH: dirname(process.execPath) };

  constructor(text: string) {
    mkdirSync(join(this.dir, "providers"));
    writeFileSync(join(this.dir, "Pulumi.yaml"), "name: wg-gateway\nruntime: nodejs\n");
    writeFileSync(
      join(this.dir, "providers", "vpn.ovpn"),
      `client\nremote 203.0.113.40 1194 udp\nauth-user-pass\n${CA}`,
    );
    this.text = text;
  }

  get text(): string {
    return readFileSync(this.file, "utf8");
  }

  set text(text: string) {
    writeFileSync(this.file, text);
  }

  /** Puts a program in the CLI's place: a script for node. */
  installPulumi(script: string): void {
    const bin = join(this.dir, "bin");
    if (!existsSync(bin)) mkdirSync(bin);
    writeFileSync(join(bin, "pulumi"), `#!${process.execPath}\n${script}`);
    chmodSync(join(bin, "pulumi"), 0o755);
    this.env["PATH"] = `${bin}${delimiter}${this.env["PATH"]}`;
  }

  /** @param words what follows `npm run client --` */
  run(...words: string[]): Promise<Done> {
    return this.start(clientProgram, words);
  }

  /** @param words what follows `npm run status --` */
  status(...words: string[]): Promise<Done> {
    return this.start(statusProgram, words);
  }

  private async start(make: (desk: Desk) => Command, words: readonly string[]): Promise<Done> {
    const said = { out: [] as string[], remarks: [] as string[] };
    const program = make({
      projectDir: this.dir,
      workDir: this.dir,
      env: this.env,
      colours: false,
      print: (text) => void said.out.push(text),
      remark: (text) => void said.remarks.push(text),
    });
    const quiet = (command: Command) => command.exitOverride().configureOutput({ writeErr: () => undefined });
    [program, ...program.commands].forEach(quiet);
    const error = await program.parseAsync(words, { from: "user" }).then(
      () => undefined,
      (thrown: unknown) => (thrown as Error).message,
    );
    return { out: said.out.join("\n"), remarks: said.remarks.join("\n"), error };
  }
}
