import type { Changes } from "../deployment";
import { echoesOfEach } from "../echoes";
import type { Lab } from "../lab";
import { settled } from "../scenario";
import { statePath } from "../state";
import { addresses } from "../topology";
import type { Benchmark } from "./benchmark";
import type { Figure } from "./figure";
import { freshMachine, TimedDeployment } from "./fresh";

/** The machine's files of the release, as a person would carry them there: tar, compressed, in base64. */
const pack = `python3 -c 'import json; [print(f["path"]) for f in json.load(open("/var/lib/wg-gateway/release.json"))["files"]]' |
  tar --create --gzip --files-from=- --absolute-names | base64`;

/** The steps of a first deployment in a shell. */
const byHand = (files: string): string => `set -eu
cloud-init status --wait >/dev/null || test $? = 2
export DEBIAN_FRONTEND=noninteractive
apt-get -q -y --no-install-recommends install wireguard-tools openvpn dnsmasq-base nftables conntrack iproute2 procps \\
  logrotate tzdata wireguard-go >/dev/null
base64 --decode <<'END' | tar --extract --gzip --absolute-names
${files}END
systemctl daemon-reload
systemctl try-restart systemd-networkd
systemctl enable -q wg-gateway-firewall wg-quick@wg0 wg-gateway-watch
systemctl start wg-gateway-firewall wg-quick@wg0 wg-gateway-watch
for unit in wg-gateway-exit@vpn wg-gateway-resolver@{host,direct,local,vpn}; do until systemctl -q is-active $unit; do sleep 0.2; done; done
`;

/** Runs a script on the machine. @returns seconds */
async function overSsh({ operator }: Lab, script: string): Promise<number> {
  const began = performance.now();
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
  await operator.must(
    [
      ...["ssh", "-i", statePath("ssh", "id_ed25519"), ...options.flatMap((option) => ["-o", option])],
      ...[`admin@${addresses.elastic}`, "sudo bash -s"],
    ],
    { input: script, timeout: 300_000 },
  );
  return (performance.now() - began) / 1000;
}

/** Changes to the lab stack. */
const clients = [
  { name: "direct", address: "10.4.0.50" },
  { name: "vpn", address: "10.4.0.200" },
  { name: "tablet", address: "10.4.0.51" },
];
const secondExit = ({ providers: { provider, express } }: Lab) => {
  const login = ({ user, password }: { user: string; password: string }) => ({ username: user, password });
  return {
    clients,
    exits: [
      { name: "vpn", profile: provider.profilePath },
      { name: "express", profile: express.profilePath, slot: 2 },
    ],
    credentials: { vpn: login(provider.credentials), express: login(express.credentials) },
  };
};

interface Round {
  readonly first: number;
  readonly phases: Readonly<Record<string, number>>;
  readonly byHand: number;
  readonly unchanged: number;
  readonly client: number;
  readonly exit: number;
  readonly lost: { readonly client: number; readonly exit: number };
}

async function measure(lab: Lab, timed: TimedDeployment): Promise<Round> {
  const { deployment } = timed;
  await freshMachine(lab);
  const first = await timed.first();
  const files = await lab.machine.must(["bash", "-euc", pack]);
  for (const [name, client] of Object.entries(lab.clients)) await client.up(first.profiles[name]!);
  await settled(lab);
  const up = async (changes: Changes) => {
    const { direct, vpn } = lab.clients;
    const { result, echoes } = await echoesOfEach([direct.host, vpn.host], addresses.web, () => deployment.up(changes));
    return { seconds: result.seconds, lost: echoes.reduce((sum, { lost }) => sum + lost, 0) };
  };
  const unchanged = await deployment.up();
  const client = await up({ clients });
  const exit = await up(secondExit(lab));
  for (const one of Object.values(lab.clients)) await one.down();
  await deployment.destroy();

  await freshMachine(lab);
  const hand = await overSsh(lab, byHand(files));
  return {
    ...{ first: first.seconds, phases: first.phases, byHand: hand, unchanged: unchanged.seconds },
    ...{ client: client.seconds, exit: exit.seconds, lost: { client: client.lost, exit: exit.lost } },
  };
}

/** From a booted machine to a gateway, and what changes take of that. */
export const deployments: Benchmark = {
  name: "deployments",
  title: "Deployments",
  against: "the same steps by hand over one SSH connection; changes: the first deployment",
  lab: "open",
  async run({ rounds, say, lab }) {
    const deployment = TimedDeployment.choose();
    const all: Round[] = [];
    for (let round = 1; round <= rounds; round++) {
      say(`round ${round}`);
      all.push(await measure(lab, deployment));
    }
    const column = (value: (round: Round) => number): number[] => all.map(value);
    const first = column((round) => round.first);
    const phase = (what: string, name: string): Figure => ({
      ...{ what: `of it ${what}`, unit: "s" },
      ours: column(({ phases }) => phases[name]!),
    });
    return [
      {
        ...{ what: "first deployment, packages cached", unit: "s", goal: { atMost: 1.2 } },
        ...{ ours: first, base: column((round) => round.byHand) },
      },
      phase("the program and its engine, until SSH", "program"),
      phase("waiting for cloud-init", "cloudInit"),
      phase("packages", "packages"),
      phase("files, units, checking", "release"),
      phase("the end of the program", "end"),
      {
        ...{ what: "nothing changed", unit: "s", goal: { atMost: 0.3 } },
        ...{ ours: column(({ unchanged }) => unchanged), base: first },
      },
      {
        ...{ what: "a client added", unit: "s", goal: { atMost: 0.4 } },
        ...{ ours: column(({ client }) => client), base: first },
      },
      {
        ...{ what: "an exit added", unit: "s", goal: { atMost: 0.6 } },
        ...{ ours: column(({ exit }) => exit), base: first },
      },
      { what: "probes of others lost, a client added", unit: "", limit: 0, ours: column(({ lost }) => lost.client) },
      { what: "probes of others lost, an exit added", unit: "", limit: 0, ours: column(({ lost }) => lost.exit) },
    ];
  },
};
