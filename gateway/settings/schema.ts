import { z } from "zod";
import { MAX_SLOT } from "../plan/ids";
import { hasHostBits, isAddress, isCidr, isSource } from "./address";
import { parseProfile, type ProfileFinding, type ProviderProfile } from "./profile";

/**
 * A leaf of the schema: `base` decides, `allowed` and `mend` are what the user reads when it says no.
 * A `default` belongs outside: `field(...).default(value)`.
 */
function field<T>(base: z.ZodType<T>, allowed: string, mend: string) {
  return z.unknown().transform((value, context): T => {
    const result = base.safeParse(value);
    if (result.success) return result.data;
    context.issues.push({ code: "custom", input: value, message: allowed, params: { mend } });
    return z.NEVER;
  });
}

const cidr = (what: string) =>
  field(
    z.string().refine((text) => isCidr(text) && !hasHostBits(text)),
    `${what}: a network in CIDR form with no host bits, such as 10.4.0.0/24`,
    "write the network's first address and its prefix length",
  );

const address = (what: string) =>
  field(z.string().refine(isAddress), `${what}: an IPv4 address such as 10.4.0.7`, "write four decimal numbers 0..255 with dots");

const port = (what: string) => field(z.int().min(1).max(65535), `${what}: a whole number 1..65535`, "choose a port in that range");

const name = (what: string, longest: number) =>
  field(
    z.string().regex(new RegExp(`^[a-z][a-z0-9-]{0,${longest - 1}}$`)),
    `${what}: 1..${longest} of a-z, 0-9 and -, beginning with a letter`,
    "choose another name",
  );

const text = (what: string) => field(z.string().trim().min(1), what, "give a text that is not empty");

/** A WireGuard key: 32 bytes in base64, as `wg pubkey` prints it. */
export const isWireGuardKey = (value: string): boolean =>
  /^[A-Za-z0-9+/]{43}=$/.test(value) && Buffer.from(value, "base64").toString("base64") === value;

const ec2Host = z.strictObject({
  kind: z.literal("ec2"),
  /** EC2 instance type; its architecture chooses the image. Default t4g.small. */
  instanceType: field(
    z.string().regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/),
    "an EC2 instance type such as t4g.small",
    "see `aws ec2 describe-instance-types`",
  ).default("t4g.small"),
  /** Image to start from. Default: the newest Debian 13 when the machine is first made. */
  amiId: field(z.string().regex(/^ami-[0-9a-f]{8,17}$/), "an image id such as ami-0123456789abcdef0", "leave it out for Debian 13").optional(),
  /** Subnet of the machine. Default: a default subnet of the default VPC. */
  subnetId: field(
    z.string().regex(/^subnet-[0-9a-f]{8,17}$/),
    "a subnet id such as subnet-0123456789abcdef0",
    "leave it out for the default VPC",
  ).optional(),
  /** Networks that may reach SSH. Required; the whole internet only by `sshFromAnywhere`. */
  sshFrom: field(
    z.array(z.string().refine((value) => isCidr(value) && !hasHostBits(value))).min(1),
    "a list of networks in CIDR form that may reach SSH, such as [198.51.100.7/32]",
    "give your own address with /32",
  ),
  /** Says that `sshFrom` may hold 0.0.0.0/0. Default false. */
  sshFromAnywhere: field(z.boolean(), "true or false", "leave it out unless SSH shall face the whole internet").default(false),
  /** Size of the encrypted gp3 root volume, GiB, 8..1024. Default 8. */
  volumeSize: field(z.int().min(8).max(1024), "GiB, a whole number 8..1024", "8 is enough for a gateway").default(8),
  /** Tags for every resource of the machine. Default none. */
  tags: field(z.record(z.string(), z.string()), "a map of texts", "write tag names and values as texts").default({}),
});

const existingHost = z.strictObject({
  kind: z.literal("existing"),
  /** Where SSH and WireGuard reach the machine: an IPv4 address or a DNS name. */
  address: field(z.string().regex(/^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/), "an IPv4 address or a DNS name", "give the machine's public address"),
  /** Port of sshd. Default 22. */
  port: port("SSH port").default(22),
  /** Login; anybody but root needs sudo without a password. Default root. */
  user: field(z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/), "a login name", "give the name you log in with").default("root"),
  /** Path of a private key without a passphrase, from the project's folder. Default: the keys of the SSH agent. */
  privateKeyFile: text("the path of a private key file").optional(),
  /** The machine's ed25519 host key, or the path of its .pub file. Required: nothing is sent to a machine that cannot prove who it is. */
  hostKey: field(
    z.string().regex(/^(ssh-ed25519 [A-Za-z0-9+/=]{68}( .*)?|\S+\.pub)$/),
    "the machine's public host key, `ssh-ed25519 AAAA...`, or the path of a .pub file that holds it",
    "read it on the machine: cat /etc/ssh/ssh_host_ed25519_key.pub",
  ),
});

