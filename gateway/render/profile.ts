import { describeChoices } from "../plan/choices";
import { type ClientPlan, type Plan, publicAddressesOf } from "../plan/plan";
import type { ClientKeys } from "../secrets";
import { TUNNEL_PRIORITY, TUNNEL_TABLE } from "../settings/tunnelSchema";

/** What a client's profile is made of. */
export interface ProfileParts {
  readonly plan: Plan;
  readonly client: ClientPlan;
  readonly keys: ClientKeys;
  readonly serverPublicKey: string;
  /** Where the client finds the gateway: ADDRESS:PORT. */
  readonly endpoint: string;
}

/**
 * A client's profile as the WireGuard apps and wg-quick import it. A full tunnel takes the whole of IPv4 and IPv6: the gateway carries
 * IPv4, and IPv6 ends here instead of going past it. An internal one takes what the gateway alone reaches, its resolver among it; a
 * transparent one the gateway's public addresses as well, which needs rules on the device, for they are WireGuard's own way, too.
 * A client that keeps its private key finds a line to fill in.
 * @param plan with the machine's address ({@link atAddress})
 */
export function renderProfile({ plan, client, keys, serverPublicKey, endpoint }: ProfileParts): string {
  const everything = ["0.0.0.0/0", "::/0"];
  const internal = [plan.wireguard.subnet, ...plan.localNetworks];
  const transparent = client.tunnel === "transparent" ? publicAddressesOf(plan) : [];
  const allowed =
    client.tunnel === "full" ? everything : [...internal, ...transparent.map((address) => `${address}/32`)];
  const [notes, routing] = transparent.length > 0 ? policyRouting(plan, transparent, internal) : ["", ""];
  return `# ${client.name}, exit ${describeChoices(client.choices)}
${notes}[Interface]
PrivateKey = ${keys.privateKey ?? "(put this device's own private key here)"}
Address = ${client.address}/32
DNS = ${plan.wireguard.address}
MTU = ${plan.wireguard.mtu}
${routing}
[Peer]
PublicKey = ${serverPublicKey}
PresharedKey = ${keys.presharedKey}
AllowedIPs = ${allowed.join(", ")}
Endpoint = ${endpoint}
PersistentKeepalive = 25
`;
}

/**
 * The rules of the document, one by one: WireGuard's own packets by the device's network, what else is for the public addresses, and
 * for the networks behind the gateway, by the tunnel's table. Each is put in anew, so that one that a crash left is no error. 17 is UDP: a
 * system without /etc/protocols knows no name for it.
 */
function policyRouting(plan: Plan, addresses: readonly string[], networks: readonly string[]): [string, string] {
  const table = `table ${TUNNEL_TABLE} priority`;
  const rules = [
    ...addresses.map((to) => `to ${to} ipproto 17 dport ${plan.wireguard.port} table main priority ${TUNNEL_PRIORITY}`),
    ...addresses.map((to) => `to ${to} ${table} ${TUNNEL_PRIORITY + 1}`),
    ...networks.map((to) => `to ${to} ${table} ${TUNNEL_PRIORITY + 2}`),
  ];
  const notes = `# For wg-quick on Linux: ${addresses.join(", ")} is reached through the tunnel while it is up, over the internet while it is down.
# Apps for other systems have no such rules and refuse this file: "tunnel: internal" gives them one that reaches what the
# gateway publishes at ${plan.wireguard.address}.
`;
  const lines = rules.flatMap((rule) => [
    `PreUp = ip rule del ${rule} 2>/dev/null || true; ip rule add ${rule}`,
    `PostDown = ip rule del ${rule}`,
  ]);
  return [notes, `${[`Table = ${TUNNEL_TABLE}`, ...lines].join("\n")}\n`];
}
