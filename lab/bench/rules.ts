import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { DIRECT_RESOLVER_PORT } from "../../gateway/plan/ids";
import { atAddress, type Plan, planGateway } from "../../gateway/plan/plan";
import { renderExitRoutes, renderHostRoutes, ruleArguments } from "../../gateway/render/iproute";
import { renderHostRules } from "../../gateway/render/nftables";
import { renderNamespaceRules } from "../../gateway/render/nftablesNamespace";
import { Host } from "../host";
import { ensureImages } from "../images";
import { bareIpRules, masqueradeTable, PLAIN_PORT } from "./bare";
import type { Bench, Benchmark } from "./benchmark";
import { about, figuresOf, type Measures, type Sample } from "./figure";
import { checkable, manyRules, PROVIDER } from "./settings";

/** Of one measurement. */
const PACKETS = 4000;
/** Bytes, as OpenVPN's packets of clients' full ones. */
const SIZE = 1400;
/** Bytes, as a question for a name. */
const QUESTION = 60;
/** Measurements are short: so many for each round of others. */
const EACH = 6;

/** Where a resolver is asked, and where it listens: an address and a port each. */
type Resolver = Readonly<Record<"asked" | "listens", readonly [string, number]>>;

/** What packets.py loads on the machine: the rules of the host and of an exit's namespace, ip rules, resolvers by their clients. */
interface Loaded {
  readonly gateway: string;
  readonly exit: string;
  readonly rules: readonly string[];
  readonly resolvers: Readonly<Record<"direct" | "vpn", Resolver>>;
}

const planOf = (changes: Record<string, unknown>): Plan =>
  atAddress(planGateway(checkable(changes)()), "198.51.100.10");

/** The gateway's, as firewall.sh and exit-remotes.sh complete them. */
function gatewayOf(changes: Record<string, unknown> = {}): Loaded {
  const plan = planOf(changes);
  const exit = plan.exits[0]!;
  const { address } = plan.wireguard;
  return {
    gateway: `${renderHostRules(plan)}
add element inet wg_gateway uplinks { "ens5" }
add rule inet wg_gateway to_uplink oifname "ens5" accept`,
    exit: `${renderNamespaceRules(plan, exit)}
add element inet wg_gateway provider { ${PROVIDER.address} . udp . ${PROVIDER.port} }`,
    rules: plan.ipRules.map(ruleArguments),
    resolvers: {
      direct: { asked: [address, 53], listens: [address, DIRECT_RESOLVER_PORT] },
      vpn: { asked: [address, 53], listens: [exit.hostAddress, 53] },
    },
  };
}

/** The bare tools', whose resolvers are asked where they listen. */
function bareSide(): Loaded {
  const { wireguard, exits } = planOf({});
  const plain = (address: string): Resolver => ({ asked: [address, PLAIN_PORT], listens: [address, PLAIN_PORT] });
  return {
    ...{ gateway: masqueradeTable("ens5"), exit: masqueradeTable("tun0"), rules: bareIpRules },
    resolvers: { direct: plain(wireguard.address), vpn: plain(exits[0]!.hostAddress) },
  };
}

/** @returns of each side, in each round, microseconds of each way */
async function measured<S extends string>(
  { rounds, say }: Bench,
  sides: Readonly<Record<S, Loaded>>,
): Promise<Record<S, Sample[]>> {
  const lines = (text: string): string[] => text.trim().split("\n");
  const given = {
    ...{ rounds: rounds * EACH, packets: PACKETS, size: SIZE, question: QUESTION, sides },
    provider: [PROVIDER.address, PROVIDER.port],
    routes: [...lines(renderHostRoutes()), ...lines(renderExitRoutes(planOf({}).exits[0]!))],
  };
  const { tools } = await ensureImages("trixie", say);
  const host = new Host("rules", `/proc/${process.pid}/ns/net`, tools);
  const script = readFileSync(join(__dirname, "packets.py"), "utf8");
  const said = await host
    .must(["unshare", "--net", "python3", "-c", script], {
      input: JSON.stringify(given),
      timeout: rounds * EACH * Object.keys(sides).length * 15_000,
    })
    .finally(() => rmSync(host.runDir, { recursive: true }));
  return JSON.parse(said) as Record<S, Sample[]>;
}

const ways: Measures = {
  directOut: { what: "direct client's packet, out", unit: "us" },
  directBack: { what: "direct client's packet, back", unit: "us" },
  vpnOut: { what: "VPN client's packet, out into the tunnel", unit: "us" },
  vpnBack: { what: "VPN client's packet, back from the tunnel", unit: "us" },
  outerOut: { what: "OpenVPN's packet, out to the provider", unit: "us" },
  outerBack: { what: "OpenVPN's packet, back from the provider", unit: "us" },
};
const questions: Measures = {
  directQuestion: { what: "direct client's question, to its resolver", unit: "us" },
  directAnswer: { what: "resolver's answer, to the direct client", unit: "us" },
  vpnQuestion: { what: "VPN client's question, to its resolver", unit: "us" },
  vpnAnswer: { what: "resolver's answer, to the VPN client", unit: "us" },
};

/** What a packet costs the kernel by our rules, with nothing that encrypts or takes packets together. */
export const rules: Benchmark = {
  name: "rules",
  title: "A packet's way through the kernel",
  against: "three ip rules and masquerading alone",
  lab: "none",
  async run(bench) {
    const { ours, base } = await measured(bench, { ours: gatewayOf(), base: bareSide() });
    return figuresOf({ ...ways, ...questions }, ours, base);
  },
};

/** Settings of which one thing is many. */
const MANY = {
  "100 rules by port": { rules: manyRules(100, { from: "10.4.0.128/25", exit: "vpn" }, "udp") },
  // Turn and turn about, so that none are joined; 10.4.0.50 is direct, 10.4.0.200 is not.
  "100 rules by address": {
    rules: Array.from({ length: 100 }, (_, index) => ({
      from: `10.4.0.${2 * index + 2}-10.4.0.${2 * index + 3}`,
      exit: index % 2 === 0 ? "direct" : "vpn",
    })),
  },
  "50 exits": {
    exits: Array.from({ length: 50 }, (_, index) => ({
      name: index === 0 ? "vpn" : `vpn${index + 1}`,
      ...{ kind: "wireguard", profile: "vpn.conf", slot: index + 1 },
    })),
  },
};

/** What a packet meets more where there are many rules or exits. */
export const many: Benchmark = {
  name: "many",
  title: "A packet's way by many rules and exits",
  against: "one rule and one exit",
  lab: "none",
  async run(bench) {
    const sides = Object.entries(MANY).map(([name, changes]) => [name, gatewayOf(changes)] as const);
    const found = await measured<string>(bench, { ...Object.fromEntries(sides), one: gatewayOf() });
    return Object.keys(MANY).flatMap((name) => figuresOf(about(name, ways), found[name]!, found["one"]));
  },
};
