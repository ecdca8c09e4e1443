import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parse, stringify } from "yaml";

import { redact, type Wire } from "./engine/secretValue";
import { DeploymentError, type Outputs, type Summary, summaryOf, summaryOfPulumi, type UpResult } from "./deployed";

import { namespaceOf } from "./topology";
import { stateDir, stateFolder } from "./state";

export { DeploymentError, type Outputs, type Summary, type UpResult };

/** What a run of an engine said, and when. */
type Run = Pick<UpResult, "said" | "began" | "seconds"> & { readonly stdout: string };

/** The lab's stacks: a gateway on a machine that is there, and one on an instance of the lab's EC2. */
export type StackName = "lab" | "lab-ec2";

/** Settings that replace those of the stack's file, by their key without the project's name; null takes one out. */
export type Changes = Readonly<Record<string, unknown>>;

export type EngineKind = "pulumi" | "embedded";

const projectDir = join(__dirname, "..");
const PASSPHRASE = "lab";
/** Milliseconds for one run of an engine. */
const DEADLINE = 600_000;

/** Deploys a stack of the lab from the operator's place, by `pulumi` or by the embedded engine. */
export abstract class Deployment {
  /** What does the work, for people. */
  abstract readonly engine: string;
  /** The same, for programs. */
  abstract readonly kind: EngineKind;

  /** @param progress takes each line as it is said; default nobody */
  constructor(
    protected readonly progress: (line: string) => void = () => undefined,
    protected readonly stack: StackName = "lab",
    /** What the engine calls the stack; another name is another owner of the same machine. */
    protected readonly owner: string = stack,
  ) {}

  /** By the `pulumi` on PATH when its plugins for the stack's resources are there too, else by the embedded engine. */
  static choose(progress?: (line: string) => void, stack: StackName = "lab"): Deployment {
    return Deployment.by(pulumiIsWhole(stack) ? "pulumi" : "embedded", progress, stack);
  }

  static by(
    kind: EngineKind,
    progress?: (line: string) => void,
    stack: StackName = "lab",
    owner: string = stack,
  ): Deployment {
    const Kind = kind === "pulumi" ? PulumiDeployment : EmbeddedDeployment;
    return new Kind(progress, stack, owner);
  }

  /** Those that can deploy a stack here. */
  static engines(stack: StackName = "lab"): EngineKind[] {
    return pulumiIsWhole(stack) ? ["embedded", "pulumi"] : ["embedded"];
  }

  /** @param replace names of resources to replace, whatever has changed. @throws DeploymentError when it is refused or fails */
  abstract up(changes?: Changes, replace?: readonly string[]): Promise<UpResult>;
  /** What `up` would do, told line by line. @throws DeploymentError when it would be refused */
  abstract preview(changes?: Changes): Promise<void>;
  /** @throws DeploymentError when it fails */
  abstract destroy(): Promise<Summary>;
  /** Takes a resource out of the state, and leaves what it made: the CLI's `state delete`. @param name in the program */
  abstract forget(name: string): Promise<void>;
  /** The state as JSON: the CLI's `stack export`. @param open its secrets too, each with the SDK's signature */
  abstract exported(options?: { readonly open: boolean }): Promise<string>;
  /**
   * Everything that the engine tells about the stack, with IDs, inputs and differences, to who cannot open its secrets. Not the CLI's own
   * debug log, which holds secrets in the clear (docs/security.md, known limits).
   */
  abstract told(changes: Changes): Promise<string>;
  /** Makes the stack usable again after a run was killed. */
  abstract recover(): Promise<void>;

  /**
   * Runs a command in the operator's network; the rest of the world is this machine's.
   * @param secret what it writes to standard output is for programs: not shown
   */
  protected async run(command: readonly string[], secret: boolean, env: NodeJS.ProcessEnv = {}): Promise<Run> {
    const began = performance.now();
    const child = spawn("ip", ["netns", "exec", namespaceOf("operator"), ...command], {
      cwd: projectDir,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: DEADLINE,
    });
    const stdout: string[] = [];
    const said: string[] = [];
    createInterface(child.stdout).on("line", (line) => stdout.push(line));
    for (const stream of secret ? [child.stderr] : [child.stdout, child.stderr])
      createInterface(stream).on("line", (line) => {
        said.push(line);
        this.progress(line);
      });
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new DeploymentError(said.join("\n") || `${command.join(" ")} ended with ${code}`);
    return { stdout: stdout.join("\n"), said: said.join("\n"), began, seconds: (performance.now() - began) / 1000 };
  }
}

/** The lab's own engine; see engine/. */
export class EmbeddedDeployment extends Deployment {
  override readonly engine = "the lab's embedded engine";
  override readonly kind = "embedded";

  override async up(changes: Changes = {}, replace: readonly string[] = []): Promise<UpResult> {
    const replaced = replace.flatMap((name) => ["--replace", name]);
    const words = ["--json", "--show-secrets", ...this.overrides(changes), ...replaced];
    const { stdout, ...up } = await this.run(this.command("up", words), true);
    return { ...up, summary: summaryOf(up.said), outputs: JSON.parse(stdout) as Outputs };
  }

  override async preview(changes: Changes = {}): Promise<void> {
    await this.run(this.command("preview", this.overrides(changes)), false);
  }

  override async destroy(): Promise<Summary> {
    return summaryOf((await this.run(this.command("destroy"), false)).said);
  }

  override async forget(name: string): Promise<void> {
    await this.run(this.command("forget", [name]), false);
  }

  override exported({ open } = { open: false }): Promise<string> {
    const stored = JSON.parse(readFileSync(this.stateFile, "utf8")) as Wire;
    return Promise.resolve(JSON.stringify(open ? stored : redact(stored)));
  }

