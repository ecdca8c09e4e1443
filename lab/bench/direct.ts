import type { Benchmark } from "./benchmark";
import { Exchange, type Sides } from "./exchange";
import { figuresOf, type Sample } from "./figure";
import { pathMeasures } from "./paths";

const eachRule = (verb: "add" | "del") =>
  `sed 's/^/rule ${verb} /' /etc/wg-gateway/rules /etc/wg-gateway/exits/*/rules | ip -batch -`;

/** On a direct client's way the gateway differs from wg-quick with a masquerade rule by its nftables rules and its ip rules alone. */
const sides: Sides = {
  ours: `${eachRule("add")}; /usr/local/lib/wg-gateway/firewall.sh open; nft delete table ip bare`,
  base: `nft -f - <<'END'
table ip bare { chain postrouting { type nat hook postrouting priority srcnat; oifname ens5 masquerade; }; }
delete table inet wg_gateway
END
    ${eachRule("del")}`,
  turn: 1,
};

export const direct: Benchmark = {
  name: "direct",
  title: "Direct path",
  against: "wg-quick and a masquerade rule",
  lab: "deployed",
  run: ({ rounds, seconds, say, ...scenario }) =>
    Exchange.between(scenario, sides, async (exchange) => {
      const found: Record<"ours" | "base", Sample[]> = { ours: [], base: [] };
      for (let round = 1; round <= rounds; round++) {
        say(`round ${round}`);
        const { ours, base } = await exchange.measure(round, "direct", seconds);
        found.ours.push(ours);
        found.base.push(base);
      }
      return figuresOf(pathMeasures(0.98), found.ours, found.base);
    }),
};
