import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** The programs of userdata/, each with what they share. */
const path = (program: string) => [program, "shared"].map((folder) => join(__dirname, "../../userdata", folder));

/**
 * Runs a program on the modules of gatewayctl, or of tunnelctl, as the machine's Python would.
 * @param program has `data`, and sets `result`; both are JSON here
 * @throws with what Python said when it fails
 */
export function python<T>(program: string, data: unknown, of: "gatewayctl" | "tunnelctl" = "gatewayctl"): T {
  const whole = `import json, sys\nsys.path[:0] = ${JSON.stringify(path(of))}\ndata = json.load(sys.stdin)\n${program}\nprint(json.dumps(result))\n`;
  const { status, stdout, stderr, error } = spawnSync("python3", ["-B", "-c", whole], {
    input: JSON.stringify(data),
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}
