import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

/** The folder of Pulumi.yaml: where relative paths in settings begin, whatever the working directory is. */
const projectDir = join(__dirname, "..");
const userdataDir = join(projectDir, "userdata");

/** @returns the text of a file a setting names, by its path from the project's folder, or undefined when it cannot be read */
export function readProjectFile(path: string): string | undefined {
  try {
    return readFileSync(resolve(projectDir, path), "utf8");
  } catch {
    return undefined;
  }
}

/** @param name path from userdata/ @throws when the file is missing: the program is not whole */
export const readUserdata = (name: string): string => readFileSync(join(userdataDir, name), "utf8");

/** @returns the paths, from userdata/, of all its files, sorted, so that the same files always make the same bundle */
export function listUserdata(): string[] {
  return readdirSync(userdataDir, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(userdataDir, name)).isFile())
    .sort();
}
