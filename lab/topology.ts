/**
 * The lab's world as data: who there is, at which addresses, behind which router.
 * All of it lives in network namespaces `wglab-NAME` joined by point-to-point links; none has a way out to a real network.
 */

/** Places that a WireGuard client may live at; nothing runs in one until a test asks for it. */
export const homes = ["home-direct", "home-vpn", "home-3", "home-4", "home-5", "home-6"] as const;
export type HomeName = (typeof homes)[number];

/** A place of the lab with a network of its own. */
export const hostNames = [
  "internet",
  "cloud",
  "web",
  "dns",
  "provider",
  "provider-express",
  "provider-wg",
  "operator",
  ...homes,
  "vpc-host",
  "gateway",
  "endpoint-a",
  "endpoint-b",
  "endpoint-c",
  "aws",
] as const;
export type HostName = (typeof hostNames)[number];
/** A machine of the lab's EC2; it comes and goes while the lab stands. */
export type InstanceName = `ec2-${string}`;
export type PlaceName = HostName | InstanceName;

/** The network namespace of a host, as `ip netns` names it. */
export function namespaceOf(host: PlaceName): string {
  return `${namespacePrefix}${host}`;
}
export const namespacePrefix = "wglab-";

/** Addresses that tests and services speak of. */
export const addresses = {
  web: "192.0.2.80",
  web6: "2001:db8:80::80",
  operator: "192.0.2.10",
  provider: "203.0.113.20",
  express: "203.0.113.30",
  wgprov: "203.0.113.40",
  wgprov6: "2001:db8:40::40",
  homeDirect: "198.18.0.50",
  homeVpn: "198.18.0.200",
  /** The gateway's Elastic IP, and the address it is translated to. */
  elastic: "198.51.100.10",
  gateway: "10.0.1.191",
  /** What EC2 gives out as Elastic IPs besides. */
  moreElastic: ["198.51.100.11", "198.51.100.12", "198.51.100.13"],
  /** Where EC2's API is. */
  aws: "192.0.2.43",
  vpcHost: "10.0.2.20",
  /** The VPC's own resolver: what the gateway machine asks for itself. */
  vpcResolver: "10.0.0.2",
  metadata: "169.254.169.254",
  /** The document's endpoints, the second with one more address, and a stranger. */
  endpointA: "198.51.100.1",
  endpointB: "203.0.113.2",
  endpointB2: "203.0.113.3",
  endpointC: "192.0.2.3",
  upstreams: ["1.1.1.2", "1.0.0.2", "8.8.8.8", "8.8.4.4"],
} as const;

/** The domain whose names have another answer in each country: `Provider.geo`, and the web server's own address elsewhere. */
export const geoDomain = "geo.example";

/** The service behind the second endpoint. */
export const appName = "app.example.com";

/** One veth pair between a router and a host; MTU 1500. */
export interface Link {
  readonly router: "internet" | "cloud";
  readonly host: PlaceName;
  /** The host's end; the router's end is `routerDevice`. */
  readonly device: string;
  /** The router's addresses on this link, without a prefix: the host's default routes. */
  readonly via: readonly string[];
  /** The host's addresses with their prefix. The router has a route to each. */
  readonly addresses: readonly string[];
  /** The host sets its own addresses and routes (a machine with a DHCP lease). */
  readonly selfConfigured?: boolean;
}

const internetRouter = "100.64.0.1";
const internetRouter6 = "fe80::1";

function publicLink(host: HostName, ...own: string[]): Link {
  const v6 = own.some((address) => address.includes(":"));
  return {
    router: "internet",
    host,
    device: "eth0",
    via: v6 ? [internetRouter, internetRouter6] : [internetRouter],
    addresses: own.map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
  };
}

/** An account with a provider. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** A commercial VPN provider in a country of its own. */
export interface Provider {
  readonly host: HostName;
  /** Public address, also the one its customers' traffic comes from. */
  readonly address: string;
  readonly port: number;
  /** The tunnel's /24, whose .1 is the server's and its customers' name server. */
  readonly tunnel: string;
  /** What the names below `geoDomain` are for whoever asks from this provider's country; one of the web server's addresses. */
  readonly geo: string;
}

/** A provider whose customers use OpenVPN. */
export interface OpenVpnProvider extends Provider {
  readonly protocol: "udp" | "tcp";
  readonly customer: Credentials;
}

/** A provider whose customers use WireGuard, with IPv6 too. */
export interface WireGuardProvider extends Provider {
  readonly address6: string;
  /** The tunnel's /64, whose 1 is the server's. */
  readonly tunnel6: string;
}

const provider: OpenVpnProvider = {
  host: "provider",
  address: addresses.provider,
  protocol: "udp",
  port: 1194,
  tunnel: "10.8.0.0",
  geo: "192.0.2.81",
  customer: { user: "lab-customer", password: "correct-horse-battery" },
};

const express: OpenVpnProvider = {
  host: "provider-express",
  address: addresses.express,
  protocol: "tcp",
  port: 443,
  tunnel: "10.9.0.0",
  geo: "192.0.2.82",
  // With what a shell or a configuration file would take for something else.
  customer: { user: "express customer", password: 'Tr0ub4dor & 3 #x "$HOME"' },
};

const wgprov: WireGuardProvider = {
  host: "provider-wg",
  address: addresses.wgprov,
  address6: addresses.wgprov6,
  port: 51820,
  tunnel: "10.66.0.0",
  tunnel6: "fd66::",
  geo: "192.0.2.83",
};

export const providers = { provider, express, wgprov } as const;

export const links: readonly Link[] = [
  publicLink("cloud", addresses.elastic, ...addresses.moreElastic),
  publicLink("web", addresses.web, addresses.web6, ...Object.values(providers).map(({ geo }) => geo)),
  publicLink("dns", ...addresses.upstreams),
  publicLink("provider", addresses.provider),
  publicLink("provider-express", addresses.express),
  publicLink("provider-wg", addresses.wgprov, addresses.wgprov6),
  publicLink("operator", addresses.operator),
  // Homes have IPv6: what a client leaks beside an IPv4-only tunnel can be seen.
  publicLink("home-direct", addresses.homeDirect, "2001:db8:18::50"),
  publicLink("home-vpn", addresses.homeVpn, "2001:db8:18::200"),
  ...(["3", "4", "5", "6"] as const).map((n) => publicLink(`home-${n}`, `198.18.0.${n}`, `2001:db8:18::${n}`)),
  {
    router: "cloud",
    host: "gateway",
    device: "ens5",
    via: ["10.0.1.1"],
    addresses: [`${addresses.gateway}/24`],
    selfConfigured: true,
  },
  { router: "cloud", host: "vpc-host", device: "eth0", via: ["10.0.2.1"], addresses: [`${addresses.vpcHost}/24`] },
  { ...publicLink("endpoint-a", addresses.endpointA), selfConfigured: true },
  { ...publicLink("endpoint-b", addresses.endpointB, addresses.endpointB2), selfConfigured: true },
  publicLink("endpoint-c", addresses.endpointC),
  publicLink("aws", addresses.aws),
];

/** The router's end of a link; "provider-" is left out, for a device's name has 15 characters at most. */
export function routerDevice(link: Link): string {
  return `to-${link.host.replace(/^provider-/, "")}`;
}

/** Addresses a host answers on besides those of its links (on `lo`). */
export const extraAddresses: Partial<Record<HostName, readonly string[]>> = {
  cloud: [addresses.vpcResolver, addresses.metadata],
};

/** Hosts that forward packets. */
export const routers: readonly HostName[] = ["internet", "cloud", ...Object.values(providers).map(({ host }) => host)];
