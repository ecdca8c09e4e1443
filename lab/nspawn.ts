import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";

import { argumentsOf, findProcesses, isBesideUs, must, type ProcessId, run, until } from "./process";

/** What the lab's mounts and cgroups are known by. */
export const labMark = "wg-gateway-lab";

/** Where systemd is process 1. */
const hasSystemd = (): boolean => existsSync("/run/systemd/system");

/**
 * The command line that boots a root with its own systemd.
 * @param root folder of the root @param name of the machine @param network path of the network namespace it gets
 */
export function nspawnCommand(root: string, name: string, network: string): string[] {
  return [
    ...inOwnCgroup(name),
    ...["systemd-nspawn", "--quiet", "--boot", `--directory=${root}`, `--machine=${name}`, `--hostname=${name}`],
    ...["--register=no", "--keep-unit", "--link-journal=no", "--resolv-conf=off", "--timezone=off"],
    `--network-namespace-path=${network}`,
    ...["--capability=CAP_NET_ADMIN,CAP_SYS_ADMIN,CAP_NET_RAW", "--bind=/dev/net/tun"],
  ];
}

/** The environment for `nspawnCommand`: without it sysctl inside is refused below /proc/sys/net. */
export function nspawnEnvironment(): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], SYSTEMD_NSPAWN_API_VFS_WRITABLE: "network" };
}

/** The supervisors of machines whose root lies below a path, found by what they were started with. */
export function findMachines(below: string): ProcessId[] {
  return findProcesses((pid) => {
    const [program = "", ...rest] = argumentsOf(pid);
    const isMachine =
      program.endsWith("systemd-nspawn") && rest.some((word) => word.startsWith(`--directory=${below}`));
    return isMachine && isBesideUs(pid);
  });
}

/** A machine divides the cgroup it is started in: that must be one that nothing else lives in. */
function inOwnCgroup(name: string): string[] {
  if (hasSystemd()) return ["systemd-run", "--quiet", "--scope", "--collect", "--property=Delegate=yes", "--"];
  const enter = cgroupFolders().map(
    (folder) => `mkdir -p ${folder}/${name}; echo $$ >${folder}/${name}/cgroup.procs; `,
  );
  return ["sh", "-euc", `${enter.join("")}exec "$@"`, "sh"];
}

/** The lab's folder in each hierarchy that systemd uses: version 2, or its own of version 1. */
function cgroupFolders(): string[] {
  return mounts()
    .filter(({ type, options }) => type === "cgroup2" || (type === "cgroup" && options.includes("name=systemd")))
    .map(({ point }) => join(point, labMark));
}

/** Removes the cgroups of machines that are gone. */
export async function removeCgroups(): Promise<void> {
  if (hasSystemd()) return;
  for (const folder of cgroupFolders()) {
    await until(`${folder} is free`, 2000, () => removeCgroup(folder));
  }
}

/** @returns true when it is gone; throws while a process is in it */
function removeCgroup(folder: string): boolean {
  if (!existsSync(folder)) return true;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
  }
  rmdirSync(folder);
  return true;
}

const nspawnFolder = "/run/systemd/nspawn";

/** systemd-nspawn needs its folder on a tmpfs, or its second start fails. */
export async function prepareNspawn(): Promise<void> {
  mkdirSync(nspawnFolder, { recursive: true });
  const type = (await must(["stat", "--file-system", "--format=%T", nspawnFolder])).trim();
  if (type !== "tmpfs") await must(["mount", "-t", "tmpfs", "-o", "mode=0755", labMark, nspawnFolder]);
}

/** Takes the mount of `prepareNspawn` away, unless a machine that is not ours came to use it. */
export async function releaseNspawn(): Promise<void> {
  const ours = mounts().some(({ point, source }) => point === nspawnFolder && source === labMark);
  if (ours) await run(["umount", nspawnFolder]);
}

/** The mount points at and below a path, innermost first. */
export function mountsBelow(path: string): string[] {
  const points = mounts().map(({ point }) => point);
  return points.filter((point) => point === path || point.startsWith(`${path}/`)).reverse();
}

interface Mount {
  readonly point: string;
  readonly type: string;
  readonly source: string;
  readonly options: string;
}

function mounts(): Mount[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
  return lines.map((line) => {
    const [place, device] = line.split(" - ");
    const [type, source, options] = device!.split(" ");
    return { point: place!.split(" ")[4]!, type: type!, source: source!, options: options! };
  });
}
