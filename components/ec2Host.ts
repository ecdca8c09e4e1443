// By its modules: the types of the whole of @pulumi/aws add 7 s to the type check before a deployment.
import * as ec2 from "@pulumi/aws/ec2";
import * as ssm from "@pulumi/aws/ssm";
import * as vpc from "@pulumi/aws/vpc";
import * as pulumi from "@pulumi/pulumi";
import { renderUserData } from "../gateway/render/cloudInit";
import type { Ec2HostSettings } from "../gateway/settings/schema";
import { portInterval } from "../gateway/settings/fields";
import { regionOf } from "./ec2Network";
import { type Connection, type Host, machineReady, type Open, proven } from "./host";
import { sshKey } from "./sshKey";

/** The login Debian's images make; they refuse root. */
const LOGIN = "admin";

/**
 * The architecture of an instance type, by its name (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html): `g`
 * after the generation's number is AWS's Graviton (t4g, c7gn, im4gn), as was the first family, a1; gb200 and gb300 at the end are NVIDIA's
 * Grace with Blackwell (p6e-gb200), and gh200 would be Grace with Hopper, of which EC2 has none. b200 and b300 alone stand beside Intel's.
 * Asking AWS would cost a permission (ec2:DescribeInstanceTypes) and an answer before anything could be planned.
 */
export const architectureOf = (instanceType: string): "arm64" | "amd64" =>
  /^(a1|[a-z]+\d+g[a-z]*(-flex)?|[a-z]+\d+[a-z]*-g[bh]\d+)\./.test(instanceType) ? "arm64" : "amd64";

/** Debian's own public parameter (https://wiki.debian.org/Cloud/AmazonEC2Image): the newest image of the region. */
const debianImage = (instanceType: string, region: string | undefined): pulumi.Output<string> =>
  ssm.getParameterOutput({ name: `/aws/service/debian/release/13/latest/${architectureOf(instanceType)}`, region })
    .insecureValue;

/** What the resources of a machine have in common. */
interface FirewallContext {
  readonly common: { readonly region?: string; readonly tags: Record<string, string> };
  readonly made: pulumi.CustomResourceOptions;
}

export interface Ec2HostArgs extends Ec2HostSettings, Open {
  /** What has to be done before an instance is made or replaced: machines that stand in for each other change one after another. */
  readonly after?: readonly pulumi.Resource[];
}

/** A new EC2 machine with a fixed public address, reached by SSH from `sshFrom` only. */
export class Ec2Host extends pulumi.ComponentResource implements Host {
  readonly address: pulumi.Output<string>;
  readonly connection: pulumi.Output<Connection>;
  readonly identity: pulumi.Output<string>;
  readonly disposable = true;
  readonly ready: pulumi.Resource;

