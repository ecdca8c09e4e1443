import fc from "fast-check";
import { wireGuardKeys } from "../../gateway/keys";
import { atAddress, planGateway, type ExitPlan, type Plan } from "../../gateway/plan/plan";
import { renderFiles } from "../../gateway/render/bundle";
import type { GatewaySecrets } from "../../gateway/secrets";
import { addressText, intervalOf, intervalText } from "../../gateway/settings/address";
import type { Settings } from "../../gateway/settings/schema";
import { CA, CUSTOMER, CUSTOMER_KEY } from "./certificatesFixtures";
import { ec2, faultsOf, parse, type Raw } from "./settingsFixtures";

/** Text that must be found nowhere but in files of mode 0600. */
export const PROVIDER_KEY = CUSTOMER_KEY.split("\n")[1]!;
export const PASSWORD = "recognisable-password";
/** A customer's key at a WireGuard provider. */
export const PROVIDER_WIREGUARD_KEY = wireGuardKeys(Buffer.alloc(32, 201)).privateKey;
const providerKey = wireGuardKeys(Buffer.alloc(32, 202)).publicKey;
/** The providers' files that settings of {@link anyRaw} name. */
export const profiles: Readonly<Record<string, string>> = {
  "wg.conf": `[Interface]\nPrivateKey = ${PROVIDER_WIREGUARD_KEY}\nAddress = 10.64.0.7/32\n[Peer]\nPublicKey = ${providerKey}\nEndpoint = wg.provider.example:51820\nAllowedIPs = 0.0.0.0/0\n`,
  "asks.ovpn": `client\nremote provider.example 1194 udp\nauth-user-pass\n${CA}${CUSTOMER}`,
  "plain.ovpn": `client\nremote 203.0.113.40 443 tcp\nremote b.example 53\n${CA}${CUSTOMER}`,
};

/** The machine's public address. */
export const ADDRESS = "203.0.113.9";

export interface Gateway {
  readonly settings: Settings;
  readonly plan: Plan;
  readonly secrets: GatewaySecrets;
}

/** Names the gateway uses itself where an exit's would stand. */
const taken = ["direct", "block", "host", "local", "none"];

/** The credentials that the exits of such settings ask for. */
export function loginsOf(raw: Raw): Raw {
  const asking = Array.isArray(raw["exits"]) ? (raw["exits"] as { name: string; profile: string }[]) : [];
  const logins = asking
    .filter(({ profile }) => profile === "asks.ovpn")
    .map(({ name }) => [name, { username: `user-of-${name}`, password: `${PASSWORD}-of-${name}` }] as const);
  return Object.fromEntries(logins);
}

/** What a stack's raw settings lead to, with keys of the same shape as the real ones. */
export function gatewayOf(raw: Raw): Gateway {
  const { settings, credentials } = parse({ host: ec2, ...raw }, loginsOf(raw), profiles);
  const plan = atAddress(planGateway(settings), ADDRESS);
  const clients = plan.clients.map(({ name, publicKey }, index) => {
    const made = wireGuardKeys(Buffer.alloc(32, index + 1));
    const keys = {
      privateKey: publicKey === undefined ? made.privateKey : undefined,
      publicKey: publicKey ?? made.publicKey,
      presharedKey: Buffer.alloc(32, 255 - index).toString("base64"),
    };
    return [name, keys] as const;
  });
  return {
    settings,
    plan,
    secrets: {
      serverPrivateKey: wireGuardKeys(Buffer.alloc(32, 200)).privateKey,
      clients: new Map(clients),
      credentials,
    },
  };
}

/** The gateway of the documents, with a second exit beside it. */
export const documented = (): Gateway =>
  gatewayOf({
    exits: [
      { name: "vpn", profile: "asks.ovpn" },
      { name: "se-1", profile: "plain.ovpn", slot: 3 },
    ],
    rules: [
      { from: "10.4.0.200", exit: "se-1" },
      { from: "10.4.0.128/25", exit: "vpn" },
    ],
    clients: [
      { name: "laptop", address: "10.4.0.50" },
      { name: "phone", address: "10.4.0.199" },
      { name: "tv", address: "10.4.0.200", publicKey: wireGuardKeys(Buffer.alloc(32, 99)).publicKey },
    ],
  });

export function exitOf(plan: Plan, name: string): ExitPlan {
  const found = plan.exits.find((exit) => exit.name === name);
  if (!found) throw new Error(`no exit ${name}`);
  return found;
}

