import { spawnSync } from "node:child_process";
import { join } from "node:path";

const gatewayctl = join(__dirname, "../../userdata/gatewayctl");

/**
 * Runs a program on gatewayctl's modules, as the machine's Python would.
 * @param program has `data`, and sets `result`; both are JSON here
 * @throws with what Python said when it fails
 */
export function python<T>(program: string, data: unknown): T {
  const whole = `import json, sys\nsys.path.insert(0, ${JSON.stringify(gatewayctl)})\ndata = json.load(sys.stdin)\n${program}\nprint(json.dumps(result))\n`;
  const { status, stdout, stderr, error } = spawnSync("python3", ["-B", "-c", whole], {
    input: JSON.stringify(data),
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}
