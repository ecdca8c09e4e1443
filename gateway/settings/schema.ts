import { z } from "zod";
import { MAX_SLOT } from "../plan/ids";
import { isHost, isNetwork, isSource } from "./address";
import {
  address,
  clock,
  credential,
  exitName,
  field,
  isHostKey,
  isPortRange,
  isTimeZone,
  isWireGuardKey,
  network,
  port,
  text,
  weekdays,
} from "./fields";
import type { OpenVpnProfile } from "./profile";
import type { WireGuardProfile } from "./wireguardProfile";

/** What the user reads where a text or a number stands instead of settings. */
const map = "a map of settings";
const maps = "a list of maps of settings";
const networks = "a list of networks in CIDR form, such as [198.51.100.7/32]";
const resolvers = "a list of 1..16 IPv4 addresses";

/** Names the gateway uses itself where an exit's would stand. */
const taken = ["direct", "block", "host", "local", "none"];

const daysText = "a list of days, such as [mon, tue]";
const portsText = "a list of 1..64 ports and ranges, such as [80, 443, 8000-8100]";
const membersText = "a list of 1..8 names of exits";

const ec2Host = z.strictObject({
  kind: z.literal("ec2"),
  /** EC2 instance type; its architecture chooses the image. Default t4g.small. */
  instanceType: field(
    z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/),
    "an EC2 instance type such as t4g.small",
    "see `aws ec2 describe-instance-types`",
  ).default("t4g.small"),
  /** Image to start from. Default: the newest Debian 13 when the machine is first made. */
  amiId: field(
    z.string().regex(/^ami-[0-9a-f]{8,17}$/),
    "an image id such as ami-0123456789abcdef0",
    "leave it out for Debian 13",
  ).optional(),
  /** Subnet of the machine. Default: a default subnet of the default VPC. */
  subnetId: field(
    z.string().regex(/^subnet-[0-9a-f]{8,17}$/),
    "a subnet id such as subnet-0123456789abcdef0",
    "leave it out for the default VPC",
  ).optional(),
  /** Networks that may reach SSH. Required; the whole internet only by `sshFromAnywhere`. */
  sshFrom: z.array(network("what may reach SSH", "give your own address with /32"), networks).min(1, networks),
  /** Says that `sshFrom` may hold the whole internet, or more than a /8 of it. Default false. */
  sshFromAnywhere: field(z.boolean(), "true or false", "leave it out unless SSH shall face the whole internet").default(
    false,
  ),
  /** Size of the encrypted gp3 root volume, GiB, 8..1024. Default 8. */
  volumeSize: field(z.int().min(8).max(1024), "GiB, a whole number 8..1024", "8 is enough for a gateway").default(8),
  /** Tags for every resource of the machine. Default none. */
  tags: z.record(z.string(), field(z.string(), "a text", "put it in quotes"), "a map of texts").default({}),
});

const existingHost = z.strictObject({
  kind: z.literal("existing"),
  /** Where SSH and WireGuard reach the machine: an IPv4 address or a DNS name. */
  address: field(z.string().refine(isHost), "an IPv4 address or a DNS name", "give the machine's public address"),
  /** Port of sshd. Default 22. */
  port: port("SSH port").default(22),
  /** Login; anybody but root needs sudo without a password. Default root. */
  user: field(z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/), "a login name", "give the name you log in with").default(
    "root",
  ),
  /** Path of a private key without a passphrase, from the project's folder. Default: the keys of the SSH agent. */
  privateKeyFile: text("the path of a private key file").optional(),
  /** The machine's ed25519 host key, or the path of its .pub file. Required: nothing is sent to a machine that cannot prove who it is. */
  hostKey: field(
    z.string().refine((value) => isHostKey(value) || /^\S+\.pub$/.test(value)),
    "the machine's public host key, `ssh-ed25519 AAAA...`, or the path of a .pub file that holds it",
    "read it on the machine: cat /etc/ssh/ssh_host_ed25519_key.pub",
  ),
});

