import { afterAll, beforeAll, expect, test } from "vitest";
import { Deployment } from "../../lab/deployment";
import type { Cloud } from "../../lab/ec2/cloud";
import { Lab } from "../../lab/lab";
import { onMachine } from "../../lab/flows";
import { openLab } from "../../lab/scenario";
import { addresses } from "../../lab/topology";

/* Each call of the API fails once: the deployment says which, and the next one goes on from there with nothing made twice. */

let lab: Lab;
let cloud: Cloud;
let deployment: Deployment;

beforeAll(async () => {
  lab = await openLab(() => undefined, { ec2: true });
  if (!lab.cloud) throw new Error("the lab has no EC2");
  cloud = lab.cloud;
  deployment = Deployment.choose(undefined, "lab-ec2");
});
afterAll(() => Lab.clear());

/** How much there is of each kind. */
const counts = () => {
  const { groups, keyPairs, addresses: elastic } = cloud.state;
  const rules = groups.reduce((sum, { ingress, egress }) => sum + ingress.length + egress.length, 0);
  return {
    instances: cloud.instances.length,
    groups: groups.length,
    rules,
    keyPairs: keyPairs.length,
    addresses: elastic.length,
  };
};

/**
 * Runs a deployment again and again, the first call of each action failing, until it comes to its end. The order of the calls is the
 * engine's: several may be under way when one fails.
 */
async function failingOnce(actions: readonly string[], run: () => Promise<unknown>): Promise<void> {
  cloud.fail(...actions.map((action) => ({ action, code: "UnauthorizedOperation" })));
  for (let left = cloud.unfailed; left.length > 0; left = cloud.unfailed) {
    const error: unknown = await run().catch((failure: unknown) => failure);
    const [, action = ""] = /(\w+): UnauthorizedOperation: an error that the test ordered/.exec(String(error)) ?? [];
    // Each run ends with the error of a call that had not failed before.
    expect(left.map((one) => one.action)).toContain(action);
  }
  await run();
}

const making = [
  ...["GetParameter", "DescribeVpcs", "DescribeSubnets", "DescribeRouteTables"],
  ...["ImportKeyPair", "AllocateAddress", "CreateSecurityGroup", "RevokeSecurityGroupEgress"],
  ...["AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "DescribeImages"],
  ...["RunInstances", "DescribeInstances", "AssociateAddress"],
];

test("up: after each error the next one goes on, and in the end there is everything, once", async () => {
  await failingOnce(making, () => deployment.up());
  await cloud.settled();
  expect(counts()).toEqual({ instances: 1, groups: 1, rules: 3, keyPairs: 1, addresses: 1 });
  expect(await onMachine({ lab }, "gatewayctl check")).toBe("the machine is as its release says\n");
  expect((await deployment.up()).summary).toMatchObject({ created: 0, updated: 0, replaced: 0, deleted: 0 });
});

test("another type: after an error between stop and start the next one starts the instance", async () => {
  const changes = { host: { kind: "ec2", sshFrom: [`${addresses.operator}/32`], instanceType: "t4g.medium" } };
  await failingOnce(["StopInstances", "ModifyInstanceAttribute", "StartInstances"], () => deployment.up(changes));
  await cloud.settled();
  expect(cloud.instanceAt(addresses.elastic)).toMatchObject({ state: "running", type: "t4g.medium" });
});

const deleting = [
  ...["DisassociateAddress", "TerminateInstances", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress"],
  ...["DeleteSecurityGroup", "ReleaseAddress", "DeleteKeyPair"],
];

test("destroy: after each error the next one goes on, and in the end there is nothing", async () => {
  await failingOnce(deleting, () => deployment.destroy());
  await cloud.settled();
  expect(counts()).toEqual({ instances: 0, groups: 0, rules: 0, keyPairs: 0, addresses: 0 });
});
