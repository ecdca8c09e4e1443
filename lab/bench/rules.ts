import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { DIRECT_RESOLVER_PORT } from "../../gateway/plan/ids";
import { atAddress, planGateway } from "../../gateway/plan/plan";
import { renderExitRoutes, renderHostRoutes, ruleArguments } from "../../gateway/render/iproute";
import { renderHostRules } from "../../gateway/render/nftables";
import { renderNamespaceRules } from "../../gateway/render/nftablesNamespace";
import { Host } from "../host";
import { ensureImages } from "../images";
import { bareIpRules, masqueradeTable, PLAIN_PORT } from "./bare";
import type { Benchmark } from "./benchmark";
import { figuresOf, type Sample } from "./figure";
import { checkable, PROVIDER } from "./settings";

/** Of one measurement. */
const PACKETS = 4000;
/** Bytes, as OpenVPN's packets of clients' full ones. */
const SIZE = 1400;
/** Bytes, as a question for a name. */
const QUESTION = 60;
/** Measurements are short: so many for each round of others. */
const EACH = 6;

/** A resolver that is asked where it listens. */
const plain = (address: string) => ({ asked: [address, PLAIN_PORT], listens: [address, PLAIN_PORT] });
const lines = (text: string): string[] => text.trim().split("\n");

/** The set-ups between which packets.py turns. */
function given(rounds: number) {
  const plan = atAddress(planGateway(checkable({})()), "198.51.100.10");
  const exit = plan.exits[0]!;
  const { address } = plan.wireguard;
  const remote = `${PROVIDER.address} . udp . ${PROVIDER.port}`;
  // As firewall.sh and exit-remotes.sh complete them.
  const host = `${renderHostRules(plan)}
add element inet wg_gateway uplinks { "ens5" }
add rule inet wg_gateway to_uplink oifname "ens5" accept`;
  const namespace = `${renderNamespaceRules(plan, exit)}
add element inet wg_gateway provider { ${remote} }`;
  return {
    ...{ rounds, packets: PACKETS, size: SIZE, question: QUESTION, provider: [PROVIDER.address, PROVIDER.port] },
    routes: [...lines(renderHostRoutes()), ...lines(renderExitRoutes(exit))],
    sides: {
      ours: {
        ...{ gateway: host, exit: namespace, rules: plan.ipRules.map(ruleArguments) },
        resolvers: {
          direct: { asked: [address, 53], listens: [address, DIRECT_RESOLVER_PORT] },
          vpn: { asked: [address, 53], listens: [exit.hostAddress, 53] },
        },
      },
      base: {
        ...{ gateway: masqueradeTable("ens5"), exit: masqueradeTable("tun0"), rules: bareIpRules },
        resolvers: { direct: plain(address), vpn: plain(exit.hostAddress) },
      },
    },
  };
}

const measures = {
  directOut: { what: "direct client's packet, out", unit: "us" },
  directBack: { what: "direct client's packet, back", unit: "us" },
  vpnOut: { what: "VPN client's packet, out into the tunnel", unit: "us" },
  vpnBack: { what: "VPN client's packet, back from the tunnel", unit: "us" },
  directQuestion: { what: "direct client's question, to its resolver", unit: "us" },
  directAnswer: { what: "resolver's answer, to the direct client", unit: "us" },
  vpnQuestion: { what: "VPN client's question, to its resolver", unit: "us" },
  vpnAnswer: { what: "resolver's answer, to the VPN client", unit: "us" },
  outerOut: { what: "OpenVPN's packet, out to the provider", unit: "us" },
  outerBack: { what: "OpenVPN's packet, back from the provider", unit: "us" },
};

/** What a packet costs the kernel by our rules, with nothing that encrypts or takes packets together. */
export const rules: Benchmark = {
  name: "rules",
  title: "A packet's way through the kernel",
  against: "two ip rules and masquerading alone",
  lab: "none",
  async run({ rounds, say }) {
    const { tools } = await ensureImages("trixie", say);
    const host = new Host("rules", `/proc/${process.pid}/ns/net`, tools);
    const script = readFileSync(join(__dirname, "packets.py"), "utf8");
    const said = await host
      .must(["unshare", "--net", "python3", "-c", script], {
        input: JSON.stringify(given(rounds * EACH)),
        timeout: rounds * EACH * 30_000,
      })
      .finally(() => rmSync(host.runDir, { recursive: true }));
    const { ours, base } = JSON.parse(said) as Record<"ours" | "base", Sample[]>;
    const microseconds = (samples: Sample[]): Sample[] =>
      samples.map((one) => Object.fromEntries(Object.entries(one).map(([key, value]) => [key, value / 1000])));
    return figuresOf(measures, microseconds(ours), microseconds(base));
  },
};
