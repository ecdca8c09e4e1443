import { describe, expect, it } from "vitest";
import { deriveKey, wireGuardKeys } from "../../gateway/keys";
import { isSecret, type Wire } from "../../lab/engine/secretValue";
import {
  ec2Settings,
  existingSettings,
  hostKey,
  listing,
  LOGIN_KEY,
  plainTexts,
  privateKeyFile,
  runProgram,
  secretOf,
} from "./program";

const tcp = (...ports: (number | string)[]) => [{ protocol: "tcp", ports }];
const existing = (address: string) => ({ kind: "existing", address, user: "admin", privateKeyFile, hostKey });
const b = { name: "b", host: existing("203.0.113.2") };
const tunnel = (a: Record<string, unknown>) => ({ tunnels: [{ name: "app", endpoints: [{ name: "a", ...a }, b] }] });
const alone = tunnel({ host: existing("198.51.100.1") });
const onEc2 = tunnel({ host: { kind: "ec2", sshFrom: ["192.0.2.1/32"] }, services: tcp(443, "8000-8100") });

interface Released {
  readonly machine: string;
  readonly files: readonly { readonly path: string; readonly content: string }[];
}
async function released(settings: Record<string, unknown>, endpoint: string): Promise<Released> {
  const { named } = await runProgram(settings);
  return JSON.parse(String(named(`tunnel-app-${endpoint}-apply`).inputs["stdin"])) as Released;
}
const fileOf = ({ files }: Released, path: string): string => files.find((file) => file.path === path)?.content ?? "";

describe("a stack of tunnels alone", () => {
  it("is exactly these resources, and asks no cloud", async () => {
    const { resources, invokes } = await runProgram(alone);
    expect(listing(resources)).toEqual(
      [
        "tunnel-app wg-gateway:index:TransparentTunnel",
        "tunnel-app-preshared-keys random:index/randomPassword:RandomPassword",
        ...["a", "b"].flatMap((name) => [
          `tunnel-app-${name} wg-gateway:index:ExistingHost`,
          `tunnel-app-${name}-ready command:local:Command`,
          `tunnel-app-${name}-key random:index/randomPassword:RandomPassword`,
          `tunnel-app-${name}-apply command:remote:Command`,
        ]),
      ].sort(),
    );
    expect(invokes).toEqual([]);
  });

  it("brings each machine its own release, once it is ready, and takes it away by a command of its own", async () => {
    const { named } = await runProgram(alone);
    for (const [name, address] of [
      ["a", "198.51.100.1"],
      ["b", "203.0.113.2"],
    ]) {
      const apply = named(`tunnel-app-${name}-apply`);
      expect(apply.inputs["connection"]).toMatchObject({ host: address, hostKey, privateKey: LOGIN_KEY });
      expect(apply.dependencies).toContain(named(`tunnel-app-${name}-ready`).urn);
      expect(apply.inputs["delete"]).toContain("tunnelctl down");
      expect(apply.inputs).not.toHaveProperty("triggers");
    }
  });

  it("gives each end the other's public key, and both the same preshared one", async () => {
    const [ofA, ofB] = [await released(alone, "a"), await released(alone, "b")].map((one) =>
      fileOf(one, "/etc/wireguard/wg0.conf"),
    );
    const keysOf = (name: string) => wireGuardKeys(deriveKey(secretOf(`tunnel-app-${name}-key`), "private key"));
    expect(ofA).toContain(`PrivateKey = ${keysOf("a").privateKey}`);
    expect(ofA).toContain(`PublicKey = ${keysOf("b").publicKey}`);
    expect(ofB).toContain(`PublicKey = ${keysOf("a").publicKey}`);
    const shared = (text: string) => /PresharedKey = (\S+)/.exec(text)?.[1];
    expect(shared(ofA ?? "")).toBe(shared(ofB ?? ""));
  });

  it("makes an endpoint new keys with another version, and leaves the others theirs", async () => {
    const rotated = tunnel({ host: existing("198.51.100.1"), keyVersion: 2 });
    const keepers = async (settings: Record<string, unknown>) => {
      const { named } = await runProgram(settings);
      return ["a-key", "b-key", "preshared-keys"].map((name) => named(`tunnel-app-${name}`).inputs["keepers"]);
    };
    const [first, second] = [{ keyVersion: "1" }, { keyVersion: "2" }];
    expect(await keepers(alone)).toEqual([first, first, first]);
    expect(await keepers(rotated)).toEqual([second, first, first]);
    const shared = async (settings: Record<string, unknown>, endpoint: string) =>
      /PresharedKey = (\S+)/.exec(fileOf(await released(settings, endpoint), "/etc/wireguard/wg0.conf"))?.[1];
    expect(await shared(rotated, "a")).toBe(await shared(rotated, "b"));
    expect(await shared(rotated, "a")).not.toBe(await shared(alone, "a"));
  });

  it("shows where the ends are, and no key but the public ones", async () => {
    const { outputs, resources } = await runProgram(alone);
    const end = (name: string, address: string, tunnelAddress: string) => ({
      address,
      tunnelAddress,
      publicKey: wireGuardKeys(deriveKey(secretOf(`tunnel-app-${name}-key`), "private key")).publicKey,
      publicAddresses: [address],
    });
    expect(outputs["tunnels"]).toEqual({
      app: { a: end("a", "198.51.100.1", "10.0.0.1"), b: end("b", "203.0.113.2", "10.0.0.2") },
    });
    const connections = outputs["tunnelConnections"] as { app: Record<string, Wire> };
    expect(Object.values(connections.app).map(isSecret)).toEqual([true, true]);
    expect(outputs).not.toHaveProperty("address");
    const secrets = [
      LOGIN_KEY,
      ...["a", "b"].map(
        (name) => wireGuardKeys(deriveKey(secretOf(`tunnel-app-${name}-key`), "private key")).privateKey,
      ),
    ];
    const shown = [...resources.flatMap(({ wire }) => plainTexts(wire)), ...plainTexts(outputs)].join("\n");
    for (const secret of secrets) expect(shown).not.toContain(secret);
  });
});

