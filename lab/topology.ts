/**
 * The lab's world as data: who there is, at which addresses, behind which router.
 * All of it lives in network namespaces `wglab-NAME` joined by point-to-point links; none has a way out to a real network.
 */

/** A place of the lab with a network of its own. */
export const hostNames = [
  "internet",
  "cloud",
  "web",
  "dns",
  "provider",
  "operator",
  "home-direct",
  "home-vpn",
  "vpc-host",
  "gateway",
] as const;
export type HostName = (typeof hostNames)[number];

/** The network namespace of a host, as `ip netns` names it. */
export function namespaceOf(host: HostName): string {
  return `${namespacePrefix}${host}`;
}
export const namespacePrefix = "wglab-";

/** Addresses that tests and services speak of. */
export const addresses = {
  web: "192.0.2.80",
  web6: "2001:db8:80::80",
  operator: "192.0.2.10",
  provider: "203.0.113.20",
  homeDirect: "198.18.0.50",
  homeVpn: "198.18.0.200",
  /** The gateway's Elastic IP, and the address it is translated to. */
  elastic: "198.51.100.10",
  gateway: "10.0.1.191",
  vpcHost: "10.0.2.20",
  /** The VPC's own resolver: what the gateway machine asks for itself. */
  vpcResolver: "10.0.0.2",
  metadata: "169.254.169.254",
  upstreams: ["1.1.1.2", "1.0.0.2", "8.8.8.8", "8.8.4.4"],
} as const;

/** One veth pair between a router and a host; MTU 1500. */
export interface Link {
  readonly router: "internet" | "cloud";
  readonly host: HostName;
  /** The host's end; the router's end is `to-HOST`. */
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

/** Free for later hosts: 198.51.100.1, 203.0.113.2, 192.0.2.3. */
export const links: readonly Link[] = [
  publicLink("cloud", addresses.elastic),
  publicLink("web", addresses.web, addresses.web6),
  publicLink("dns", ...addresses.upstreams),
  publicLink("provider", addresses.provider),
  publicLink("operator", addresses.operator),
  // Homes have IPv6: what a client leaks beside an IPv4-only tunnel can be seen.
  publicLink("home-direct", addresses.homeDirect, "2001:db8:18::50"),
  publicLink("home-vpn", addresses.homeVpn, "2001:db8:18::200"),
  {
    router: "cloud",
    host: "gateway",
    device: "ens5",
    via: ["10.0.1.1"],
    addresses: [`${addresses.gateway}/24`],
    selfConfigured: true,
  },
  { router: "cloud", host: "vpc-host", device: "eth0", via: ["10.0.2.1"], addresses: [`${addresses.vpcHost}/24`] },
];

/** The router's end of a link. */
export function routerDevice(link: Link): string {
  return `to-${link.host}`;
}

/** Addresses a host answers on besides those of its links (on `lo`). */
export const extraAddresses: Partial<Record<HostName, readonly string[]>> = {
  cloud: [addresses.vpcResolver, addresses.metadata],
};

/** Hosts that forward packets. */
export const routers: readonly HostName[] = ["internet", "cloud", "provider"];

/** An OpenVPN provider's server. */
export interface Provider {
  readonly host: HostName;
  /** Public address, also the one its clients' traffic comes from. */
  readonly address: string;
  /** The tunnel's /24, whose .1 is the server's. */
  readonly tunnel: string;
}

export const providers: readonly Provider[] = [{ host: "provider", address: addresses.provider, tunnel: "10.8.0.0" }];

/** The nftables rules of the hosts that have any, each file loaded as one transaction into an empty namespace. */
export const firewalls: Partial<Record<HostName, string>> = {
  cloud: `
    table ip vpc {
      chain source_check {
        type filter hook prerouting priority raw
        iifname "to-gateway" ip saddr != ${addresses.gateway} counter drop comment "EC2's source/destination check"
      }
      chain inward {
        type nat hook prerouting priority dstnat
        iifname "eth0" ip daddr ${addresses.elastic} dnat to ${addresses.gateway}
      }
      chain outward {
        type nat hook postrouting priority srcnat
        oifname "eth0" ip saddr ${addresses.gateway} snat to ${addresses.elastic}
      }
      chain forward {
        type filter hook forward priority filter
        oifname "eth0" ip saddr != ${addresses.gateway} counter drop comment "only an Elastic IP reaches the internet"
      }
    }`,
  ...Object.fromEntries(
    providers.map(({ host, address, tunnel }) => [
      host,
      `
    table ip provider {
      chain outward {
        type nat hook postrouting priority srcnat
        oifname "eth0" ip saddr ${tunnel}/24 snat to ${address}
      }
    }`,
    ]),
  ),
};
