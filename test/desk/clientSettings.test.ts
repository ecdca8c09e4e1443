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
  const bytes = ({ resources }: Run) =>
    resources
      .filter(({ type }) => type === "random:index/randomBytes:RandomBytes")
      .map(({ name, inputs }) => ({ name, inputs }));

  it("is nothing to the engine while it is 1: keys that are there stay", async () => {
    const unversioned = await runProgram(withVersion());
    expect(bytes(await runProgram(withVersion(1)))).toEqual(bytes(unversioned));
    for (const { name, inputs } of bytes(unversioned)) expect(inputs, name).not.toHaveProperty("keepers");
  });

  it("replaces the bytes of that client alone", async () => {
    const first = bytes(await runProgram(withVersion(1)));
    const second = bytes(await runProgram(withVersion(2)));
    const changed = second.filter((_, index) => JSON.stringify(first[index]) !== JSON.stringify(second[index]));
    expect(changed).toEqual([{ name: "gateway-clients-phone", inputs: { length: 64, keepers: { keyVersion: "2" } } }]);
  });

  it("of the gateway: nothing while it is 1, then the bytes of its key alone", async () => {
    const first = bytes(await runProgram({ ...existingSettings, wireguard: { keyVersion: 1 } }));
    expect(first).toEqual(bytes(await runProgram(existingSettings)));
    const second = bytes(await runProgram({ ...existingSettings, wireguard: { keyVersion: 2 } }));
    const changed = second.filter((_, index) => JSON.stringify(first[index]) !== JSON.stringify(second[index]));
    expect(changed).toEqual([{ name: "gateway-server-key", inputs: { length: 32, keepers: { keyVersion: "2" } } }]);
  });

  it("changes no profile by itself: the keys are the bytes'", async () => {
    const profiles = async (version: number) =>
      unwrap((await runProgram(withVersion(version))).outputs["clientProfiles"] ?? null);
    expect(await profiles(2)).toEqual(await profiles(1));
  });
});
