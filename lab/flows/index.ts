import { direct, internal, local, names, vpn } from "./addresses";
import { bulk } from "./bulk";
import { document } from "./document";
import { failure } from "./failure";
import type { Flow } from "./flow";
import { clientAdded, destroy, reboot, unchanged } from "./lifecycle";

/** What a running gateway promises, in the order in which it is shown. None of them changes the gateway for good. */
export const flows: readonly Flow[] = [
  direct,
  vpn,
  internal,
  local,
  names,
  failure,
  bulk,
  document,
  unchanged,
  clientAdded,
  reboot,
];
/** The end: the machine as it was. */
export const lastFlow: Flow = destroy;
export * from "./flow";
export { undisturbed } from "./lifecycle";
