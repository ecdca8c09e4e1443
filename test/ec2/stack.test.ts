import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { endpoint, region } from "../../lab/ec2/world";

const configOf = (stack: string): Record<string, unknown> =>
  (parse(readFileSync(join(__dirname, "../..", `Pulumi.${stack}.yaml`), "utf8")) as { config: Record<string, unknown> })
    .config;
const own = (config: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(config).filter(([key]) => key.startsWith("wg-gateway:")));

test("the lab's two stacks differ by their host alone, so that the same flows hold for both", () => {
  const [existing, ec2] = [own(configOf("lab")), own(configOf("lab-ec2"))];
  expect({ ...ec2, "wg-gateway:host": null }).toEqual({ ...existing, "wg-gateway:host": null });
});

test("the stack's calls go to the lab's EC2", () => {
  const config = configOf("lab-ec2");
  expect(config["aws:region"]).toBe(region);
  expect(config["aws:endpoints"]).toEqual([{ ec2: endpoint, ssm: endpoint }]);
});
