import * as pulumi from "@pulumi/pulumi";
import { InstanceType } from "@pulumi/aws/types/enums/ec2";
import { describe, expect, it } from "vitest";
import { architectureOf } from "../../components/ec2Host";
import { sshKeys } from "../../gateway/keys";
import { isSecret } from "../../lab/engine/secretValue";
import { bytesOf, ec2Settings, listing, runProgram } from "./program";

const withHost = (host: Record<string, unknown>) => ({ ...ec2Settings, host: { ...ec2Settings.host, ...host } });
const INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

describe("a gateway on a new EC2 machine", () => {
  it("is exactly these resources", async () => {
    const { resources, invokes } = await runProgram(ec2Settings);
    expect(listing(resources)).toEqual(
      [
        "host wg-gateway:index:Ec2Host",
        "host-login-key random:index/randomBytes:RandomBytes",
        "host-host-key random:index/randomBytes:RandomBytes",
        "host-firewall aws:ec2/securityGroup:SecurityGroup",
        `host-wireguard ${INGRESS}`,
        `host-ssh-198.51.100.9/32 ${INGRESS}`,
        `host-ssh-203.0.113.0/24 ${INGRESS}`,
        "host-egress aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        "host-key-pair aws:ec2/keyPair:KeyPair",
        "host-instance aws:ec2/instance:Instance",
        "host-address aws:ec2/eip:Eip",
        "host-address-association aws:ec2/eipAssociation:EipAssociation",
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
    expect(invokes).toEqual([
      {
        token: "aws:ssm/getParameter:getParameter",
        inputs: { name: "/aws/service/debian/release/13/latest/arm64" },
      },
    ]);
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
        ["tcp", 22, 22, "198.51.100.9/32"],
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
    const tags = { Name: "wg-gateway-test", Team: "net" };
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
    const made = sshKeys(bytesOf("host-host-key", 32), "wg-gateway");
    expect(inputs["userData"]).toContain(JSON.stringify(made.privateKey));
    expect(named("host-key-pair").inputs["publicKey"]).toBe(
      sshKeys(bytesOf("host-login-key", 32), "wg-gateway").publicKey,
    );
  });

  it("logs in as Debian's user, with the key it made, at the elastic address, and checks the host key", async () => {
    const { named } = await runProgram(ec2Settings);
    const ready = named("host-ready");
    const { privateKey } = sshKeys(bytesOf("host-login-key", 32), "wg-gateway");
    const { publicKey } = sshKeys(bytesOf("host-host-key", 32), "wg-gateway");
    expect(ready.inputs["connection"]).toEqual({
      host: "203.0.113.9",
      port: 22,
      user: "admin",
      privateKey,
      hostKey: publicKey,
      dialErrorLimit: 60,
      perDialTimeout: 15,
    });
    expect(ready.timeouts.create).toBe("15m");
    expect(ready.dependencies).toEqual(
      expect.arrayContaining([named("host-address-association").urn, named("host-egress").urn]),
    );
    expect(named("gateway-release-apply").inputs["connection"]).toEqual(ready.inputs["connection"]);
  });

  it("forgets the commands with the machine, since nobody answers there any more", async () => {
    const { named } = await runProgram(ec2Settings);
    const { urn } = named("host-instance");
    expect(named("host-ready").deletedWith).toBe(urn);
    expect(named("gateway-release-apply").deletedWith).toBe(urn);
  });

  it("is not replaced by a newer Debian, but by another image somebody chose", async () => {
    expect((await runProgram(ec2Settings)).named("host-instance").ignoreChanges).toEqual(["ami"]);
    const chosen = await runProgram(withHost({ amiId: "ami-0123456789abcdef0" }));
    expect(chosen.named("host-instance").ignoreChanges).toEqual([]);
    expect(chosen.named("host-instance").inputs["ami"]).toBe("ami-0123456789abcdef0");
    expect(chosen.invokes).toEqual([]);
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
    expect(before("host-ready").inputs["stdin"]).toBe("i-first");
    expect(after("host-ready").inputs["stdin"]).toBe("i-second");
  });

  it("can be previewed before anything of it exists", async () => {
    const { named, outputs, resources } = await runProgram(ec2Settings, { preview: true });
    expect(resources).toHaveLength(21);
    expect(named("gateway-release-apply").inputs["stdin"]).toBe(pulumi.runtime.unknownValue);
    expect(outputs["endpoint"]).toBe(pulumi.runtime.unknownValue);
    expect(outputs["exits"]).toEqual({ vpn: { namespace: "vpn_ns", table: 200, log: "/var/log/openvpn-ns.log" } });
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
