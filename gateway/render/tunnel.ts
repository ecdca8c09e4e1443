import { IN_TUNNEL_MARK, MARK_MASK, PAST_TUNNEL_MARK, ROUTE_PROTOCOL, TUNNEL_NFT_TABLE } from "../plan/ids";
import type { EndpointPlan } from "../plan/tunnel";
import type { TunnelSecrets } from "../secrets";
import { type MachineFile, TUNNEL_CONFIG_DIR } from "./file";
import { ruleArguments } from "./iproute";
import { elements, hex, OURS, replaceTable, setConnectionMark, setMark } from "./nft";
import { section } from "./wireguard";

const CONTROL = "/usr/local/sbin/tunnelctl";

/** The endpoint's file for wg-quick (`man 8 wg-quick`). `Table` takes the peers' addresses into a table of their own. */
export function renderEndpointInterface(plan: EndpointPlan, secrets: TunnelSecrets): string {
  return [
    section("Interface", [
      ["PrivateKey", secrets.privateKey],
      ["Address", plan.address],
      ["ListenPort", plan.listenPort],
      ["MTU", plan.mtu],
      ["Table", plan.table],
      ["FwMark", `0x${PAST_TUNNEL_MARK.toString(16)}`],
      ["PreUp", `${CONTROL} hook up`],
      ...plan.routes.map((to) => ["PostUp", `ip route replace ${to} dev %i protocol ${ROUTE_PROTOCOL}`] as const),
      ["PostDown", `${CONTROL} hook down`],
    ]),
    ...plan.peers.map((peer) => {
      const keys = secrets.peers.get(peer.name);
      if (!keys) throw new Error(`endpoint ${peer.name} has no keys`);
      return section("Peer", [
        ["PublicKey", keys.publicKey],
        ["PresharedKey", keys.presharedKey],
        ["Endpoint", peer.endpoint],
        ["AllowedIPs", [peer.address, ...peer.publicAddresses].map((address) => `${address}/32`).join(", ")],
        ["PersistentKeepalive", plan.keepalive],
      ]);
    }),
  ].join("\n");
}

/** What tunnelctl reads: names, numbers, and ip rules as arguments of `ip rule add`. */
export function renderEndpointData(plan: EndpointPlan, secrets: TunnelSecrets): string {
  const data = {
    tunnel: plan.tunnel,
    endpoint: plan.name,
    interface: plan.interface,
    address: plan.address,
    table: plan.table,
    listenPort: plan.listenPort,
    deadAfter: plan.deadAfter,
    rules: plan.rules.map(ruleArguments),
    routes: plan.routes,
    peers: plan.peers.map((peer) => ({
      name: peer.name,
      publicKey: secrets.peers.get(peer.name)?.publicKey,
      address: peer.address,
      publicAddresses: peer.publicAddresses,
      rules: peer.rules.map(ruleArguments),
    })),
  };
  return `${JSON.stringify(data, undefined, 2)}\n`;
}

/**
 * The endpoint's packet filter. A connection stays where it began, inside the tunnel or outside: what began outside is marked past the
 * tunnel, what began inside is cut when it would leave elsewhere.
 */
