import { z } from "zod";
import { DIRECT_RESOLVER_PORT } from "../plan/ids";
import { isHost, isNetwork } from "./address";
import {
  address,
  anotherName,
  credential,
  field,
  isWireGuardKey,
  keyVersion,
  list,
  map,
  network,
  networks,
  port,
  service,
  services,
  text,
} from "./fields";
import { type ec2Host, type existingHost, gatewayHost, replica } from "./hostSchema";
import type { OpenVpnProfile } from "./profile";
import { during, exit, group, rule } from "./routingSchema";
import { tunnel } from "./tunnelSchema";
import type { WireGuardProfile } from "./wireguardProfile";

/** What the user reads where a text or a number stands instead of settings. */
const maps = "a list of maps of settings";
const replicasText = "a list of at most 16 replicas, each with name and host";
const publicText = "a list of 1..64 IPv4 addresses";
const resolvers = "a list of 1..16 IPv4 addresses";
const domains = "a list of at most 64 DNS names";

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
    /** Where clients find the gateway, without the port: an IPv4 address or a DNS name. Default: its host's address. */
    endpoint: field(
      z.string().refine(isHost),
      "an IPv4 address or a DNS name that leads clients to the gateway, without a port",
      "leave it out for the host's own address",
    ).optional(),
    /** MTU of wg0 and of the clients' profiles, bytes, 1280..1420. Default 1420. */
    mtu: field(
      z.int().min(1280).max(1420),
      "bytes, a whole number 1280..1420 (IPv6's least, and what is left of 1500 by WireGuard)",
      "leave it out for 1420",
    ).default(1420),
    /** Whether clients are kept from each other. Default false. */
    isolation: field(z.boolean(), "true or false", "leave it out for false").default(false),
    /** Raised, it makes the gateway a new key; every profile changes with it. Default 1. */
    keyVersion: keyVersion("the gateway"),
  },
  map,
);

const client = z.strictObject(
  {
    /** Names the profile; unique. */
    name: field(
      z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
      "a client's name: 1..32 of a-z, 0-9 and -, beginning with a letter",
      anotherName,
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
     * What its profile takes into the tunnel: "full", everything; "internal", the clients' network and the local networks alone; or
     * "transparent", the gateway's public addresses as well, by policy routing on the device (wg-quick on Linux).
     * The profile says it and the device does it: on the machine all are the same. Default full.
     */
    tunnel: field(
      z.enum(["full", "internal", "transparent"]),
      '"full" (everything), "internal" (the clients\' and the local networks alone) or "transparent" (the gateway\'s public addresses, too)',
      "leave it out for full",
    ).default("full"),
    /** Raised, it makes the client new keys. Default 1. */
    keyVersion: keyVersion("the client"),
  },
  map,
);

const dns = z.strictObject(
  {
    /** Resolvers asked for what is not local. Default: the documented four. */
    upstreams: list(address("a resolver's address"), resolvers, { least: 1, most: 16 }).default([
      "1.1.1.2",
      "1.0.0.2",
      "8.8.8.8",
      "8.8.4.4",
    ]),
    /** Names answered here and nowhere else. Default: the documented two. */
    records: z
      .record(z.string(), address("the address of a local name"), "a map of names to IPv4 addresses")
      .default({ "vault.raff.local": "10.4.0.7", "rafflab.internal": "10.4.0.3" }),
    /**
     * Names, each with all below it, whose answers from upstreams may be private addresses; "." for every name. Default none: a name of
     * the internet that leads into a private network leads a browser there (DNS rebinding).
     */
    privateDomains: list(
      field(
        z
          .string()
          .regex(/^(\.|(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)*)$/),
        'a DNS name in lower case, which counts with all names below it, or "." for every name',
        "such as plex.direct; what dns.records names needs no entry",
      ),
      domains,
      { most: 64 },
    ).default([]),
  },
  map,
);

const published = z.strictObject(
  {
    /** What the gateway's machine serves to clients, through the tunnel; on EC2 to everybody. Default nothing. */
    services: list(service, services, { most: 32 }).default([]),
    /** Its public addresses. Default: its host's. */
    addresses: list(address("a public address of the gateway's machine"), publicText, {
      least: 1,
      most: 64,
    }).optional(),
  },
  map,
);

const scrapers = "a list of names of clients";

/** For Prometheus, on the WireGuard side alone. */
const metrics = z.strictObject(
  {
    /** TCP port on the gateway's WireGuard address. Default 9586. */
    port: field(
      z
        .int()
        .min(1024)
        .max(65535)
        .refine((value) => value !== DIRECT_RESOLVER_PORT),
      `a whole number 1024..65535, other than ${DIRECT_RESOLVER_PORT}, which is the resolver's`,
      "leave it out for 9586",
    ).default(9586),
    /** Names of the clients that may fetch them. Default none: only the machine itself. */
    from: list(text("the name of a client"), scrapers).default([]),
  },
  map,
);

/** User name and password for a provider. */
const credentials = z.strictObject({ username: credential("username"), password: credential("password") }, map);

/** The shape of a stack's settings; what depends on several of them is in between.ts. */
export const schema = z.strictObject(
  {
    /** The gateway's machine. Required, unless the stack has tunnels and nothing of a gateway. */
    host: gatewayHost.optional(),
    /** Further machines with the same gateway. Default none. */
    replicas: list(replica, replicasText, { most: 16 }).default([]),
    wireguard: wireguard.prefault({}),
    exits: list(exit, maps).default([]),
    /** Failover groups of exits. */
    groups: list(group, maps).default([]),
    /** First match wins, nothing matched goes direct. Default: the upper half of the clients' network to the first exit. */
    rules: list(rule, maps).optional(),
    clients: list(client, maps).default([]),
    dns: dns.prefault({}),
    /** Networks reached directly by every client, never through a provider. Default: the documented VPC. */
    localNetworks: list(
      network("a local network", "leave the setting out for the documented VPC, or give [] for none"),
      networks,
    ).default(["10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24"]),
    published: published.prefault({}),
    /** Metrics for Prometheus. Default: none are collected. */
    metrics: metrics.optional(),
    /** Transparent tunnels between hosts of their own. */
    tunnels: list(tunnel, maps, { most: 32 }).default([]),
    /** By the exit's name. A secret: never shown, and kept apart from the settings. */
    credentials: z.record(z.string(), credentials, "a map of exits, each with username and password").default({}),
  },
  map,
);

export type Shape = z.output<typeof schema>;

export type Ec2HostSettings = z.output<typeof ec2Host>;
export type ExistingHostSettings = z.output<typeof existingHost>;
export type HostSettings = Ec2HostSettings | ExistingHostSettings;
export type GatewayHostSettings = NonNullable<Shape["host"]>;
export type ClientSettings = Shape["clients"][number];
export type RuleSettings = z.output<typeof rule>;
export type WindowSettings = z.output<typeof during>;
export type GroupSettings = z.output<typeof group>;
export type Credentials = z.output<typeof credentials>;
/** What a provider's file says. */
export type ProviderProfile = OpenVpnProfile | WireGuardProfile;
export type ExitSettings = Shape["exits"][number] & { readonly provider: ProviderProfile };

/** Whole, checked settings of a gateway: every default filled in, every reference resolved. */
export type Settings = Omit<Shape, "host" | "exits" | "rules" | "credentials" | "tunnels"> & {
  readonly host: GatewayHostSettings;
  readonly exits: readonly ExitSettings[];
  readonly rules: readonly RuleSettings[];
};
