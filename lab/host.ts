import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { Capture } from "./capture";
import {
  argumentsOf,
  childrenOf,
  findProcesses,
  isAlive,
  must,
  networkAt,
  networkOf,
  type ProcessId,
  processId,
  type Result,
  run,
  type RunOptions,
  signal,
  spawnDetached,
  until,
} from "./process";
import { stateDir, stateFolder, statePath } from "./state";

/** A running service of a host. */
export class Handle {
  /** @param sandbox the process whose child is the service: it passes no signals on */
  constructor(
    readonly name: string,
    private readonly sandbox: ProcessId,
  ) {}

  get running(): boolean {
    return isAlive(this.sandbox);
  }

  /** Sends a signal to the service itself. */
  signal(name: NodeJS.Signals): void {
    const inner = childrenOf(this.sandbox.pid).map(processId);
    for (const id of inner.length > 0 ? inner : [this.sandbox]) if (id) signal(id, name);
  }

  /** Sends SIGTERM, after 2 s SIGKILL, and resolves when the service is gone. */
  async stop(): Promise<void> {
    this.signal("SIGTERM");
    await until(`${this.name} ends`, 2000, () => !this.running).catch(() => this.signal("SIGKILL"));
    await until(`${this.name} ends`, 2000, () => !this.running);
  }
}

/**
 * A place of the lab to run commands in: a network namespace entered with the tools image as (read-only) file system.
 * /run is the host's own and stays, /tmp is new for each command, the lab's state directory is at its usual path.
 */
export class Host {
  /** The host's /run, seen from outside. */
  readonly runDir: string;

  /**
   * @param network path of the network namespace
   * @param toolsRoot the unpacked tools image
   */
  constructor(
    readonly name: string,
    readonly network: string,
    private readonly toolsRoot: string,
  ) {
    this.runDir = stateFolder("hosts", name);
  }

  /** Runs a command to its end, whatever its exit code. @throws CommandError when it takes longer than `timeout` */
  run(command: readonly string[], options?: RunOptions): Promise<Result> {
    return run(this.inside(command, ["--die-with-parent"]), { env: {}, ...options });
  }

  /** As `run`, and gives the standard output. @throws CommandError also when the exit code is not 0 */
  must(command: readonly string[], options?: RunOptions): Promise<string> {
    return must(this.inside(command, ["--die-with-parent"]), { env: {}, ...options });
  }

  /**
   * Starts a service, which outlives this process and ends with the lab.
   * What it writes goes to `log/HOST-NAME.log` in the state directory.
   * @param name default the program's
   */
  spawn(command: readonly string[], name: string = command[0]!): Handle {
    const path = statePath("log", `${this.name}-${name}.log`);
    const child = spawnDetached(this.inside(command), path, {});
    const id = child.pid === undefined ? undefined : processId(child.pid);
    if (!id) throw new Error(`${this.name}: cannot start ${command.join(" ")}: see ${path}`);
    return new Handle(name, id);
  }

  /** A service of this host that runs, whoever started it. @param program as "openvpn" */
  find(program: string): Handle | undefined {
    const network = networkAt(this.network);
    const sandboxed = (pid: number): boolean =>
      childrenOf(pid).some((child) => basename(argumentsOf(child)[0] ?? "") === program);
    const id = findProcesses(
      (pid) => networkOf(pid) === network && argumentsOf(pid)[0] === "bwrap" && sandboxed(pid),
    )[0];
    return id && new Handle(program, id);
  }

  /**
   * Begins a packet capture; resolves when tcpdump listens.
   * @param device as "eth0", or "any"
   * @param filter pcap-filter(7), as "udp port 53"; default everything
   * @param options of tcpdump, as "-A" for the packets' text besides, in lines of its own
   */
  capture(device: string, filter = "", options: readonly string[] = []): Promise<Capture> {
    // Frames cut to 1600 bytes: the kernel's buffer of 32 MB holds only 100 of the default size.
    const buffer = ["--immediate-mode", "-B", "32768", "-s", "1600"];
    const command = ["tcpdump", "-nn", "-tt", "-l", ...buffer, "-Z", "root", ...options, "-i", device];
    const [program, ...rest] = this.inside([...command, ...(filter ? [filter] : [])], ["--die-with-parent"]);
    return Capture.start(`${this.name} ${device}`, spawn(program!, rest, { env: {} }));
  }

  /** Sets the host's /etc/resolv.conf. */
  setResolvers(servers: readonly string[]): void {
    writeFileSync(join(this.runDir, "resolv.conf"), servers.map((server) => `nameserver ${server}\n`).join(""));
  }

  /** The command line that runs `command` in this host. */
  inside(command: readonly string[], sandbox: readonly string[] = []): string[] {
    const root = this.toolsRoot;
    const links = ["bin", "sbin", "lib", "lib64"].filter((name) => existsSync(join(root, "usr", name)));
    return [
      ...["nsenter", `--net=${this.network}`, "--", "bwrap", "--cap-add", "ALL"],
      ...["--ro-bind", join(root, "usr"), "/usr", "--ro-bind", join(root, "etc"), "/etc"],
      ...links.flatMap((name) => ["--symlink", `usr/${name}`, `/${name}`]),
      ...["--proc", "/proc", "--dev", "/dev", "--dev-bind-try", "/dev/net/tun", "/dev/net/tun"],
      ...["--bind", this.runDir, "/run", "--symlink", "../run", "/var/run", "--tmpfs", "/tmp"],
      ...["--bind", stateDir, stateDir, "--chdir", "/", "--clearenv"],
      ...[
        "--setenv",
        "PATH",
        "/usr/sbin:/usr/bin:/sbin:/bin",
        "--setenv",
        "HOME",
        "/run",
        "--setenv",
        "LANG",
        "C.UTF-8",
      ],
      ...sandbox,
      "--",
      ...command,
    ];
  }
}
