import * as pulumi from "@pulumi/pulumi";
import { afterEach, expect, test } from "vitest";
import { awsInvokes, awsResources } from "../../lab/engine/aws";

afterEach(() => pulumi.runtime.setAllConfig({}));

const context = { name: "host-address", show: () => undefined };

test.each([
  ["a function", () => awsInvokes["aws:ssm/getParameter:getParameter"]!({ name: "/a" }), "ssm"],
  ["a resource", () => awsResources["aws:ec2/eip:Eip"]!.create({ domain: "vpc" }, context), "ec2"],
])("%s without aws:endpoints is refused: nothing is ever called on AWS", async (_, call, service) => {
  pulumi.runtime.setAllConfig({ "aws:region": "eu-central-1", "aws:accessKey": "a", "aws:secretKey": "b" });
  await expect(call()).rejects.toThrow(`needs aws:endpoints with ${service}: use the Pulumi CLI`);
});

test("what cannot be changed in place is refused, and named", async () => {
  const endpoints = JSON.stringify([{ ec2: "http://127.0.0.1:1" }]);
  const keys = { "aws:region": "eu-central-1", "aws:accessKey": "a", "aws:secretKey": "b" };
  pulumi.runtime.setAllConfig({ ...keys, "aws:endpoints": endpoints });
  const old = { id: "i-1", inputs: { metadataOptions: { httpTokens: "required" } }, outputs: {} };
  const change = awsResources["aws:ec2/instance:Instance"]!.update!(old, {}, context);
  await expect(change).rejects.toThrow("the embedded engine cannot change metadataOptions of an instance");
});
