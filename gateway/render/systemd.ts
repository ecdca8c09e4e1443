import type { ExitPlan } from "../plan/plan";

/** The part of an exit's unit that a template unit cannot say: in which namespace it runs (`man 5 systemd.exec`). */
export function renderExitUnitDropIn(exit: ExitPlan): string {
  return `[Service]\nNetworkNamespacePath=/run/netns/${exit.namespace}\n`;
}
