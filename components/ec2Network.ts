import * as ec2 from "@pulumi/aws/ec2";
import * as pulumi from "@pulumi/pulumi";

export interface NetworkArgs {
  readonly region?: string;
  /** Default: AWS chooses a default subnet of the default VPC. */
  readonly subnetId?: string;
}

function refuse(problem: string, allowed: string, fix: string): never {
  throw new pulumi.RunError(
    `wg-gateway:host.subnetId ${problem}; nothing was changed\n    allowed: ${allowed}\n    mend:    ${fix}`,
  );
}

/**
 * Looks at the network that a new machine will stand in, before anything is made.
 * @returns the VPC of `subnetId`; undefined for the default VPC
 * @throws RunError where there is none, or no route to the internet, without which no client would ever get out
 */
export async function checkNetwork({ region, subnetId }: NetworkArgs): Promise<string | undefined> {
  const network =
    subnetId === undefined
      ? await defaultNetwork(region)
      : { ...(await ec2.getSubnet({ region, id: subnetId })), subnetId };
  // A subnet without a table of its own has the main one (AWS, "Subnet route tables").
  const own = await routeTables(region, { "association.subnet-id": network.subnetId });
  const [table] =
    own.length > 0 ? own : await routeTables(region, { "vpc-id": network.vpcId, "association.main": "true" });
  const routes = table === undefined ? [] : (await ec2.getRouteTable({ region, routeTableId: table })).routes;
  if (!routes.some(({ cidrBlock, gatewayId }) => cidrBlock === "0.0.0.0/0" && gatewayId.startsWith("igw-")))
    refuse(
      `is ${network.subnetId}${subnetId === undefined ? " (by default)" : ""}: its routing table has no route to an internet gateway`,
      "a public subnet, whose routing table leads 0.0.0.0/0 to an internet gateway (igw-...)",
      "name a public subnet, or add the route to the routing table",
    );
  return subnetId === undefined ? undefined : network.vpcId;
}

const filtersOf = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ name, values: [value] }));

const routeTables = async (region: string | undefined, values: Readonly<Record<string, string>>): Promise<string[]> =>
  (await ec2.getRouteTables({ region, filters: filtersOf(values) })).ids;

async function defaultNetwork(region: string | undefined): Promise<{ vpcId: string; subnetId: string }> {
  const [vpcId] = (await ec2.getVpcs({ region, filters: filtersOf({ "is-default": "true" }) })).ids;
  if (vpcId === undefined)
    return refuse(
      "is missing, and the region has no default VPC",
      "a subnet's ID; leave it out only where there is a default VPC",
      "name a public subnet, or make a default VPC: aws ec2 create-default-vpc",
    );
  const filters = filtersOf({ "vpc-id": vpcId, "default-for-az": "true" });
  const [subnetId] = [...(await ec2.getSubnets({ region, filters })).ids].sort();
  if (subnetId === undefined)
    return refuse(
      `is missing, and the default VPC ${vpcId} has no default subnet`,
      "a subnet's ID; leave it out only where the default VPC has a default subnet",
      "name a public subnet, or make a default one: aws ec2 create-default-subnet --availability-zone ZONE",
    );
  return { vpcId, subnetId };
}
