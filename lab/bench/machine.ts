import { existsSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** The machine that measured, in one line. */
export function machineText(): string {
  const all = cpus();
  const wireguard = existsSync("/sys/module/wireguard") ? "the kernel's WireGuard" : "wireguard-go";
  return [
    `${all.length} processors (${all[0]?.model.trim() ?? "unknown"})`,
    `${Math.round(totalmem() / 1e9)} GB`,
    `Linux ${release()}`,
    wireguard,
    `Node.js ${process.versions.node}`,
  ].join(", ");
}