export function renderEndpointRules(plan: EndpointPlan): string {
  const device = `"${plan.interface}"`;
  const own = plan.address.split("/")[0];
  const is = (mark: number): string => `& ${OURS} == ${hex(mark & MARK_MASK)}`;
  const set = (name: string, addresses: readonly string[]): string => `	set ${name} {
		type ipv4_addr
		${elements(addresses)}
	}
`;
  const stay = `		ip daddr @peers_tunnel oifname != ${device} reject with icmp net-unreachable
		oifname != ${device} ct mark ${is(IN_TUNNEL_MARK)} meta l4proto tcp reject with tcp reset
		oifname != ${device} ct mark ${is(IN_TUNNEL_MARK)} reject with icmp net-unreachable
`;
  return replaceTable(
    `${set("own_public", plan.publicAddresses)}
	# Reached through the tunnel while they are heard.
${set(
  "peers_public",
  plan.peers.flatMap((peer) => peer.publicAddresses),
)}
	# Reached through the tunnel or not at all.
${set(
  "peers_tunnel",
  plan.peers.map((peer) => peer.address),
)}
	# Peers' WireGuard addresses come in by the tunnel alone: with the loose reverse path filter, anybody could pass for one.
	chain mangle_prerouting {
		type filter hook prerouting priority mangle; policy accept;
		iifname != ${device} ip saddr @peers_tunnel drop
		iifname ${device} ct state new ${setConnectionMark(IN_TUNNEL_MARK)} accept
		ip saddr @peers_public ct state new ${setConnectionMark(PAST_TUNNEL_MARK)}
		ip daddr @peers_public ct state established,related ct mark ${is(PAST_TUNNEL_MARK)} ${setMark(PAST_TUNNEL_MARK)}
	}

	# Where a public address is translated outside of the machine, as on EC2, what comes for it by the tunnel is for the machine.
	chain nat_prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		iifname ${device} ip daddr @own_public fib daddr type != local redirect
	}

	chain mangle_output {
		type route hook output priority mangle; policy accept;
		ip daddr @peers_public ct state established,related ct mark ${is(PAST_TUNNEL_MARK)} ${setMark(PAST_TUNNEL_MARK)}
	}

	chain filter_output {
		type filter hook output priority filter; policy accept;
${stay}	}

	chain filter_forward {
		type filter hook forward priority filter; policy accept;
		iifname ${device} accept
${stay}	}

	# WireGuard's own packets never go into the tunnel, whatever rule was lost: that would be a loop. Not in the output hook, where a packet
	# that mangle_output has rerouted still shows the device from before.
	chain mangle_postrouting {
		type filter hook postrouting priority mangle; policy accept;
		oifname ${device} meta mark ${is(PAST_TUNNEL_MARK)} drop
		oifname ${device} ct state new ${setConnectionMark(IN_TUNNEL_MARK)}
		oifname != ${device} ip daddr @peers_public ct state new ${setConnectionMark(PAST_TUNNEL_MARK)}
	}

	chain nat_postrouting {
		type nat hook postrouting priority srcnat; policy accept;
${plan.leavesAs === undefined ? "" : `		oifname ${device} ip saddr ${own} ip daddr @peers_public snat ip to ${plan.leavesAs}\n`}	}

	# 100 is srcnat, a name that nft before 1.0.7 knows in the postrouting hook alone.
	chain nat_input {
		type nat hook input priority 100; policy accept;
${plan.peers
  .filter((peer) => peer.arrivesAs !== undefined)
  .map(
    (peer) =>
      `		iifname ${device} ip saddr ${peer.address} ct original ip daddr @own_public snat ip to ${peer.arrivesAs}\n`,
  )
  .join("")}	}
`,
    TUNNEL_NFT_TABLE,
  );
}

/** systemd units of the interface (`man 5 systemd.unit`): the health check lives and dies with it. */
function renderUnits(plan: EndpointPlan): [string, string][] {
  const unit = `wg-quick@${plan.interface}.service`;
  return [
    [`${unit}.d/wg-tunnel.conf`, "[Unit]\nWants=wg-tunnel.service\n\n[Service]\nRestart=on-failure\nRestartSec=5\n"],
    ["wg-tunnel.service.d/interface.conf", `[Unit]\nBindsTo=${unit}\nAfter=${unit}\n`],
  ];
}

/** Every file of an endpoint that follows from the settings. */
export function renderEndpointFiles(plan: EndpointPlan, secrets: TunnelSecrets): MachineFile[] {
  const open = (path: string, content: string): MachineFile => ({ path, mode: "0644", content });
  return [
    {
      path: `/etc/wireguard/${plan.interface}.conf`,
      mode: "0600",
      content: renderEndpointInterface(plan, secrets),
    },
    open(`${TUNNEL_CONFIG_DIR}/tunnel.json`, renderEndpointData(plan, secrets)),
    open(`${TUNNEL_CONFIG_DIR}/tunnel.nft`, renderEndpointRules(plan)),
    ...renderUnits(plan).map(([name, content]) => open(`/etc/systemd/system/${name}`, content)),
  ];
}
