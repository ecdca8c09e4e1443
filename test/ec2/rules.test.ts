import { expect, test } from "vitest";
import { routerRules } from "../../lab/ec2/rules";
import type { CloudState, GroupRule, Instance } from "../../lab/ec2/state";

const rule = (protocol: string, from: number | null, to: number | null, ...networks: string[]): GroupRule => ({
  ...{ id: "sgr-1", protocol, from, to, networks },
});
const instance = (address: string, more: Partial<Instance> = {}): Instance => ({
  ...{ id: `i-${address}`, state: "running", starts: 1, image: "ami-1", type: "t4g.small", address },
  ...{ subnet: "10.0.1.0/24", keyName: null, publicKey: null, userData: null, groups: ["sg-1"], name: null },
  ...more,
});
const groups = [
  {
    id: "sg-1",
    name: "one",
    ingress: [rule("udp", 45822, 45822, "0.0.0.0/0"), rule("tcp", 8000, 8100, "192.0.2.0/24", "198.51.100.7/32")],
    egress: [rule("-1", null, null, "0.0.0.0/0")],
  },
  { id: "sg-2", name: "two", ingress: [rule("tcp", 22, 22, "192.0.2.10/32")], egress: [] },
];
const state = (...instances: Instance[]): CloudState => ({ instances, groups, addresses: [], keyPairs: [] });
const rulesOf = (cloud: CloudState, leads: readonly [string, string][] = []) =>
  routerRules(cloud, new Map(leads)).split("\n");
const chain = (lines: readonly string[], name: string) => {
  const start = lines.indexOf(`chain ${name} {`);
  return start < 0 ? undefined : lines.slice(start + 1, lines.indexOf("}", start));
};

test("a security group is a rule for each of its own, and the rest is dropped", () => {
  const lines = rulesOf(state(instance("10.0.1.4")));
  expect(chain(lines, "to-ec2-4_ingress")).toEqual([
    "ip saddr { 0.0.0.0/0 } udp dport 45822-45822 accept",
    "ip saddr { 192.0.2.0/24, 198.51.100.7/32 } tcp dport 8000-8100 accept",
    expect.stringMatching(/^counter drop /),
  ]);
  expect(chain(lines, "to-ec2-4_egress")).toEqual([
    "ip daddr { 0.0.0.0/0 } return",
    expect.stringMatching(/^counter drop /),
  ]);
});

test("an instance has the rules of all its groups, and of no other", () => {
  const lines = rulesOf(
    state(instance("10.0.1.4", { groups: ["sg-1", "sg-2"] }), instance("10.0.1.5", { groups: ["sg-2"] })),
  );
  expect(chain(lines, "to-ec2-4_ingress")).toHaveLength(4);
  expect(chain(lines, "to-ec2-5_ingress")?.[0]).toBe("ip saddr { 192.0.2.10/32 } tcp dport 22-22 accept");
  expect(chain(lines, "to-ec2-5_egress")).toHaveLength(1);
});

test("an Elastic IP leads to its instance, and from within the VPC too", () => {
  const lines = rulesOf(state(instance("10.0.1.4"), instance("10.0.1.5")), [["198.51.100.10", "i-10.0.1.5"]]);
  expect(chain(lines, "inward")).toContain("dnat to ip daddr map { 198.51.100.10 : 10.0.1.5 }");
  expect(chain(lines, "outward")?.slice(1)).toEqual([
    'oifname "eth0" snat to ip saddr map { 10.0.1.5 : 198.51.100.10 }',
    "ct original ip daddr { 198.51.100.10 } snat to ip saddr map { 10.0.1.5 : 198.51.100.10 }",
  ]);
  expect(chain(lines, "forward")).toContain('oifname "eth0" ip saddr { 10.0.1.5 } accept');
});

test.each(["stopped", "terminated"] as const)("a %s instance has no rules, and no address leads there", (gone) => {
  const lines = rulesOf(state(instance("10.0.1.4", { state: gone })), [["198.51.100.10", "i-10.0.1.4"]]);
  expect(lines.join("\n")).not.toMatch(/ec2-4|198\.51/);
});
