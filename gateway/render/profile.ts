import { describeChoices } from "../plan/choices";
import type { ClientPlan, Plan } from "../plan/plan";
import type { ClientKeys } from "../secrets";

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
 * IPv4, and IPv6 ends here instead of going past it. An internal one takes what the gateway alone reaches, its resolver among it.
 * A client that keeps its private key finds a line to fill in.
 */
export function renderProfile({ plan, client, keys, serverPublicKey, endpoint }: ProfileParts): string {
  const everything = ["0.0.0.0/0", "::/0"];
  const internal = [plan.wireguard.subnet, ...plan.localNetworks];
  return `# ${client.name}, exit ${describeChoices(client.choices)}
[Interface]
PrivateKey = ${keys.privateKey ?? "(put this device's own private key here)"}
Address = ${client.address}/32
DNS = ${plan.wireguard.address}
MTU = ${plan.wireguard.mtu}

[Peer]
PublicKey = ${serverPublicKey}
PresharedKey = ${keys.presharedKey}
AllowedIPs = ${(client.tunnel === "full" ? everything : internal).join(", ")}
Endpoint = ${endpoint}
PersistentKeepalive = 25
`;
}
