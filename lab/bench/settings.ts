import { randomBytes } from "node:crypto";

import { wireGuardKeys } from "../../gateway/keys";
import { addressNumber, addressText } from "../../gateway/settings/address";
import type { Settings } from "../../gateway/settings/schema";
import { parseSettings } from "../../gateway/settings/settings";

/** Room for 65,533 clients, and away from the lab's own addresses. */
export const subnet = "10.128.0.0/16";

/**
 * Clients spread over a network, neighbours far from each other.
 * @param count at most what is free in the network
 */
export function manyClients(count: number, network: string): { name: string; address: string }[] {
  const [base = "", length = ""] = network.split("/");
  const first = addressNumber(base) + 2;
  const step = Math.floor((2 ** (32 - Number(length)) - 3) / count);
  return Array.from({ length: count }, (_, index) => ({
    name: `client-${index + 1}`,
    address: addressText(first + index * step),
  }));
}

export const wireGuardKey = (): string => wireGuardKeys(randomBytes(32)).privateKey;
export const PROVIDER = { address: "203.0.113.40", port: 51820 };
const profile = `[Interface]
PrivateKey = ${wireGuardKey()}
Address = 10.66.0.2/32
[Peer]
PublicKey = ${wireGuardKeys(randomBytes(32)).publicKey}
AllowedIPs = 0.0.0.0/0
Endpoint = ${PROVIDER.address}:${PROVIDER.port}
`;
/** Of no machine. */
const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINcHZaFJTPu7gj4QRBbzLvz12+5W/cQdtgiFTsANjwc8";
const host = { kind: "existing", address: "198.51.100.10", hostKey };

/** Settings with one exit, `vpn`, whose provider's profile is no file. @returns what checks them */
export function checkable(changes: Record<string, unknown>): () => Settings {
  const raw = { host, exits: [{ name: "vpn", kind: "wireguard", profile: "vpn.conf" }], ...changes };
  return () => parseSettings(raw, { readFile: () => profile, credentials: undefined, now: new Date() }).settings;
}

/**
 * Rules of which a client's packet matches none but the last: each of the others names a port that nothing here uses, for all clients.
 * The ports are apart, for neighbours that go the same way are rendered as one range.
 * @param count 1..20,000 @param last where the last one leads @param protocol of the packets that shall meet the others
 */
export function manyRules(
  count: number,
  last: { from?: string; exit: string },
  protocol: "tcp" | "udp" = "tcp",
): Record<string, unknown>[] {
  const others = Array.from({ length: count - 1 }, (_, index) => ({
    protocol,
    ports: [20_000 + 2 * index],
    exit: "block",
  }));
  return [...others, last];
}
