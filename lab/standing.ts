import { spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

import { usualWords, type Desk } from "../desk/desk";
import { clientProgram } from "../desk/program";
import { Refusal } from "../desk/refusal";
import { type Changes, Deployment, DeploymentError, type Outputs, type StackName } from "./deployment";
import { Cloud } from "./ec2/cloud";
import { hasCloud } from "./ec2/state";
import { Lab } from "./lab";
import { settled } from "./scenario";
import { readKept, stateDir, statePath } from "./state";
import { hostNames } from "./topology";

/*
 * What `npm run lab` does with a lab that stands. Its settings are a copy of its stack's file, which goes with the lab: whatever is tried
 * there changes neither the working tree nor the next lab.
 */

const projectDir = join(__dirname, "..");
const stack = (): StackName => (hasCloud() ? "lab-ec2" : "lab");
const original = (): string => join(projectDir, `Pulumi.${stack()}.yaml`);
/** The standing lab's settings. */
export const settingsFile = join(stateDir, "Pulumi.lab.yaml");
const outputsFile = join(stateDir, "outputs.json");

/** Prepares a lab that is kept for these commands. @param outputs what was deployed into it, if anything was */
export function furnish(outputs?: Outputs): void {
  if (!existsSync(settingsFile)) {
    writeFileSync(settingsFile, readFileSync(original()), { mode: 0o600 });
    // The lab runs as root; its settings are for whoever has the sources.
    const { uid, gid } = statSync(original());
    chownSync(settingsFile, uid, gid);
  }
  if (outputs) writeFileSync(statePath("outputs.json"), JSON.stringify(outputs), { mode: 0o600 });
}

const configOf = (file: string): Record<string, unknown> =>
  (parse(readFileSync(file, "utf8")) as { config?: Record<string, unknown> }).config ?? {};

/** What makes the settings of the stack's file those of the standing lab. How AWS is reached stays. */
function changes(): Changes {
  const bare = (config: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(config).flatMap(([key, value]) => {
        const [, own] = /^wg-gateway:(.*)/.exec(key) ?? [];
        return own === undefined ? [] : [[own, value]];
      }),
    );
  const own = bare(configOf(settingsFile));
  return { ...Object.fromEntries(Object.keys(bare(configOf(original()))).map((key) => [key, null])), ...own };
}

function deployment(): Deployment {
  const kept = readKept();
  if (!kept) throw new Error('no lab was kept: open one with "npm start -- --keep"');
  if (!kept.engine) throw new Error("nothing was deployed into this lab: its start failed; take it down with npm stop");
  return Deployment.by(kept.engine, console.log, stack());
}

/** Devices with a changed profile connect anew. */
async function reconnect(lab: Lab, before: Outputs, after: Outputs): Promise<void> {
  for (const [name, client] of Object.entries(lab.clients)) {
    const profile = after.clientProfiles?.[name];
    if (profile === before.clientProfiles?.[name]) continue;
    await client.down();
    if (profile === undefined) console.log(`the device ${name} is disconnected: no client has this name any more`);
    else await client.up(profile);
  }
  if (Object.keys(lab.clients).every((name) => after.clientProfiles?.[name] !== undefined)) await settled(lab);
}

/** An engine's error has been shown with the rest of what it said. */
async function toldByEngine(deploy: () => Promise<void>): Promise<number> {
  try {
    await deploy();
    return 0;
  } catch (error) {
    if (!(error instanceof DeploymentError)) throw error;
    console.error("the deployment failed with the error above");
    return 1;
  }
}

async function up(): Promise<void> {
  const engine = deployment();
  const lab = Lab.attach();
  const before = JSON.parse(readFileSync(outputsFile, "utf8")) as Outputs;
  lab.cloud?.follow(console.log);
  const { outputs, summary } = await engine.up(changes());
  await lab.cloud?.settled();
  furnish(outputs);
  await reconnect(lab, before, outputs);
  const counts = Object.entries(summary).map(([what, count]) => `${count} ${what}`);
  console.log(`deployed ${settingsFile} by ${engine.engine}: ${counts.join(", ")}`);
}

async function client(words: readonly string[]): Promise<number> {
  deployment();
  const desk: Desk = {
    projectDir,
    stackDir: stateDir,
    workDir: process.env["INIT_CWD"] ?? process.cwd(),
    env: { ...process.env, PULUMI_STACK: "lab" },
    words: { ...usualWords, client: "npm run lab -- client", stackOption: () => "", up: () => "npm run lab -- up" },
    readOutput: (output) =>
      Promise.resolve((JSON.parse(readFileSync(outputsFile, "utf8")) as Record<string, unknown>)[output]),
    print: (text) => console.log(text),
    colours: process.stdout.isTTY && !process.env["NO_COLOR"],
    remark: (text) => console.error(text),
  };
  await clientProgram(desk).parseAsync(words, { from: "user" });
  return 0;
}

/** Runs a command line with this terminal. @returns its exit code */
async function withTerminal([tool = "", ...words]: readonly string[]): Promise<number> {
  const [code] = (await once(spawn(tool, words, { stdio: "inherit" }), "close")) as [number | null];
  return code ?? 1;
}

const status = (words: readonly string[]): Promise<number> => {
  const colours = process.stdout.isTTY && !process.env["NO_COLOR"] && !words.includes("--json");
  return withTerminal(
    Lab.attach().machine.inside([
      "/usr/local/sbin/gatewayctl",
      "status",
      ...(colours ? ["--colour", "always"] : []),
      ...words,
    ]),
  );
};

const places: readonly string[] = ["gateway", "direct", "vpn", ...hostNames.filter((name) => name !== "gateway")];

/** Runs a command, or a shell, in a place of the lab. @returns its exit code */
function enter(place: string, command: readonly string[]): Promise<number> {
  const lab = Lab.attach();
  const shell = command.length > 0 ? command : ["bash"];
  if (place === "gateway") return withTerminal(lab.machine.inside(shell));
  const host =
    place === "direct" || place === "vpn"
      ? lab.clients[place].host
      : hostNames.filter((name) => name === place).map((name) => lab.hosts[name])[0];
  return withTerminal(host?.inside(shell) ?? []);
}

interface Verb {
  readonly usage: string;
  readonly help: string;
  readonly run: (words: readonly string[]) => Promise<number>;
  /** How many words it takes; default none. */
  readonly words?: "any";
}

const verbs: Readonly<Record<string, Verb>> = {
  up: {
    usage: "up",
    help: "deploys the lab's settings, as `pulumi up` does; devices with a changed profile connect anew",
    run: () => toldByEngine(up).finally(() => Cloud.stop()),
  },
  preview: {
    usage: "preview",
    help: "shows what `up` would do",
    run: () => toldByEngine(() => deployment().preview(changes())),
  },
  status: {
    usage: "status [--json]",
    help: "what the gateway is doing now, as `npm run status` shows it",
    run: status,
    words: "any",
  },
  client: {
    usage: "client add|list|show|move|rotate|remove ...",
    help: "changes the clients in the lab's settings, as `npm run client -- ...` does; then `up`",
    run: client,
    words: "any",
  },
};

/** What `npm run lab` can do. */
export const standingHelp = (): string =>
  [
    "usage: npm run lab -- WORD ...",
    "",
    ...Object.values(verbs).map(({ usage, help }) => `  ${usage.padEnd(46)}${help}`),
    `  ${"PLACE [COMMAND...]".padEnd(46)}runs a command, or a shell, in a place of the lab`,
    "",
    `places: ${places.join(", ")}`,
    `settings of the standing lab: ${settingsFile}, a copy of the stack's file that goes with the lab`,
  ].join("\n");

/** @returns the exit code */
export async function standing(word: string | undefined, words: readonly string[]): Promise<number> {
  if (word === undefined || word === "help" || word === "--help" || word === "-h") {
    console.log(standingHelp());
    return 0;
  }
  const verb = Object.hasOwn(verbs, word) ? verbs[word] : undefined;
  if (!verb && !places.includes(word))
    throw new Refusal(
      `npm run lab -- ${word}: there is no such command or place`,
      `${Object.keys(verbs).join(", ")}, or a place: ${places.join(", ")}`,
      "npm run lab shows what each does",
    );
  if (verb && verb.words !== "any" && words.length > 0)
    throw new Refusal(
      `npm run lab -- ${word} ${words.join(" ")}: it takes no more words`,
      `npm run lab -- ${word}`,
      "leave them out",
    );
  return verb ? verb.run(words) : enter(word, words);
}
