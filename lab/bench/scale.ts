import { onMachine } from "../flows/flow";
import { settled } from "../scenario";
import type { Benchmark } from "./benchmark";
import { exchanged, type Sides } from "./exchange";
import { figuresOf, type Sample } from "./figure";
import { pathMeasures } from "./paths";
import { manyClients, manyRules } from "./settings";

const network = "10.4.0.0/21";
/** Odd addresses, where none of the many is. */
const measuredClients = [
  { name: "direct", address: "10.4.0.51" },
  { name: "vpn", address: "10.4.7.201" },
];
const ways = ["direct", "vpn"] as const;
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
  async run({ rounds, seconds, say, ...scenario }) {
    const { lab, deployment } = scenario;
    const store = (name: string) => onMachine(scenario, `cp /var/lib/wg-gateway/release.json /root/${name}.json`);
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
      const { ours, base } = await exchanged(scenario, sides, { rounds, seconds, say }, ways);
      const measures = Object.fromEntries(
        ways.flatMap((way) =>
          Object.entries(pathMeasures(0.98)).map(([key, measure]) => [
            `${way} ${key}`,
            { ...measure, what: `${way}: ${measure.what}` },
          ]),
        ),
      );
      return figuresOf(measures, ours.map(flat), base.map(flat));
    } finally {
      const { outputs: before } = await deployment.up();
      await reconnect(before.clientProfiles!);
    }
  },
};

/** The samples of a round's ways as one. */
const flat = (round: Readonly<Record<(typeof ways)[number], Sample>>): Sample =>
  Object.fromEntries(
    ways.flatMap((way) => Object.entries(round[way]).map(([key, value]) => [`${way} ${key}`, value] as const)),
  );
