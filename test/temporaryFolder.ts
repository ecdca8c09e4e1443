import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Before all tests: a temporary folder of their own, so that nothing which they leave there outlives them. */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "wg-gateway-tests-"));
  process.env["TMPDIR"] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
