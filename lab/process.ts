import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** What a finished command left. */
export interface Result {
  readonly stdout: string;
  readonly stderr: string;
  /** 128 + signal number when a signal ended it, as a shell says it. */
  readonly exitCode: number;
}

export interface RunOptions {
  /** Text for standard input; without it standard input is empty. */
  readonly input?: string;
  /** Milliseconds until the command is killed and `run` rejects; default 30,000. */
  readonly timeout?: number;
  /** The whole environment; default the caller's. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A command that did not do what was asked; the message holds the end of what it wrote. */
export class CommandError extends Error {
  constructor(
    readonly command: readonly string[],
    readonly result: Result,
    reason: string,
  ) {
    const said = (result.stderr || result.stdout).trim().split("\n").slice(-12).join("\n");
    super(`${command.join(" ").slice(0, 300)}: ${reason}${said && `\n${said}`}`);
    this.name = "CommandError";
  }
}

const signals: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** When this process is interrupted or told to end, it clears first; once. */
export function clearWhenEnded(clear: () => Promise<unknown>): void {
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.once(name, () => void clear().finally(() => process.exit(128 + signals[name]!)));
}

/**
 * Runs a command to its end. Any exit code is a result.
 * @throws CommandError when it cannot be started or takes longer than `timeout`.
 */
export function run(command: readonly string[], options: RunOptions = {}): Promise<Result> {
  const { input = "", timeout = 30_000, env } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), { env, stdio: "pipe" });
    const out = { stdout: "", stderr: "", exitCode: 0 };
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
      // A daemon that kept the pipes open must not keep us.
      child.stdout.destroy();
      child.stderr.destroy();
    }, timeout);
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (out.stderr += text));
    child.stdin.on("error", () => undefined); // a command may end without reading it all
    child.stdin.end(input);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new CommandError(command, out, error.message));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      out.exitCode = code ?? 128 + (signals[signal!] ?? 0);
      if (late) reject(new CommandError(command, out, `not done after ${timeout} ms`));
      else resolve(out);
    });
  });
}

/** As `run`, and gives the standard output. @throws CommandError also when the exit code is not 0. */
export async function must(command: readonly string[], options?: RunOptions): Promise<string> {
  const result = await run(command, options);
  if (result.exitCode !== 0) throw new CommandError(command, result, `exit code ${result.exitCode}`);
  return result.stdout;
}

/** Starts a command that outlives this process, writing into `log`. */
export function spawnDetached(command: readonly string[], log: string, env?: NodeJS.ProcessEnv): ChildProcess {
  const file = openSync(log, "a");
  try {
    const child = spawn(command[0]!, command.slice(1), { env, detached: true, stdio: ["ignore", file, file] });
    child.on("error", () => undefined); // whoever waits for it to be ready says so
    child.unref();
    return child;
  } finally {
    closeSync(file);
  }
}

/**
 * Asks until the answer is neither undefined nor false.
 * @param what named in the error, as in "sshd answers"
 * @param deadline milliseconds
 * @throws Error `WHAT: not within N s`, with the last error an attempt threw
 */
export async function until<T>(
  what: string,
  deadline: number,
  attempt: () => T | undefined | false | Promise<T | undefined | false>,
  every = 25,
): Promise<T> {
  const end = Date.now() + deadline;
  let last: unknown;
  for (;;) {
    try {
      const answer = await attempt();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= end) throw new Error(`${what}: not within ${deadline / 1000} s`, { cause: last });
    await delay(every);
  }
}

/** A process as the kernel knows it; `start` tells it from a later one with the same number. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks from boot to its start. */
  readonly start: string;
}

/** @returns undefined when there is none, or only its zombie. */
export function processId(pid: number): ProcessId | undefined {
  const stat = unlessGone(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  return state === undefined || state === "Z" || state === "X" ? undefined : { pid, start: fields[18]! };
}

export function isAlive(id: ProcessId): boolean {
  return processId(id.pid)?.start === id.start;
}

/** Every process for which `is` holds. */
export function findProcesses(is: (pid: number) => boolean): ProcessId[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => (unlessGone(() => is(Number(name))) && processId(Number(name))) || []);
}

/** The network namespace a process lives in, as `net:[4026531840]`. */
export function networkOf(pid: number | "self"): string | undefined {
  return unlessGone(() => readlinkSync(`/proc/${pid}/ns/net`));
}

/** Whether a process is one of this process's own namespace of processes: not one of a box's (lab/box.sh), which is seen from outside. */
export const isBesideUs = (pid: number): boolean =>
  unlessGone(() => readlinkSync(`/proc/${pid}/ns/pid`)) === readlinkSync("/proc/self/ns/pid");

/** The same for a namespace's file below /run/netns. */
export function networkAt(path: string): string | undefined {
  return unlessGone(() => `net:[${statSync(path).ino}]`);
}

/** The arguments a process was started with; none for a process that is gone. */
export function argumentsOf(pid: number): string[] {
  return unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1)) ?? [];
}

/** The processes a process started and still has. */
export function childrenOf(pid: number): number[] {
  const text = unlessGone(() => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));
  return text?.split(" ").filter(Boolean).map(Number) ?? [];
}

/** Sends a signal, unless the process is gone. */
export function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (isAlive(id)) unlessGone(() => process.kill(id.pid, name));
}

/** Processes end while /proc is read: that is an answer, not a fault. */
function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
