import type { Invoke, Provider } from "../resources";
import { ec2In, filtersOf, ssmIn, text } from "./client";
import { instanceResources } from "./instance";
import { networkResources } from "./network";

/**
 * What the program makes on AWS, as pulumi-aws 7 makes it (hashicorp/terraform-provider-aws 6, internal/service/ec2): the same calls, IDs
 * and waits, and the same inputs replace. What differs: docs/architecture.md.
 */
export const awsResources: Readonly<Record<string, Provider>> = { ...networkResources, ...instanceResources };

/** What the program asks AWS. */
export const awsInvokes: Readonly<Record<string, Invoke>> = {
  "aws:ssm/getParameter:getParameter": async (inputs) => {
    const name = text(inputs["name"]) ?? "";
    const { Parameter: found } = await (
      await ssmIn(inputs["region"])
    ).getParameter({ Name: name, WithDecryption: true });
    const value = found?.Value ?? "";
    return { id: name, name, value, insecureValue: value, type: found?.Type ?? "", version: found?.Version ?? 0 };
  },
  "aws:ec2/getVpcs:getVpcs": async (inputs) => {
    const { Vpcs: found = [] } = await (await ec2In(inputs["region"])).describeVpcs({ Filters: filtersOf(inputs) });
    return { id: "", ids: found.map(({ VpcId: id = "" }) => id) };
  },
  "aws:ec2/getSubnets:getSubnets": async (inputs) => {
    const ec2 = await ec2In(inputs["region"]);
    const { Subnets: found = [] } = await ec2.describeSubnets({ Filters: filtersOf(inputs) });
    return { id: "", ids: found.map(({ SubnetId: id = "" }) => id) };
  },
  "aws:ec2/getSubnet:getSubnet": async (inputs) => {
    const ec2 = await ec2In(inputs["region"]);
    const { Subnets: found = [] } = await ec2.describeSubnets({ SubnetIds: [text(inputs["id"]) ?? ""] });
    const subnet = found[0];
    if (subnet === undefined) throw new Error("no matching EC2 Subnet found");
    return {
      id: subnet.SubnetId ?? "",
      vpcId: subnet.VpcId ?? "",
      cidrBlock: subnet.CidrBlock ?? "",
      availabilityZone: subnet.AvailabilityZone ?? "",
    };
  },
  "aws:ec2/getRouteTables:getRouteTables": async (inputs) => {
    const ec2 = await ec2In(inputs["region"]);
    const { RouteTables: found = [] } = await ec2.describeRouteTables({ Filters: filtersOf(inputs) });
    return { id: "", ids: found.map(({ RouteTableId: id = "" }) => id) };
  },
  "aws:ec2/getRouteTable:getRouteTable": async (inputs) => {
    const ec2 = await ec2In(inputs["region"]);
    const { RouteTables: found = [] } = await ec2.describeRouteTables({
      RouteTableIds: [text(inputs["routeTableId"]) ?? ""],
    });
    const table = found[0];
    if (table === undefined) throw new Error("no matching EC2 Route Table found");
    // AWS's own route within the VPC is left out, as the provider leaves it out.
    const routes = (table.Routes ?? []).filter(({ GatewayId }) => GatewayId !== "local");
    return {
      id: table.RouteTableId ?? "",
      vpcId: table.VpcId ?? "",
      routes: routes.map(({ DestinationCidrBlock = "", GatewayId = "" }) => ({
        cidrBlock: DestinationCidrBlock,
        gatewayId: GatewayId,
      })),
    };
  },
};