const wireguard = z.strictObject({
  /** The clients' network, /16../29. Its first address is the gateway's. Default 10.4.0.0/24. */
  subnet: cidr("the clients' network").default("10.4.0.0/24"),
  /** UDP port WireGuard listens on. Default 45822. */
  port: port("WireGuard's UDP port").default(45822),
  /** MTU of wg0 and of the clients' profiles, bytes, 1280..1420. Default 1420. */
  mtu: field(
    z.int().min(1280).max(1420),
    "bytes, a whole number 1280..1420 (IPv6's least, and what is left of 1500 by WireGuard)",
    "leave it out for 1420",
  ).default(1420),
});

const exit = z.strictObject({
  /** What rules call it. */
  name: name("an exit's name", 8),
  kind: field(z.literal("openvpn"), '"openvpn"', "direct and block need no entry here").default("openvpn"),
  /** The provider's .ovpn file: a path from the project's folder. */
  profile: text("the path of the provider's .ovpn file"),
  /** Which namespace, network, table and marks it has. Default 1, the documented ones. */
  slot: field(z.int().min(1).max(MAX_SLOT), `a whole number 1..${MAX_SLOT}`, "give each exit a slot of its own").default(1),
});

const rule = z.strictObject({
  /** Whose traffic: an address, a network, or a range first-last of the clients' network. Default: all of it. */
  from: field(
    z.string().refine(isSource),
    "an address, a network without host bits, or a range first-last",
    "such as 10.4.0.128/25 or 10.4.0.64-10.4.0.255",
  ).optional(),
  /** Which way out: the name of an exit, or "direct". */
  exit: text('the name of an exit, or "direct"'),
});

const client = z.strictObject({
  /** Names the profile; unique. */
  name: name("a client's name", 32),
  /** Its address in the clients' network decides its exit. */
  address: address("the client's address"),
  /** Its own public key. Default: a key pair is made for it, and stands in its profile. */
  publicKey: field(
    z.string().refine(isWireGuardKey),
    "a WireGuard public key: 32 bytes in base64, 44 characters",
    "copy what `wg pubkey` printed",
  ).optional(),
});

const dns = z.strictObject({
  /** Resolvers asked for what is not local. Default: the documented four. */
  upstreams: field(
    z.array(z.string().refine(isAddress)).min(1).max(16),
    "a list of 1..16 IPv4 addresses",
    "leave it out for 1.1.1.2, 1.0.0.2, 8.8.8.8, 8.8.4.4",
  ).default(["1.1.1.2", "1.0.0.2", "8.8.8.8", "8.8.4.4"]),
  /** Names answered here and nowhere else. Default: the documented two. */
  records: z
    .record(
      field(
        z.string().regex(/^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/),
        "a DNS name in lower case with at least one dot, each label 1..63 of a-z, 0-9, - and _",
        "write the full name",
      ),
      address("the address of a local name"),
    )
    .default({ "vault.raff.local": "10.4.0.7", "rafflab.internal": "10.4.0.3" }),
});

/** The shape of a stack's settings; what depends on several of them is in validate.ts. */
export const schema = z.strictObject({
  host: z.discriminatedUnion("kind", [ec2Host, existingHost]),
  wireguard: wireguard.prefault({}),
  exits: z.array(exit).default([]),
  /** First match wins, nothing matched goes direct. Default: the upper half of the clients' network to the first exit. */
  rules: z.array(rule).optional(),
  clients: z.array(client).default([]),
  dns: dns.prefault({}),
  /** Networks reached directly by every client, never through a provider. Default: the documented VPC. */
  localNetworks: field(
    z.array(z.string().refine((value) => isCidr(value) && !hasHostBits(value))),
    "a list of networks in CIDR form without host bits",
    "leave it out for 10.0.0.0/16, 10.0.1.0/24, 10.0.2.0/24, or give [] for none",
  ).default(["10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24"]),
});

export type SettingsInput = z.input<typeof schema>;
type Shape = z.output<typeof schema>;

export type Ec2HostSettings = z.output<typeof ec2Host>;
export type ExistingHostSettings = z.output<typeof existingHost>;
export type ClientSettings = Shape["clients"][number];
export type RuleSettings = z.output<typeof rule>;
export type ExitSettings = Shape["exits"][number] & { readonly provider: ProviderProfile };

/** Whole, checked settings: every default filled in, every reference resolved. */
export type Settings = Omit<Shape, "exits" | "rules"> & {
  readonly exits: readonly ExitSettings[];
  readonly rules: readonly RuleSettings[];
};

export { parseProfile, type ProfileFinding };