/** A rendered file. @throws when there is none of that path */
export function contentOf({ plan, secrets }: Gateway, path: string): string {
  const found = renderFiles(plan, secrets).find((file) => file.path === path);
  if (!found) throw new Error(`no file ${path}`);
  return found.content;
}

export const anySubnet: fc.Arbitrary<string> = fc
  .tuple(fc.integer({ min: 16, max: 29 }), fc.nat({ max: 0xfffff }))
  .map(([length, host]) => {
    const size = 2 ** (32 - length);
    const base = intervalOf("172.16.0.0/12").first + host;
    return `${addressText(base - (base % size))}/${length}`;
  });

/** One address, a range or an aligned network inside a subnet. */
export function anySource(subnet: string): fc.Arbitrary<string> {
  const { first, last } = intervalOf(subnet);
  const inside = fc.integer({ min: first, max: last });
  const range = fc.tuple(inside, inside).map(([a, b]) => intervalText({ first: Math.min(a, b), last: Math.max(a, b) }));
  const network = fc.tuple(inside, fc.integer({ min: Number(subnet.split("/")[1]), max: 32 })).map(([at, length]) => {
    const size = 2 ** (32 - length);
    return `${addressText(at - (at % size))}/${length}`;
  });
  return fc.oneof(inside.map(addressText), range, network);
}

/** Names that come near to those of our own chains, files and namespaces among them. */
const anyName = fc.oneof(
  fc.constantFrom("vpn", "clients", "inward", "from-vpn", "a-b", "to", "by", "h", "host-1", "choice-1", "group-a"),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,7}$/).filter((name) => !taken.includes(name)),
);

const anyClock = fc.tuple(fc.nat({ max: 23 }), fc.constantFrom("00", "30")).map(([hour, rest]) => {
  return `${String(hour).padStart(2, "0")}:${rest}`;
});
/** Few, so that rules share them. */
const anyHours = fc.oneof(
  fc.constantFrom(
    { from: "09:00", to: "17:00", timeZone: "Europe/Berlin" },
    { from: "22:00", to: "06:00", timeZone: "UTC" },
  ),
  fc
    .record({
      days: fc.subarray(["mon", "tue", "wed", "thu", "fri", "sat", "sun"], { minLength: 1 }),
      from: anyClock,
      to: fc.oneof(anyClock, fc.constant("24:00")),
      timeZone: fc.constantFrom("UTC", "America/New_York"),
    })
    .filter(({ from, to }) => from !== to),
);

const anyPort = fc.oneof(fc.constantFrom(53, 80, 443, "400-500", "1-65535"), fc.integer({ min: 1, max: 65535 }));
const anyTraffic = fc.oneof(
  fc.constantFrom({}, { protocol: "icmp" }, { protocol: "tcp" }, { protocol: "udp" }),
  fc.record({ protocol: fc.constantFrom("tcp", "udp"), ports: fc.array(anyPort, { minLength: 1, maxLength: 4 }) }),
);

/** Rules that go to some of the ways, about some addresses of a subnet, at times, for some traffic. */
export function anyRules(subnet: string, ways: readonly string[]): fc.Arbitrary<Raw[]> {
  const rule = fc
    .record({
      from: fc.option(anySource(subnet), { nil: undefined }),
      traffic: fc.oneof(fc.constant({}), anyTraffic),
      during: fc.option(anyHours, { freq: 3, nil: undefined }),
      exit: fc.constantFrom(...ways),
    })
    .map(({ traffic, ...rest }) => ({ ...traffic, ...rest }));
  return fc.array(rule, { maxLength: 8 });
}

/** Many rules by port, about ports that are few enough for their ranges to overlap, touch and hold each other. */
export function anyPortRules(subnet: string, ways: readonly string[]): fc.Arbitrary<Raw[]> {
  const near = fc.integer({ min: 436, max: 450 });
  const range = fc.tuple(near, near).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  // Few have a source or hours: most shall be about the same traffic.
  const one = fc
    .record({
      from: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anySource(subnet) }),
      protocol: fc.constantFrom("tcp", "tcp", "tcp", "udp"),
      ports: fc.array(fc.oneof(near, near, range, anyPort), { minLength: 1, maxLength: 3 }),
      during: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anyHours }),
      exit: fc.constantFrom(...ways),
    })
    .map((rule): Raw => rule);
  return fc
    .tuple(fc.array(one, { minLength: 8, maxLength: 24 }), anyRules(subnet, ways))
    .map(([byPort, others]) => [...byPort, ...others]);
}

