import { ec2, existing, hostKey, publicKey, vpn } from "./settingsFixtures";

type Path = readonly (string | number)[];

/** A change of {@link validStack} that makes it wrong in one place. */
export interface Wrong {
  readonly at: Path;
  /** What is put there; undefined takes it out. */
  readonly value: unknown;
  /** The key that the error names; default: where it is put. */
  readonly key: string;
  /** What else must be well-formed, and as it is in the valid stack, for this to be seen. */
  readonly needs: readonly Path[];
}

const keyOf = (path: Path): string =>
  path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .slice(1);

const wrong = (at: Path, value: unknown, key = keyOf(at), needs: readonly Path[] = []): Wrong => ({
  at,
  value,
  key,
  needs,
});

/** Every section, and nothing wrong with it. */
export const validStack = {
  host: { ...existing, user: "admin", port: 2222, firewall: true, sshFrom: ["192.0.2.0/24"] },
  replicas: [
    { name: "second", host: { ...ec2 } },
    { name: "third", host: { ...existing, address: "203.0.113.7" } },
  ],
  wireguard: { subnet: "10.4.0.0/24", port: 45822, mtu: 1420, isolation: false, keyVersion: 1 },
  clients: [
    { name: "laptop", address: "10.4.0.50", tunnel: "internal" },
    { name: "phone", address: "10.4.0.200", publicKey: publicKey(9) },
    { name: "tablet", address: "10.4.0.201" },
  ],
  exits: [
    { ...vpn, slot: 1 },
    { name: "se", profile: "asks.ovpn", slot: 2 },
  ],
  groups: [
    { name: "any", members: ["vpn", "se"] },
    { name: "other", members: ["se", "vpn"], backAfter: 60 },
  ],
  rules: [
    { from: "10.4.0.60", exit: "block" },
    { from: "10.4.0.200", protocol: "tcp", ports: [80, "443-445"], exit: "se" },
    { from: "10.4.0.201", during: { days: ["mon"], from: "09:00", to: "17:30", timeZone: "UTC" }, exit: "vpn" },
    { from: "10.4.0.128/25", exit: "any" },
  ],
  dns: { upstreams: ["1.1.1.2", "8.8.8.8"], records: { "vault.raff.local": "10.4.0.7" } },
  localNetworks: ["10.0.0.0/16", "10.7.0.0/16"],
  published: { services: [{ protocol: "tcp", ports: [443, 8443] }] },
  metrics: { port: 9586, from: ["laptop"] },
  tunnels: [
    {
      name: "office",
      table: 77,
      network: "10.90.0.0/24",
      endpoints: [
        { name: "one", host: { ...existing, address: "198.51.100.20" }, address: "10.90.0.1" },
        { name: "two", host: ec2, address: "10.90.0.2", services: [{ protocol: "tcp", ports: [443] }] },
      ],
    },
  ],
  credentials: { se: { username: "customer", password: "secret" } },
};

const subnet: Path = ["wireguard", "subnet"];
const names = (list: "exits" | "groups" | "clients"): Path[] =>
  validStack[list].map((_, index): Path => [list, index, "name"]);
const exitNames = names("exits");
const hosts: Path = ["host"];

