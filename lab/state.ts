import { mkdirSync } from "node:fs";
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
