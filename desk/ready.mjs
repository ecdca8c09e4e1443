// Loaded before main.ts, which needs tsx to be read at all: whoever has not run `npm ci` yet, or not since an update, shall read so.
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { URL } from "node:url";

const folder = new URL("../", import.meta.url);
const { dependencies, devDependencies } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
const missing = Object.keys({ ...dependencies, ...devDependencies }).filter(
  (name) => !existsSync(new URL(`node_modules/${name}/package.json`, folder)),
);
if (missing.length > 0) {
  const which = missing.length > 3 ? `${missing.slice(0, 3).join(", ")}, ...` : missing.join(", ");
  process.stderr.write(`error: node_modules is missing or not whole: ${which}; nothing was changed
  allowed: the packages of package-lock.json
  mend:    run npm ci in the project's folder
`);
  process.exit(1);
}
await import("tsx");
