import { bootFaults } from "./bootFaults";
import type { Fault } from "./fault";
import { otherFaults } from "./otherFaults";
import { providerFaults } from "./providerFaults";
import { controls, ruleFaults } from "./ruleFaults";
import { tunnelFaults } from "./tunnelFaults";

/** In the order in which they are made: the controls first, but for the boot's. */
export const faults: readonly Fault[] = [
  ...controls,
  ...tunnelFaults,
  ...ruleFaults,
  ...providerFaults,
  ...otherFaults,
  ...bootFaults,
];