/** One of each kind of error, in many places: values of a wrong type or out of range, unknown keys, and values that contradict others. */
export const wrongs: readonly Wrong[] = [
  // Single values.
  wrong(["host", "kind"], "Existing"),
  wrong(["host", "user"], "Some One"),
  wrong(["host", "port"], "2222"),
  wrong(["host", "sshFrom", 0], "192.0.2.1/24"),
  wrong(["host", "firewall"], "true"),
  wrong(["host", "hostKey"], "ssh-rsa AAAA"),
  wrong(["host", "usr"], "admin"),
  wrong(["replicas", 0, "name"], "Second"),
  wrong(["replicas", 0, "host", "volumeSize"], 7),
  wrong(["replicas", 0, "host", "tags"], { cost: 7 }, "replicas[0].host.tags.cost"),
  wrong(["replicas", 1, "host"], undefined),
  wrong(["wireguard", "subnet"], "10.4.0.1/24"),
  wrong(["wireguard", "port"], 0),
  wrong(["wireguard", "mtu"], "1420"),
  wrong(["wireguard", "MTU"], 1400),
  wrong(["clients", 0, "name"], "Laptop"),
  wrong(["clients", 0, "tunnel"], "Full"),
  wrong(["clients", 1, "publicKey"], "abc"),
  wrong(["clients", 1, "keyVersion"], 0),
  wrong(["clients", 2, "address"], "10.4.0.201/32"),
  wrong(["clients", 3], "phone"),
  wrong(["exits", 0, "kind"], "OpenVPN"),
  wrong(["exits", 0, "slot"], 99),
  wrong(["exits", 1, "name"], "SE"),
  wrong(["exits", 1, "slots"], 3),
  wrong(["groups", 0, "members"], []),
  wrong(["groups", 1, "backAfter"], "60"),
  wrong(["groups", 1, "name"], "providers"),
  wrong(["rules", 0, "from"], "10.4.0.61-10.4.0.60"),
  wrong(["rules", 1, "ports", 0], "80"),
  wrong(["rules", 1, "exit"], 7),
  wrong(["rules", 2, "during", "from"], 540),
  wrong(["rules", 2, "during", "days", 0], "monday"),
  wrong(["rules", 3, "protocol"], "TCP"),
  wrong(["dns", "upstreams", 0], "dns.google"),
  wrong(["dns", "records", "Vault.local"], "10.4.0.7"),
  wrong(["dns", "records", "a.b"], 7),
  wrong(["localNetworks", 1], "10.7.0.1/16"),
  wrong(["published", "services", 0, "protocol"], "TCP"),
  wrong(["published", "services", 0, "ports", 0], "443"),
  wrong(["metrics", "port"], 80),
  wrong(["tunnels", 0, "table"], 254),
  wrong(["tunnels", 0, "endpoints", 0, "snat"], "output"),
  wrong(["tunnels", 0, "endpoints", 1, "listenPort"], "51822"),
  wrong(["tunnels", 0, "endpoints", 1, "host", "sshFrom"], undefined),
  wrong(["credentials", "se", "password"], 7),
  wrong(["fireWall"], true),
  // Too many.
  wrong(
    ["localNetworks"],
    Array.from({ length: 99 }, (_, index) => `172.16.${index}.0/24`),
  ),
  wrong(["metrics", "from"], "laptop"),
  // What contradicts something else.
  wrong(["host", "address"], "10.4.0.9", "host.address", [subnet, ["host", "kind"]]),
  wrong(["replicas", 0, "host", "sshFrom"], ["0.0.0.0/0"]),
  wrong(["replicas", 1, "host", "address"], existing.address, "replicas[1].host.address", [hosts]),
  wrong(["clients", 1, "address"], "10.9.0.5", "clients[1].address", [subnet]),
  wrong(["clients", 2, "name"], "phone", "clients[2].name", names("clients")),
  wrong(["clients", 2, "publicKey"], publicKey(9), "clients[2].publicKey", [["clients", 1, "publicKey"]]),
  wrong(["clients", 2, "tunnel"], "transparent", "clients[2].tunnel", [["replicas"]]),
  wrong(["exits", 1, "slot"], 1, "exits[1].slot", [["exits", 0, "slot"]]),
  wrong(["exits", 1, "profile"], "no.ovpn"),
  wrong(["exits", 0, "profile"], "script.ovpn", "exits[0].profile", [["exits", 0, "kind"]]),
  wrong(["groups", 0, "members", 0], "japan", "groups[0].members[0]", exitNames),
  wrong(["groups", 0, "members", 1], "vpn", "groups[0].members[1]", [["groups", 0, "members", 0]]),
  wrong(["groups", 1, "name"], "vpn", "groups[1].name", exitNames),
  wrong(["rules", 0, "exit"], "nobody", "rules[0].exit", [...exitNames, ...names("groups")]),
  wrong(["rules", 1, "protocol"], "icmp", "rules[1].ports"),
  wrong(["rules", 2, "during", "to"], "09:00", "rules[2].during", [["rules", 2, "during", "from"]]),
  wrong(["rules", 2, "from"], "10.5.0.1", "rules[2].from", [subnet]),
  wrong(["rules", 4], { from: "10.4.0.129", exit: "direct" }, "rules[4]", [subnet, ["rules", 3]]),
  wrong(["dns", "upstreams", 1], "10.0.0.2", "dns.upstreams[1]", [["localNetworks"]]),
  wrong(["localNetworks", 0], "10.4.0.0/16", "localNetworks[0]", [subnet]),
  wrong(["localNetworks", 1], "10.200.2.0/28", "localNetworks[1]", [["exits", 1, "slot"]]),
  wrong(["published", "services", 0, "ports", 1], 53, "published.services[0].ports[1]", [
    ["published", "services", 0, "protocol"],
  ]),
  wrong(["published", "addresses"], ["203.0.113.9"], "published.addresses", [["replicas"]]),
  wrong(["metrics", "from", 0], "nobody", "metrics.from[0]", names("clients")),
  wrong(["tunnels", 0, "endpoints", 0, "address"], "10.91.0.1", "tunnels[0].endpoints[0].address"),
  wrong(["tunnels", 0, "endpoints", 1, "name"], "one", "tunnels[0].endpoints[1].name"),
  wrong(["tunnels", 0, "endpoints", 1, "publicAddresses"], ["198.51.100.20"], undefined, [
    ["tunnels", 0, "endpoints", 0, "host"],
  ]),
  wrong(["tunnels", 0, "endpoints", 0, "services"], [{ protocol: "tcp", ports: [80] }]),
  wrong(["tunnels", 0, "endpoints", 1, "services", 0, "ports", 0], 22, undefined, [
    ["tunnels", 0, "endpoints", 1, "services", 0, "protocol"],
  ]),
  wrong(["tunnels", 0, "endpoints", 0, "host", "hostKey"], "no.pub"),
  wrong(["credentials", "japan"], { username: "a", password: "b" }, "credentials.japan", exitNames),
  wrong(["credentials", "se"], undefined, "credentials.se", [
    ["exits", 1, "name"],
    ["exits", 1, "profile"],
  ]),
  wrong(["host", "privateKeyFile"], hostKey),
];

const within = (outer: Path, inner: Path): boolean => outer.every((part, index) => inner[index] === part);
const touch = (a: Path, b: Path): boolean => within(a, b) || within(b, a);

/** Whether two errors can be seen together: at places of their own, and neither takes away what the other contradicts. */
export const independent = (a: Wrong, b: Wrong): boolean =>
  !touch(a.at, b.at) &&
  a.key !== b.key &&
  !a.needs.some((path) => touch(path, b.at)) &&
  !b.needs.some((path) => touch(path, a.at));

/** @returns a copy of the valid stack with these errors in it */
export function stackWith(...errors: readonly Wrong[]): Record<string, unknown> {
  const stack = structuredClone(validStack) as Record<string, unknown>;
  for (const { at, value } of errors) {
    const holder = at
      .slice(0, -1)
      .reduce<Record<string | number, unknown>>(
        (found, part) => found[part] as Record<string | number, unknown>,
        stack,
      );
    const last = at.at(-1) ?? "";
    if (value === undefined) delete holder[last];
    else holder[last] = structuredClone(value);
  }
  return stack;
}
