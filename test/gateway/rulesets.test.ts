import fc from "fast-check";
import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { MARK_MASK, MAX_LOCAL_NETWORKS, MAX_SLOT } from "../../gateway/plan/ids";
import type { Plan } from "../../gateway/plan/plan";
import { selectorFiles } from "../../gateway/render/nftChoices";
import { renderHostRules } from "../../gateway/render/nftables";
import { renderNamespaceRules } from "../../gateway/render/nftablesNamespace";
import { anyGateway, anyPortRules, documented, gatewayOf, withoutUnreachable } from "./gateways";
import { load } from "./nftTrace";

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
    const sources = ["mark_source_2_1", "mark_choice_1_tcp_2_1", "mark_prohibited_1", "forward_local_1"];
    const exitsApart = ["keep_exits_1", "forward_from_exits_2_1", "input_inner_1", "output_of_exits_1"];
    for (const tree of [...sources, ...exitsApart])
      expect(load(ruleset).chains.get(tree)?.length, tree).toBeGreaterThan(0);
    expect(nftSays(ruleset, "list")).toContain("chain mark_prohibited_1");
    // One more would be taken, two are too many.
    const longer = `add chain inet wg_gateway more
add rule inet wg_gateway more goto prerouting_from_clients
insert rule inet wg_gateway mangle_prerouting goto more
`;
    expect(nftSays(ruleset + longer, "list")).toContain("chain more");
    const longest = longer.replaceAll("more", "most").replace("goto prerouting_from_clients", "goto more");
    expect(nftSays(ruleset + longer + longest, "list")).toContain("Too many links");
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
    const compared = new RegExp(`(meta|ct) mark & ${ours} [!=]= 0x0000[0-9a-f]{2}00`, "g");
    const set = /(meta|ct) mark set \1 mark & 0xffff00ff \| 0x0000[0-9a-f]{2}00/g;
    for (const [, ruleset] of rulesetsOf(documented().plan))
      expect(
        ruleset
          .replace(set, "")
          .replace(compared, "")
          .match(/.*(meta|ct) mark.*/g),
      ).toBeNull();
    expect(renderHostRules(documented().plan)).toContain(`meta mark & ${ours}`);
  });
});
