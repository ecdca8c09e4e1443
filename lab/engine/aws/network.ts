import type { EC2, IpPermission } from "@aws-sdk/client-ec2";
import type { Provider } from "../resources";
import type { WireProperties } from "../secretValue";
import { autoName, ec2In, number, orUndo, tagged, text, unlessGone, updateTags } from "./client";

const everything: IpPermission = { IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] };

const securityGroup: Provider = {
  lasting: true,
  replaceOn: ["description", "name", "namePrefix", "region", "vpcId"],
  async create(inputs, context) {
    const ec2 = await ec2In(inputs["region"]);
    const name = text(inputs["name"]) ?? autoName(context.name);
    const { GroupId: id = "", SecurityGroupArn: arn = "" } = await ec2.createSecurityGroup({
      GroupName: name,
      Description: text(inputs["description"]) ?? "Managed by Pulumi",
      VpcId: text(inputs["vpcId"]),
      TagSpecifications: tagged("security-group", inputs),
    });
    // AWS lets everything out of a new group; the provider takes that away, so that a group has what the program says and no more.
    await orUndo(
      () => ec2.revokeSecurityGroupEgress({ GroupId: id, IpPermissions: [everything] }),
      () => ec2.deleteSecurityGroup({ GroupId: id }),
    );
    return { id, outputs: { arn, name } };
  },
  async update(old, inputs) {
    await updateTags(await ec2In(inputs["region"]), old.id, old, inputs);
    return old.outputs;
  },
  async delete({ id, inputs }) {
    const ec2 = await ec2In(inputs["region"]);
    await unlessGone(["InvalidGroup.NotFound"], ec2.deleteSecurityGroup({ GroupId: id }));
  },
};

/** What a rule lets pass, as the API takes it. */
const permissionOf = (inputs: WireProperties): IpPermission => ({
  IpProtocol: text(inputs["ipProtocol"]),
  FromPort: number(inputs["fromPort"]),
  ToPort: number(inputs["toPort"]),
  IpRanges: [{ CidrIp: text(inputs["cidrIpv4"]) }],
});

interface Direction {
  readonly authorize: "authorizeSecurityGroupIngress" | "authorizeSecurityGroupEgress";
  readonly revoke: "revokeSecurityGroupIngress" | "revokeSecurityGroupEgress";
}

const rule = ({ authorize, revoke }: Direction): Provider => ({
  lasting: true,
  replaceOn: ["region", "securityGroupId"],
  async create(inputs) {
    const ec2: EC2 = await ec2In(inputs["region"]);
    const { SecurityGroupRules: rules = [] } = await ec2[authorize]({
      GroupId: text(inputs["securityGroupId"]),
      IpPermissions: [permissionOf(inputs)],
      TagSpecifications: tagged("security-group-rule", inputs),
    });
    const id = rules[0]?.SecurityGroupRuleId ?? "";
    return { id, outputs: { securityGroupRuleId: id } };
  },
  async update(old, inputs) {
    const ec2 = await ec2In(inputs["region"]);
    const [before, after] = [permissionOf(old.inputs), permissionOf(inputs)];
    if (JSON.stringify(before) !== JSON.stringify(after))
      await ec2.modifySecurityGroupRules({
        GroupId: text(inputs["securityGroupId"]),
        SecurityGroupRules: [
          {
            SecurityGroupRuleId: old.id,
            SecurityGroupRule: {
              IpProtocol: after.IpProtocol,
              FromPort: after.FromPort,
              ToPort: after.ToPort,
              CidrIpv4: after.IpRanges?.[0]?.CidrIp,
            },
          },
        ],
      });
    await updateTags(ec2, old.id, old, inputs);
    return old.outputs;
  },
  async delete({ id, inputs }) {
    const ec2 = await ec2In(inputs["region"]);
    const GroupId = text(inputs["securityGroupId"]);
    const gone = ["InvalidGroup.NotFound", "InvalidSecurityGroupRuleId.NotFound"];
    await unlessGone(gone, ec2[revoke]({ GroupId, SecurityGroupRuleIds: [id] }));
  },
});

const eip: Provider = {
  lasting: true,
  replaceOn: ["domain", "region"],
  async create(inputs) {
    const ec2 = await ec2In(inputs["region"]);
    const { AllocationId: id = "", PublicIp: publicIp = "" } = await ec2.allocateAddress({
      Domain: "vpc",
      TagSpecifications: tagged("elastic-ip", inputs),
    });
    return { id, outputs: { allocationId: id, publicIp } };
  },
  async update(old, inputs) {
    await updateTags(await ec2In(inputs["region"]), old.id, old, inputs);
    return old.outputs;
  },
  async delete({ id, inputs }) {
    const ec2 = await ec2In(inputs["region"]);
    await unlessGone(["InvalidAllocationID.NotFound"], ec2.releaseAddress({ AllocationId: id }));
  },
};

/** Whatever changes replaces it. */
const eipAssociation: Provider = {
  lasting: true,
  async create(inputs) {
    const ec2 = await ec2In(inputs["region"]);
    const { AssociationId: id = "" } = await ec2.associateAddress({
      AllocationId: text(inputs["allocationId"]),
      InstanceId: text(inputs["instanceId"]),
    });
    const { Addresses: addresses = [] } = await ec2.describeAddresses({
      Filters: [{ Name: "association-id", Values: [id] }],
    });
    return { id, outputs: { publicIp: addresses[0]?.PublicIp ?? "" } };
  },
  async delete({ id, inputs }) {
    const ec2 = await ec2In(inputs["region"]);
    await unlessGone(["InvalidAssociationID.NotFound"], ec2.disassociateAddress({ AssociationId: id }));
  },
};

export const networkResources: Readonly<Record<string, Provider>> = {
  "aws:ec2/securityGroup:SecurityGroup": securityGroup,
  "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": rule({
    authorize: "authorizeSecurityGroupIngress",
    revoke: "revokeSecurityGroupIngress",
  }),
  "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": rule({
    authorize: "authorizeSecurityGroupEgress",
    revoke: "revokeSecurityGroupEgress",
  }),
  "aws:ec2/eip:Eip": eip,
  "aws:ec2/eipAssociation:EipAssociation": eipAssociation,
};
