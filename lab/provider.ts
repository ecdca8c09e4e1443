import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Handle, Host } from "./host";
import { until } from "./process";
import { stateFolder } from "./state";
import type { Provider } from "./topology";

/** The server of a commercial VPN provider, whose customers reach the internet from its address, and the ways in which it fails. */
export abstract class ProviderServer<P extends Provider = Provider> {
  /** Holds the customer's profile, besides the server's own files. */
  readonly folder: string;
  /** The server's program, one process in the foreground. */
  protected abstract readonly program: string;
  /** Name of the customer's profile in `folder`. */
  protected abstract readonly profileName: string;

  /** @param host where the server runs @param provider its addresses */
  constructor(
    readonly host: Host,
    readonly provider: P,
  ) {
    this.folder = stateFolder(provider.host);
  }

  /** Path of the customer's profile. */
  get profilePath(): string {
    return join(this.folder, this.profileName);
  }

  /** The customer's profile as the provider hands it out. */
  get profile(): string {
    return readFileSync(this.profilePath, "utf8");
  }

  /** The running server, or undefined. */
  get service(): Handle | undefined {
    return this.host.find(this.program);
  }

  /** Starts the server, with keys made at the first time; resolves when it serves. Nothing when it runs. */
  async start(): Promise<void> {
    if (this.service) return;
    if (!existsSync(this.profilePath)) await this.prepare();
    await this.serve();
  }

  /** Stops the server without a word to its customers, as a crash does; its host lives on and refuses their packets. */
  async fail(): Promise<void> {
    const { service } = this;
    service?.signal("SIGKILL");
    // Not until `find` sees none: a process that is ending has no name any more, but its tunnel device still.
    await until(`${this.host.name}: ${this.program} is gone`, 5000, () => !service?.running);
  }

  /** The host is silent: nothing comes in by its uplink or goes out, while the server runs on. */
  async blackhole(): Promise<void> {
    await this.loadFault(
      "blackhole",
      `chain inward { type filter hook prerouting priority raw; iifname "eth0" drop; }
       chain outward { type filter hook postrouting priority 300; oifname "eth0" drop; }`,
    );
  }

  /** The end of `blackhole`. */
  async unblackhole(): Promise<void> {
    await this.loadFault("blackhole");
  }

  /** The tunnel stays up, its server answers pings in it, and there is nothing behind: no internet and no DNS. */
  async stopForwarding(on: boolean): Promise<void> {
    const rules = "chain forward { type filter hook forward priority filter; policy drop; }";
    await this.loadFault("no_forwarding", on ? rules : undefined);
  }

  /** The customer's account is closed, or open again. */
  async refuseCredentials(on: boolean): Promise<void> {
    if (on) writeFileSync(this.refusal, "");
    else rmSync(this.refusal, { force: true });
    await this.accountChanged(on);
  }

  /** The end of every failure; resolves when the server serves. */
  async recover(): Promise<void> {
    await this.unblackhole();
    await this.stopForwarding(false);
    await this.refuseCredentials(false);
    await this.start();
  }

  /** Makes keys, the server's configuration and the customer's profile. */
  protected abstract prepare(): Promise<void>;
  /** Starts the program; resolves when it serves. */
  protected abstract serve(): Promise<void>;
  /** Called after `refuseCredentials`, whether the server runs or not. */
  protected abstract accountChanged(refused: boolean): Promise<void>;

  /** A file that is there while the customer's account is closed: any process of ours finds it. */
  protected get refusal(): string {
    return join(this.folder, "refused");
  }

  protected get refused(): boolean {
    return existsSync(this.refusal);
  }

  /** Replaces a table of the host's firewall that makes a fault; without rules there is none. */
  private async loadFault(name: string, rules?: string): Promise<void> {
    // Declared before it is deleted: that works whether or not it stands.
    const remove = `table inet ${name}\ndelete table inet ${name}\n`;
    await this.host.must(["nft", "-f", "-"], {
      input: rules === undefined ? remove : `${remove}table inet ${name} {\n${rules}\n}\n`,
    });
  }
}
