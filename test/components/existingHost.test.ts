import { describe, expect, it } from "vitest";
import { sshKeys } from "../../gateway/keys";
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
        "host-ready command:remote:Command",
        "gateway wg-gateway:index:Gateway",
        "gateway-server-key random:index/randomBytes:RandomBytes",
        "gateway-clients wg-gateway:index:Clients",
        "gateway-clients-laptop random:index/randomBytes:RandomBytes",
        "gateway-clients-phone random:index/randomBytes:RandomBytes",
        "gateway-release wg-gateway:index:GatewayRelease",
        "gateway-release-apply command:remote:Command",
      ].sort(),
    );
    expect(invokes).toEqual([]);
  });

  it("connects as the settings say and checks the host key", async () => {
    const { named } = await runProgram(withHost({ port: 2222 }));
    const connection = {
      host: "198.51.100.10",
      port: 2222,
      user: "admin",
      privateKey: LOGIN_KEY,
      hostKey,
      dialErrorLimit: 60,
      perDialTimeout: 15,
    };
    expect(named("host-ready").inputs["connection"]).toEqual(connection);
    expect(named("gateway-release-apply").inputs["connection"]).toEqual(connection);
  });

  it("leaves the key out for the agent's", async () => {
    const { named } = await runProgram(withHost({ privateKeyFile: undefined }));
    expect(named("host-ready").inputs["connection"]).not.toHaveProperty("privateKey");
  });

  it("releases once the machine is ready, and is removed by a command of its own", async () => {
    const { named } = await runProgram(existingSettings);
    const release = named("gateway-release-apply");
    expect(release.dependencies).toContain(named("host-ready").urn);
    expect(release.deletedWith).toBeUndefined();
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
    ["another host key", { hostKey: sshKeys(Buffer.alloc(32, 3), "other").publicKey }],
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
