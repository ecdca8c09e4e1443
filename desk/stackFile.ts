import * as fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { meant } from "../gateway/settings/advice";
import type { Desk, Stack } from "./desk";
import { Refusal } from "./refusal";

/** @param name what `--stack` says; default PULUMI_STACK, else dev. ORGANISATION/PROJECT/STACK is known by its last part */
export function findStack(
  { projectDir, stackDir = projectDir, env }: Desk,
  name = env["PULUMI_STACK"] || "dev",
): Stack {
  const file = `Pulumi.${basename(name)}.yaml`;
  const files = fs.readdirSync(stackDir);
  if (/^([\w.-]+\/){0,2}[\w.-]+$/.test(name) && files.includes(file)) return { name, file };
  const known = files.flatMap((other) => /^Pulumi\.(.+)\.yaml$/.exec(other)?.[1] ?? []);
  const near = meant(name, known);
  throw new Refusal(
    `the stack is ${JSON.stringify(name)}, and there is no ${file} in ${stackDir}`,
    `a stack with a file here: ${known.join(", ") || "none"}`,
    near === undefined ? "give --stack, or make the file" : `did you mean --stack ${near}?`,
  );
}

/** @returns the text of a file of the project's folder, by its path from there, or undefined when it cannot be read */
export function readProjectText({ projectDir }: Desk, path: string): string | undefined {
  try {
    return fs.readFileSync(resolve(projectDir, path), "utf8");
  } catch {
    return undefined;
  }
}

/**
 * Puts a text in the place of a file's, at once: whoever reads the file sees the old text or the new one. Mode and owner stay.
 * @throws Refusal when the file no longer holds `before`: somebody else has written it meanwhile
 */
export function replaceText(path: string, before: string, after: string): void {
  // A link stays one.
  const target = fs.realpathSync(path);
  const { mode, uid, gid } = fs.statSync(target);
  const draft = join(dirname(target), `.${basename(target)}.${process.pid}`);
  const file = fs.openSync(draft, "wx", 0o600);
  try {
    try {
      fs.writeFileSync(file, after);
      const made = fs.statSync(draft);
      if (made.uid !== uid || made.gid !== gid) fs.fchownSync(file, uid, gid);
      fs.fchmodSync(file, mode & 0o7777);
      fs.fsyncSync(file);
    } finally {
      fs.closeSync(file);
    }
    if (fs.readFileSync(target, "utf8") !== before)
      throw new Refusal(`${path} was changed by another program meanwhile`, "one change at a time", "try it again");
    fs.renameSync(draft, target);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw error;
  }
}
