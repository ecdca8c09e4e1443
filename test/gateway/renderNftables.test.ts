import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { MARK_MASK, MAX_LOCAL_NETWORKS, MAX_SLOT } from "../../gateway/plan/ids";
import type { Plan } from "../../gateway/plan/plan";
import { selectorFiles } from "../../gateway/render/nftChoices";
import { renderHostRules } from "../../gateway/render/nftables";
import { renderNamespaceRules } from "../../gateway/render/nftablesNamespace";
import { anyGateway, anyPortRules, documented, exitOf, gatewayOf, withoutUnreachable } from "./gateways";

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

describe("every ruleset", () => {
  it("is taken by nft", () => {
    fc.assert(
      fc.property(anyGateway, ({ plan }) => {
        for (const [, ruleset] of rulesetsOf(plan)) expect(nftSays(ruleset)).toBe("");
      }),
      { numRuns: 40 },
    );
  });

  it("is taken by nft with whatever is selected, in one transaction", () => {
    const anyPlan = anyGateway.filter(({ plan }) => selectorFiles(plan).length > 0);
    fc.assert(
      fc.property(anyPlan, ({ plan }) => {
        // All variants one after another: a group's empties the chain that it fills, and of a window's one alone fills.
        const files = selectorFiles(plan).map(({ content }) => content);
        expect(nftSays(renderHostRules(plan) + files.join(""))).toBe("");
      }),
      { numRuns: 40 },
    );
    fc.assert(
      fc.property(
        anyPlan.chain(({ plan }) => fc.tuple(fc.constant(plan), fc.constantFrom(...selectorFiles(plan)))),
        ([plan, { content }]) => {
          expect(nftSays(renderHostRules(plan) + content)).toBe("");
        },
      ),
      { numRuns: 40 },
    );
  });

  it("is taken by the kernel, which counts jumps, where there is much of everything that leads on", () => {
    const exits = Array.from({ length: MAX_SLOT }, (_, index) => ({
      ...{ name: `vpn${index + 1}`, profile: "plain.ovpn", slot: index + 1 },
    }));
    const during = { from: "09:00", to: "17:00", timeZone: "Europe/Berlin" };
    const { plan } = gatewayOf({
      wireguard: { subnet: "10.4.0.0/20" },
      exits,
      groups: [{ name: "any", members: ["vpn1", "vpn2"] }],
      localNetworks: Array.from({ length: MAX_LOCAL_NETWORKS }, (_, index) => `192.168.${index}.0/24`),
      rules: [
        ...Array.from({ length: 500 }, (_, index) => ({
          protocol: "tcp",
          ports: [2 * index + 1],
          during,
          exit: "any",
        })),
        ...Array.from({ length: 500 }, (_, index) => ({
          from: `10.4.${index >> 7}.${(2 * index) & 254}`,
          exit: "vpn2",
        })),
      ],
    });
    const selected = selectorFiles(plan).filter(({ variant }) => variant === "open" || variant === "vpn1");
    const ruleset = renderHostRules(plan) + selected.map(({ content }) => content).join("");
    // The trees are there, and the longest way leads through them.
    for (const tree of ["mark_source_2_1", "mark_choice_1_tcp_2_1", "mark_prohibited_1", "forward_local_1"])
      expect(chain(ruleset, tree)).not.toEqual([]);
    expect(nftSays(ruleset, "list")).toContain("chain mark_prohibited_1");
    // One more is too many.
    const longer = `add chain inet wg_gateway more
add rule inet wg_gateway more goto source_of_clients
insert rule inet wg_gateway mangle_prerouting goto more
`;
    expect(nftSays(ruleset + longer, "list")).toContain("Too many links");
  });

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

  it("is listed the same however often it is loaded, trees of ports included", () => {
    const ways = ["direct", "block", "vpn"];
    let trees = 0;
    const anyRuleset = anyPortRules("10.4.0.0/24", ways).map((rules) =>
      renderHostRules(gatewayOf(withoutUnreachable({ exits: [{ name: "vpn", profile: "plain.ovpn" }], rules })).plan),
    );
    fc.assert(
      fc.property(anyRuleset, (ruleset) => {
        const listed = nftSays(ruleset, "list");
        trees += listed.split(/th dport [\d-]+ jump/).length - 1;
        expect(nftSays(ruleset, "list")).toBe(listed);
        expect(nftSays(ruleset + ruleset, "list")).toBe(listed);
        // What was listed is a ruleset itself, and the same one.
        expect(nftSays(listed, "list")).toBe(listed);
      }),
      { numRuns: 15 },
    );
    expect(trees).toBeGreaterThan(15);
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
          new RegExp(`^(meta|ct) mark (& ${ours} ([!=]=|vmap)|set \\1 mark & 0xffff00ff \\| 0x0000[0-9a-f]{2}00$)`),
        );
    }
    expect(renderHostRules(documented().plan)).toContain(`meta mark & ${ours}`);
  });
});

