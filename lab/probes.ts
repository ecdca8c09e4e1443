import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import type { Host } from "./host";
import type { Lab } from "./lab";
import { until } from "./process";
import { addresses } from "./topology";

/** What a probe with a number is: `kinds[number % kinds.length]`, as in leaks/prober.py. */
export const kinds = [
  "tcp",
  "tcp running",
  "udp",
  "udp running",
  "icmp",
  "dns gateway",
  "dns resolver",
  "ipv6",
] as const;
export type Kind = (typeof kinds)[number];
export const kindOf = (number: number): Kind => kinds[number % kinds.length]!;

const script = (name: string): string[] => ["python3", "-c", readFileSync(join(__dirname, "leaks", name), "utf8")];

/** How a running TCP connection ended: `unheard` when nothing was acknowledged for ten seconds. */
export type End = "cut" | "unheard";

export interface ProberOptions {
  /** a-z; stands in each of its probes. */
  readonly name: string;
  /** The address on the internet that the probes go to; default the web server's. */
  readonly target?: string;
  /** Probes a second, over all kinds. */
  readonly rate: number;
}

/** Starts what answers the probes at addresses of a host; resolves when it does. */
export async function startEcho(host: Host, targets: readonly string[]): Promise<void> {
  host.spawn([...script("echo.py"), ...targets], "echo");
  await until(`${host.name}: the echo server listens`, 5000, async () => {
    const { stdout } = await host.run(["ss", "-Hltn", "sport = :4243"]);
    return stdout.trim().split("\n").length >= targets.length;
  });
}

/** A client's device that sends numbered probes of every kind until it is stopped, and knows which were answered. */
export class Prober {
  /** The number of the next probe. */
  next = 0;
  /** The address that the echo server saw, by the number of the probe; undefined where the answer does not tell. */
  readonly answers = new Map<number, string | undefined>();
  /** How its running TCP connections ended: cut from the other side, or given up because nothing came. */
  private readonly ends: { readonly at: number; readonly how: End }[] = [];
  /** Milliseconds since the epoch, and the next number then; every 50 ms. */
  private readonly ticks: { readonly at: number; readonly next: number }[] = [];
  private problem = "";

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    createInterface(child.stdout!).on("line", (line) => {
      const [at, next, ...answered] = line.split(" ");
      this.next = Number(next);
      this.ticks.push({ at: Number(at) * 1000, next: this.next });
      for (const word of answered) {
        const [number, seen] = word.split("=");
        if (word.startsWith("!")) this.ends.push({ at: Number(at) * 1000, how: word.slice(1) as End });
        else this.answers.set(Number(number), seen);
      }
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.problem += text));
  }

  /** Resolves when it sends. @throws Error with what it said instead */
  static async start(host: Host, { name, target = addresses.web, rate }: ProberOptions): Promise<Prober> {
    const words = [name, target, addresses.web6, String(rate), "10.4.0.1", ...addresses.upstreams];
    const [program, ...rest] = host.inside([...script("prober.py"), ...words], ["--die-with-parent"]);
    const prober = new Prober(name, spawn(program!, rest, { env: {}, stdio: ["ignore", "pipe", "pipe"] }));
    await until(`${host.name} sends probes`, 5000, () => prober.next > 0).catch((error: unknown) => {
      throw new Error(prober.problem, { cause: error });
    });
    return prober;
  }

  /** Resolves when so many more probes were sent, for so many seconds at least. @throws Error with what the prober said when it ended */
  async more(count: number, seconds = 0): Promise<void> {
    const [to, at] = [this.next + count, Date.now() + seconds * 1000];
    const sent = (): boolean => this.next >= to && this.ticks.at(-1)!.at >= at;
    await until(`the ${this.name} client sends ${count} probes: ${this.problem}`, 60_000, sent);
  }

  /** Resolves when a probe that is sent from now on is answered. @throws Error after 60 s */
  async answered(): Promise<void> {
    const now = Date.now();
    await until(`the ${this.name} client is answered`, 60_000, () => this.answeredSince(now).size > 0);
  }

  stop(): void {
    this.child.kill();
  }

  /** How running TCP connections ended in a span of time, milliseconds since the epoch. */
  endsIn(from: number, to: number): End[] {
    return this.ends.filter(({ at }) => at >= from && at <= to).map(({ how }) => how);
  }

  /** The numbers of the probes sent in a span of time, milliseconds since the epoch. */
  sentIn(from: number, to: number): number[] {
    const after = (at: number): number => this.ticks.find((tick) => tick.at >= at)?.next ?? this.next;
    const first = after(from);
    return Array.from({ length: after(to) - first }, (_, index) => first + index);
  }

  /** When a probe was sent, milliseconds since the epoch; to 50 ms. */
  sentAt(number: number): number {
    return this.ticks.find(({ next }) => next > number)?.at ?? Date.now();
  }

  /** Which kinds were answered, of probes sent since a time. */
  answeredSince(from: number): Set<Kind> {
    return new Set(
      this.sentIn(from, Date.now())
        .filter((number) => this.answers.has(number))
        .map(kindOf),
    );
  }

  /** The longest time in a span during which no probe that was sent was answered, seconds; to 50 ms. A running TCP connection has a pace of its own. */
  silence(from: number, to: number): number {
    let [longest, last] = [0, from];
    for (const [index, { at, next }] of this.ticks.entries()) {
      if (at < from || at > to) continue;
      const before = this.ticks[index - 1]?.next ?? 0;
      const answered = Array.from({ length: next - before }, (_, step) => before + step).some(
        (number) => kindOf(number) !== "tcp running" && this.answers.has(number),
      );
      if (!answered) continue;
      longest = Math.max(longest, at - last);
      last = at;
    }
    return Math.max(longest, to - last) / 1000;
  }
}

/** What became of the probes of a client whose exit is away. */
export interface Probed {
  readonly sent: number;
  /** Those that were seen on the internet, or asked for at the DNS upstreams. */
  readonly leaked: readonly string[];
  /** Whether the capture can be trusted: it lost no packet. */
  readonly whole: boolean;
}

const PROBED = 1500;
const FROM_CLIENTS = [addresses.web, ...addresses.upstreams].map((address) => `not src host ${address}`).join(" and ");

/** Sends probes from a client for some seconds, and looks for them on the internet. */
export async function probe(lab: Lab, client: Host): Promise<Probed> {
  const internet = await lab.hosts.internet.capture("any", `inbound and ${FROM_CLIENTS}`, ["-A"]);
  const before = lab.dns.queries().length;
  const prober = await Prober.start(client, { name: "probed", rate: 500 });
  await prober.more(PROBED);
  prober.stop();
  const lines = await internet.stop({ mayDrop: true });
  const asked = lab.dns.queries().slice(before);
  const seen = [...lines, ...asked.map(({ name }) => name)].flatMap(
    (text) => /wgprobe-probed-\d{7}/.exec(text)?.[0] ?? [],
  );
  return { sent: prober.next, leaked: [...new Set(seen)], whole: internet.dropped === 0 };
}
