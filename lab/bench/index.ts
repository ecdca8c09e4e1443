import type { Benchmark } from "./benchmark";
import { dns } from "./dns";
import { latency } from "./latency";
import { memory } from "./memory";
import { direct, vpn } from "./paths";
import { pure } from "./pure";
import { reboot } from "./reboot";

/** In the order in which they run and stand in the document. */
export const benchmarks: readonly Benchmark[] = [pure, direct, vpn, latency, dns, memory, reboot];
