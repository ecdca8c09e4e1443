import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

/** As Pulumi hands a value to the program: text as it is, everything else as JSON. */
const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Whether a value holds one that the CLI has encrypted. */
const isEncrypted = (value: unknown): boolean =>
  typeof value === "object" && value !== null && ("secure" in value || Object.values(value).some(isEncrypted));

/**
 * Reads Pulumi.yaml and Pulumi.STACK.yaml.
 * @param overrides `key=value`, whose key may leave out the project's prefix and whose value is JSON or a text; they win, and `null` takes a key out
 * @throws when a file cannot be read, or holds an encrypted value, which only the CLI can open
 */
export function readStack(
  projectDir: string,
  stack: string,
  overrides: readonly string[],
): { project: string; config: Record<string, string> } {
  const read = (file: string) => parse(readFileSync(join(projectDir, file), "utf8")) as Record<string, unknown>;
  const project = String(read("Pulumi.yaml")["name"]);
  const entries = Object.entries((read(`Pulumi.${stack}.yaml`)["config"] ?? {}) as Record<string, unknown>);
  const given = overrides.map((override): [string, string] => {
    const [, key = "", value = ""] = /^([^=]+)=(.*)$/s.exec(override) ?? [];
    if (key === "") throw new Error(`--config ${override}: write KEY=VALUE`);
    return [key, value];
  });
  const full = (key: string) => (key.includes(":") ? key : `${project}:${key}`);
  const all = new Map<string, unknown>([...entries, ...given].map(([key, value]) => [full(key), value]));
  for (const [key, value] of all) if (value === "null") all.delete(key);
  for (const [key, value] of all)
    if (isEncrypted(value))
      throw new Error(`${key} of Pulumi.${stack}.yaml is encrypted: use the Pulumi CLI, or --config '${key}=...'`);
  return { project, config: Object.fromEntries([...all].map(([key, value]) => [key, asText(value)])) };
}
