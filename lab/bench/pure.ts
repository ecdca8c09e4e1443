import { join } from "node:path";

import { must } from "../process";
import type { Benchmark } from "./benchmark";
import type { Figure, Sample } from "./figure";

const sizes = [10, 100, 1000, 10_000];

/** One run in a fresh process. */
async function run(clients: number): Promise<Sample> {
  const command = [process.execPath, "--import", "tsx", join(__dirname, "pureRun.ts"), String(clients)];
  return JSON.parse(await must(command, { timeout: 120_000 })) as Sample;
}

/** From settings to the bundle, without Pulumi, files or a machine. */
export const pure: Benchmark = {
  name: "pure",
  title: "Settings to bundle, the pure part",
  lab: "none",
  async run({ rounds, say }) {
    const samples = new Map<number, Sample[]>(sizes.map((size) => [size, []]));
    for (let round = 1; round <= rounds; round++)
      for (const size of sizes) {
        say(`round ${round}: ${size} clients`);
        samples.get(size)!.push(await run(size));
      }
    const figures = (what: string, unit: string, key: string, limits: Record<number, number>): Figure[] =>
      sizes.map((at) => ({
        ...{ what, unit, at, limit: limits[at] },
        ours: samples.get(at)!.map((sample) => sample[key]!),
      }));
    return [
      ...figures("time", "s", "all", { 1000: 0.5 }),
      ...figures("of it checking the settings", "s", "settings", {}),
      ...figures("of it the clients' keys", "s", "keys", {}),
      ...figures("memory of the process at most", "MB", "memory", { 10_000: 300 }),
    ];
  },
};
