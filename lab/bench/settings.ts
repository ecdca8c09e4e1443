import { addressNumber, addressText } from "../../gateway/settings/address";

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

/**
 * Rules of which a client's packet matches none but the last: each of the others names a TCP port that nothing here uses, for all clients.
 * The ports are apart, for neighbours that go the same way are rendered as one range.
 * @param count 1..20,000 @param last where the last one leads
 */
export function manyRules(count: number, last: { from?: string; exit: string }): Record<string, unknown>[] {
  const others = Array.from({ length: count - 1 }, (_, index) => ({
    protocol: "tcp",
    ports: [20_000 + 2 * index],
    exit: "block",
  }));
  return [...others, last];
}
