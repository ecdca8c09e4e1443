import { region as configuredRegion } from "@pulumi/aws/config";
import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";
import type { Ec2HostSettings, HostSettings } from "../gateway/settings/schema";

function refuse(key: string, problem: string, allowed: string, fix: string): never {
  throw new pulumi.RunError(`${key} ${problem}; nothing was changed\n    allowed: ${allowed}\n    mend:    ${fix}`);
}

/** The AWS region of a machine. One out of ~/.aws/config does not count: it would be another one for the next who deploys. */
export const regionOf = ({ region = configuredRegion }: Pick<Ec2HostSettings, "region">): string =>
  region ??
  refuse(
    "aws:region",
    "is missing",
    "an AWS region such as eu-central-1, in the stack's file, in wg-gateway:host.region or in AWS_REGION",
    "pulumi config set aws:region eu-central-1",
  );

/**
 * Looks at the networks that new machines will stand in, before anything is made.
 * @param hosts all machines of a stack
 * @throws RunError where there is no region, no such network, or no route to the internet, without which no client would ever get out
 */
export async function checkNetworks(hosts: readonly HostSettings[]): Promise<void> {
  const networks = hosts.flatMap((host) =>
    host.kind === "ec2" ? [{ region: regionOf(host), subnetId: host.subnetId }] : [],
  );
  const distinct = new Map(networks.map((network) => [JSON.stringify(network), network]));
  await Promise.all([...distinct.values()].map(checkNetwork));
}

async function checkNetwork({ region, subnetId }: { region: string; subnetId: string | undefined }): Promise<void> {
  const { vpcId, subnetIds } =
    subnetId === undefined
      ? await defaultNetwork(region)
      : { subnetIds: [subnetId], vpcId: (await ec2.getSubnet({ region, id: subnetId })).vpcId };
  // AWS chooses among default subnets: one that leads out is enough not to be in the way of a gateway that runs.
  for (const candidate of subnetIds) if (await isPublic(region, vpcId, candidate)) return;
  refuse(
    "wg-gateway:host.subnetId",
    `is ${subnetIds.join(", ")}${subnetId === undefined ? " by default" : ""}, and the routing table has no route to an internet gateway`,
    "a public subnet, whose routing table leads 0.0.0.0/0 to an internet gateway (igw-...)",
    "name a public subnet, or add the route to the routing table",
  );
}

/** Whether a subnet's routing table leads to an internet gateway. */
async function isPublic(region: string, vpcId: string, subnetId: string): Promise<boolean> {
  // A subnet without a table of its own has the main one (AWS, "Subnet route tables").
  const own = await routeTables(region, { "association.subnet-id": subnetId });
  const main = { "vpc-id": vpcId, "association.main": "true" };
  const [table] = own.length > 0 ? own : await routeTables(region, main);
  const routes = table === undefined ? [] : (await ec2.getRouteTable({ region, routeTableId: table })).routes;
  return routes.some(({ cidrBlock, gatewayId }) => cidrBlock === "0.0.0.0/0" && gatewayId.startsWith("igw-"));
}

const filtersOf = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ name, values: [value] }));

const routeTables = async (region: string, values: Readonly<Record<string, string>>): Promise<string[]> =>
  (await ec2.getRouteTables({ region, filters: filtersOf(values) })).ids;

async function defaultNetwork(region: string): Promise<{ vpcId: string; subnetIds: string[] }> {
  const [vpcId] = (await ec2.getVpcs({ region, filters: filtersOf({ "is-default": "true" }) })).ids;
  if (vpcId === undefined)
    return refuse(
      "wg-gateway:host.subnetId",
      "is missing, and the region has no default VPC",
      "a subnet's ID; leave it out only where there is a default VPC",
      "name a public subnet, or make a default VPC: aws ec2 create-default-vpc",
    );
  const filters = filtersOf({ "vpc-id": vpcId, "default-for-az": "true" });
  const subnetIds = [...(await ec2.getSubnets({ region, filters })).ids].sort();
  if (subnetIds.length === 0)
    return refuse(
      "wg-gateway:host.subnetId",
      `is missing, and the default VPC ${vpcId} has no default subnet`,
      "a subnet's ID; leave it out only where the default VPC has a default subnet",
      "name a public subnet, or make a default one: aws ec2 create-default-subnet --availability-zone ZONE",
    );
  return { vpcId, subnetIds };
}
