import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Host } from "./host";
import { CommandError, type Result } from "./process";
import { addresses } from "./topology";

export interface FetchOptions {
  /** Milliseconds for the whole of it; default 5000. */
  readonly timeout?: number;
}

export interface DigOptions {
  /** Default: the first server of the client's profile. */
  readonly server?: string;
  readonly tcp?: boolean;
  /** Default A. */
  readonly type?: string;
}

/** A device at home whose whole traffic goes through the gateway, by wg-quick as on a laptop. */
export class WireGuardClient {
  constructor(readonly host: Host) {}

  /**
   * Brings the tunnel up. Its DNS servers become the host's.
   * @param profile a wg-quick file
   * @throws CommandError with what wg-quick said
   */
  async up(profile: string): Promise<void> {
    // wg-quick would hand DNS to resolvconf; the host's resolv.conf is ours to write.
    const servers = [...profile.matchAll(/^\s*DNS\s*=\s*(.*)$/gim)].flatMap((match) =>
      match[1]!.split(/[\s,]+/).filter(Boolean),
    );
    writeFileSync(this.path, profile.replace(/^\s*DNS\s*=.*\n?/gim, ""), { mode: 0o600 });
    // In a session of its own, wireguard-go outlives the terminal as the lab's other services do.
    await this.host.must([
      ...["setsid", "--wait", "sh", "-c"],
      `wg-quick up ${inside} >/run/wg-quick.log 2>&1 || { cat /run/wg-quick.log >&2; exit 1; }`,
    ]);
    // Afterwards, as wg-quick does: the gateway's own name is looked up outside.
    this.host.setResolvers(servers);
  }

  /** Takes the tunnel down, so that the host's traffic goes straight to the internet again. Nothing when it is down. */
  async down(): Promise<void> {
    if (!(await this.isUp())) return;
    await this.host.must(["wg-quick", "down", inside]);
    rmSync(this.path, { force: true });
    this.host.setResolvers(homeResolvers);
  }

  async isUp(): Promise<boolean> {
    return (await this.host.run(["ip", "link", "show", "dev", "wg0"])).exitCode === 0;
  }

  /** The body of a page. @throws CommandError when it cannot be had */
  fetch(url: string, { timeout = 5000 }: FetchOptions = {}): Promise<string> {
    const command = ["curl", "--silent", "--show-error", "--fail", "--max-time", String(timeout / 1000), url];
    return this.host.must(command, { timeout: timeout + 5000 });
  }

  /** The answers to a question of DNS, one each; none for NXDOMAIN. @throws CommandError when no server answers within 2 s */
  async dig(name: string, { server, tcp = false, type = "A" }: DigOptions = {}): Promise<string[]> {
    const command = [
      "dig",
      "+short",
      "+tries=1",
      "+time=2",
      ...(tcp ? ["+tcp"] : []),
      ...(server ? [`@${server}`] : []),
      name,
      type,
    ];
    const result = await this.host.run(command);
    if (result.exitCode !== 0) throw new CommandError(command, result, `exit code ${result.exitCode}`);
    return result.stdout.split("\n").filter((line) => line !== "" && !line.startsWith(";"));
  }

  /** Whether an address answers one of `count` echo requests sent within a second. */
  async ping(address: string, count = 3): Promise<boolean> {
    return (await this.pingResult(address, count)).exitCode === 0;
  }

  /** What ping(8) says. */
  pingResult(address: string, count = 3): Promise<Result> {
    return this.host.run(["ping", "-n", "-q", "-i", "0.2", "-W", "1", "-c", String(count), address]);
  }

  /** Seconds since the epoch of the last handshake with the gateway; 0 for none. */
  async lastHandshake(): Promise<number> {
    const { stdout } = await this.host.run(["wg", "show", "wg0", "latest-handshakes"]);
    return Number(stdout.split(/\s+/)[1] ?? 0);
  }

  /** The profile's file, seen from outside. */
  private get path(): string {
    return join(this.host.runDir, "wg0.conf");
  }
}

const inside = "/run/wg0.conf";

/** What a device at home asks while its tunnel is down. */
export const homeResolvers = [addresses.upstreams[0]];
