import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mainWay, nextAddress } from "../../desk/addresses";
import { Refusal } from "../../desk/refusal";
import { addressNumber, addressText, intervalOf } from "../../gateway/settings/address";
import { anyGateway, gatewayOf, type Gateway } from "../gateway/gateways";
import type { Raw } from "../gateway/settingsFixtures";

const exits = [
  { name: "vpn", profile: "asks.ovpn" },
  { name: "nl", profile: "plain.ovpn", slot: 2 },
];
const next = (raw: Raw, exit?: string): string => {
  const { settings, plan } = gatewayOf({ exits, ...raw });
  return nextAddress(settings, plan, exit);
};
const web = { protocol: "tcp", ports: [80, 443] };

describe("the next address", () => {
  it.each<[string, Raw, string | undefined, string]>([
    ["goes direct when half of the network does", {}, undefined, "10.4.0.2"],
    ["takes the way of most", { rules: [{ from: "10.4.0.64-10.4.0.255", exit: "nl" }] }, undefined, "10.4.0.64"],
    ["is past those that clients have", { clients: [{ name: "a", address: "10.4.0.128" }] }, "vpn", "10.4.0.129"],
    ["is past those of internal names", { clients: [{ name: "a", address: "10.4.0.2" }] }, "direct", "10.4.0.4"],
    [
      "is one that always leaves there",
      {
        rules: [
          { ...web, exit: "nl" },
          { from: "10.4.0.9", exit: "nl" },
        ],
      },
      "nl",
      "10.4.0.9",
    ],
    [
      "is one that sometimes does when none always does",
      { rules: [{ from: "10.4.0.32/27", ...web, exit: "nl" }] },
      "nl",
      "10.4.0.32",
    ],
    [
      "may be a group's",
      { groups: [{ name: "any", members: ["vpn", "nl"] }], rules: [{ from: "10.4.0.16/28", exit: "any" }] },
      "any",
      "10.4.0.16",
    ],
    ["may be a blocked one", { rules: [{ from: "10.4.0.16/28", exit: "block" }] }, "block", "10.4.0.16"],
  ])("%s", (_, raw, exit, address) => {
    expect(next(raw, exit)).toBe(address);
  });

  const waysOf = ({ settings }: Gateway) => ["direct", ...settings.exits.map(({ name }) => name)];

  it("is nobody's, and leaves by the exit; there is none only when all are taken", () => {
    fc.assert(
      fc.property(anyGateway, fc.nat(), (gateway, seed) => {
        const { settings, plan } = gateway;
        const exit = waysOf(gateway)[seed % waysOf(gateway).length] ?? "";
        const { first, last } = intervalOf(settings.wireguard.subnet);
        const taken = [...settings.clients.map(({ address }) => address), ...Object.values(settings.dns.records)];
        const reserved = [first, first + 1, last].map(addressText);
        const free = (at: number) => ![...taken, ...reserved].includes(addressText(at));
        const ways = (at: number) => plan.sources.find((piece) => piece.first <= at && at <= piece.last)?.choices ?? [];
        const always = plan.sources.some(({ choices }) => mainWay(choices) === exit);
        const leaves = (at: number) =>
          always ? mainWay(ways(at)) === exit : ways(at).some((choice) => choice.exit === exit);
        const all = Array.from({ length: Math.min(last - first + 1, 4096) }, (_, index) => first + index);
        try {
          const address = addressNumber(nextAddress(settings, plan, exit));
          expect(free(address)).toBe(true);
          expect(leaves(address)).toBe(true);
          expect(all.filter((at) => at < address && free(at) && leaves(at))).toEqual([]);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          expect(all.filter((at) => free(at) && leaves(at))).toEqual([]);
        }
      }),
    );
  });

  it("never collides, however many are taken one after the other", () => {
    const taken = new Set<string>();
    const raw = { wireguard: { subnet: "10.4.0.0/28" }, dns: { records: { "a.local": "10.4.0.5" } } };
    const clients: { name: string; address: string }[] = [];
    for (const exit of ["direct", "vpn"])
      for (;;) {
        let address: string;
        try {
          address = next({ ...raw, clients }, exit);
        } catch (error) {
          expect((error as Error).message).toContain(`exit ${exit} has no free address left`);
          break;
        }
        expect(taken.has(address)).toBe(false);
        taken.add(address);
        clients.push({ name: `c${clients.length}`, address });
      }
    // 16 without the network's, the gateway's, the last and the internal name's.
    expect(taken.size).toBe(12);
  });
});