  constructor(name: string, args: Ec2HostArgs, options?: pulumi.ComponentResourceOptions) {
    super("wg-gateway:index:Ec2Host", name, {}, options);
    const region = regionOf(args);
    const tags = { Name: `${pulumi.getProject()}-${pulumi.getStack()}-${name}`, ...args.tags };
    const common = { region: args.region, tags };
    // The provider moves nothing to another region, and not all of its resources see that it has changed.
    const kept = { parent: this, replacementTrigger: region, protect: args.protect };
    const made = { parent: this, replacementTrigger: region };

    const loginKey = sshKey(`${name}-login-key`, { parent: this, protect: args.protect });
    const bootHostKey = sshKey(`${name}-boot-host-key`, { parent: this });
    const { group, rules } = this.makeFirewall(name, args, { common, made });
    const keyPair = new ec2.KeyPair(`${name}-key-pair`, { publicKey: loginKey.publicKey, ...common }, made);
    const instance = new ec2.Instance(
      `${name}-instance`,
      {
        ...common,
        ami: args.amiId ?? debianImage(args.instanceType, args.region),
        instanceType: args.instanceType,
        subnetId: args.subnetId,
        vpcSecurityGroupIds: [group.id],
        keyName: keyPair.keyName,
        userData: pulumi.secret(pulumi.output({ ...bootHostKey }).apply(renderUserData)),
        userDataReplaceOnChange: true,
        // Clients' packets must not reach the credentials of the machine: only IMDSv2, and its answers live for one hop.
        metadataOptions: { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: 1 },
        rootBlockDevice: { volumeType: "gp3", volumeSize: args.volumeSize, encrypted: true, tags },
      },
      // Debian's parameter moves with each image: it must not replace a running gateway. An image somebody chose is meant.
      { ...made, ignoreChanges: args.amiId === undefined ? ["ami"] : [], dependsOn: args.after?.slice() },
    );
    // User data can be read for as long as the instance exists: the key in it is good for the first connection alone.
    const hostKey = sshKey(`${name}-host-key`, { parent: this, replacementTrigger: instance.id });
    const address = new ec2.Eip(`${name}-address`, { domain: "vpc", ...common }, kept);
    const association = new ec2.EipAssociation(
      `${name}-address-association`,
      { instanceId: instance.id, allocationId: address.allocationId, region: args.region },
      // A second association of the same two has the ID of the first: to delete that one afterwards would take the address away.
      { ...made, deleteBeforeReplace: true },
    );

    this.address = address.publicIp;
    this.identity = instance.id;
    // Through the association: before it, the address leads to no machine, or to the one before.
    const reached = pulumi.all([address.publicIp, association.id]).apply(([ip]) => ip);
    const connection = pulumi.output({
      host: reached,
      user: LOGIN,
      privateKey: loginKey.privateKey,
      hostKey: hostKey.publicKey,
    });
    const newMachine = {
      instanceId: instance.id,
      bootHostKey: bootHostKey.publicKey,
      hostPrivateKey: hostKey.privateKey,
    };
    const ready = machineReady(`${name}-ready`, pulumi.output({ connection, newMachine }), {
      parent: this,
      dependsOn: rules,
    });
    this.ready = ready;
    this.connection = proven(ready, connection);
    this.registerOutputs({ address: this.address });
  }

  /** Rules stand by themselves: inline ones would fight with them. The provider takes AWS's own egress rule away, so it is made here. */
  private makeFirewall(name: string, args: Ec2HostArgs, { common, made }: FirewallContext) {
    const { region, subnetId } = args;
    const vpcId = subnetId === undefined ? undefined : ec2.getSubnetOutput({ id: subnetId, region }).vpcId;
    const group = new ec2.SecurityGroup(
      `${name}-firewall`,
      { description: "WireGuard from everywhere, SSH from its operators", vpcId, ...common },
      made,
    );
    const rule = { securityGroupId: group.id, ...common };
    const everywhere = "0.0.0.0/0";
    // AWS takes no rule twice: the old one goes first.
    const options = { ...made, deleteBeforeReplace: true };
    const rules: pulumi.Resource[] = [
      new vpc.SecurityGroupIngressRule(
        `${name}-wireguard`,
        { ...rule, ipProtocol: "udp", fromPort: args.wireguardPort, toPort: args.wireguardPort, cidrIpv4: everywhere },
        options,
      ),
      ...[...new Set(args.sshFrom)].map(
        (network) =>
          new vpc.SecurityGroupIngressRule(
            `${name}-ssh-${network}`,
            { ...rule, ipProtocol: "tcp", fromPort: 22, toPort: 22, cidrIpv4: network },
            options,
          ),
      ),
      ...(args.services ?? []).flatMap(({ protocol, ports }) =>
        ports.map((port) => {
          const { first, last } = portInterval(port);
          return new vpc.SecurityGroupIngressRule(
            `${name}-${protocol}-${port}`,
            { ...rule, ipProtocol: protocol, fromPort: first, toPort: last, cidrIpv4: everywhere },
            options,
          );
        }),
      ),
      new vpc.SecurityGroupEgressRule(`${name}-egress`, { ...rule, ipProtocol: "-1", cidrIpv4: everywhere }, options),
    ];
    return { group, rules };
  }
}
