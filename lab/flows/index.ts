import { direct, internal, local, names, vpn } from "./addresses";
import { bulk } from "./bulk";
import { destroyed, launched, replaced, sshFromChanged } from "./ec2";
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

/** The same on an instance of the lab's EC2, and what is of EC2 alone. The last of them has made the machine anew. */
export const ec2Flows: readonly Flow[] = [launched, ...flows, sshFromChanged, replaced];
export const lastEc2Flow: Flow = destroyed;
export * from "./flow";
export { undisturbed } from "./lifecycle";
