import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where a standing lab keeps its files; WG_GATEWAY_LAB_STATE overrides it. Removed when the lab is cleared. */
export const stateDir = process.env["WG_GATEWAY_LAB_STATE"] || "/run/wg-gateway-lab";

/** Where built images stay; WG_GATEWAY_LAB_CACHE overrides it. */
export const cacheDir = process.env["WG_GATEWAY_LAB_CACHE"] || "/var/cache/wg-gateway-lab";

/** A path in the state directory, whose folders exist afterwards. */
export function statePath(...parts: string[]): string {
  const path = join(stateDir, ...parts);
  mkdirSync(join(path, ".."), { recursive: true, mode: 0o755 });
  return path;
}

/** A folder in the state directory, which exists afterwards. */
export function stateFolder(...parts: string[]): string {
  const path = join(stateDir, ...parts);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  return path;
}

/** What is known of a lab that was kept when the program that opened it ended. */
export interface Kept {
  /** What deployed into it, by which `npm run lab -- up` deploys again; left out when the start failed before that. */
  readonly engine?: "pulumi" | "embedded";
}

const keptFile = join(stateDir, "kept.json");

export function keep(kept: Kept): void {
  writeFileSync(statePath("kept.json"), JSON.stringify(kept));
}

/** @returns undefined when no lab is kept: none stands, or the program that opened it has it or was killed */
export function readKept(): Kept | undefined {
  return existsSync(keptFile) ? (JSON.parse(readFileSync(keptFile, "utf8")) as Kept) : undefined;
}
