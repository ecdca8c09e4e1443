import { describe, expect, it } from "vitest";
import { deriveKey, wireGuardKeys } from "../../gateway/keys";
import { isSecret, unwrap, type Wire } from "../../lab/engine/secretValue";
import { ec2Settings, existingSettings, hostKey, listing, privateKeyFile, runProgram, secretOf } from "./program";

const existing = (address: string) => ({ kind: "existing", address, user: "admin", privateKeyFile, hostKey });
const two = { ...existingSettings, replicas: [{ name: "b", host: existing("203.0.113.2") }] };
const named = { ...two, wireguard: { endpoint: "gw.example.org" } };

interface Released {
  readonly machine: string;
  readonly files: readonly { readonly path: string; readonly content: string }[];
}

/** What reaches the machines of the gateway and of its replica. */
async function released(settings: Record<string, unknown>): Promise<Released[]> {
  const { named: of } = await runProgram(settings);
  return ["gateway", "replica-b"].map(
    (name) => JSON.parse(String(of(`${name}-release-apply`).inputs["stdin"])) as Released,
  );
}

/** An output in the clear, which must be a secret. */
function opened(value: Wire | undefined): unknown {
  if (value === undefined || !isSecret(value)) throw new Error("that is no secret");
  return unwrap(value);
}

describe("a gateway with a replica", () => {
  it("is the gateway as it is alone, and a host and a release more: no key", async () => {
    const [alone, both] = [await runProgram(existingSettings), await runProgram(two)].map(({ resources }) =>
      listing(resources),
    );
    expect(both).toEqual(
      [
        ...(alone ?? []),
        "replica-b-host wg-gateway:index:ExistingHost",
        "replica-b-host-ready command:local:Command",
        "replica-b wg-gateway:index:Gateway",
        "replica-b-release wg-gateway:index:GatewayRelease",
        "replica-b-release-apply command:remote:Command",
      ].sort(),
    );
    const before = (await runProgram(existingSettings)).named("gateway-release-apply").inputs;
    expect((await runProgram(two)).named("gateway-release-apply").inputs).toEqual(before);
  });

  it("brings both machines the same files, keys among them, each with its own name on it", async () => {
    const [first, second] = await released(two);
    expect(second?.files).toEqual(first?.files);
    expect(second?.machine).not.toBe(first?.machine);
    const { privateKey } = wireGuardKeys(deriveKey(secretOf("gateway-server-key"), "private key"));
    expect(JSON.stringify(second?.files)).toContain(privateKey);
  });

  it("reaches each over its own connection, and takes it away by a command of its own", async () => {
    const { named: of } = await runProgram(two);
    const apply = of("replica-b-release-apply");
    expect(apply.inputs["connection"]).toMatchObject({ host: "203.0.113.2", hostKey });
    expect(apply.inputs["delete"]).toContain("gatewayctl down");
    expect(apply.dependencies).toContain(of("replica-b-host-ready").urn);
    expect(apply.dependencies).not.toContain(of("host-ready").urn);
  });

  it("has what each machine lets in decided by its own host", async () => {
    const host = { ...existing("203.0.113.2"), firewall: true, sshFrom: ["192.0.2.1/32"] };
    const [first, second] = await released({ ...two, replicas: [{ name: "b", host }] });
    const rules = (one: Released | undefined) =>
      JSON.stringify(one?.files.find(({ path }) => path.endsWith("host.nft")));
    expect(rules(second)).toContain("192.0.2.1");
    expect(rules(first)).not.toContain("192.0.2.1");
  });

  it("hands out profiles for each, which differ in the endpoint alone", async () => {
    const { outputs } = await runProgram(two);
    expect(outputs["replicas"]).toEqual({ b: { address: "203.0.113.2", endpoint: "203.0.113.2:45822" } });
    const profiles = opened(outputs["clientProfiles"]) as Record<string, string>;
    const { b } = outputs["replicaProfiles"] as Record<string, Wire>;
    const others = opened(b) as Record<string, string>;
    expect(others["phone"]).toBe(profiles["phone"]?.replace("198.51.100.10:45822", "203.0.113.2:45822"));
    const { b: connection } = outputs["replicaConnections"] as Record<string, Wire>;
    expect(opened(connection)).toMatchObject({ host: "203.0.113.2" });
  });

  it("has one profile for all of them, where clients find them by one name", async () => {
    const { outputs } = await runProgram(named);
    const profiles = opened(outputs["clientProfiles"]) as Record<string, string>;
    expect(profiles["phone"]).toContain("\nEndpoint = gw.example.org:45822\n");
    expect(opened((outputs["replicaProfiles"] as Record<string, Wire>)["b"])).toEqual(profiles);
    expect(outputs["endpoint"]).toBe("gw.example.org:45822");
    expect(outputs["address"]).toBe("198.51.100.10");
  });

  it("can be previewed before anything of it exists", async () => {
    const { outputs } = await runProgram({ ...two, host: ec2Settings.host }, { preview: true });
    expect(Object.keys(outputs)).toContain("replicas");
  });
});

it("machines on EC2 that stand in for each other are made, and replaced, one after another", async () => {
  const replicas = ["b", "c"].map((name) => ({ name, host: ec2Settings.host }));
  const { named: of } = await runProgram({ ...ec2Settings, replicas });
  const after = (name: string) =>
    of(`${name}-instance`)
      .dependencies.filter((urn) => urn.endsWith("-release-apply"))
      .map((urn) => urn.split("::").at(-1));
  expect(after("host")).toEqual([]);
  expect(after("replica-b-host")).toEqual(["gateway-release-apply"]);
  expect(after("replica-c-host")).toEqual(["replica-b-release-apply"]);
});

it("a replica on EC2 is in the region of its host, with all that belongs to it; the gateway in the stack's", async () => {
  const host = { ...ec2Settings.host, region: "us-east-1", subnetId: "subnet-0123456789abcdef0" };
  const { resources, invokes } = await runProgram({ ...ec2Settings, replicas: [{ name: "us", host }] });
  const regions = (prefix: string) =>
    resources
      .filter(({ name, type }) => name.startsWith(prefix) && type.startsWith("aws:"))
      .map(({ inputs }) => inputs["region"]);
  expect(regions("replica-us-").length).toBeGreaterThan(6);
  expect(new Set(regions("replica-us-"))).toEqual(new Set(["us-east-1"]));
  expect(new Set(regions("host-"))).toEqual(new Set([undefined]));
  const asked = invokes.map(({ token, inputs }) => [token, (inputs as { region?: string }).region]);
  expect(asked).toEqual(
    expect.arrayContaining([
      ["aws:ssm/getParameter:getParameter", undefined],
      ["aws:ssm/getParameter:getParameter", "us-east-1"],
      ["aws:ec2/getVpcs:getVpcs", "eu-central-1"],
      ["aws:ec2/getSubnet:getSubnet", "us-east-1"],
    ]),
  );
});
