import { readFileSync } from "node:fs";

import type { Scenario } from "../flows";
import { onMachine } from "../flows/flow";
import type { Host } from "../host";
import type { Lab } from "../lab";
import { until } from "../process";
import { addresses } from "../topology";
import { percentile } from "./figure";

export interface Transfer {
  readonly bytes: number;
  readonly seconds: number;
}

const PORT = 5201;

/** One TCP connection between a client and the web server's machine for some seconds. @param down whether the client receives */
export async function transfer({ web }: Lab, from: Host, seconds: number, down: boolean): Promise<Transfer> {
  // For this test alone: between two of them a server that stays refuses connections for a moment.
  const receiver = web.host.spawn(["iperf3", "--server", "--one-off", "-p", String(PORT)]);
  try {
    await until("iperf3 listens", 10_000, async () => {
      const { stdout } = await web.host.run(["ss", "-Hltn", `sport = :${PORT}`]);
      return stdout !== "";
    });
    const options = ["--time", String(seconds), "--omit", "0.5", "--json", ...(down ? ["--reverse"] : [])];
    const command = ["iperf3", "--client", addresses.web, "-p", String(PORT), ...options];
    const said = JSON.parse(await from.must(command, { timeout: (seconds + 20) * 1000 })) as {
      end: { sum_received: Transfer };
    };
    await until("iperf3 ends", 10_000, () => !receiver.running);
    return said.end.sum_received;
  } finally {
    await receiver.stop();
  }
}

/** Round-trip times of echo requests, ms, ascending; one that was not answered counts as the longest that was waited. */
export async function roundTrips(from: Host, count: number, pace: number): Promise<number[]> {
  const wait = 2;
  const command = ["ping", "-n", "-i", String(1 / pace), "-c", String(count), "-W", String(wait), addresses.web];
  const { stdout } = await from.run(command, { timeout: (count / pace + 30) * 1000 });
  const times = [...stdout.matchAll(/ time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  if (times.length === 0) throw new Error(`${from.name}: no echo was answered`);
  const lost = Array.from({ length: Math.max(0, count - times.length) }, () => wait * 1000);
  return [...times, ...lost].sort((a, b) => a - b);
}

/** What half of them stay below, and 99 of 100. */
export const quantiles = (times: readonly number[]): { median: number; p99: number } => ({
  median: percentile(times, 50),
  p99: percentile(times, 99),
});

const TICKS = 100; // of /proc/stat and /proc/PID/stat, a second: USER_HZ, the same on all of Linux's architectures

/** What was carried and used until a moment. */
export interface Meter {
  /** The moment, seconds. */
  readonly at: number;
  /** What came and went by the gateway's wg0. */
  readonly bytes: number;
  /** Processor seconds of this whole machine, interrupts and soft interrupts among them. */
  readonly all: number;
  /** Processor seconds of the gateway machine's tunnel programs (wireguard-go, openvpn), what the kernel did in their name among it. */
  readonly tunnels: number;
}

export async function meter(scenario: Pick<Scenario, "lab">): Promise<Meter> {
  const [, user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split("\n")[0]!.split(/\s+/);
  const said = await onMachine(
    scenario,
    `date +%s.%N; cd /sys/class/net/wg0/statistics; echo $(($(cat rx_bytes) + $(cat tx_bytes)))
     for pid in $(pidof wireguard-go openvpn); do sed "s/.*) //" "/proc/$pid/stat"; done`,
  );
  const [at, bytes, ...stats] = said.trim().split("\n");
  const own = stats.map((line) => line.split(" ")).map((fields) => Number(fields[11]) + Number(fields[12]));
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const ticks = { all: sum([user, nice, system, irq, softirq].map(Number)), tunnels: sum(own) };
  return { at: Number(at), bytes: Number(bytes), all: ticks.all / TICKS, tunnels: ticks.tunnels / TICKS };
}

/** What went through wg0 between two moments, Mbit/s. */
export const rate = (before: Meter, after: Meter): number =>
  ((after.bytes - before.bytes) * 8) / (after.at - before.at) / 1e6;