/** Apart from what the machine serves anyway, and from each other. */
const anyServices = fc.subarray([
  { protocol: "tcp", ports: [443, "8000-8100"] },
  { protocol: "tcp", ports: [25] },
  { protocol: "udp", ports: [443, "60000-61000"] },
]);

/** Settings of all kinds, whole but for rules that cannot match. */
export const anyRaw: fc.Arbitrary<Raw> = fc
  .record({
    subnet: anySubnet,
    mtu: fc.integer({ min: 1280, max: 1420 }),
    names: fc.uniqueArray(anyName, { maxLength: 8 }),
    many: fc.nat({ max: 5 }),
    more: fc.oneof(
      { weight: 5, arbitrary: fc.constant<string[]>([]) },
      { weight: 1, arbitrary: fc.constant(Array.from({ length: 9 }, (_, index) => `more-${index + 1}`)) },
    ),
    slots: fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { minLength: 14, maxLength: 14 }),
  })
  .chain(({ subnet, mtu, names: all, many, more, slots }) => {
    const { first, last } = intervalOf(subnet);
    const names = [...all.slice(0, many), ...more.filter((name) => !all.includes(name))];
    const groups = names.length === 0 ? [] : all.slice(many, many + 3);
    return fc.record({
      wireguard: fc.constant({ subnet, mtu }),
      exits: fc.tuple(
        ...names.map((name, index) =>
          fc
            .constantFrom(
              { profile: "asks.ovpn" },
              { profile: "plain.ovpn" },
              { kind: "wireguard", profile: "wg.conf" },
            )
            .map((provider) => ({ name, ...provider, slot: slots[index] })),
        ),
      ),
      groups: fc.tuple(
        ...groups.map((name) =>
          fc
            .shuffledSubarray(names, { minLength: 1, maxLength: Math.min(names.length, 8) })
            .map((members) => ({ name, members, backAfter: 10 })),
        ),
      ),
      rules: fc.oneof(
        { weight: 6, arbitrary: anyRules(subnet, ["direct", "block", ...names, ...groups]) },
        { weight: 3, arbitrary: anyPortRules(subnet, ["direct", "block", ...names, ...groups]) },
        { weight: 1, arbitrary: fc.constant(undefined) },
      ),
      clients: fc
        .uniqueArray(fc.integer({ min: first + 2, max: last - 1 }), { maxLength: 5 })
        .map((addresses) =>
          addresses.map((address, index) => ({ name: `client-${index}`, address: addressText(address) })),
        ),
      /** Port of the metrics, beside what is published. */
      scraped: fc.option(fc.integer({ min: 8101, max: 65535 }), { nil: undefined }),
      localNetworks: fc.subarray(["10.0.0.0/16", "10.0.1.0/24", "192.168.0.0/24", "192.168.1.0/24", "9.0.0.0/8"]),
      published: fc.record(
        { services: anyServices, addresses: fc.constant(["203.0.113.9", "203.0.113.10"]) },
        { requiredKeys: [] },
      ),
      dns: fc.record({
        upstreams: fc.array(fc.constantFrom("1.1.1.2", "8.8.8.8", "1.0.0.2", "149.112.112.112"), {
          minLength: 1,
          maxLength: 4,
        }),
        records: fc.dictionary(fc.constantFrom("a.local", "vault.raff.local", "x--y.example"), fc.ipV4()),
        privateDomains: fc.subarray(["plex.direct", "lan", "_dmarc.example.com", "."]),
      }),
    });
  })
  .map(({ scraped, ...raw }) => {
    const from = raw.clients.slice(0, 2).map(({ name }) => name);
    return { ...raw, metrics: scraped === undefined ? undefined : { port: scraped, from } };
  });

/** Settings less the rules that are refused because earlier ones take all of their traffic. */
export function withoutUnreachable(raw: Raw): Raw {
  const { faults } = faultsOf({ host: ec2, ...raw }, loginsOf(raw), profiles);
  const refused = faults.map(({ key }) => key);
  const rules = raw["rules"] as Raw[] | undefined;
  return { ...raw, rules: rules?.filter((_, index) => !refused.includes(`rules[${index}]`)) };
}

/** Gateways of all kinds that pass the settings' checks. */
export const anyGateway: fc.Arbitrary<Gateway> = anyRaw.map(withoutUnreachable).map(gatewayOf);
