import type { CloudState, GroupRule, Instance } from "./state";

/** Where each Elastic IP leads to: an instance's id by address. It may be behind what EC2 says. */
export type Leads = ReadonlyMap<string, string>;

/** The router's end of an instance's link. */
export const linkOf = ({ address }: Pick<Instance, "address">): string => `to-ec2-${address.split(".")[3]}`;

/** A rule of a security group as a rule of nft, with its verdict. */
function packetRule({ protocol, from, to, networks }: GroupRule, side: "saddr" | "daddr", verdict: string): string {
  const match = [`ip ${side} { ${networks.join(", ")} }`];
  if (protocol !== "-1") match.push(from === null ? `meta l4proto ${protocol}` : `${protocol} dport ${from}-${to}`);
  return `${match.join(" ")} ${verdict}`;
}

/**
 * The rules of the VPC's router: Elastic IPs as EC2 translates them, from one instance of the VPC to another's too, and each instance's
 * security groups, of which the kernel keeps the connections as EC2 does. It replaces the whole table in one transaction.
 */
export function routerRules({ instances, groups }: CloudState, leads: Leads): string {
  const running = instances.filter(({ state }) => state === "running");
  const pairs = [...leads].flatMap(([address, id]) => {
    const instance = running.find((one) => one.id === id);
    return instance ? [[address, instance.address] as const] : [];
  });
  const map = (entries: readonly (readonly [string, string])[]): string =>
    entries.map(([from, to]) => `${from} : ${to}`).join(", ");
  const rulesOf = (instance: Instance, kind: "ingress" | "egress"): GroupRule[] =>
    groups.filter(({ id }) => instance.groups.includes(id)).flatMap((group) => group[kind]);
  const chains = running.flatMap((instance) => {
    const link = linkOf(instance);
    return [
      `chain ${link}_egress {`,
      ...rulesOf(instance, "egress").map((rule) => packetRule(rule, "daddr", "return")),
      'counter drop comment "no rule of its security groups lets it out"',
      "}",
      `chain ${link}_ingress {`,
      ...rulesOf(instance, "ingress").map((rule) => packetRule(rule, "saddr", "accept")),
      'counter drop comment "no rule of its security groups lets it in"',
      "}",
    ];
  });
  const inward = pairs.length > 0 ? [`dnat to ip daddr map { ${map(pairs)} }`] : [];
  const back = pairs.map(([from, to]) => [to, from] as const);
  const outward =
    pairs.length > 0
      ? [
          `oifname "eth0" snat to ip saddr map { ${map(back)} }`,
          // Who is asked by an Elastic IP sees one, within the VPC too.
          `ct original ip daddr { ${pairs.map(([address]) => address).join(", ")} } snat to ip saddr map { ${map(back)} }`,
        ]
      : [];
  const reaching =
    pairs.length > 0 ? [`oifname "eth0" ip saddr { ${back.map(([own]) => own).join(", ")} } accept`] : [];
  return [
    "table ip vpc {}",
    "delete table ip vpc",
    "table ip vpc {",
    "chain source_check {",
    "type filter hook prerouting priority raw",
    ...running.map((instance) => `iifname "${linkOf(instance)}" ip saddr != ${instance.address} counter drop`),
    "}",
    "chain inward {",
    "type nat hook prerouting priority dstnat",
    ...inward,
    "}",
    "chain outward {",
    "type nat hook postrouting priority srcnat",
    ...outward,
    "}",
    "chain input {",
    "type filter hook input priority filter",
    'iifname "eth0" counter drop comment "an Elastic IP that leads nowhere"',
    "}",
    ...chains,
    "chain forward {",
    "type filter hook forward priority filter",
    "ct state established,related accept",
    ...running.map((instance) => `iifname "${linkOf(instance)}" jump ${linkOf(instance)}_egress`),
    ...running.map((instance) => `oifname "${linkOf(instance)}" goto ${linkOf(instance)}_ingress`),
    ...reaching,
    'oifname "eth0" counter drop comment "only an Elastic IP reaches the internet"',
    "}",
    "}",
    "",
  ].join("\n");
}
