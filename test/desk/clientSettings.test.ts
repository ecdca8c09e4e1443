import { describe, expect, it } from "vitest";
import { unwrap } from "../../lab/engine/secretValue";
import { existingSettings, runProgram, type Run } from "../components/program";
import { fault, holds, withClient } from "../gateway/faultTable";
import { parse } from "../gateway/settingsFixtures";

describe("a client", () => {
  holds({
    "with a tunnel nobody knows": fault(withClient({ tunnel: "split" }), "clients[0].tunnel", "internal", "for full"),
    "with a version 0": fault(withClient({ keyVersion: 0 }), "clients[0].keyVersion", "1..", "add 1"),
    "with half a version": fault(withClient({ keyVersion: 1.5 }), "clients[0].keyVersion", "whole number", "add 1"),
    "with a version in words": fault(
      withClient({ keyVersion: "2" }),
      "clients[0].keyVersion",
      "whole number",
      "without quotes: 2",
    ),
  });

  it("has a full tunnel and its first keys by default", () => {
    const { settings } = parse(withClient({}));
    expect(settings.clients[0]).toMatchObject({ tunnel: "full", keyVersion: 1 });
  });
});

describe("a client's version of its keys", () => {
  const withVersion = (keyVersion?: number) => ({
    ...existingSettings,
    clients: [
      { name: "laptop", address: "10.4.0.50" },
      { name: "phone", address: "10.4.0.200", keyVersion },
    ],
  });
  const secrets = ({ resources }: Run) =>
    resources
      .filter(({ type }) => type === "random:index/randomPassword:RandomPassword")
      .map(({ name, inputs }) => ({ name, inputs }));

  it("is nothing to the engine while it is 1: keys that are there stay", async () => {
    const unversioned = await runProgram(withVersion());
    expect(secrets(await runProgram(withVersion(1)))).toEqual(secrets(unversioned));
    for (const { name, inputs } of secrets(unversioned))
      expect(inputs, name).toMatchObject({ keepers: { keyVersion: "1" } });
  });

  it("replaces the secret of that client alone", async () => {
    const first = secrets(await runProgram(withVersion(1)));
    const second = secrets(await runProgram(withVersion(2)));
    const changed = second.filter((_, index) => JSON.stringify(first[index]) !== JSON.stringify(second[index]));
    expect(changed).toEqual([
      { name: "gateway-clients-phone", inputs: { length: 64, special: false, keepers: { keyVersion: "2" } } },
    ]);
  });

  it("of the gateway: nothing while it is 1, then the secret of its key alone", async () => {
    const first = secrets(await runProgram({ ...existingSettings, wireguard: { keyVersion: 1 } }));
    expect(first).toEqual(secrets(await runProgram(existingSettings)));
    const second = secrets(await runProgram({ ...existingSettings, wireguard: { keyVersion: 2 } }));
    const changed = second.filter((_, index) => JSON.stringify(first[index]) !== JSON.stringify(second[index]));
    expect(changed).toEqual([
      { name: "gateway-server-key", inputs: { length: 64, special: false, keepers: { keyVersion: "2" } } },
    ]);
  });

  it("changes no profile by itself: the keys are the bytes'", async () => {
    const profiles = async (version: number) =>
      unwrap((await runProgram(withVersion(version))).outputs["clientProfiles"] ?? null);
    expect(await profiles(2)).toEqual(await profiles(1));
  });
});