const wireguard = z.strictObject(
  {
    /** The clients' network, /16../29. Its first address is the gateway's. Default 10.4.0.0/24. */
    subnet: field(
      z.string().refine((value) => isNetwork(value) && /\/(1[6-9]|2\d)$/.test(value)),
      "the clients' network: /16../29 in CIDR form with no host bits, such as 10.4.0.0/24",
      "give room for the gateway and the clients, and no more than 65,536 addresses",
    ).default("10.4.0.0/24"),
    /** UDP port WireGuard listens on. Default 45822. */
    port: port("WireGuard's UDP port").default(45822),
    /** MTU of wg0 and of the clients' profiles, bytes, 1280..1420. Default 1420. */
    mtu: field(
      z.int().min(1280).max(1420),
      "bytes, a whole number 1280..1420 (IPv6's least, and what is left of 1500 by WireGuard)",
      "leave it out for 1420",
    ).default(1420),
  },
  map,
);

const exit = z.strictObject(
  {
    /** What rules call it. */
    name: field(
      exitName.refine((value) => !taken.includes(value)),
      `an exit's name: 1..8 of a-z, 0-9 and -, beginning with a letter; not ${taken.join(", ")}, which are the gateway's own`,
      "choose another name",
    ),
    /** What the provider speaks. Default openvpn. */
    kind: field(
      z.enum(["openvpn", "wireguard"]),
      '"openvpn" or "wireguard"',
      "direct and block need no entry here; failover is a group",
    ).default("openvpn"),
    /** The provider's .ovpn file, or its WireGuard .conf file: a path from the project's folder. */
    profile: text("the path of the provider's .ovpn or .conf file"),
    /** Which namespace, network, table and marks it has. Default 1, the documented ones. */
    slot: field(
      z.int().min(1).max(MAX_SLOT),
      `a whole number 1..${MAX_SLOT}`,
      "give each exit a slot of its own",
    ).default(1),
  },
  map,
);

/** Hours of the wall clock in a time zone; from daylight-saving change to daylight-saving change the same. */
const during = z.strictObject(
  {
    /** Days on which it begins. Default all seven. */
    days: z
      .array(field(z.enum(weekdays), `one of ${weekdays.join(", ")}`, "write the day's first three letters"), daysText)
      .min(1, daysText)
      // Each once and in order, so that the same hours are the same.
      .transform((days) => weekdays.filter((day) => days.includes(day)))
      .default([...weekdays]),
    /** When it begins, HH:MM. */
    from: clock("the beginning", "23:59"),
    /** When it ends, HH:MM, up to 24:00; not after the beginning: on the next day. */
    to: clock("the end", "24:00"),
    /** An IANA time zone. */
    timeZone: field(
      z.string().refine(isTimeZone),
      "an IANA time zone such as Europe/Berlin or UTC",
      "look it up in the IANA time zone database",
    ),
  },
  map,
);

const rule = z.strictObject(
  {
    /** Whose traffic: an address, a network, or a range first-last of the clients' network. Default: all of it. */
    from: field(
      z.string().refine(isSource),
      "an address, a network without host bits, or a range first-last",
      "such as 10.4.0.128/25 or 10.4.0.64-10.4.0.255",
    ).optional(),
    /** Only this protocol. Default: every one. */
    protocol: field(
      z.enum(["tcp", "udp", "icmp"]),
      '"tcp", "udp" or "icmp"',
      "leave it out for every protocol",
    ).optional(),
    /** Only these destination ports: numbers, or ranges "first-last". Needs protocol tcp or udp. Default: all. */
    ports: z
      .array(
        field(
          z.union([z.int().min(1).max(65535), z.string().refine(isPortRange)]),
          'a port 1..65535, or a range "first-last"',
          'such as 443 or "8000-8100"',
        ),
        portsText,
      )
      .min(1, portsText)
      .max(64, portsText)
      .optional(),
    /** Only in these hours. Default: always. */
    during: during.optional(),
    /** Which way out: the name of an exit or of a group, "direct", or "block" (local networks only). */
    exit: text('the name of an exit or of a group, "direct" or "block"'),
  },
  map,
);

/** Exits in the order of preference. Clients are on the first that is well; when all are ill, blocked. */
const group = z.strictObject(
  {
    /** What rules call it; no exit may have the same. */
    name: field(
      exitName.refine((value) => !taken.includes(value)),
      `a group's name: 1..8 of a-z, 0-9 and -, beginning with a letter; not ${taken.join(", ")}, which are the gateway's own`,
      "choose another name",
    ),
    /** Names of exits, the preferred one first. */
    members: z.array(text("the name of an exit"), membersText).min(1, membersText).max(8, membersText),
    /** How long an earlier member must have been well before clients go back to it, seconds. Default 30. */
    backAfter: field(z.int().min(0).max(86400), "seconds, a whole number 0..86400", "leave it out for 30").default(30),
  },
  map,
);

