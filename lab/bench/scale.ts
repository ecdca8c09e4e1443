import type { Scenario } from "../flows";
import { onMachine } from "../flows/flow";
import { settled } from "../scenario";
import type { Benchmark } from "./benchmark";
import { figuresOf, interleave, type Sample } from "./figure";
import { measurePath, pathMeasures } from "./paths";
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
    const side = (name: "small" | "large") => async (round: number) => {
      say(`round ${round}: ${name}`);
      await onMachine(scenario, `gatewayctl apply </root/${name}.json`);
      return both(scenario, seconds);
    };
    try {
      const { ours, base } = await interleave(rounds, side("large"), side("small"));
      const measures = Object.fromEntries(
        (["direct", "vpn"] as const).flatMap((which) =>
          Object.entries(pathMeasures(0.98)).map(([key, measure]) => [
            `${which} ${key}`,
            { ...measure, what: `${which}: ${measure.what}` },
          ]),
        ),
      );
      return figuresOf(measures, ours, base);
    } finally {
      await onMachine(scenario, "gatewayctl apply </root/large.json");
      const { outputs: before } = await deployment.up();
      await reconnect(before.clientProfiles!);
    }
  },
};

async function both(scenario: Scenario, seconds: number): Promise<Sample> {
  const [direct, vpn] = [await measurePath(scenario, "direct", seconds), await measurePath(scenario, "vpn", seconds)];
  const named = (which: string, sample: Sample) =>
    Object.entries(sample).map(([key, value]) => [`${which} ${key}`, value]);
  return Object.fromEntries([...named("direct", direct), ...named("vpn", vpn)]) as Sample;
}
