import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { ExistingHost } from "../../components/existingHost";
import { deriveKey, wireGuardKeys } from "../../gateway/keys";
import { isSecret, unwrap, type Wire } from "../../lab/engine/secretValue";
import {
  ec2Settings,
  existingSettings,
  hostKey,
  LOGIN_KEY,
  mockEngine,
  PASSWORD,
  plainTexts,
  PROVIDER_KEY,
  runProgram,
  secretOf,
  sshKeysOf,
  type Run,
} from "./program";

const server = wireGuardKeys(deriveKey(secretOf("gateway-server-key"), "private key"));
const client = (name: string) => wireGuardKeys(deriveKey(secretOf(`gateway-clients-${name}`), "private key"));
const presharedKey = (name: string) =>
  deriveKey(secretOf(`gateway-clients-${name}`), "preshared key").toString("base64");
const inJson = (text: string) => JSON.stringify(text).slice(1, -1);

const secrets: Record<string, string> = {
  "the server's private key": server.privateKey,
  "a client's private key": client("phone").privateKey,
  "a client's preshared key": presharedKey("phone"),
  "the provider's key": PROVIDER_KEY,
  "the provider's password": PASSWORD,
};

const bundleOf = ({ named }: Run) => String(named("gateway-release-apply").inputs["stdin"]);

describe.each([
  ["EC2", ec2Settings],
  ["an existing host", existingSettings],
])("on %s", (_, settings) => {
  it("the bundle is a secret and carries what the machine needs", async () => {
    const run = await runProgram(settings);
    expect(isSecret(run.named("gateway-release-apply").wire["stdin"] ?? null)).toBe(true);
    for (const name of [
      "the server's private key",
      "a client's preshared key",
      "the provider's key",
      "the provider's password",
    ])
      expect(bundleOf(run), name).toContain(secrets[name]);
    expect(bundleOf(run)).not.toContain(client("phone").privateKey);
  });

  it("no secret stands in a plain input or output", async () => {
    const { resources, outputs } = await runProgram(settings);
    const plain = [...resources.map(({ wire }) => wire), outputs].flatMap(plainTexts).join("\n");
    expect(plain.length).toBeGreaterThan(1000);
    const login = sshKeysOf("host-login-key").privateKey;
    for (const [name, secret] of Object.entries({
      ...secrets,
      "a login key": LOGIN_KEY,
      "a made login key": inJson(login),
    }))
      expect(plain.includes(secret), name).toBe(false);
  });

  it("commands are fixed texts, and what they print is a secret of the state", async () => {
    const { named } = await runProgram(settings);
    const release = named("gateway-release-apply");
    for (const key of ["create", "delete"])
      for (const [name, secret] of Object.entries(secrets))
        expect(String(release.inputs[key]).includes(secret), name).toBe(false);
    expect(release.secretOutputs).toEqual(expect.arrayContaining(["stdout", "stderr"]));
    expect(isSecret(release.wire["connection"] ?? null)).toBe(true);
  });

  it("profiles are a secret; the public key is not", async () => {
    const { outputs } = await runProgram(settings);
    expect(isSecret(outputs["clientProfiles"] ?? null)).toBe(true);
    const profiles = unwrap(outputs["clientProfiles"] ?? null) as Record<string, string>;
    expect(Object.keys(profiles)).toEqual(["laptop", "phone"]);
    expect(profiles["phone"]).toContain(`PrivateKey = ${client("phone").privateKey}`);
    expect(profiles["phone"]).toContain(`PresharedKey = ${presharedKey("phone")}`);
    expect(profiles["phone"]).toContain(`PublicKey = ${server.publicKey}`);
    expect(outputs["serverPublicKey"] as Wire).toBe(server.publicKey);
  });
});

it("a client that keeps its private key to itself gets none of ours", async () => {
  const { publicKey } = wireGuardKeys(Buffer.alloc(32, 7));
  const clients = [{ name: "phone", address: "10.4.0.200", publicKey }];
  const run = await runProgram({ ...existingSettings, clients });
  const profiles = unwrap(run.outputs["clientProfiles"] ?? null) as Record<string, string>;
  expect(profiles["phone"]).not.toContain(client("phone").privateKey);
  expect(bundleOf(run)).toContain(publicKey);
  expect(bundleOf(run)).not.toContain(client("phone").publicKey);
});

it("how an existing machine is reached is a secret wherever it is used", async () => {
  await mockEngine();
  const host = new ExistingHost("host", {
    kind: "existing",
    address: "198.51.100.10",
    port: 22,
    user: "root",
    hostKey,
    protect: false,
  });
  await expect(pulumi.isSecret(host.connection)).resolves.toBe(true);
  await pulumi.runtime.disconnect();
});