const client = z.strictObject(
  {
    /** Names the profile; unique. */
    name: field(
      z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
      "a client's name: 1..32 of a-z, 0-9 and -, beginning with a letter",
      "choose another name",
    ),
    /** Its address in the clients' network decides its exit. */
    address: address("the client's address"),
    /** Its own public key. Default: a key pair is made for it, and stands in its profile. */
    publicKey: field(
      z.string().refine(isWireGuardKey),
      "a WireGuard public key: 32 bytes in base64, 44 characters",
      "copy what `wg pubkey` printed",
    ).optional(),
    /**
     * What its profile takes into the tunnel: "full", everything, or "internal", the clients' network and the local networks alone.
     * The profile says it and the device does it: on the machine both are the same. Default full.
     */
    tunnel: field(
      z.enum(["full", "internal"]),
      '"full" (everything) or "internal" (the clients\' and the local networks alone)',
      "leave it out for full",
    ).default("full"),
    /** Raised, it makes the client new keys. Default 1. */
    keyVersion: field(
      z.int().min(1).max(1_000_000),
      "a whole number 1..1000000",
      "add 1 to make the client new keys, or leave it out for 1",
    ).default(1),
  },
  map,
);

const dns = z.strictObject(
  {
    /** Resolvers asked for what is not local. Default: the documented four. */
    upstreams: z
      .array(address("a resolver's address"), resolvers)
      .min(1, resolvers)
      .max(16, resolvers)
      .default(["1.1.1.2", "1.0.0.2", "8.8.8.8", "8.8.4.4"]),
    /** Names answered here and nowhere else. Default: the documented two. */
    records: z
      .record(
        field(
          z.string().regex(/^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/),
          "a DNS name in lower case with at least one dot, each label 1..63 of a-z, 0-9, - and _",
          "write the full name",
        ),
        address("the address of a local name"),
        "a map of names to IPv4 addresses",
      )
      .default({ "vault.raff.local": "10.4.0.7", "rafflab.internal": "10.4.0.3" }),
  },
  map,
);

/** User name and password for a provider. */
const credentials = z.strictObject({ username: credential("username"), password: credential("password") }, map);

/** The shape of a stack's settings; what depends on several of them is in between.ts. */
export const schema = z.strictObject(
  {
    host: z.discriminatedUnion("kind", [ec2Host, existingHost], {
      error: 'a map whose kind is "ec2" (a new EC2 machine) or "existing" (a Linux machine you reach by SSH)',
    }),
    wireguard: wireguard.prefault({}),
    exits: z.array(exit, maps).default([]),
    /** Failover groups of exits. */
    groups: z.array(group, maps).default([]),
    /** First match wins, nothing matched goes direct. Default: the upper half of the clients' network to the first exit. */
    rules: z.array(rule, maps).optional(),
    clients: z.array(client, maps).default([]),
    dns: dns.prefault({}),
    /** Networks reached directly by every client, never through a provider. Default: the documented VPC. */
    localNetworks: z
      .array(network("a local network", "leave the setting out for the documented VPC, or give [] for none"), networks)
      .default(["10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24"]),
    /** By the exit's name. A secret: never shown, and kept apart from the settings. */
    credentials: z.record(z.string(), credentials, "a map of exits, each with username and password").default({}),
  },
  map,
);

export type Shape = z.output<typeof schema>;

export type Ec2HostSettings = z.output<typeof ec2Host>;
export type ExistingHostSettings = z.output<typeof existingHost>;
export type ClientSettings = Shape["clients"][number];
export type RuleSettings = z.output<typeof rule>;
export type WindowSettings = z.output<typeof during>;
export type GroupSettings = z.output<typeof group>;
export type Credentials = z.output<typeof credentials>;
/** What a provider's file says. */
export type ProviderProfile = OpenVpnProfile | WireGuardProfile;
export type ExitSettings = Shape["exits"][number] & { readonly provider: ProviderProfile };

/** Whole, checked settings: every default filled in, every reference resolved. */
export type Settings = Omit<Shape, "exits" | "rules" | "credentials"> & {
  readonly exits: readonly ExitSettings[];
  readonly rules: readonly RuleSettings[];
};
