import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedDeployment, type UpResult } from "../../lab/deployment";
import { openEndpoints } from "../../lab/endpoints";
import { mapSecrets, unwrap, type Wire } from "../../lab/engine/secretValue";
import { Lab } from "../../lab/lab";
import type { Machine } from "../../lab/machine";
import { stateDir } from "../../lab/state";
import { expectFilesOnlyAt, expectNoneInJournal, expectNoneInProcesses, Secrets, watchProcesses } from "./secretSearch";
import { shell, stackOf } from "./tunnels";

const names = ["a", "b"] as const;

describe("no key of a tunnel's endpoints is in the clear where it does not belong:", () => {
  let machines: Record<(typeof names)[number], Machine>;
  let deployed: UpResult;
  const secrets = new Secrets();
  const processes: string[] = [];
  /** What a deployment that fails says. */
  let error = "";
  const state = (): string => readFileSync(join(stateDir, "engine.json"), "utf8");

  beforeAll(async () => {
    const lab = await Lab.open();
    const { a, b } = await openEndpoints(lab);
    machines = { a, b };
    const deployment = new EmbeddedDeployment();
    const processesUntilNow = await Promise.all([a, b].map(watchProcesses));
    await deployment.up(stackOf({}));
    deployed = await deployment.up(stackOf({ tunnel: { deadAfter: 20 } }));

    for (const name of names) {
      secrets.all[`private key of ${name}`] = (await shell(machines[name], "wg show wg0 private-key")).trim();
      const shared = (await shell(machines[name], "wg show wg0 preshared-keys")).trim().split("\t")[1];
      secrets.all["the preshared key"] = shared ?? "";
    }
    // What the keys are derived from.
    const resources = JSON.parse(state()) as { name: string; outputs: { result?: Wire } }[];
    for (const { name, outputs } of resources)
      if (outputs.result !== undefined) secrets.all[`secret of ${name}`] = unwrap(outputs.result) as string;
    processes.push(...(await Promise.all(processesUntilNow.map((end) => end()))));

    // What tunnelctl and its programs say when something does not work.
    await shell(a, "mount --bind /bin/false /usr/bin/wg-quick");
    error = await deployment.up(stackOf({ tunnel: { mtu: 1300 } })).then(
      () => "it did not fail",
      (failed: unknown) => (failed as Error).message,
    );
    // Lazily: the repair of each minute may be running it just then.
    await shell(a, "umount --lazy /usr/bin/wg-quick; tunnelctl check --repair");
  });
  afterAll(() => Lab.clear());

  test("all of them are there to be found", () => {
    // Of each endpoint a key and its secret, of the pair a key and its secret; and the planted one.
    expect(Object.keys(secrets.all)).toHaveLength(7);
    secrets.expectToBeFindable();
  });

  test("what the deployment says, and one that fails", () => {
    expect(error).toContain("going back to the release before");
    expect(deployed.said.length).toBeGreaterThan(100);
    secrets.expectNone(deployed.said);
    secrets.expectNone(error);
  });

  test("the state: every secret in it is marked as one", () => {
    expect(secrets.found(state())).toEqual(Object.keys(secrets.all).filter((name) => name !== "planted"));
    const unmarked = JSON.stringify(mapSecrets(JSON.parse(state()) as Wire, () => "[secret]"));
    expect(unmarked).toContain("-apply");
    secrets.expectNone(unmarked);
    secrets.expectNone(JSON.stringify(mapSecrets(deployed.outputs as unknown as Wire, () => "[secret]")));
  });

  test("arguments and environments of both machines' processes while it is deployed", () => {
    for (const one of processes) expectNoneInProcesses(secrets, one, "wg-quick");
  });

  test.each(names)("the journal of %s", (name) => expectNoneInJournal(secrets, machines[name], "wg-tunnel"));

  test.each(names)("files of %s: only where they belong, and nobody but root reads them", async (name) => {
    await expectFilesOnlyAt(machines[name], Object.values(secrets.all), [
      /^600 0 \/etc\/wireguard\/wg0\.conf$/,
      /^600 0 \/var\/lib\/wg-tunnel\/release\.json$/,
    ]);
    const other = secrets.all[`private key of ${name === "a" ? "b" : "a"}`] ?? "";
    await expectFilesOnlyAt(machines[name], [other], []);
  });
});
