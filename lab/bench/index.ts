import type { Benchmark } from "./benchmark";
import { control } from "./control";
import { deployments } from "./deployments";
import { direct } from "./direct";
import { dns } from "./dns";
import { latency } from "./latency";
import { memory } from "./memory";
import { pure } from "./pure";
import { reboot } from "./reboot";
import { many, rules } from "./rules";
import { scale } from "./scale";
import { ups } from "./ups";
import { profile, vpn } from "./vpn";

/** In the order in which they run and stand in the document. */
export const benchmarks: readonly Benchmark[] = [
  pure,
  direct,
  rules,
  many,
  vpn,
  profile,
  control,
  scale,
  latency,
  dns,
  memory,
  reboot,
  deployments,
  ups,
];
