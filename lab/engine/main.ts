// Before all that loads the SDK.
import "./lean";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { deploy, type Deployment } from "./deploy";
import { redact, unwrap } from "./secretValue";
import { readStack } from "./stackConfig";
import { State } from "./state";

const usage = `main.ts up|preview|destroy|forget NAME [--stack lab] [--name STACK] [--state FILE] [--config KEY=VALUE]... [--replace NAME]... [--json] [--show-secrets]`;
const projectDir = join(__dirname, "..", "..");

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      stack: { type: "string", default: "lab" },
      name: { type: "string" },
      state: { type: "string" },
      config: { type: "string", multiple: true, default: [] },
      replace: { type: "string", multiple: true, default: [] },
      json: { type: "boolean", default: false },
      "show-secrets": { type: "boolean", default: false },
    },
  });
  const [command = "", resource] = positionals;
  const wanted = command === "forget" ? 2 : 1;
  if (positionals.length !== wanted || !["up", "preview", "destroy", "forget"].includes(command))
    throw new Error(usage);
  const stack = values.name ?? values.stack;
  const stateFile = resolve(values.state ?? join(projectDir, ".lab", "engine", `${stack}.json`));
  if (resource !== undefined) return new State(stateFile).forget(resource);

  const { summary, outputs } = await deploy({
    command: command as Deployment["command"],
    ...readStack(projectDir, values.stack, values.config),
    stack,
    replace: values.replace,
    stateFile,
    program: () => import("../../index.js").then((program) => program.default()),
    // With --json, standard output is for programs.
    log: values.json ? console.error : console.log,
  });
  const { created, updated, replaced, unchanged, deleted } = summary;
  const say = values.json ? console.error : console.log;
  say(
    `Resources: ${created} created, ${updated} updated, ${replaced} replaced, ${unchanged} unchanged, ${deleted} deleted`,
  );
  const shown = values["show-secrets"] ? unwrap(outputs) : redact(outputs);
  if (values.json) console.log(JSON.stringify(shown));
  else if (command === "up") console.log(`Outputs: ${JSON.stringify(shown, null, 2)}`);
}

// The program's outputs may wait for ever for a resource that failed: the process is ended, not left to end.
main().then(
  // What was said comes first: a pipe takes 64 KB at a time, and a thousand clients say more.
  () => process.stdout.write("", () => process.stderr.write("", () => process.exit(0))),
  (error: unknown) => {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(1);
  },
);
