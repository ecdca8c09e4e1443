import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { existingSettings } from "./program";
import { SshServer } from "./sshServer";

const machine = new SshServer();
const folder = mkdtempSync(join(tmpdir(), "wg-gateway-main-"));
const privateKeyFile = join(folder, "id_ed25519");

beforeAll(async () => {
  await machine.listen();
  writeFileSync(privateKeyFile, machine.privateKey);
});
afterAll(() => machine.close());

/** Runs the program of the lab in a process of its own, as the lab does, with other settings. */
function main(args: readonly string[], settings: Record<string, unknown>) {
  const { hostKey, port } = machine;
  const host = { kind: "existing", address: "127.0.0.1", port, user: "admin", privateKeyFile, hostKey: hostKey.trim() };
  const config = Object.entries({ ...existingSettings, host, ...settings }).flatMap(([key, value]) => [
    "--config",
    `${key}=${JSON.stringify(value)}`,
  ]);
  const command = ["--import", "tsx", "lab/engine/main.ts", ...args, "--state", join(folder, "state.json"), ...config];
  return new Promise<{ status: unknown; stdout: string; stderr: string }>((resolve) =>
    execFile(process.execPath, command, (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, stdout, stderr }),
    ),
  );
}

it("deploys the whole program, and prints what other programs read", async () => {
  const first = await main(["up", "--json"], {});
  expect(first.stderr).toContain("Resources: 5 created, 0 updated, 0 replaced, 0 unchanged, 0 deleted");
  expect(JSON.parse(first.stdout)).toMatchObject({ endpoint: "127.0.0.1:45822", clientProfiles: "[secret]" });
  expect(first.status).toBe(0);
  const second = await main(["up", "--json", "--show-secrets"], {});
  expect(second.stderr).toContain("Resources: 0 created, 0 updated, 0 replaced, 5 unchanged, 0 deleted");
  const { clientProfiles } = JSON.parse(second.stdout) as { clientProfiles: Record<string, string> };
  expect(clientProfiles["phone"]).toContain("PrivateKey = ");
  const last = await main(["destroy"], {});
  expect(last.stdout).toContain("Resources: 0 created, 0 updated, 0 replaced, 0 unchanged, 5 deleted");
  expect(machine.commands.map(({ command }) => command.split("\n")[0]?.slice(0, 20))).toHaveLength(3);
});

it("prints faults of the settings alone and fails", async () => {
  const { status, stderr, stdout } = await main(["up"], { clients: [{ name: "phone", address: "nowhere" }] });
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^error: the stack configuration has 1 fault; nothing was changed\n {2}wg-gateway:clients\[0\]/,
  );
  expect(stderr).not.toContain("    at ");
  expect(stdout).toBe("");
});

it("refuses resources it cannot make, with one message", async () => {
  const { status, stderr } = await main(["up"], {
    host: { kind: "ec2", region: "eu-central-1", sshFrom: ["203.0.113.7/32"] },
  });
  expect(status).toBe(1);
  expect(stderr.match(/error: /g)).toHaveLength(1);
  expect(stderr).toMatch(/the embedded engine needs aws:endpoints with ec2/);
  expect(stderr).not.toContain("    at ");
});

it("loads nothing that makes text of functions, and says so to who wants it", async () => {
  const program = `
    await import("./lab/engine/lean.ts");
    const { createRequire } = await import("node:module");
    const require = createRequire(process.cwd() + "/index.ts");
    const { runtime } = require("@pulumi/pulumi");
    const loaded = Object.keys(require.cache).filter((path) => /node_modules.(typescript|@npmcli)/.test(path));
    const said = await runtime.serializeFunction(() => 1).catch((error) => error.message);
    console.log(JSON.stringify({ loaded: loaded.length, said }));`;
  const { stdout } = await new Promise<{ stdout: string }>((resolve) =>
    execFile(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], (_, out, stderr) =>
      resolve({ stdout: out || stderr }),
    ),
  );
  expect(JSON.parse(stdout)).toEqual({ loaded: 0, said: expect.stringContaining("use the Pulumi CLI") as string });
});
