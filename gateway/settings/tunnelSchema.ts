import { z } from "zod";
import { isNetwork } from "./address";
import { address, field, keyVersion, list, map, port, service, services } from "./fields";
import { ec2Host, existingHost, hostText } from "./hostSchema";

/* Transparent tunnels: hosts that reach each other's public addresses through WireGuard while it is up. */

/** Routing table and first priority of the documented tunnel, on an endpoint and on a client's device. */
export const TUNNEL_TABLE = 123;
export const TUNNEL_PRIORITY = 455;

const endpointsText = "a list of 2..64 endpoints, each with name and host";
const publicText = "a list of at most 64 IPv4 addresses";

const endpoint = z.strictObject(
  {
    /** What it is called in resources, outputs and on the machines; unique in its tunnel. */
    name: field(
      z.string().regex(/^[a-z][a-z0-9-]{0,15}$/),
      "an endpoint's name: 1..16 of a-z, 0-9 and -, beginning with a letter",
      "choose another name",
    ),
    /** The machine: a new one on EC2 or one that is there. */
    host: z.discriminatedUnion("kind", [ec2Host, existingHost], { error: hostText }),
    /** Its WireGuard address. Default 10.0.0.N, the Nth of the list. */
    address: address("the endpoint's WireGuard address").optional(),
    /** UDP port that its WireGuard listens on. Default 51820 + N, the Nth of the list. */
    listenPort: port("the endpoint's WireGuard port").optional(),
    /**
     * Addresses by which the others reach it through the tunnel, at most 64. Default: its host's own. With [] the others reach it at its
     * WireGuard address alone.
     */
    publicAddresses: list(address("a public address"), publicText, { most: 64 }).optional(),
    /**
     * Where its source address, the WireGuard one, becomes its first public address: nowhere ("none"), as it leaves ("postrouting"), or
     * where it arrives ("input"). Default none.
     */
    snat: field(
      z.enum(["none", "postrouting", "input"]),
      '"none", "postrouting" (translated by the endpoint itself) or "input" (by those that it speaks to)',
      "leave it out for none",
    ).default("none"),
    /** ec2: what its security group lets in from everywhere, besides WireGuard. Default nothing. */
    services: list(service, services, { most: 32 }).default([]),
    /** 1..1000000; another number makes the endpoint a new key, and new ones that it shares with each of the others. Default 1. */
    keyVersion: keyVersion("the endpoint"),
  },
  map,
);

export const tunnel = z.strictObject(
  {
    /** What it is called in resources and outputs; unique. */
    name: field(
      z.string().regex(/^[a-z][a-z0-9-]{0,15}$/),
      "a tunnel's name: 1..16 of a-z, 0-9 and -, beginning with a letter",
      "choose another name",
    ),
    /** The WireGuard interface on every endpoint. Default wg0. */
    interface: field(
      z.string().regex(/^[a-z][a-z0-9_-]{0,14}$/),
      "an interface's name: 1..15 of a-z, 0-9, _ and -, beginning with a letter",
      "leave it out for wg0",
    ).default("wg0"),
    /** MTU of the interface, bytes, 1280..1420. Default 1420. */
    mtu: field(
      z.int().min(1280).max(1420),
      "bytes, a whole number 1280..1420 (IPv6's least, and what is left of 1500 by WireGuard)",
      "leave it out for 1420",
    ).default(1420),
    /** Routing table of the tunnel, 1..252 (253 to 255 are the kernel's). Default 123. */
    table: field(
      z.int().min(1).max(252),
      "the number of a routing table that nobody uses, 1..252",
      "leave it out for 123",
    ).default(TUNNEL_TABLE),
    /** First of three priorities in a row, 1..32763: before the rule of the main table, 32766. Default 455. */
    priority: field(
      z.int().min(1).max(32763),
      "the first of three ip rule priorities in a row, 1..32763, which nobody uses",
      "leave it out for 455",
    ).default(TUNNEL_PRIORITY),
    /** How the others' WireGuard addresses are reached: by the prefix of the own address, a route each, or an ip rule each. Default prefix. */
    route: field(
      z.enum(["prefix", "route", "rule"]),
      '"prefix" (the network is on the interface), "route" (a route each in the main table) or "rule" (an ip rule each)',
      "leave it out for prefix",
    ).default("prefix"),
    /** The network that `route: prefix` puts on the interface, /8../30. Default: the smallest in which every endpoint has a host's address. */
    network: field(
      z.string().refine((value) => isNetwork(value) && /\/([89]|[12]\d|30)$/.test(value)),
      "the tunnel's network: /8../30 in CIDR form with no host bits, such as 10.0.0.0/24",
      "leave it out for the smallest that holds all endpoints",
    ).optional(),
    /** Seconds without a sign of a peer after which its traffic takes the internet, 6..600. Default 15. */
    deadAfter: field(z.int().min(6).max(600), "seconds, a whole number 6..600", "leave it out for 15").default(15),
    /** Each is a peer of every other. */
    endpoints: list(endpoint, endpointsText, { least: 2, most: 64 }),
  },
  map,
);

export type TunnelShape = z.output<typeof tunnel>;
export type EndpointShape = TunnelShape["endpoints"][number];
