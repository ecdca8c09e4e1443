import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { type Result, run } from "../../lab/process";
import { deployInto, openLab } from "../../lab/scenario";
import { furnish, settingsFile } from "../../lab/standing";
import { stateDir } from "../../lab/state";
import { addresses } from "../../lab/topology";

const projectDir = join(__dirname, "..", "..");
const quiet = () => undefined;

/** Runs a command of the lab's program: `npm start` is "start", `npm run lab -- up` is "standing up". */
const main = (words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Result> =>
  run([process.execPath, "--import", "tsx", join(projectDir, "lab", "main.ts"), ...words], {
    timeout: 300_000,
    env: { ...process.env, ...env },
  });
const lab = (...words: string[]): Promise<Result> => main(["standing", ...words]);
const count = (text: string, piece: string): number => text.split(piece).length - 1;

const failure = "the deployment fails here";
const folder = mkdtempSync(join(tmpdir(), "wg-gateway-pulumi-"));
/** With a CLI whose deployments fail. */
const failing = { PATH: `${folder}${delimiter}${process.env["PATH"]}` };
beforeAll(() => {
  const script = `#!/bin/sh
case "$*" in
*"plugin ls"*) echo '[{"name":"command"},{"name":"random"},{"name":"tls"}]' ;;
*" up "*) echo "${failure}" >&2; exit 255 ;;
esac
`;
  writeFileSync(join(folder, "pulumi"), script);
  chmodSync(join(folder, "pulumi"), 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("a lab that is kept", () => {
  let scenario: Scenario;
  const committed = readFileSync(join(projectDir, "Pulumi.lab.yaml"), "utf8");
  const seenBy = (device: "direct" | "vpn") => lab(device, "curl", "--silent", addresses.web);

  beforeAll(async () => {
    scenario = await deployInto(await openLab(quiet), quiet);
    Lab.keep({ engine: scenario.deployment.kind });
    furnish(scenario.deployed.outputs);
  });
  afterAll(() => Lab.clear({ kept: true }));

  test("is not taken down by another start, which says how it is", async () => {
    const { exitCode, stderr } = await main(["start"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("npm stop");
    expect(count(stderr, "a lab stands that was kept")).toBe(1);
    await expect(openLab(quiet)).rejects.toThrow("npm stop");
    expect((await seenBy("direct")).stdout.trim()).toBe(addresses.elastic);
  });

  test("stands beside one that is opened in a box, neither disturbed by the other", async () => {
    const box = ["bash", join(projectDir, "lab", "box.sh"), `standing-${process.pid}`];
    const start = [process.execPath, "--import", "tsx", join(projectDir, "lab", "main.ts"), "start"];
    const env = { ...process.env, ...failing };
    const { stdout, stderr, exitCode } = await run([...box, ...start], { timeout: 300_000, env });
    // It came as far as the deployment, and was taken down again.
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(failure)]);
    expect(stdout).toContain("✔ open the lab");
    expect((await seenBy("direct")).stdout.trim()).toBe(addresses.elastic);
  });

  test("shows the gateway's status", async () => {
    const { stdout, exitCode } = await lab("status");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^direct +10\.4\.0\.50 +direct /m);
    expect(stdout).toMatch(/^vpn +10\.4\.0\.200 +vpn /m);
    expect(JSON.parse((await lab("status", "--json")).stdout)).toHaveProperty("clients");
  });

  test("gets another client, by its settings and a deployment that can be previewed", async () => {
    const added = await lab("client", "add", "tablet", "--exit", "vpn");
    expect(added.stdout).toContain("next:  npm run lab -- up\nthen:  npm run lab -- client show tablet --qr ");
    expect(readFileSync(settingsFile, "utf8")).toContain("name: tablet");
    expect(readFileSync(join(projectDir, "Pulumi.lab.yaml"), "utf8")).toBe(committed);

    const preview = await lab("preview");
    expect(preview.stdout).toContain("gateway-clients-tablet");
    expect((await lab("status")).stdout).not.toContain("tablet");

    const up = await lab("up");
    expect([up.exitCode, up.stderr]).toEqual([0, ""]);
    expect(up.stdout).toContain(`deployed ${settingsFile}`);
    expect((await lab("status")).stdout).toMatch(/tablet +10\.4\.0\.\d+/);
    expect((await lab("client", "show", "tablet")).stdout).toContain("[Peer]");
  });

  test("connects a device anew whose profile has changed", async () => {
    expect((await seenBy("vpn")).stdout.trim()).not.toBe(addresses.elastic);
    expect((await lab("client", "move", "vpn", "--exit", "direct")).exitCode).toBe(0);
    expect((await lab("up")).exitCode).toBe(0);
    expect((await seenBy("vpn")).stdout.trim()).toBe(addresses.elastic);
  });

  test("is not changed by settings with errors, which are told once", async () => {
    const good = readFileSync(settingsFile, "utf8");
    writeFileSync(settingsFile, good.replace("wg-gateway:clients", "wg-gateway:client"));
    const { exitCode, stdout, stderr } = await lab("up");
    expect(exitCode).toBe(1);
    expect(count(stdout + stderr, "wg-gateway:client is an unknown setting")).toBe(1);
    writeFileSync(settingsFile, good);
    expect((await lab("status")).stdout).toContain("tablet");
  });

  test("is told a word that it does not know, with all that it does", async () => {
    const { exitCode, stderr } = await lab("upp");
    expect(exitCode).toBe(1);
    for (const word of ["up, preview, status, client", "gateway, direct, vpn", "provider", "npm run lab shows"])
      expect(stderr).toContain(word);
    expect((await lab("up", "now")).stderr).toContain("it takes no more words");
    const help = await lab();
    for (const word of ["up ", "preview ", "status ", "client ", "PLACE [COMMAND...]", settingsFile])
      expect(help.stdout).toContain(word);
    expect(help.exitCode).toBe(0);
  });
});

describe("a start that fails", () => {
  afterAll(() => Lab.clear({ kept: true }));

  test("tells its error once, and no result", async () => {
    const { exitCode, stdout, stderr } = await main(["start"], failing);
    expect(exitCode).toBe(1);
    expect(count(stdout + stderr, failure)).toBe(1);
    expect(stdout + stderr).not.toContain("as expected");
    expect(existsSync(stateDir)).toBe(false);
  });

  test("leaves the lab and its logs with --keep, and says where they are, until it is stopped", async () => {
    const { exitCode, stdout, stderr } = await main(["start", "--keep"], failing);
    expect(exitCode).toBe(1);
    expect(count(stdout + stderr, failure)).toBe(1);
    expect(stdout).toContain(join(stateDir, "log"));
    expect(existsSync(join(stateDir, "log"))).toBe(true);
    expect((await lab("gateway", "hostname")).exitCode).toBe(0);
    expect((await lab("up")).stderr).toContain("nothing was deployed into this lab");

    expect((await main(["stop"])).exitCode).toBe(0);
    expect(existsSync(stateDir)).toBe(false);
    expect((await lab("up")).stderr).toContain("npm start -- --keep");
  });
});
