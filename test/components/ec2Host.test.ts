import * as pulumi from "@pulumi/pulumi";
import { InstanceType } from "@pulumi/aws/types/enums/ec2";
import { describe, expect, it, vi } from "vitest";
import { architectureOf } from "../../components/ec2Host";
import { isSecret } from "../../lab/engine/secretValue";
import { ec2, parse, vpn } from "../gateway/settingsFixtures";
import { answers, configure, ec2Settings, listing, mockEngine, type Requested, runProgram, sshKeysOf } from "./program";

const withHost = (host: Record<string, unknown>) => ({ ...ec2Settings, host: { ...ec2Settings.host, ...host } });
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

interface Expected {
  readonly newMachine: { readonly instanceId: string };
}
const expectedOf = (ready: Requested): Expected => JSON.parse(String(ready.inputs["stdin"])) as Expected;

describe("a gateway on a new EC2 machine", () => {
  it("is exactly these resources", async () => {
    const { resources, invokes } = await runProgram(ec2Settings);
    expect(listing(resources)).toEqual(
      [
        "host wg-gateway:index:Ec2Host",
        "host-login-key tls:index/privateKey:PrivateKey",
        "host-boot-host-key tls:index/privateKey:PrivateKey",
        "host-host-key tls:index/privateKey:PrivateKey",
        "host-firewall aws:ec2/securityGroup:SecurityGroup",
        `host-wireguard ${INGRESS}`,
        `host-ssh-198.51.100.23/32 ${INGRESS}`,
        `host-ssh-203.0.113.0/24 ${INGRESS}`,
        "host-egress aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "host-key-pair aws:ec2/keyPair:KeyPair",
        "host-instance aws:ec2/instance:Instance",
        "host-address aws:ec2/eip:Eip",
        "host-address-association aws:ec2/eipAssociation:EipAssociation",
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
    expect(invokes.at(-1)).toMatchObject({
      token: "aws:ssm/getParameter:getParameter",
      inputs: { name: "/aws/service/debian/release/13/latest/arm64" },
    });
  });

  it("opens WireGuard to all, SSH to its operators, and the way out", async () => {
    const { resources } = await runProgram({ ...ec2Settings, wireguard: { port: 51820 } });
    const rules = resources.filter(({ type }) => type.startsWith("aws:vpc/"));
    const shown = rules.map(({ inputs }) => [
      inputs["ipProtocol"],
      inputs["fromPort"],
      inputs["toPort"],
      inputs["cidrIpv4"],
    ]);
    expect(shown).toHaveLength(4);
    expect(shown).toEqual(
      expect.arrayContaining([
        ["udp", 51820, 51820, "0.0.0.0/0"],
        ["tcp", 22, 22, "198.51.100.23/32"],
        ["tcp", 22, 22, "203.0.113.0/24"],
        ["-1", undefined, undefined, "0.0.0.0/0"],
      ]),
    );
    expect(rules.every(({ inputs }) => inputs["securityGroupId"] === "sg-1")).toBe(true);
    const [group] = resources.filter(({ type }) => type === "aws:ec2/securityGroup:SecurityGroup");
    expect(group?.inputs).not.toHaveProperty("ingress");
    expect(group?.inputs).not.toHaveProperty("egress");
  });

  it("makes the machine with IMDSv2 alone, one hop, an encrypted gp3 volume, and its own host key", async () => {
    const { named } = await runProgram(withHost({ volumeSize: 20, tags: { Team: "net" } }));
    const { inputs, wire } = named("host-instance");
    const tags = { Name: "wg-gateway-test-host", Team: "net" };
    expect(inputs).toMatchObject({
      ami: "ami-0debian",
      instanceType: "t4g.small",
      keyName: "key-1",
      vpcSecurityGroupIds: ["sg-1"],
      userDataReplaceOnChange: true,
      metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
      rootBlockDevice: { encrypted: true, volumeType: "gp3", volumeSize: 20, tags },
      tags,
    });
    expect(isSecret(wire["userData"] ?? null)).toBe(true);
    expect(inputs["userData"]).toContain(JSON.stringify(sshKeysOf("host-boot-host-key").privateKey));
    expect(named("host-key-pair").inputs["publicKey"]).toBe(sshKeysOf("host-login-key").publicKey);
  });

  it("logs in as Debian's user, with the key it made, at the elastic address, and checks the host key", async () => {
    const { named } = await runProgram(ec2Settings);
    const ready = named("host-ready");
    const connection = {
      host: "203.0.113.9",
      user: "admin",
      privateKey: sshKeysOf("host-login-key").privateKey,
      hostKey: sshKeysOf("host-host-key").publicKey,
    };
    expect(expectedOf(ready)).toEqual({
      connection,
      newMachine: {
        instanceId: "i-first",
        bootHostKey: sshKeysOf("host-boot-host-key").publicKey,
        hostPrivateKey: sshKeysOf("host-host-key").privateKey,
      },
    });
    expect(isSecret(ready.wire["stdin"] ?? null)).toBe(true);
    expect(ready.timeouts.create).toBe("30m");
    expect(ready.dependencies).toEqual(
      expect.arrayContaining([named("host-address-association").urn, named("host-egress").urn]),
    );
    // The provider gives the port its default.
    expect(named("gateway-release-apply").inputs["connection"]).toMatchObject(connection);
  });

  it("puts no key into its user data that is good for more than the first connection", async () => {
    const { named } = await runProgram(ec2Settings);
    const userData = String(named("host-instance").inputs["userData"]);
    for (const key of ["host-host-key", "host-login-key"])
      expect(userData, key).not.toContain(JSON.stringify(sshKeysOf(key).privateKey).slice(1, -1));
    expect(named("host-host-key").replacementTrigger).toBe("i-first");
  });

  it("has no command for the removal of its release: the machine goes, and its address may lead to the next one", async () => {
    const { named } = await runProgram(ec2Settings);
    expect(named("gateway-release-apply").inputs).not.toHaveProperty("delete");
    expect(named("host-ready").inputs).not.toHaveProperty("delete");
  });

  it("replaces what AWS takes only once by deleting it first", async () => {
    const { resources } = await runProgram(ec2Settings);
    const first = resources.filter(({ deleteBeforeReplace }) => deleteBeforeReplace).map(({ name }) => name);
    const rules = ["host-wireguard", "host-ssh-198.51.100.23/32", "host-ssh-203.0.113.0/24", "host-egress"];
    expect(first.sort()).toEqual([...rules, "host-address-association", "gateway-release-apply"].sort());
  });

  it("moves to another region as a whole", async () => {
    const { resources } = await runProgram(ec2Settings);
    const ofAws = resources.filter(({ type }) => type.startsWith("aws:"));
    expect(ofAws.length).toBeGreaterThan(7);
    for (const { name, replacementTrigger } of ofAws) expect(replacementTrigger, name).toBe("eu-central-1");
    const moved = await runProgram(withHost({ region: "us-east-1" }));
    expect(moved.named("host-address").replacementTrigger).toBe("us-east-1");
  });

  it("protects its address and the keys when it is told to", async () => {
    const protectedOnes = async (settings: Record<string, unknown>) =>
      (await runProgram(settings)).resources.filter(({ protect }) => protect).map(({ name }) => name);
    expect(await protectedOnes(ec2Settings)).toEqual([]);
    const names = await protectedOnes(withHost({ protect: true }));
    expect(names.sort()).toEqual(["gateway-server-key", "host-address", "host-login-key"]);
  });

  it("is not replaced by a newer Debian, but by another image somebody chose", async () => {
    expect((await runProgram(ec2Settings)).named("host-instance").ignoreChanges).toEqual(["ami"]);
    const chosen = await runProgram(withHost({ amiId: "ami-0123456789abcdef0" }));
    expect(chosen.named("host-instance").ignoreChanges).toEqual([]);
    expect(chosen.named("host-instance").inputs["ami"]).toBe("ami-0123456789abcdef0");
    expect(chosen.invokes.map(({ token }) => token)).not.toContain("aws:ssm/getParameter:getParameter");
  });

  it("stands in the network of the subnet it is given", async () => {
    const { named } = await runProgram(withHost({ subnetId: "subnet-0123456789abcdef0" }));
    expect(named("host-instance").inputs["subnetId"]).toBe("subnet-0123456789abcdef0");
    expect(named("host-firewall").inputs["vpcId"]).toBe("vpc-1");
    expect((await runProgram(ec2Settings)).named("host-firewall").inputs).not.toHaveProperty("vpcId");
  });

  it("sets a replaced machine up anew, with the keys it had", async () => {
    const before = (await runProgram(ec2Settings)).named;
    const after = (await runProgram(ec2Settings, { instanceId: "i-second" })).named;
    const release = (named: typeof before) =>
      JSON.parse(String(named("gateway-release-apply").inputs["stdin"])) as { machine: string };
    expect(release(before).machine).toBe("i-first");
    expect(release(after)).toEqual({ ...release(before), machine: "i-second" });
    expect(expectedOf(before("host-ready")).newMachine.instanceId).toBe("i-first");
    expect(expectedOf(after("host-ready")).newMachine.instanceId).toBe("i-second");
    expect(after("host-host-key").replacementTrigger).toBe("i-second");
  });

  it("can be previewed before anything of it exists", async () => {
    const { named, outputs, resources } = await runProgram(ec2Settings, { preview: true });
    expect(resources).toHaveLength(22);
    expect(named("gateway-release-apply").inputs["stdin"]).toBe(pulumi.runtime.unknownValue);
    expect(outputs["endpoint"]).toBe(pulumi.runtime.unknownValue);
    expect(outputs["exits"]).toEqual({ vpn: { namespace: "vpn_ns", table: 200, log: "/var/log/openvpn-ns.log" } });
  });
});

/** Looks at the network of a host alone. */
async function check(host: Record<string, unknown>, options: Parameters<typeof runProgram>[1]): Promise<void> {
  vi.resetModules();
  await mockEngine(options);
  configure({}, options?.region);
  const { checkNetworks } = await import("../../components/ec2Network.js");
  await checkNetworks([parse({ host: { ...ec2, ...host }, exits: [vpn] }).settings.host]);
}

describe("a network that is no good for a gateway is refused before anything is made:", () => {
  const [TABLES, TABLE] = ["aws:ec2/getRouteTables:getRouteTables", "aws:ec2/getRouteTable:getRouteTable"];
  const isolated = { routes: [{ cidrBlock: "10.0.0.0/16", gatewayId: "local" }] };
  const natted = { routes: [{ cidrBlock: "0.0.0.0/0", gatewayId: "", natGatewayId: "nat-1" }] };
  const subnet = { subnetId: "subnet-0123456789abcdef0" };
  it.each<[string, Record<string, unknown>, typeof answers, RegExp]>([
    [
      "no default VPC",
      {},
      { "aws:ec2/getVpcs:getVpcs": { ids: [] } },
      /subnetId is missing, and the region has no default/,
    ],
    ["no default subnet", {}, { "aws:ec2/getSubnets:getSubnets": { ids: [] } }, /vpc-default has no default subnet/],
    [
      "no route to the internet",
      subnet,
      { [TABLE]: isolated },
      /is subnet-0123456789abcdef0, and the routing table has no route/,
    ],
    ["a NAT gateway", subnet, { [TABLE]: natted }, /no route to an internet gateway/],
    [
      "no routing table",
      {},
      { [TABLES]: { ids: [] } },
      /subnet-a, subnet-b by default, and the routing table has no route/,
    ],
  ])("%s", async (_, host, answered, message) => {
    await expect(check(host, { answers: { ...answers, ...answered } })).rejects.toThrow(message);
  });

  it("no region", async () => {
    await expect(check({}, { region: null })).rejects.toThrow(/^aws:region is missing; nothing was changed\n/);
  });

  it("and the program waits for what is found", async () => {
    const { invokes } = await runProgram(ec2Settings);
    const made = invokes.filter(({ token }) => token.startsWith("aws:ec2/")).map(({ madeBefore }) => madeBefore);
    // The stack alone.
    expect(made).toEqual([1, 1, 1, 1]);
  });
});

it.each([
  ["t4g.small", "arm64"],
  ["c7gn.medium", "arm64"],
  ["im4gn.large", "arm64"],
  ["a1.medium", "arm64"],
  ["t3.small", "amd64"],
  ["t3a.small", "amd64"],
  ["g4dn.xlarge", "amd64"],
  ["m7i-flex.large", "amd64"],
  ["g5g.xlarge", "arm64"],
  ["gr6.4xlarge", "amd64"],
  ["p6e-gb200.36xlarge", "arm64"],
  ["p6e-gb300.36xlarge", "arm64"],
  ["p6-b200.48xlarge", "amd64"],
])("%s is %s", (instanceType, architecture) => expect(architectureOf(instanceType)).toBe(architecture));

it("of all families that the AWS provider knows these are arm64, and macOS's machines, which run no Debian, are not asked for", () => {
  const families = [...new Set(Object.values(InstanceType).map((type) => type.split(".")[0] ?? ""))];
  const arm64 = families.filter((family) => architectureOf(`${family}.large`) === "arm64").sort();
  expect(families.length).toBeGreaterThan(150);
  expect(arm64).toEqual([
    ...[
      "a1",
      "c6g",
      "c6gd",
      "c6gn",
      "c7g",
      "c7gd",
      "c7gn",
      "c8g",
      "c8gb",
      "c8gd",
      "c8gn",
      "c9g",
      "c9gd",
      "g5g",
      "hpc7g",
    ],
    ...[
      "i4g",
      "i8g",
      "i8ge",
      "im4gn",
      "is4gen",
      "m6g",
      "m6gd",
      "m7g",
      "m7gd",
      "m8g",
      "m8gb",
      "m8gd",
      "m8gn",
      "m9g",
      "m9gd",
    ],
    ...["p6e-gb200", "r6g", "r6gd", "r7g", "r7gd", "r8g", "r8gb", "r8gd", "r8gn", "t4g", "x2gd", "x8g"],
  ]);
});
