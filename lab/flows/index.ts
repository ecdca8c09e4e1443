import { direct, internal, local, names, vpn } from "./addresses";
import { bulk } from "./bulk";
import { document } from "./document";
import { failure } from "./failure";
import type { Flow } from "./flow";

/** What a running gateway promises, in the order in which it is shown. None of them changes the gateway for good. */
export const flows: readonly Flow[] = [direct, vpn, internal, local, names, failure, bulk, document];
export * from "./flow";
