import type { ExitPlan } from "../plan/plan";
import { LIB_DIR } from "./file";

/** The part of an exit's unit that a template unit cannot say: in which namespace it runs (`man 5 systemd.exec`), and what. */
export function renderExitUnitDropIn(exit: ExitPlan): string {
  const lines = ["[Service]", `NetworkNamespacePath=/run/netns/${exit.namespace}`];
  if (exit.provider.kind === "wireguard")
    lines.push(
      "Type=exec",
      "ExecStart=",
      `ExecStart=${LIB_DIR}/exit-wireguard.sh %i`,
      // Where wireguard-go puts its socket: each exit's interface is called tun0.
      "TemporaryFileSystem=/run/wireguard",
    );
  return `${lines.join("\n")}\n`;
}
