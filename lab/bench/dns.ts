import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";

import type { Scenario } from "../flows";
import { onMachine } from "../flows/flow";
import type { Host } from "../host";
import { statePath } from "../state";
import { addresses } from "../topology";
import { bare, PLAIN_PORT } from "./bare";
import type { Benchmark } from "./benchmark";
import { eachSide, exchanging, type Side } from "./exchange";
import { figuresOf, type Sample } from "./figure";

const upstreams = addresses.upstreams;

/** A plain dnsmasq for each path, beside the gateway's: the direct clients' asks by the uplink, the others' through the OpenVPN client. */
const plain = `
  start() {
    systemd-run --quiet --unit="bare-dns-$1" /usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file --no-resolv \\
      --no-hosts --bind-interfaces --listen-address="$2" --port=${PLAIN_PORT} "\${@:3}"
  }
  start direct 10.4.0.1 ${upstreams.map((one) => `--server=${one}`).join(" ")}
  start vpn 10.200.1.1 ${upstreams.map((one) => `--server=${one}@10.200.1.1`).join(" ")}`;
const stopPlain = "systemctl stop bare-dns-direct bare-dns-vpn";

const ways = ["direct", "vpn"] as const;
const resolvers = {
  ours: { direct: ["10.4.0.1"], vpn: ["10.4.0.1"] },
  base: { direct: ["10.4.0.1", "-p", `${PLAIN_PORT}`], vpn: ["10.200.1.1", "-p", `${PLAIN_PORT}`] },
};

/** Questions a second and seconds for an answer, as dnsperf says. */
async function ask(
  from: Host,
  resolver: readonly string[],
  names: readonly string[],
  options: readonly string[],
): Promise<Sample> {
  const file = statePath("dns", randomUUID());
  writeFileSync(file, names.map((name) => `${name} A\n`).join(""));
  try {
    const said = await from.must(["dnsperf", "-s", ...resolver, "-d", file, ...options], { timeout: 60_000 });
    const number = (what: RegExp): number => Number(what.exec(said)?.[1]);
    const lost = number(/Queries lost: +(\d+)/);
    if (lost > 0 || !/NOERROR \d+ \(100\.00%\)/.test(said)) throw new Error(`dnsperf: not all were answered\n${said}`);
    return {
      rate: number(/Queries per second: +([\d.]+)/),
      latency: number(/Average Latency \(s\): +([\d.]+)/) * 1000,
    };
  } finally {
    rmSync(file);
  }
}

async function measure({ lab }: Scenario, side: Side, seconds: number): Promise<Sample> {
  const sample: Record<string, number> = {};
  const names = (count: number, below: string) => Array.from({ length: count }, (_, index) => `n${index}.${below}`);
  for (const way of ways) {
    const { host } = lab.clients[way];
    const resolver = resolvers[side][way];
    const known = names(100, "cached.example");
    await ask(host, resolver, known, ["-n", "1"]);
    const cached = await ask(host, resolver, known, ["-l", String(seconds), "-c", "4", "-T", "1", "-q", "50"]);
    const fresh = names(300, `${randomUUID()}.example`);
    const uncached = await ask(host, resolver, fresh, ["-n", "1", "-c", "1", "-q", "1"]);
    sample[`${way}Rate`] = cached["rate"]!;
    sample[`${way}Latency`] = uncached["latency"]!;
  }
  return sample;
}

const mean = (samples: readonly Sample[]): Sample =>
  Object.fromEntries(
    Object.keys(samples[0]!).map((key) => [key, samples.reduce((sum, one) => sum + one[key]!, 0) / samples.length]),
  );

const cached = { unit: "answers/s", goal: { atLeast: 0.95 } };
const uncached = { unit: "ms", goal: { atMost: 1 / 0.95 } };
const measures = {
  directRate: { what: "direct, cached", ...cached },
  vpnRate: { what: "VPN, cached", ...cached },
  directLatency: { what: "direct, not cached", ...uncached },
  vpnLatency: { what: "VPN, not cached", ...uncached },
};

/** Answers by the resolver of each exit. */
export const dns: Benchmark = {
  name: "dns",
  title: "DNS",
  against: "a plain dnsmasq for each path, with the same upstreams, with three ip rules and NAT alone",
  lab: "deployed",
  async run({ rounds, seconds, say, ...scenario }) {
    await onMachine(scenario, plain);
    try {
      const { ours, base } = await exchanging(scenario, bare, { rounds, say }, async (turnTo, order) => {
        const found = await eachSide(turnTo, order, (side) => measure(scenario, side, seconds));
        return { ours: mean(found.ours), base: mean(found.base) };
      });
      return figuresOf(measures, ours, base);
    } finally {
      await onMachine(scenario, stopPlain);
    }
  },
};
