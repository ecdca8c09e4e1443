import * as pulumi from "@pulumi/pulumi";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { CA, CUSTOMER } from "../gateway/certificatesFixtures";
import { configure, existingSettings, mockEngine, PASSWORD, PROVIDER_KEY } from "./program";

/** Loads the program outside of a stack: what it throws, and what it had made until then. */
async function load(settings: Record<string, unknown>): Promise<{ error: unknown; made: number }> {
  vi.resetModules();
  const { resources } = await mockEngine();
  configure(settings);
  const error: unknown = await import("../../index.js")
    .then((program) => program.default())
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
  await pulumi.runtime.disconnect();
  return { error, made: resources.length };
}

describe("settings with faults", () => {
  it("stop the program before it makes anything, with a message and no stack", async () => {
    const { error, made } = await load({ ...existingSettings, clients: [{ name: "phone", address: "10.9.9.9" }] });
    expect(pulumi.RunError.isInstance(error)).toBe(true);
    expect((error as Error).message).toContain("wg-gateway:clients[0].address");
    expect(made).toBe(0);
    expect(await load(existingSettings)).toMatchObject({ error: undefined, made: 9 });
  });

  it("include keys nobody knows", async () => {
    const { error } = await load({ ...existingSettings, client: [] });
    expect((error as Error).message).toContain("wg-gateway:client ");
  });

  it("include keys under a mistyped namespace, beside all others", async () => {
    vi.resetModules();
    await mockEngine();
    configure({ ...existingSettings, client: [] });
    pulumi.runtime.setConfig("wg-gatway:clients", "[]");
    await expect(import("../../index.js").then((program) => program.default())).rejects.toThrow(
      /wg-gateway:client is an[^]*wg-gatway:clients is an unknown setting\n.*\n.* did you mean wg-gateway:clients\?/,
    );
    await pulumi.runtime.disconnect();
  });

  it("include a plain text where a structure belongs", async () => {
    vi.resetModules();
    const { resources } = await mockEngine();
    pulumi.runtime.setAllConfig({ "wg-gateway:host": "ec2" });
    await expect(import("../../index.js").then((program) => program.default())).rejects.toThrow("wg-gateway:host");
    expect(resources).toEqual([]);
  });

  it("never show credentials", async () => {
    const { error } = await load({ ...existingSettings, credentials: { vpn: { username: 7, password: PASSWORD } } });
    expect((error as Error).message).toContain("credentials");
    expect((error as Error).message).not.toContain(PASSWORD);
  });
});

it("what is taken and had better be mended is logged, a warning each, and the program runs", async () => {
  const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
  const folder = mkdtempSync(join(tmpdir(), "wg-gateway-test-"));
  const profile = join(folder, "weak.ovpn");
  writeFileSync(profile, `client\nremote provider.example 1194 udp\nauth-user-pass\n${CA}${CUSTOMER}`);
  const exits = [{ name: "vpn", profile }];
  expect(await load({ ...existingSettings, exits })).toMatchObject({ error: undefined });
  const said = warn.mock.calls.map(([message]) => message);
  warn.mockRestore();
  expect(said).toEqual([expect.stringContaining("by name only"), expect.stringContaining("any customer")]);
  for (const message of said) {
    expect(message).toMatch(/^wg-gateway:exits\[0\]\.profile is ".*weak\.ovpn(:2)?"\n {4}allowed: .*\n {4}mend: {4}/);
    expect(message).not.toContain(PROVIDER_KEY);
  }
});

it("keys of other namespaces are no settings", async () => {
  vi.resetModules();
  await mockEngine();
  configure(existingSettings);
  pulumi.runtime.setConfig("aws:region", "eu-central-1");
  const outputs = await import("../../index.js").then((program) => program.default());
  expect(outputs).toHaveProperty("address");
  await pulumi.runtime.disconnect();
});
