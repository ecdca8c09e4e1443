import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";

import type { Scenario } from "../flows";
import { onMachine } from "../flows/flow";
import type { Host } from "../host";
import { statePath } from "../state";
import { addresses } from "../topology";
import { type Side, sideBySide } from "./bare";
import type { Benchmark } from "./benchmark";
import { figuresOf, type Sample } from "./figure";

const upstreams = addresses.upstreams;

/** A plain dnsmasq for each path: the direct clients' asks by the uplink, the others' through the OpenVPN client. */
const plain = `
  ip rule add priority 201 from 10.200.1.1 to 0.0.0.0/0 ipproto udp dport 53 lookup 200
  start() {
    systemd-run --quiet --unit="bare-dns-$1" /usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file --no-resolv \\
      --no-hosts --bind-interfaces --listen-address="$2" "\${@:3}"
  }
  start direct 10.4.0.1 ${upstreams.map((one) => `--server=${one}`).join(" ")}
  start vpn 10.200.1.1 ${upstreams.map((one) => `--server=${one}@10.200.1.1`).join(" ")}`;

const stopPlain = `
  systemctl stop bare-dns-direct bare-dns-vpn
  ip rule del priority 201`;

/** Questions a second and seconds for an answer, as dnsperf says. */
async function ask(from: Host, server: string, names: readonly string[], options: readonly string[]): Promise<Sample> {
  const file = statePath("dns", randomUUID());
  writeFileSync(file, names.map((name) => `${name} A\n`).join(""));
  try {
    const said = await from.must(["dnsperf", "-s", server, "-d", file, ...options], { timeout: 60_000 });
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
  for (const which of ["direct", "vpn"] as const) {
    const { host } = lab.clients[which];
    const server = side === "bare" && which === "vpn" ? "10.200.1.1" : "10.4.0.1";
    const known = names(100, "cached.example");
    await ask(host, server, known, ["-n", "1"]);
    const cached = await ask(host, server, known, ["-l", String(seconds), "-c", "4", "-T", "1", "-q", "50"]);
    const fresh = names(300, `${randomUUID()}.example`);
    const uncached = await ask(host, server, fresh, ["-n", "1", "-c", "1", "-q", "1"]);
    sample[`${which}Rate`] = cached["rate"]!;
    sample[`${which}Latency`] = uncached["latency"]!;
  }
  return sample;
}

/** Answers by the resolver of each exit. */
export const dns: Benchmark = {
  name: "dns",
  title: "DNS",
  against: "a plain dnsmasq for each path, with the same upstreams, beside wg-quick and a bare OpenVPN client",
  lab: "deployed",
  async run({ rounds, seconds, say, ...scenario }) {
    const { ours, base } = await sideBySide(scenario, { rounds, say }, async (side) => {
      if (side === "gateway") return measure(scenario, side, seconds);
      await onMachine(scenario, plain);
      try {
        return await measure(scenario, side, seconds);
      } finally {
        await onMachine(scenario, stopPlain);
      }
    });
    const cached = { unit: "answers/s", goal: { atLeast: 0.95 } };
    const uncached = { unit: "ms", goal: { atMost: 1 / 0.95 } };
    const measures = {
      directRate: { what: "direct, cached", ...cached },
      vpnRate: { what: "VPN, cached", ...cached },
      directLatency: { what: "direct, not cached", ...uncached },
      vpnLatency: { what: "VPN, not cached", ...uncached },
    };
    return figuresOf(measures, ours, base);
  },
};
