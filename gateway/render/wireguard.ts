import type { Plan } from "../plan/plan";
import type { GatewaySecrets } from "../secrets";
import type { WireGuardProfile } from "../settings/wireguardProfile";
import { LIB_DIR } from "./file";

export const section = (name: string, pairs: readonly (readonly [string, string | number])[]): string =>
  [`[${name}]`, ...pairs.map(([key, value]) => `${key} = ${value}`), ""].join("\n");

/**
 * The tunnel to a WireGuard provider, for `wg setconf` (`man 8 wg`). exit-wireguard.sh adds the endpoint to its end, as an address; the
 * keepalive holds the provider's and the uplink's NAT open for answers.
 */
export function renderProviderInterface(profile: WireGuardProfile): string {
  return [
    section("Interface", [["PrivateKey", profile.privateKey]]),
    section("Peer", [
      ["PublicKey", profile.publicKey],
      ...(profile.presharedKey === undefined ? [] : [["PresharedKey", profile.presharedKey] as const]),
      ["AllowedIPs", "0.0.0.0/0"],
      ["PersistentKeepalive", 25],
    ]),
  ].join("\n");
}

/**
 * /etc/wireguard/wg0.conf (`man 8 wg-quick`). The peers come last, so that everything before the first [Peer] is what a running
 * interface cannot take over.
 * @throws Error when a client of the plan has no keys
 */
export function renderInterface(plan: Plan, secrets: GatewaySecrets): string {
  const { address, prefixLength, port, mtu } = plan.wireguard;
  const peers = plan.clients.map((client) => {
    const keys = secrets.clients.get(client.name);
    if (!keys) throw new Error(`client ${client.name} has no keys`);
    return section("Peer", [
      ["PublicKey", keys.publicKey],
      ["PresharedKey", keys.presharedKey],
      ["AllowedIPs", `${client.address}/32`],
    ]);
  });
  return [
    section("Interface", [
      ["Address", `${address}/${prefixLength}`],
      ["ListenPort", port],
      ["PrivateKey", secrets.serverPrivateKey],
      ["MTU", mtu],
      ["Table", "off"],
      ["PostUp", `${LIB_DIR}/wg0-up.sh`],
      ["PreDown", `${LIB_DIR}/wg0-down.sh`],
    ]),
    ...peers,
  ].join("\n");
}
