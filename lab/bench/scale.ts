import { onMachine } from "../flows/flow";
import { settled } from "../scenario";
import type { Benchmark } from "./benchmark";
import type { Sides } from "./exchange";
import { bothPathsFigures } from "./paths";
import { manyClients, manyRules } from "./settings";

const network = "10.4.0.0/21";
/** Odd addresses, where none of the many is. */
const measuredClients = [
  { name: "direct", address: "10.4.0.51" },
  { name: "vpn", address: "10.4.7.201" },
];
const last = { from: "10.4.4.0/22", exit: "vpn" };

const small = { wireguard: { subnet: network }, clients: measuredClients, rules: [last] };
const large = {
  wireguard: { subnet: network },
  clients: [...measuredClients, ...manyClients(998, network)],
  rules: manyRules(100, last),
};

/** Both paths of the same two clients, alone and among many. */
export const scale: Benchmark = {
  name: "scale",
  title: "1,000 clients and 100 rules",
  against: "the two clients that are measured, and one rule",
  lab: "deployed",
  async run(bench) {
    const { lab, deployment } = bench;
    const store = (name: string) => onMachine(bench, `cp /var/lib/wg-gateway/release.json /root/${name}.json`);
    await deployment.up(small);
    await store("small");
    const { outputs } = await deployment.up(large);
    await store("large");
    const reconnect = async (profiles: Record<string, string>) => {
      for (const [name, client] of Object.entries(lab.clients)) {
        await client.down();
        await client.up(profiles[name]!);
      }
      await settled(lab);
    };
    await reconnect(outputs.clientProfiles!);
    const apply = (name: string) => `gatewayctl apply </root/${name}.json`;
    const sides: Sides = { ours: apply("large"), base: apply("small") };
    try {
      return await bothPathsFigures(bench, sides, 0.98);
    } finally {
      const { outputs: before } = await deployment.up();
      await reconnect(before.clientProfiles!);
    }
  },
};
