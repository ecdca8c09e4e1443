import type { ChildProcess } from "node:child_process";

import { childrenOf, processId, signal, until } from "./process";

/** A running tcpdump, begun by `Host.capture`. */
export class Capture {
  /** The packets so far, one line each as tcpdump writes them: seconds since the epoch, protocol, addresses, contents. */
  readonly lines: string[] = [];
  /** Packets the kernel could not hand over; known after `stop`. */
  dropped = 0;

  private rest = "";
  private report = "";
  private ended = false;

  private constructor(
    readonly name: string,
    private readonly child: ChildProcess,
  ) {
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.rest + text).split("\n");
      this.rest = lines.pop()!;
      // At its end tcpdump writes an empty line of its own.
      this.lines.push(...lines.filter(Boolean));
    });
    child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.report += text));
    child.on("error", (error) => (this.report += error.message));
    child.on("close", () => (this.ended = true));
  }

  /** Resolves when tcpdump listens. @throws Error with what tcpdump said, or after 5 s */
  static async start(name: string, child: ChildProcess): Promise<Capture> {
    const capture = new Capture(name, child);
    await until(`capture on ${name} listens`, 5000, () => capture.ended || capture.report.includes("listening on"));
    if (capture.ended) throw new Error(`capture on ${name}: ${capture.report.trim()}`);
    return capture;
  }

  /** Resolves with the first line that matches. @param deadline milliseconds */
  waitFor(pattern: RegExp, deadline = 5000): Promise<string> {
    return until(`${this.name}: packet ${pattern}`, deadline, () => this.lines.find((line) => pattern.test(line)));
  }

  /**
   * Ends the capture when every packet that passed until now was written.
   * @param mayDrop whoever calls looks at `dropped` instead
   * @returns the packets' lines
   * @throws Error when it has lost packets: it then proves of nothing that it was not sent
   */
  async stop({ mayDrop = false } = {}): Promise<string[]> {
    await until(`capture on ${this.name} has caught up`, 3000, () => this.caughtUp(), 50).catch(() => undefined);
    this.tell("SIGINT");
    await until(`capture on ${this.name} ends`, 5000, () => this.ended);
    this.dropped = Number(/(\d+) packets? dropped by kernel/.exec(this.report)?.[1] ?? 0);
    if (this.dropped > 0 && !mayDrop) throw new Error(`capture on ${this.name} lost ${this.dropped} packets`);
    return this.lines;
  }

  /** Asks tcpdump for its counts: SIGINT alone would discard what waits in the kernel's buffer. */
  private caughtUp(): boolean {
    const counts = /(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped/.exec(
      this.report,
    );
    this.report = "";
    this.tell("SIGUSR1");
    return this.ended || (counts !== null && Number(counts[1]) + Number(counts[3]) >= Number(counts[2]));
  }

  private tell(name: NodeJS.Signals): void {
    for (const pid of childrenOf(this.child.pid!)) {
      const id = processId(pid);
      if (id) signal(id, name);
    }
  }
}
