import type { Fault } from "./fault";
import { otherFaults } from "./otherFaults";
import { providerFaults } from "./providerFaults";
import { ruleFaults } from "./ruleFaults";
import { tunnelFaults } from "./tunnelFaults";

export const faults: readonly Fault[] = [...tunnelFaults, ...ruleFaults, ...providerFaults, ...otherFaults];

export { controls } from "./ruleFaults";
