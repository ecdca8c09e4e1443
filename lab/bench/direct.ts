import type { Benchmark } from "./benchmark";
import { exchanged, type Sides } from "./exchange";
import { figuresOf } from "./figure";
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
  async run({ rounds, seconds, say, ...scenario }) {
    const { ours, base } = await exchanged(scenario, sides, { rounds, seconds, say }, ["direct"]);
    const samples = (all: typeof ours) => all.map((one) => one.direct);
    return figuresOf(pathMeasures(0.98), samples(ours), samples(base));
  },
};
