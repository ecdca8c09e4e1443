import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { Host } from "./host";
import { namespacePath, recreateHost, removeNamespaces } from "./network";
import { findMachines, labMark, mountsBelow, nspawnCommand, nspawnEnvironment, prepareNspawn } from "./nspawn";
import {
  childrenOf,
  isAlive,
  must,
  type ProcessId,
  type Result,
  run,
  type RunOptions,
  signal,
  spawnDetached,
  until,
} from "./process";
import { stateDir, statePath } from "./state";
import { type Link, namespaceOf, type PlaceName } from "./topology";

export interface MachineOptions {
  /** cloud-init's instance id; another one makes cloud-init take the machine for a new one. Default "i-" and random hexadecimal digits. */
  readonly instanceId?: string;
}

/** Where a machine stands. */
export interface Place {
  readonly host: PlaceName;
  /** Where its sshd is reached from the host that waits for it. */
  readonly address: string;
  /** Default: those of the topology. */
  readonly links?: readonly Link[];
  /** What networkd is told of its uplink (`man 5 systemd.network`). Default: what the image says, the gateway's VPC. */
  readonly uplink?: string;
}

/**
 * A machine: the machine image, booted with its own systemd in the network namespace of its place.
 * Its disk is a layer over the image and stays through `powerOff`, `reboot` and `boot` until `destroy` or `create`.
 */
export class Machine {
  private readonly folder: string;
  /** The machine's disk, seen from outside. */
  readonly root: string;
  /** What the machine says on its console. */
  readonly console: string;

  /**
   * @param place one machine at most stands at each
   * @param image the unpacked machine image
   * @param operator the host that waits for the machine's sshd
   * @param toolsRoot the unpacked tools image, for commands in the machine's network namespaces
   */
  constructor(
    readonly place: Place,
    private readonly image: string,
    private readonly operator: Host,
    private readonly toolsRoot: string,
  ) {
    this.folder = join(stateDir, "machines", place.host);
    this.root = join(this.folder, "root");
    this.console = join(stateDir, "log", `${place.host}-console.log`);
  }

  /**
   * Makes a new disk, as a launched instance has. The machine must be off.
   * @param userData cloud-init user data
   * @param publicKey OpenSSH public key that the user `admin` is reached with
   */
  async create(userData: string, publicKey: string, options: MachineOptions = {}): Promise<void> {
    await this.destroy();
    mkdirSync(this.folder, { recursive: true });
    // In memory: installing packages takes a third of the time, and nothing is left on the disk.
    await must(["mount", "-t", "tmpfs", "-o", "mode=0755", labMark, this.folder]);
    for (const name of ["root", "upper", "work"]) mkdirSync(join(this.folder, name));
    const layers = `lowerdir=${this.image},upperdir=${join(this.folder, "upper")},workdir=${join(this.folder, "work")}`;
    await must(["mount", "-t", "overlay", "-o", layers, labMark, this.root]);
    writeFileSync(join(this.root, "etc/machine-id"), `${randomBytes(16).toString("hex")}\n`);
    writeFileSync(join(this.root, "etc/hostname"), `${this.place.host}\n`);
    if (this.place.uplink !== undefined)
      writeFileSync(join(this.root, "etc/systemd/network/10-uplink.network"), this.place.uplink);
    const seed = join(this.root, "var/lib/cloud/seed/nocloud");
    const instanceId = options.instanceId ?? `i-${randomBytes(8).toString("hex")}`;
    mkdirSync(seed, { recursive: true, mode: 0o700 });
    writeFileSync(
      join(seed, "meta-data"),
      JSON.stringify({ "instance-id": instanceId, "public-keys": [publicKey.trim()] }),
    );
    writeFileSync(join(seed, "user-data"), userData, { mode: 0o600 });
  }

  /** Removes the machine's network namespace, with its links. */
  async leave(): Promise<void> {
    await removeNamespaces([namespaceOf(this.place.host)]);
  }

