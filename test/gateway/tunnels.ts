import fc from "fast-check";
import { pairKey, wireGuardKeys } from "../../gateway/keys";
import { planTunnel, type EndpointPlan } from "../../gateway/plan/tunnel";
import type { TunnelSecrets } from "../../gateway/secrets";
import { parseStack } from "../../gateway/settings/settings";
import type { TunnelSettings } from "../../gateway/settings/tunnelChecks";
import { NOW } from "./certificatesFixtures";
import { existing, publicKey, type Raw } from "./settingsFixtures";

/** The document's two, at their addresses. */
export const endpoints = [
  { name: "a", host: { ...existing, address: "198.51.100.1" } },
  { name: "b", host: { ...existing, address: "203.0.113.2" } },
] as const;
export const documentedTunnel = { name: "app", endpoints };

/** Settings of a tunnel with every default filled in. */
export function tunnelOf(raw: Raw): TunnelSettings {
  const [tunnel] = parseStack(
    { tunnels: [raw] },
    { readFile: () => undefined, credentials: undefined, now: NOW },
  ).tunnels;
  if (!tunnel) throw new Error("no tunnel");
  return tunnel;
}

/** The plans of a tunnel whose hosts are machines that are there. */
export function plansOf(raw: Raw): EndpointPlan[] {
  const tunnel = tunnelOf(raw);
  const hosts = tunnel.endpoints.map(({ name, host }) => [
    name,
    { address: host.kind === "existing" ? host.address : "" },
  ]);
  return planTunnel(tunnel, Object.fromEntries(hosts) as Record<string, { address: string }>);
}

/** Keys of the same shape as the real ones. */
export function secretsOf({ name, peers }: EndpointPlan): TunnelSecrets {
  const secret = "s".repeat(64);
  return {
    privateKey: wireGuardKeys(Buffer.alloc(32, 100)).privateKey,
    peers: new Map(
      peers.map((peer, index) => [
        peer.name,
        { publicKey: publicKey(index + 101), presharedKey: pairKey(secret, name, peer.name) },
      ]),
    ),
  };
}

const anyEndpoint = fc.record(
  {
    listenPort: fc.integer({ min: 1, max: 65535 }),
    snat: fc.constantFrom("none", "postrouting", "input"),
    many: fc.integer({ min: 1, max: 3 }),
  },
  { requiredKeys: ["many"] },
);

/** Tunnels of all kinds that pass the settings' checks. */
export const anyTunnel: fc.Arbitrary<Raw> = fc
  .record({
    shape: fc.record(
      {
        route: fc.constantFrom("prefix", "route", "rule"),
        table: fc.integer({ min: 1, max: 252 }),
        priority: fc.integer({ min: 1, max: 32763 }),
        interface: fc.constantFrom("wg0", "wg-app", "tunnel_1"),
        deadAfter: fc.integer({ min: 6, max: 600 }),
      },
      { requiredKeys: [] },
    ),
    ends: fc.array(anyEndpoint, { minLength: 2, maxLength: 5 }),
  })
  .map(({ shape, ends }) => ({
    name: "any",
    ...shape,
    endpoints: ends.map(({ many, ...rest }, index) => ({
      name: `e${index}`,
      host: { ...existing, address: `198.51.100.${index + 1}` },
      publicAddresses: Array.from({ length: many }, (_, at) => `203.0.${index}.${at + 1}`),
      ...rest,
    })),
  }));
