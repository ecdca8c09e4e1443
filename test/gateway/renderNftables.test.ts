import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { MARK_MASK } from "../../gateway/plan/ids";
import type { Plan } from "../../gateway/plan/plan";
import { renderHostRules } from "../../gateway/render/nftables";
import { renderNamespaceRules } from "../../gateway/render/nftablesNamespace";
import { addressText, contains, intervalOf } from "../../gateway/settings/address";
import { anyGateway, documented, exitOf } from "./gateways";

/** Every ruleset of a plan, by what it is of. */
const rulesetsOf = (plan: Plan): [string, string][] => [
  ["the host", renderHostRules(plan)],
  ...plan.exits.map((exit): [string, string] => [exit.name, renderNamespaceRules(plan, exit)]),
];

/** What nft says of a ruleset, in a network namespace that nothing else is in. Empty: it takes it. */
function nftSays(ruleset: string, mode: "check" | "list" = "check"): string {
  const command = mode === "check" ? "nft -c -f -" : "nft -f - && nft list ruleset";
  const { status, stdout, stderr, error } = spawnSync("unshare", ["--net", "sh", "-c", command], {
    input: ruleset,
    encoding: "utf8",
  });
  if (error) throw error;
  return status === 0 ? stdout : `nft stopped with ${status}: ${stderr}\n${ruleset}`;
}

/** The lines of a chain, without indentation and comments. */
function chain(ruleset: string, name: string): string[] {
  const body = new RegExp(`\\n\\tchain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*?)\\n?\\t\\}`).exec(ruleset)?.[1];
  if (body === undefined) throw new Error(`no chain ${name}`);
  return body
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** The verdict a map of intervals has for an address; undefined when none. */
function lookUp(ruleset: string, map: string, at: number): string | undefined {
  const body = new RegExp(`\\n\\tmap ${map} \\{([^}]*\\{[^}]*\\})`).exec(ruleset)?.[1] ?? "";
  const elements = (/elements = \{ (.*) \}/.exec(body)?.[1] ?? "").split(", ").map((element) => element.split(" : "));
  const fitting = elements.filter(
    ([source = ""]) => source !== "" && contains(intervalOf(source), { first: at, last: at }),
  );
  if (fitting.length > 1) throw new Error(`${map} holds ${addressText(at)} twice`);
  return fitting[0]?.[1];
}

describe("every ruleset", () => {
  it("is taken by nft", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan }) => {
        // One file after another in one transaction is what firewall.sh and exit-up.sh load, too.
        for (const [, ruleset] of rulesetsOf(plan)) expect(nftSays(ruleset)).toBe("");
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it("is refused when a line of it is wrong", () => {
    const [, ruleset] = rulesetsOf(documented().plan)[0] ?? ["", ""];
    expect(nftSays(ruleset)).toBe("");
    expect(nftSays(ruleset.replace("masquerade", "maskerade"))).toContain("nft stopped");
  });

  it("can be loaded again and again, beside another's table that stays", () => {
    const others = "table ip docker { chain forward { type filter hook forward priority 0; policy drop; }; }\n";
    for (const [, ruleset] of rulesetsOf(documented().plan)) {
      const loaded = nftSays(others + ruleset + ruleset, "list");
      expect(loaded).toContain("table ip docker {");
      expect(loaded.match(/^table inet wg_gateway \{/gm)).toHaveLength(1);
      expect(loaded).toBe(nftSays(others + ruleset, "list"));
    }
  });

  it("deletes and makes our own table and nothing else", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan }) => {
        for (const [, ruleset] of rulesetsOf(plan)) {
          expect(ruleset).not.toContain("flush");
          expect(ruleset.match(/^[ \t]*delete .*$/gm)).toEqual(["delete table inet wg_gateway"]);
          expect(ruleset.match(/^[ \t]*table .*$/gm)).toEqual(["table inet wg_gateway", "table inet wg_gateway {"]);
          expect(ruleset.startsWith("table inet wg_gateway\ndelete table inet wg_gateway\n")).toBe(true);
        }
      }),
    );
  });

  it("has each chain once, and each jump has its chain", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan }) => {
        for (const [, ruleset] of rulesetsOf(plan)) {
          const chains = [...ruleset.matchAll(/^\tchain (\S+) \{$/gm)].map(([, name]) => name);
          expect(new Set(chains).size).toBe(chains.length);
          const jumps = [...ruleset.matchAll(/(?:goto|jump) (\w+)/g)].map(([, name]) => name);
          expect(jumps.filter((name) => !chains.includes(name))).toEqual([]);
        }
      }),
    );
  });

  it("touches no bit of a mark but ours", () => {
    const ours = `0x0000${MARK_MASK.toString(16)}`;
    for (const [, ruleset] of rulesetsOf(documented().plan)) {
      const uses = [...ruleset.matchAll(/(?:meta|ct) mark .*/g)].map(([text]) => text);
      for (const text of uses)
        expect(text).toMatch(
          new RegExp(`^(meta|ct) mark (& ${ours} (==|vmap)|set \\1 mark & 0xffff00ff \\| 0x0000[0-9a-f]{2}00$)`),
        );
    }
    expect(renderHostRules(documented().plan)).toContain(`meta mark & ${ours}`);
  });
});