  /**
   * Boots the machine; resolves when its sshd answers the operator.
   * @throws Error when it does not within 60 s, with the end of the console's text
   */
  async boot(): Promise<void> {
    await prepareNspawn();
    const command = nspawnCommand(this.root, this.place.host, namespacePath(this.place.host));
    const child = spawnDetached(command, statePath("log", basename(this.console)), nspawnEnvironment());
    let ended = false;
    child.on("exit", () => (ended = true)).on("error", () => (ended = true));
    try {
      // The first byte of the server's greeting: the port alone is open before sshd can serve.
      const greeting = `exec 3<>/dev/tcp/${this.place.address}/22 && read -r -t 2 line <&3 && [[ $line == SSH-2.0-* ]]`;
      await until(
        `sshd of ${this.place.host} answers`,
        60_000,
        async () => {
          if (ended) throw new Error("the machine ended");
          return (await this.operator.run(["timeout", "2", "bash", "-c", greeting])).exitCode === 0;
        },
        100,
      );
    } catch (error) {
      throw new Error(`${String(error)}; its console (${this.console}):\n${this.consoleEnd()}`, { cause: error });
    }
  }

  /** Asks the machine to power off and resolves when it has; after 20 s it is unplugged. Its network namespace stays. */
  async powerOff(): Promise<void> {
    const running = this.supervisor();
    if (!running) return;
    signal(running, "SIGTERM");
    await until("the machine powers off", 20_000, () => !isAlive(running)).catch(() => this.unplug());
  }

  /** Takes the power away: no program of the machine can do anything more. */
  async unplug(): Promise<void> {
    const running = this.supervisor();
    if (!running) return;
    for (const pid of childrenOf(running.pid)) await run(["kill", "-KILL", String(pid)]);
    await until("the unplugged machine is gone", 5000, () => !isAlive(running)).catch(() => signal(running, "SIGKILL"));
    await until("the unplugged machine is gone", 5000, () => !isAlive(running));
  }

  /** Powers off, makes the network namespace and its link anew, and boots from the same disk. */
  async reboot(): Promise<void> {
    await this.powerOff();
    await recreateHost(this.place.host, this.place.links);
    await this.boot();
  }

  /** Powers off and removes the disk. */
  async destroy(): Promise<void> {
    await this.unplug();
    for (const point of mountsBelow(this.folder)) await must(["umount", point]);
  }

  /** Whether the machine has power. */
  get running(): boolean {
    return this.supervisor() !== undefined;
  }

  /**
   * Runs a command inside the machine as root, past SSH: for observing only, the program has nothing like it.
   * @throws Error when the machine is off; CommandError when the command takes longer than `timeout`
   */
  exec(command: readonly string[], options: RunOptions = {}): Promise<Result> {
    return run(this.inside(command), { env: machineEnvironment, ...options });
  }

  /** As `exec`, and gives the standard output. @throws CommandError also when the exit code is not 0 */
  must(command: readonly string[], options: RunOptions = {}): Promise<string> {
    return must(this.inside(command), { env: machineEnvironment, ...options });
  }

  /**
   * The machine's network, to capture packets in and run tools against.
   * @param namespace name of a namespace that was made inside the machine; default the machine's main one
   */
  network(namespace?: string): Host {
    if (namespace === undefined) return new Host(this.place.host, namespacePath(this.place.host), this.toolsRoot);
    return new Host(
      `${this.place.host}-${namespace}`,
      `/proc/${this.init()}/root/run/netns/${namespace}`,
      this.toolsRoot,
    );
  }

  /** The command line that runs `command` inside the machine as root. @throws Error when the machine is off */
  inside(command: readonly string[]): string[] {
    return ["nsenter", "-t", String(this.init()), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--", ...command];
  }

  /** The process number of the machine's PID 1. */
  private init(): number {
    const supervisor = this.supervisor();
    const init = supervisor && childrenOf(supervisor.pid).find((pid) => isInit(pid));
    if (init === undefined) throw new Error(`the machine ${this.place.host} is off`);
    return init;
  }

  /** The process that carries the machine; found by what it was started with, so that any process of ours finds it. */
  private supervisor(): ProcessId | undefined {
    return findMachines(this.root)[0];
  }

  private consoleEnd(): string {
    return existsSync(this.console)
      ? readFileSync(this.console, "utf8").trim().split("\n").slice(-15).join("\n")
      : "(nothing)";
  }
}

const machineEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
};

function isInit(pid: number): boolean {
  return /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}