describe("a packet of a client", () => {
  it("meets the rules in the order that shuts", () => {
    const ruleset = renderHostRules(documented().plan);
    const noClients = ["169.254.0.0/16", "10.200.1.0/24", "10.200.3.0/24"];
    const prohibited = noClients.map((network) => `ip daddr ${network} goto forward_prohibited`);
    expect(chain(ruleset, "forward_from_clients")).toEqual([
      "ip saddr 10.4.0.0/25 goto forward_direct",
      "ip saddr 10.4.0.128-10.4.0.199 goto forward_exit_vpn",
      "ip saddr 10.4.0.200 goto forward_exit_se_1",
      "ip saddr 10.4.0.201-10.4.0.255 goto forward_exit_vpn",
      "goto forward_foreign",
    ]);
    expect(chain(ruleset, "forward_elsewhere")).toEqual([
      'oifname "wg0" ip daddr 10.4.0.0/24 goto forward_between_clients',
      ...prohibited,
      ...["10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24"].map((network) => `ip daddr ${network} jump to_uplink`),
      "ct state related meta l4proto icmp goto forward_related",
    ]);
    expect(chain(ruleset, "forward_direct")).toEqual([
      "ct mark & 0x0000ff00 == 0x0000fb00 jump to_uplink",
      "jump forward_elsewhere",
      "ct mark & 0x0000ff00 != 0x0000fb00 meta l4proto tcp reject with tcp reset",
      "drop",
    ]);
    expect(chain(ruleset, "forward_exit_vpn")).toEqual([
      'meta mark & 0x0000ff00 == 0x00000200 oifname "veth-wg" accept',
      "jump forward_elsewhere",
      "ct mark & 0x0000ff00 != 0x00000200 meta l4proto tcp reject with tcp reset",
      "drop",
    ]);
    expect(chain(ruleset, "forward_block")).toEqual([
      "jump forward_elsewhere",
      "meta l4proto tcp reject with tcp reset",
      "reject with icmp admin-prohibited",
    ]);
    expect(chain(ruleset, "prerouting_from_clients")).toEqual([
      "ct mark & 0x0000ff00 == 0x0000fb00 accept",
      "ct mark & 0x0000ff00 == 0x00000200 goto keep_exit_vpn",
      "ct mark & 0x0000ff00 == 0x00000600 goto keep_exit_se_1",
      "ct mark & 0x0000ff00 == 0x00000000 goto prerouting_new",
    ]);
    expect(chain(ruleset, "mark_prohibited")).toEqual(noClients.map((network) => `ip daddr ${network} accept`));
    for (const [end, mark, connection] of [
      ["direct", "00", "fb"],
      ["exit_vpn", "02", "02"],
    ])
      expect(chain(ruleset, `mark_${end}`)).toEqual([
        "jump mark_prohibited",
        `meta mark set meta mark & 0xffff00ff | 0x0000${mark}00`,
        `ct mark set ct mark & 0xffff00ff | 0x0000${connection}00`,
        "accept",
      ]);
    expect(chain(ruleset, "forward_related")).toEqual([
      "ct mark & 0x0000ff00 == 0x0000fb00 jump to_uplink",
      'meta mark & 0x0000ff00 == 0x00000200 oifname "veth-wg" accept',
      'meta mark & 0x0000ff00 == 0x00000600 oifname "veth-wg-3" accept',
      "drop",
    ]);
    expect(chain(ruleset, "nat_postrouting").slice(1)).toEqual([
      "ip saddr 10.4.0.0/24 oifname @uplinks masquerade",
      "ip saddr 10.200.1.0/24 oifname @uplinks masquerade",
      "ip saddr 10.200.3.0/24 oifname @uplinks masquerade",
    ]);
    expect(chain(ruleset, "mangle_output").slice(1)).toEqual([
      "ip saddr 10.200.1.1 goto output_of_exit_vpn",
      "ip saddr 10.200.3.1 goto output_of_exit_se_1",
    ]);
    const question = "th dport 53 meta l4proto { tcp, udp } ip daddr @upstreams";
    expect(chain(ruleset, "output_of_exit_vpn")).toEqual([
      `${question} meta mark set meta mark & 0xffff00ff | 0x00000100`,
    ]);
  });

  it("finds the host shut: the file names no uplink", () => {
    const ruleset = renderHostRules(documented().plan);
    expect(ruleset).toContain("\tset uplinks {\n\t\ttype ifname\n\t}\n");
    expect(chain(ruleset, "to_uplink")).toEqual([]);
  });

  it("finds TCP clamped to the MTU less 40, in both namespaces and both directions", () => {
    const { plan } = documented();
    const [host, namespace] = [renderHostRules(plan), renderNamespaceRules(plan, exitOf(plan, "vpn"))];
    const syn = "tcp flags & (syn | rst) == syn jump clamp_mss";
    const clamped = (ruleset: string) =>
      [...ruleset.matchAll(/^\tchain (\S+) \{\n((?:\t\t.*\n)*)/gm)].flatMap(([, name, rules = ""]) =>
        rules.includes(syn) ? [name] : [],
      );
    expect(clamped(host)).toEqual([
      "prerouting_new",
      "forward_to_clients",
      "forward_from_exit_vpn",
      "forward_from_exit_se_1",
    ]);
    expect(clamped(namespace)).toEqual(["forward_out", "forward_back"]);
    for (const ruleset of [host, namespace])
      expect(chain(ruleset, "clamp_mss")).toEqual(["tcp option maxseg size set 1380"]);
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
      'oifname "veth-vpn" ip daddr 10.200.1.1 th dport 53 meta l4proto { tcp, udp } accept',
      'oifname "veth-vpn" ip daddr { 10.200.1.1, 10.4.0.0/24 } ct state established,related accept',
    ]);
    expect(ruleset).toContain("\tset provider {\n\t\ttype ipv4_addr . inet_proto . inet_service\n\t\tsize 4096\n\t}\n");
  });

  it("lets its clients into the tunnel alone, and none of another exit's", () => {
    expect(chain(ruleset, "filter_forward").slice(1)).toEqual([
      'oifname "tun0" iifname "veth-vpn" goto forward_out',
      'oifname "veth-vpn" iifname "tun0" goto forward_back',
    ]);
    expect(chain(ruleset, "forward_out").slice(1)).toEqual([
      "ip saddr @clients accept",
      "ip saddr 10.200.1.1 th dport 53 meta l4proto { tcp, udp } accept",
      "drop",
    ]);
    expect(chain(ruleset, "forward_back").slice(1)).toEqual([
      "ip daddr 10.4.0.0/24 ct state established,related accept",
      "ip daddr 10.200.1.1 ct state established,related accept",
      "drop",
    ]);
    expect(ruleset).toContain("elements = { 10.4.0.128-10.4.0.199, 10.4.0.201-10.4.0.255 }");
    expect(chain(ruleset, "nat_postrouting").slice(1)).toEqual(['oifname "tun0" masquerade']);
  });
});
