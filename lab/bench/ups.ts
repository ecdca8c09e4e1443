import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { type Changes, Deployment } from "../deployment";
import { statePath } from "../state";
import type { Benchmark } from "./benchmark";
import type { Figure, Sample } from "./figure";
import { freshMachine } from "./fresh";
import { manyClients, subnet } from "./settings";

const sizes = [10, 100, 1000];

/** Deploys, with seconds and the memory of the process that runs the program. */
async function measured(deployment: Deployment, changes: Changes): Promise<{ seconds: number; memory: number }> {
  const file = statePath("peak");
  rmSync(file, { force: true });
  const before = process.env["NODE_OPTIONS"];
  process.env["NODE_OPTIONS"] = `${before ?? ""} --import ${join(__dirname, "peak.mjs")}`;
  process.env["WG_GATEWAY_LAB_PEAK"] = file;
  try {
    const { seconds } = await deployment.up(changes);
    return { seconds, memory: Math.max(...readFileSync(file, "utf8").trim().split("\n").map(Number)) };
  } finally {
    delete process.env["WG_GATEWAY_LAB_PEAK"];
    if (before === undefined) delete process.env["NODE_OPTIONS"];
    else process.env["NODE_OPTIONS"] = before;
  }
}

/** The whole program with its engine and its machine, by the number of clients. */
export const ups: Benchmark = {
  name: "up",
  title: "Whole up, by the number of clients",
  lab: "open",
  async run({ rounds, say, lab }) {
    const deployment = Deployment.choose();
    const samples = new Map<number, Sample[]>(sizes.map((size) => [size, []]));
    for (let round = 1; round <= rounds; round++)
      for (const size of sizes) {
        say(`round ${round}: ${size} clients`);
        await freshMachine(lab);
        const settings = { wireguard: { subnet }, clients: manyClients(size, subnet) };
        const more = { ...settings, clients: [...settings.clients, { name: "one-more", address: "10.128.255.254" }] };
        const first = await measured(deployment, settings);
        const unchanged = await measured(deployment, settings);
        const added = await measured(deployment, more);
        const moved = await measured(deployment, { ...more, rules: [{ exit: "vpn" }] });
        await deployment.destroy();
        samples.get(size)!.push({
          ...{ first: first.seconds, memory: Math.max(first.memory, added.memory) },
          ...{ unchanged: unchanged.seconds, added: added.seconds, moved: moved.seconds },
        });
      }
    const figures = (what: string, unit: string, key: string): Figure[] =>
      sizes.map((at) => ({ what, unit, at, ours: samples.get(at)!.map((sample) => sample[key]!) }));
    return [
      ...figures("first", "s", "first"),
      ...figures("nothing changed", "s", "unchanged"),
      ...figures("a client added", "s", "added"),
      ...figures("every client on the VPN path", "s", "moved"),
      ...figures("memory of the program at most", "MB", "memory"),
    ];
  },
};
