import type { Benchmark } from "./benchmark";
import { direct, vpn } from "./paths";
import { pure } from "./pure";

/** In the order in which they run and stand in the document. */
export const benchmarks: readonly Benchmark[] = [pure, direct, vpn];
