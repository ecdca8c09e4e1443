import { execFile } from "node:child_process";
import { meant } from "../gateway/settings/advice";
import { type Desk, type Stack, usualWords } from "./desk";
import { Refusal } from "./refusal";

/** Bytes; a thousand profiles are half a megabyte. */
const LONGEST_OUTPUT = 64 * 2 ** 20;

interface Ended {
  readonly error: (Error & { readonly code?: unknown }) | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * An output of a stack, out of its state. It comes over a pipe and stands in no message.
 * @param what it is, in the plural, for people
 */
async function stackOutput(desk: Desk, { name }: Stack, output: string, what: string): Promise<unknown> {
  if (desk.readOutput) return desk.readOutput(output);
  const { projectDir, env } = desk;
  const command = ["stack", "output", output, "--json", "--show-secrets", "--non-interactive"];
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
      `there is no pulumi on PATH, and the ${what} are in its state`,
      "the Pulumi CLI, logged in to the stack's backend",
      "install it: https://www.pulumi.com/docs/iac/download-install/",
    );
  if (error)
    throw new Refusal(
      `pulumi does not tell the ${what} of stack ${name}: ${stderr.trim() || "it says nothing"}`,
      "a deployed stack, and whatever its secrets are opened with (PULUMI_CONFIG_PASSPHRASE, ...)",
      `pulumi up --stack ${name}, or what pulumi says`,
    );
  return JSON.parse(stdout);
}

/** Which of a stack's gateways is meant: a replica, or by default the first. */
export interface Which {
  readonly replica?: string;
}

/**
 * As {@link stackOutput}, of one of the stack's gateways.
 * @param outputs the first gateway's, and that of the replicas, by their names
 */
export async function gatewayOutput(
  desk: Desk,
  stack: Stack,
  { replica }: Which,
  outputs: { readonly first: string; readonly replicas: string },
  what: string,
): Promise<unknown> {
  if (replica === undefined) return stackOutput(desk, stack, outputs.first, what);
  const all = (await stackOutput(desk, stack, outputs.replicas, what)) as Record<string, unknown>;
  if (Object.hasOwn(all, replica)) return all[replica];
  const near = meant(replica, Object.keys(all));
  throw new Refusal(
    `--replica is ${JSON.stringify(replica)}, and none of that name is deployed`,
    `one of ${Object.keys(all).join(", ")}`,
    near === undefined
      ? `add it to wg-gateway:replicas, ${(desk.words ?? usualWords).up(stack.name)}`
      : `did you mean ${near}?`,
  );
}
