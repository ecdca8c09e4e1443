import type { ExitPlan } from "../plan/plan";

/** /etc/netns/NAMESPACE/resolv.conf, which `ip netns exec` puts in place of the host's (`man 8 ip-netns`): the exit's own resolver. */
export function renderNamespaceResolv(exit: ExitPlan): string {
  return `nameserver ${exit.hostAddress}\n`;
}
