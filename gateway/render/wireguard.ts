import type { Plan } from "../plan/plan";
import type { GatewaySecrets } from "../secrets";
import { LIB_DIR } from "./file";

const section = (name: string, pairs: readonly (readonly [string, string | number])[]): string =>
  [`[${name}]`, ...pairs.map(([key, value]) => `${key} = ${value}`), ""].join("\n");

/**
 * /etc/wireguard/wg0.conf (`man 8 wg-quick`). The peers come last, so that everything before the first [Peer] is what a running
 * interface cannot take over by `wg syncconf`.
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
