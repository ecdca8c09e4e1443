import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment, type UpResult } from "../../lab/deployment";
import { Lab } from "../../lab/lab";
import { openLab } from "../../lab/scenario";
import { exposedIn, secretTexts } from "./stateSecrets";

/* Whoever cannot open the secrets of a state sees none: not as an ID, nor in what is told of it. */
describe.each(Deployment.engines())("by the engine %s:", (kind) => {
  let deployment: Deployment;
  let deployed: UpResult;
  let secrets: string[];
  const keyOf = (profile = "", name: string) => new RegExp(`^${name} = (.*)$`, "m").exec(profile)?.[1] ?? "";

  beforeAll(async () => {
    await openLab(() => undefined);
    deployment = Deployment.by(kind);
    deployed = await deployment.up();
    const { vpn = "" } = deployed.outputs.clientProfiles ?? {};
    const keys = ["PrivateKey", "PresharedKey"].map((name) => keyOf(vpn, name));
    secrets = [...secretTexts(JSON.parse(await deployment.exported({ open: true }))), ...keys];
  });
  afterAll(() => Lab.clear());

  test("there is something to find: what keys are derived from, bundles, connections, profiles", () => {
    expect(secrets.length).toBeGreaterThan(8);
    // Of the gateway and of two clients.
    expect(secrets.filter((text) => /^[A-Za-z0-9]{64}$/.test(text))).toHaveLength(3);
    expect(secrets.filter((text) => text.includes("PrivateKey = ")).length).toBeGreaterThan(0);
    expect(secrets.some((text) => text.startsWith("-----BEGIN OPENSSH PRIVATE KEY-----"))).toBe(true);
  });

  test("the exported state", async () => {
    const exported = await deployment.exported();
    expect(exported).toContain("gateway-server-key");
    expect(exposedIn(exported, secrets)).toEqual([]);
    // As an ID that is the value, which random.RandomBytes has.
    for (const secret of secrets)
      expect(
        exposedIn(
          exported.replace('"none"', () => JSON.stringify(secret)),
          [secret],
        ),
      ).toHaveLength(1);
  });

  test("what deployments say, with IDs, inputs and differences", async () => {
    const told = await deployment.told({ wireguard: { mtu: 1400, keyVersion: 2 } });
    expect(told).toContain("gateway-release-apply");
    expect(exposedIn(deployed.said + told, secrets)).toEqual([]);
  });
});