describe("an endpoint on EC2", () => {
  it("opens WireGuard and its services to everybody, SSH to its operators", async () => {
    const { resources } = await runProgram(onEc2);
    const rules = resources.filter(({ type }) => type === "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule");
    expect(
      rules.map(({ inputs }) => [inputs["ipProtocol"], inputs["fromPort"], inputs["toPort"], inputs["cidrIpv4"]]),
    ).toEqual(
      expect.arrayContaining([
        ["udp", 51821, 51821, "0.0.0.0/0"],
        ["tcp", 443, 443, "0.0.0.0/0"],
        ["tcp", 8000, 8100, "0.0.0.0/0"],
        ["tcp", 22, 22, "192.0.2.1/32"],
      ]),
    );
    expect(rules).toHaveLength(4);
  });

  it("is known to the other by the address that it was given, and is not removed from a machine that goes", async () => {
    expect(fileOf(await released(onEc2, "b"), "/etc/wireguard/wg0.conf")).toContain(
      "AllowedIPs = 10.0.0.1/32, 203.0.113.9/32",
    );
    const { named } = await runProgram(onEc2);
    expect(named("tunnel-app-a-apply").inputs).not.toHaveProperty("delete");
    expect(named("tunnel-app-b-apply").inputs).toHaveProperty("delete");
  });

  it("can be previewed before anything of it exists", async () => {
    const { outputs } = await runProgram(onEc2, { preview: true });
    expect(Object.keys(outputs)).toContain("tunnels");
  });
});

it("stands beside a gateway, whose machine opens what it publishes and nothing else", async () => {
  const { resources, outputs } = await runProgram({ ...ec2Settings, published: { services: tcp(443) }, ...alone });
  expect(Object.keys(outputs)).toEqual(expect.arrayContaining(["address", "clientProfiles", "tunnels"]));
  const names = resources.filter(({ type }) => type.includes("IngressRule")).map(({ name }) => name);
  expect(names.sort()).toEqual(
    ["host-wireguard", "host-tcp-443", "host-ssh-198.51.100.23/32", "host-ssh-203.0.113.0/24"].sort(),
  );
});

it("a stack without tunnels has no outputs of theirs", async () => {
  const { outputs } = await runProgram(existingSettings);
  expect(Object.keys(outputs).sort()).toEqual(
    ["address", "endpoint", "serverPublicKey", "exits", "clientProfiles", "connection"].sort(),
  );
});
