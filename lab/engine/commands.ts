import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { endOfOutput } from "./output";
import type { Context, Made, Provider } from "./resources";
import type { WireProperties } from "./secretValue";
import { type Connection, type Output, runRemote } from "./ssh";

const shownStreams: Record<string, readonly (keyof Output)[]> = { none: [], stdout: ["stdout"], stderr: ["stderr"] };
const projectDir = join(__dirname, "..", "..");

interface CommandInputs {
  readonly connection: Connection;
  readonly stdin?: string;
  readonly logging?: string;
  readonly environment?: Record<string, string>;
  readonly addPreviousOutputInEnv?: boolean;
}

type Runner = (
  text: string,
  inputs: CommandInputs,
  onLine: (stream: keyof Output, line: string) => void,
  before: Output,
) => Promise<Output>;

const remotely: Runner = (command, { connection, stdin }, onLine) =>
  runRemote(connection, { command, stdin: stdin ?? "", onLine });

/** By /bin/sh, in the program's folder, with this process's environment and what the command wrote the last time. */
const locally: Runner = async (command, { stdin, environment, addPreviousOutputInEnv = true }, onLine, before) => {
  const previous = addPreviousOutputInEnv
    ? { PULUMI_COMMAND_STDOUT: before.stdout, PULUMI_COMMAND_STDERR: before.stderr }
    : {};
  const known = Object.fromEntries(Object.entries(previous).filter(([, text]) => text !== ""));
  const child = spawn("/bin/sh", ["-c", command], {
    cwd: projectDir,
    env: { ...process.env, ...environment, ...known },
  });
  const lines: Record<keyof Output, string[]> = { stdout: [], stderr: [] };
  const all: string[] = [];
  for (const stream of ["stdout", "stderr"] as const)
    createInterface(child[stream]).on("line", (line) => {
      lines[stream].push(line);
      all.push(line);
      onLine(stream, line);
    });
  child.stdin.on("error", () => undefined).end(stdin);
  const status = await new Promise<number | string>((settle, fail) => {
    child.on("error", fail);
    child.on("close", (code, signal) => settle(code ?? signal ?? "unknown"));
  });
  if (status !== 0)
    throw new Error(
      `the command ended with ${typeof status === "number" ? `status ${status}` : `signal ${status}`}:\n${endOfOutput(all)}`,
    );
  return { stdout: lines.stdout.join("\n"), stderr: lines.stderr.join("\n") };
};

const nothing: Output = { stdout: "", stderr: "" };

const commandBy = (runner: Runner): Provider => {
  const run = async (
    text: unknown,
    inputs: WireProperties,
    { show }: Context,
    before = nothing,
  ): Promise<WireProperties> => {
    if (typeof text !== "string") return { ...before };
    const { logging = "" } = inputs as unknown as CommandInputs;
    const shown = shownStreams[logging] ?? ["stdout", "stderr"];
    const onLine = (stream: keyof Output, line: string) => shown.includes(stream) && show(line);
    return { ...(await runner(text, inputs as unknown as CommandInputs, onLine, before)) };
  };
  const outputOf = ({ outputs }: Made) => outputs as unknown as Output;
  return {
    lasting: true,
    replaceOn: ["triggers"],
    // pulumi-command, NewUniqueHex: the name and eight hexadecimal digits.
    create: async (inputs, context) => ({
      id: `${context.name}${randomBytes(4).toString("hex")}`,
      outputs: await run(inputs["create"], inputs, context),
    }),
    update: (old, inputs, context) => run(inputs["update"] ?? inputs["create"], inputs, context, outputOf(old)),
    // By the inputs that it was last made with, standard input among them.
    delete: async (old, context) => void (await run(old.inputs["delete"], old.inputs, context, outputOf(old))),
  };
};

/** As pulumi-command 1.2.1 runs them (its provider/pkg/provider), as far as the program uses it. */
export const command: Readonly<Record<string, Provider>> = {
  "command:remote:Command": commandBy(remotely),
  "command:local:Command": commandBy(locally),
};
