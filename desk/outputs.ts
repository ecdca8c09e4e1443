import { execFile } from "node:child_process";
import type { Desk, Stack } from "./desk";
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
export async function stackOutput(
  { projectDir, env }: Desk,
  { name }: Stack,
  output: string,
  what: string,
): Promise<unknown> {
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
