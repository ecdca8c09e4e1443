import { readFileSync } from "node:fs";

import type { Scenario } from "../flows";
import { onMachine } from "../flows/flow";
import type { Host } from "../host";
import type { Lab } from "../lab";
import { until } from "../process";
import { addresses } from "../topology";
import { percentile } from "./figure";

const PORT = 5201;
/** Seconds that nothing that is measured takes. */
const FOREVER = 3600;
/** The kernel's own; a machine may have another default, as BBR, which keeps a pace of its own. */
const CONGESTION = "cubic";

/**
 * One TCP connection between a client and the web server's machine, at full speed while something is done.
 * @param down whether the client receives
 * @throws Error when it ended before that
 */
export async function carrying<T>({ web }: Lab, from: Host, down: boolean, work: () => Promise<T>): Promise<T> {
  const server = web.host.spawn(["iperf3", "--server", "-p", String(PORT)]);
  try {
    await until("iperf3 listens", 10_000, async () => {
      const { stdout } = await web.host.run(["ss", "-Hltn", `sport = :${PORT}`]);
      return stdout !== "";
    });
    const options = ["--time", String(FOREVER), "--congestion", CONGESTION, ...(down ? ["--reverse"] : [])];
    const client = from.spawn(["iperf3", "--client", addresses.web, "-p", String(PORT), ...options]);
    try {
      const result = await work();
      if (!client.running) throw new Error("iperf3 ended before it was measured");
      return result;
    } finally {
      await client.stop();
    }
  } finally {
    await server.stop();
  }
}

/** Round-trip times of echo requests, ms; one that was not answered counts as the longest that was waited. */
export async function roundTrips(from: Host, count: number, pace: number): Promise<number[]> {
  const wait = 2;
  const command = ["ping", "-n", "-i", String(1 / pace), "-c", String(count), "-W", String(wait), addresses.web];
  const { stdout } = await from.run(command, { timeout: (count / pace + 30) * 1000 });
  const times = [...stdout.matchAll(/ time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  if (times.length === 0) throw new Error(`${from.name}: no echo was answered`);
  const lost = Array.from({ length: Math.max(0, count - times.length) }, () => wait * 1000);
  return [...times, ...lost];
}

/** What half of them stay below, and 99 of 100. */
export function quantiles(times: readonly number[]): { median: number; p99: number } {
  const sorted = [...times].sort((a, b) => a - b);
  return { median: percentile(sorted, 50), p99: percentile(sorted, 99) };
}

const TICKS = 100; // of /proc/stat and /proc/PID/stat, a second: USER_HZ, the same on all of Linux's architectures

/** What was carried and used, until a moment or between two. */
export interface Meter {
  /** The moment, or how long, seconds. */
  readonly at: number;
  /** What came and went by the gateway's wg0. */
  readonly bytes: number;
  /** Processor seconds of this whole machine, interrupts and soft interrupts among them. */
  readonly all: number;
  /** Processor seconds of the gateway machine's tunnel programs (wireguard-go, openvpn), what the kernel did in their name among it. */
  readonly tunnels: number;
}

const combine = (a: Meter, b: Meter, of: (a: number, b: number) => number): Meter => ({
  ...{ at: of(a.at, b.at), bytes: of(a.bytes, b.bytes) },
  ...{ all: of(a.all, b.all), tunnels: of(a.tunnels, b.tunnels) },
});
/** Between two moments. */
export const less = (after: Meter, before: Meter): Meter => combine(after, before, (a, b) => a - b);
export const sum = (spans: readonly Meter[]): Meter => spans.reduce((a, b) => combine(a, b, (x, y) => x + y));
/** What went through wg0, Mbit/s. */
export const rate = ({ bytes, at }: Meter): number => (bytes * 8) / at / 1e6;

export async function meter(scenario: Pick<Scenario, "lab">): Promise<Meter> {
  const [, user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split("\n")[0]!.split(/\s+/);
  const said = await onMachine(
    scenario,
    `date +%s.%N; cd /sys/class/net/wg0/statistics; echo $(($(cat rx_bytes) + $(cat tx_bytes)))
     for pid in $(pidof wireguard-go openvpn); do sed "s/.*) //" "/proc/$pid/stat"; done`,
  );
  const [at, bytes, ...stats] = said.trim().split("\n");
  const own = stats.map((line) => line.split(" ")).map((fields) => Number(fields[11]) + Number(fields[12]));
  const total = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const ticks = { all: total([user, nice, system, irq, softirq].map(Number)), tunnels: total(own) };
  return { at: Number(at), bytes: Number(bytes), all: ticks.all / TICKS, tunnels: ticks.tunnels / TICKS };
}