  override async told(changes: Changes): Promise<string> {
    const { stdout, said } = await this.run(this.command("preview", ["--json", ...this.overrides(changes)]), true);
    return stdout + said;
  }

  override recover(): Promise<void> {
    return Promise.resolve();
  }

  private overrides(changes: Changes): string[] {
    return Object.entries(changes).flatMap(([key, value]) => ["--config", `${key}=${JSON.stringify(value)}`]);
  }

  private get stateFile(): string {
    return join(stateDir, this.owner === this.stack ? "engine.json" : `engine-${this.owner}.json`);
  }

  private command(verb: string, rest: readonly string[] = []): string[] {
    const main = join(projectDir, "lab", "engine", "main.ts");
    const options = ["--stack", this.stack, "--name", this.owner, "--state", this.stateFile];
    return [process.execPath, "--import", "tsx", main, verb, ...options, ...rest];
  }
}

/** The real CLI with a file backend. Its home, its passphrase and its copies of the project and stack files are the lab's. */
export class PulumiDeployment extends Deployment {
  override readonly engine = "pulumi";
  override readonly kind = "pulumi";
  private readonly folder = stateFolder(this.owner === this.stack ? "pulumi" : `pulumi-${this.owner}`);
  private readonly stackFile = join(this.folder, `Pulumi.${this.owner}.yaml`);

  override async up(changes: Changes = {}, replace: readonly string[] = []): Promise<UpResult> {
    await this.prepare(changes);
    const replaced = replace.flatMap((name) => ["--replace", `**::${name}`]);
    const { said, began, seconds } = await this.pulumi(["up", "--yes", "--skip-preview", ...replaced]);
    const { stdout } = await this.pulumi(["stack", "output", "--json", "--show-secrets"], true);
    return { summary: summaryOfPulumi(said), outputs: JSON.parse(stdout) as Outputs, said, began, seconds };
  }

  override async preview(changes: Changes = {}): Promise<void> {
    await this.prepare(changes);
    await this.pulumi(["preview", "--diff"]);
  }

  override async destroy(): Promise<Summary> {
    return summaryOfPulumi((await this.pulumi(["destroy", "--yes", "--skip-preview"])).said);
  }

  override async forget(name: string): Promise<void> {
    const { stdout } = await this.pulumi(["stack", "export"], true);
    const { deployment } = JSON.parse(stdout) as { deployment: { resources: { urn: string }[] } };
    const urn = deployment.resources.map((resource) => resource.urn).find((urn) => urn.endsWith(`::${name}`));
    if (urn === undefined) throw new DeploymentError(`the state has no ${name}`);
    await this.pulumi(["state", "delete", urn, "--yes"]);
  }

  override async exported({ open } = { open: false }): Promise<string> {
    return (await this.pulumi(["stack", "export", ...(open ? ["--show-secrets"] : [])], true)).stdout;
  }

  override async told(changes: Changes): Promise<string> {
    await this.prepare(changes);
    const runs = [
      await this.pulumi(["stack", "--show-ids", "--show-urns"]),
      await this.pulumi([
        "preview",
        "--diff",
        "--show-replacement-steps",
        "--show-sames",
        "--show-reads",
        "--show-config",
      ]),
    ];
    return runs.map(({ said }) => said).join("\n");
  }

  override async recover(): Promise<void> {
    await this.pulumi(["cancel", "--yes"]);
    await this.pulumi(["refresh", "--yes", "--skip-preview", "--clear-pending-creates"]);
  }

  /** The stack exists, and its file says what the changes want; the passphrase's salt in it stays. */
  private async prepare(changes: Changes): Promise<void> {
    const read = (path: string) => parse(readFileSync(path, "utf8")) as Record<string, unknown>;
    const given = read(join(projectDir, `Pulumi.${this.stack}.yaml`));
    const changed = Object.fromEntries(Object.entries(changes).map(([key, value]) => [`wg-gateway:${key}`, value]));
    const exists = existsSync(this.stackFile);
    const kept = exists ? read(this.stackFile) : {};
    const all = { ...(given["config"] as Record<string, unknown>), ...changed };
    const config = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    writeFileSync(this.stackFile, stringify({ ...kept, config }), { mode: 0o600 });
    if (exists) return;
    for (const name of ["backend", "home"]) mkdirSync(join(this.folder, name), { recursive: true });
    symlinkSync(
      join(process.env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "plugins"),
      join(this.folder, "home", "plugins"),
    );
    writeFileSync(
      join(this.folder, "Pulumi.yaml"),
      stringify({ ...read(join(projectDir, "Pulumi.yaml")), main: projectDir }),
    );
    await this.pulumi(["stack", "init"]);
  }

  private pulumi(words: readonly string[], secret = false): Promise<Run> {
    return this.run(
      ["pulumi", "--cwd", this.folder, ...words, "--stack", this.owner, "--non-interactive", "--color", "never"],
      secret,
      {
        PULUMI_BACKEND_URL: `file://${join(this.folder, "backend")}`,
        PULUMI_HOME: join(this.folder, "home"),
        PULUMI_CONFIG_PASSPHRASE: PASSPHRASE,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        // The operator's network has no way out: it would wait a minute for each plugin that the lab does not need.
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      },
    );
  }
}

function pulumiIsWhole(stack: StackName): boolean {
  const { status, stdout } = spawnSync("pulumi", ["plugin", "ls", "--json"], { encoding: "utf8" });
  if (status !== 0) return false;
  const found = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
  const needed = ["command", "random", "tls", ...(stack === "lab-ec2" ? ["aws"] : [])];
  return needed.every((name) => found.includes(name));
}
