import { onMachine } from "../flows/flow";
import { settled } from "../scenario";
import { eachRule, gatewayRules, loadGateway } from "./bare";
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

const [SMALL, LARGE] = ["/root/small", "/root/large"];

/** Keeps in a folder what a release has that a packet meets. */
const keep = (folder: string): string => `mkdir -p ${folder}
  cp /etc/wg-gateway/host.nft ${folder}
  ${gatewayRules} >${folder}/rules
  wg showconf wg0 >${folder}/peers`;

/** Of the large one, what the small one lacks: ip rules, and in a file peers. */
const moreRules = `{ grep -vxFf ${SMALL}/rules ${LARGE}/rules || true; }`;
const keepMorePeers = `sed -n 's/^PublicKey = //p' ${SMALL}/peers >${SMALL}/keys
  awk -v ORS='\\n\\n' 'FILENAME ~ /keys/ { keys[$0]; next }
    /^.Peer/ { for (key in keys) if (index($0, key)) next; print }' ${SMALL}/keys RS= ${LARGE}/peers >${LARGE}/more`;

const loadRules = (folder: string): string => `cp ${folder}/host.nft /etc/wg-gateway/; ${loadGateway}`;
/** Only what a packet meets: to apply a release takes seconds, in which the machine may have become slower. */
const sides: Sides = {
  ours: `${eachRule("add", moreRules)}
    ${loadRules(LARGE)}
    wg addconf wg0 ${LARGE}/more`,
  base: `${loadRules(SMALL)}
    ${eachRule("del", moreRules)}
    wg set wg0 $(sed -n 's/^PublicKey = \\(.*\\)/peer \\1 remove/p' ${LARGE}/more)`,
};

/** Both paths of the same two clients, alone and among many. */
export const scale: Benchmark = {
  name: "scale",
  title: "1,000 clients and 100 rules",
  against: "the two clients that are measured, and one rule",
  lab: "deployed",
  async run(bench) {
    const { lab, deployment } = bench;
    await deployment.up(small);
    await onMachine(bench, keep(SMALL));
    const { outputs } = await deployment.up(large);
    await onMachine(bench, `${keep(LARGE)}\n${keepMorePeers}`);
    const reconnect = async (profiles: Record<string, string>) => {
      for (const [name, client] of Object.entries(lab.clients)) {
        await client.down();
        await client.up(profiles[name]!);
      }
      await settled(lab);
    };
    await reconnect(outputs.clientProfiles!);
    try {
      return await bothPathsFigures(bench, sides, 0.98);
    } finally {
      const { outputs: before } = await deployment.up();
      await reconnect(before.clientProfiles!);
    }
  },
};
