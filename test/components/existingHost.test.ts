import { describe, expect, it } from "vitest";
import { isSecret } from "../../lab/engine/secretValue";
import { newSshKeys } from "../sshKeys";
import { existingSettings, hostKey, listing, LOGIN_KEY, runProgram } from "./program";

const withHost = (host: Record<string, unknown>) => ({
  ...existingSettings,
  host: { ...existingSettings.host, ...host },
});

describe("a gateway on a machine that is there", () => {
  it("is exactly these resources, and asks no cloud", async () => {
    const { resources, invokes } = await runProgram(existingSettings);
    expect(listing(resources)).toEqual(
      [
        "host wg-gateway:index:ExistingHost",
        "host-ready command:local:Command",
        "gateway wg-gateway:index:Gateway",
        "gateway-server-key random:index/randomPassword:RandomPassword",
        "gateway-clients wg-gateway:index:Clients",
        "gateway-clients-laptop random:index/randomPassword:RandomPassword",
        "gateway-clients-phone random:index/randomPassword:RandomPassword",
        "gateway-release wg-gateway:index:GatewayRelease",
        "gateway-release-apply command:remote:Command",
      ].sort(),
    );
    expect(invokes).toEqual([]);
  });

  it("connects as the settings say and checks the host key", async () => {
    const { named } = await runProgram(withHost({ port: 2222 }));
    const connection = { host: "198.51.100.10", port: 2222, user: "admin", privateKey: LOGIN_KEY, hostKey };
    expect(JSON.parse(String(named("host-ready").inputs["stdin"]))).toEqual({ connection });
    expect(isSecret(named("host-ready").wire["stdin"] ?? null)).toBe(true);
    // The provider gives dialErrorLimit and perDialTimeout their defaults.
    expect(named("gateway-release-apply").inputs["connection"]).toMatchObject(connection);
  });

  it("leaves the key out for the agent's", async () => {
    const { named } = await runProgram(withHost({ privateKeyFile: undefined }));
    expect(named("host-ready").inputs["stdin"]).not.toContain("privateKey");
    expect(named("gateway-release-apply").inputs["connection"]).not.toHaveProperty("privateKey");
  });

  it("releases once the machine is ready, and is removed by a command of its own", async () => {
    const { named } = await runProgram(existingSettings);
    const release = named("gateway-release-apply");
    expect(release.dependencies).toContain(named("host-ready").urn);
    expect(release.deletedWith).toBeUndefined();
    // Else `up --replace` would run the old one's removal after the new one's installation.
    expect(release.deleteBeforeReplace).toBe(true);
    expect(release.inputs["delete"]).toContain("gatewayctl down");
  });

  it("has nothing that replaces the release: no triggers, no update, no environment", async () => {
    const { named } = await runProgram(existingSettings);
    expect(Object.keys(named("gateway-release-apply").inputs).sort()).toEqual(
      ["addPreviousOutputInEnv", "connection", "create", "delete", "logging", "stdin"].sort(),
    );
    expect(named("gateway-release-apply").inputs["addPreviousOutputInEnv"]).toBe(false);
  });

  it.each([
    ["another address", { address: "198.51.100.11" }],
    ["another host key", { hostKey: newSshKeys("other").publicKey }],
  ])("sets a machine with %s up anew", async (_, change) => {
    const stdin = async (settings: Record<string, unknown>) => {
      const { named } = await runProgram(settings);
      return [named("host-ready").inputs["stdin"], named("gateway-release-apply").inputs["stdin"]];
    };
    const [ready, release] = await stdin(existingSettings);
    const [otherReady, otherRelease] = await stdin(withHost(change));
    expect(otherReady).not.toBe(ready);
    expect(otherRelease).not.toBe(release);
    expect(await stdin(existingSettings)).toEqual([ready, release]);
  });

  it("tells where it is, and hands out a profile for each client", async () => {
    const { outputs } = await runProgram(existingSettings);
    expect(Object.keys(outputs).sort()).toEqual([
      "address",
      "clientProfiles",
      "connection",
      "endpoint",
      "exits",
      "serverPublicKey",
    ]);
    expect(outputs["address"]).toBe("198.51.100.10");
    expect(outputs["endpoint"]).toBe("198.51.100.10:45822");
    expect(outputs["exits"]).toEqual({ vpn: { namespace: "vpn_ns", table: 200, log: "/var/log/openvpn-ns.log" } });
  });
});
