import type { EndpointSettings, TunnelSettings } from "../settings/tunnelChecks";
import { PAST_TUNNEL_MARK } from "./ids";
import type { IpRule } from "./plan";

/** Another endpoint, as one endpoint sees it. */
export interface TunnelPeer {
  readonly name: string;
  /** Its WireGuard address. */
  readonly address: string;
  /** By which it is reached through the tunnel while it is heard. */
  readonly publicAddresses: readonly string[];
  /** ADDRESS:PORT, or NAME:PORT, where its WireGuard listens. */
  readonly endpoint: string;
  /** What stands only while the peer is heard: its public addresses to the tunnel's table. */
  readonly rules: readonly IpRule[];
  /** What its WireGuard address is turned into as its packets arrive here; undefined for nothing. */
  readonly arrivesAs: string | undefined;
}

/** Everything that one endpoint's machine shall be, as data. */
export interface EndpointPlan {
  readonly tunnel: string;
  readonly name: string;
  readonly interface: string;
  readonly mtu: number;
  readonly table: number;
  /** CIDR; /32 unless the prefix makes the route. */
  readonly address: string;
  readonly listenPort: number;
  /** Its own public addresses, which may be on the machine or translated to it outside (EC2). */
  readonly publicAddresses: readonly string[];
  /** What its WireGuard address is turned into as its packets leave for public addresses; undefined for nothing. */
  readonly leavesAs: string | undefined;
  /** What stands while the interface is up: WireGuard's own packets past the tunnel, and WireGuard addresses if rules lead to them. */
  readonly rules: readonly IpRule[];
  /** Peers' WireGuard addresses with a route of their own in the main table. */
  readonly routes: readonly string[];
  readonly peers: readonly TunnelPeer[];
  /** Seconds without a sign of a peer until it is dead. */
  readonly deadAfter: number;
  /** Seconds between signs, so that one or two may be lost. */
  readonly keepalive: number;
}

/** What a tunnel's settings cannot say by themselves. */
export interface EndpointHost {
  /** Public address, or name, of the machine. */
  readonly address: string;
}

/**
 * Decides everything of a tunnel; renders nothing. Pure.
 * @param hosts by the endpoint's name
 * @throws Error when an endpoint has no host
 */
export function planTunnel(tunnel: TunnelSettings, hosts: Readonly<Record<string, EndpointHost>>): EndpointPlan[] {
  const hostOf = (endpoint: EndpointSettings): EndpointHost => {
    const host = hosts[endpoint.name];
    if (host === undefined) throw new Error(`endpoint ${endpoint.name} has no host`);
    return host;
  };
  const publicOf = (endpoint: EndpointSettings) => endpoint.publicAddresses ?? [hostOf(endpoint).address];
  const { table, priority, route } = tunnel;

  return tunnel.endpoints.map((own): EndpointPlan => {
    const others = tunnel.endpoints.filter((other) => other !== own);
    const peers = others.map((peer): TunnelPeer => ({
      name: peer.name,
      address: peer.address,
      publicAddresses: publicOf(peer),
      endpoint: `${hostOf(peer).address}:${peer.listenPort}`,
      rules: publicOf(peer).map((to) => ({ priority: priority + 1, to, table })),
      arrivesAs: peer.snat === "input" ? publicOf(peer)[0] : undefined,
    }));
    const past: IpRule[] = [
      { priority, mark: PAST_TUNNEL_MARK, table: "main" },
      ...others.flatMap((peer) =>
        publicOf(peer).map((to): IpRule => ({ priority, to, port: peer.listenPort, table: "main" })),
      ),
    ];
    const inside = peers.map(({ address }): IpRule => ({ priority: priority + 2, to: address, table }));
    return {
      tunnel: tunnel.name,
      name: own.name,
      interface: tunnel.interface,
      mtu: tunnel.mtu,
      table,
      address: `${own.address}/${route === "prefix" ? tunnel.network.split("/")[1] : "32"}`,
      listenPort: own.listenPort,
      publicAddresses: publicOf(own),
      leavesAs: own.snat === "postrouting" ? publicOf(own)[0] : undefined,
      rules: [...past, ...(route === "rule" ? inside : [])],
      routes: route === "route" ? peers.map(({ address }) => address) : [],
      peers,
      deadAfter: tunnel.deadAfter,
      keepalive: Math.floor(tunnel.deadAfter / 3),
    };
  });
}