describe("a packet of a client", () => {
  it("is marked for the exit of its address, and let out by the same", () => {
    fc.assert(
      fc.property(anyGateway, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), ({ plan }, part) => {
        const ruleset = renderHostRules(plan);
        const { first, last } = intervalOf(plan.wireguard.subnet);
        const ways = [{ chain: "direct", mark: 0, link: "@uplinks", sources: plan.directSources }].concat(
          plan.exits.map((exit) => ({
            chain: `exit_${exit.name.replaceAll("-", "_")}`,
            mark: exit.clientMark,
            link: `"${exit.hostLink}"`,
            sources: [...exit.sources],
          })),
        );
        const edges = ways.flatMap(({ sources }) => sources.flatMap((source) => [source.first, source.last]));
        for (const at of [first, last, first + Math.floor(part * (last - first + 1)), ...edges]) {
          const way = ways.find(({ sources }) => sources.some((source) => contains(source, { first: at, last: at })));
          expect(lookUp(ruleset, "mark_by_source", at)).toBe(`goto mark_${way?.chain}`);
          expect(lookUp(ruleset, "forward_by_source", at)).toBe(`goto forward_${way?.chain}`);
        }
        for (const at of [first - 1, last + 1]) expect(lookUp(ruleset, "forward_by_source", at)).toBeUndefined();
        for (const way of ways) {
          const mark = `0x${way.mark.toString(16).padStart(8, "0")}`;
          expect(chain(ruleset, `mark_${way.chain}`)[0]).toBe(`meta mark set meta mark & 0xffff00ff | ${mark}`);
          const [accepts, end, ...more] = chain(ruleset, `forward_${way.chain}`);
          expect(accepts).toContain(`mark & 0x0000ff00 == ${mark} oifname ${way.link} accept`);
          expect([end, more]).toEqual(["drop", []]);
        }
      }),
      { numRuns: 60 },
    );
  }, 30_000);

  it("meets the rules in the order that shuts", () => {
    const ruleset = renderHostRules(documented().plan);
    expect(chain(ruleset, "forward_from_clients")).toEqual([
      "meta nfproto ipv6 reject with icmpv6 admin-prohibited",
      "ip saddr != 10.4.0.0/24 drop",
      'oifname "wg0" ip daddr 10.4.0.0/24 accept',
      "ip daddr 169.254.0.0/16 reject with icmp admin-prohibited",
      "ip daddr @local_networks oifname @uplinks accept",
      "ip saddr vmap @forward_by_source",
      "drop",
    ]);
    expect(chain(ruleset, "nat_postrouting").slice(1)).toEqual([
      "ip saddr 10.4.0.0/24 oifname @uplinks masquerade",
      "ip saddr 10.200.1.0/24 oifname @uplinks masquerade",
      "ip saddr 10.200.3.0/24 oifname @uplinks masquerade",
    ]);
    expect(chain(ruleset, "mangle_output")[1]).toBe(
      "ip saddr 10.200.1.1 ip daddr @upstreams meta l4proto { tcp, udp } th dport 53 meta mark set meta mark & 0xffff00ff | 0x00000100",
    );
  });

  it("finds the host shut: the file names no uplink", () => {
    expect(renderHostRules(documented().plan)).toContain("\tset uplinks {\n\t\ttype ifname\n\t}\n");
  });

  it("finds TCP clamped to the MTU less 40, in both namespaces and both directions", () => {
    const { plan } = documented();
    const clamp = "tcp flags & (syn | rst) == syn tcp option maxseg size set 1380";
    expect(chain(renderHostRules(plan), "mangle_forward").slice(1)).toEqual([
      `iifname "wg0" ${clamp}`,
      `oifname "wg0" ${clamp}`,
    ]);
    expect(chain(renderNamespaceRules(plan, exitOf(plan, "vpn")), "mangle_forward").slice(1)).toEqual([clamp]);
  });
});

describe("an exit's namespace", () => {
  const { plan } = documented();
  const ruleset = renderNamespaceRules(plan, exitOf(plan, "vpn"));

  it.each(["filter_input", "filter_forward", "filter_output"])("%s drops what nothing allows", (name) => {
    expect(chain(ruleset, name)[0]).toBe(`type filter hook ${name.slice(7)} priority filter; policy drop;`);
  });

  it("lets nothing out by its veth but to the provider, the resolver and in answer", () => {
    expect(chain(ruleset, "filter_output").filter((line) => line.includes("veth-vpn"))).toEqual([
      'oifname "veth-vpn" ip daddr . meta l4proto . th dport @provider accept',
      'oifname "veth-vpn" ip daddr 10.200.1.1 meta l4proto { tcp, udp } th dport 53 accept',
      'oifname "veth-vpn" ip daddr { 10.200.1.1, 10.4.0.0/24 } ct state { established, related } accept',
    ]);
    expect(ruleset).toContain("\tset provider {\n\t\ttype ipv4_addr . inet_proto . inet_service\n\t}\n");
  });

  it("lets its clients into the tunnel alone, and none of another exit's", () => {
    for (const line of chain(ruleset, "filter_forward").slice(1))
      expect(line).toMatch(/^iifname "veth-vpn" oifname "tun0"|^iifname "tun0"/);
    expect(ruleset).toContain("elements = { 10.4.0.128-10.4.0.199, 10.4.0.201-10.4.0.255 }");
    expect(chain(ruleset, "nat_postrouting").slice(1)).toEqual([
      'ip saddr @clients oifname "tun0" masquerade',
      'ip saddr 10.200.1.1 oifname "tun0" masquerade',
    ]);
  });
});
