import { writeFileSync } from "node:fs";

import { type Changes, Deployment, type UpResult } from "../deployment";
import { holdRepair, onMachine } from "../flows";
import type { Host } from "../host";
import type { Lab } from "../lab";
import { type Kind, kindOf, kinds, Prober, startEcho } from "../probes";
import { until } from "../process";
import { openLab, type Progress } from "../scenario";
import { NameServer } from "../services";
import { addresses, providers } from "../topology";
import { Outside, type Sighting } from "./outside";

/** Probes a second, of each client. */
const RATE = 1000;

/** A client of each exit, whom its probes go to, and the address that its exit has outside. */
const clients = {
  direct: { home: "home-direct", address: "10.4.0.50", target: addresses.web, seen: addresses.elastic },
  vpn: { home: "home-vpn", address: "10.4.0.200", target: providers.provider.geo, seen: addresses.provider },
  wg: { home: "home-4", address: "10.4.0.100", target: providers.wgprov.geo, seen: addresses.wgprov },
} as const;
export type Name = keyof typeof clients;
export const names = Object.keys(clients) as Name[];

/** Runs a shell text as root somewhere. @throws CommandError when it fails, or the place is not there */
export type Place = (script: string) => Promise<string>;

/** What is answered where all is well: IPv6 never is. */
export const answerable: readonly Kind[] = kinds.filter((kind) => kind !== "ipv6");

/** The gateway in a lab, its clients sending probes, and somebody who looks from outside. */
export class Scene {
  private constructor(
    readonly lab: Lab,
    private readonly deployment: Deployment,
    readonly probers: Readonly<Record<Name, Prober>>,
    readonly outside: Outside,
  ) {}

  /** Opens a lab, deploys into it, and resolves when every client's probes are answered. */
  static async open(progress: Progress = () => undefined): Promise<Scene> {
    const lab = await openLab(progress);
    await moveProvider(lab, addresses.provider);
    writeFileSync(PROFILE, lab.providers.provider.profile.replace(/^remote \S+/m, `remote ${PROVIDER_NAME}`));
    const deployment = Deployment.choose();
    progress("deploying");
    const { outputs } = await deployment.up(settings);
    await startEcho(lab.hosts.web, [...Object.values(clients).map(({ target }) => target), addresses.web6]);
    const probers = {} as Record<Name, Prober>;
    for (const name of names) {
      const client = lab.client(clients[name].home);
      await client.up(outputs.clientProfiles?.[name] ?? "");
      probers[name] = await Prober.start(client.host, { name, target: clients[name].target, rate: RATE });
    }
    const scene = new Scene(lab, deployment, probers, await Outside.start(lab));
    // It runs when a fault says so, not in between.
    await holdRepair(scene);
    progress("waiting for the exits");
    await scene.settled(Date.now(), 60);
    return scene;
  }

  /** What is not answered of the probes sent since a time, milliseconds since the epoch: "CLIENT: KIND", each. */
  unanswered(since: number): string[] {
    return Object.values(this.probers).flatMap((prober) => {
      const answered = prober.answeredSince(since);
      return answerable.filter((kind) => !answered.has(kind)).map((kind) => `${prober.name}: ${kind}`);
    });
  }

  /** Resolves when probes of every kind, sent since a time, are answered. @param within seconds @throws Error that says which are not */
  async settled(since: number, within: number): Promise<void> {
    await until(
      "every probe is answered",
      since + within * 1000 - Date.now(),
      () => this.unanswered(since).length === 0,
      50,
    ).catch(() => {
      throw new Error(`not answered within ${within} s: ${this.unanswered(since).join(", ")}`);
    });
  }

  /**
   * Resolves when the watch daemon has seen that both exits are well: until then it may begin the unit of one anew that was ill, and what
   * comes next would be blamed for it.
   */
  async seenWell(): Promise<void> {
    const states = () => this.on("cd /run/wg-gateway/health && cat vpn wgprov || true");
    const well = async () => (await states()).match(/^well /gm)?.length === 2;
    await until("the watch daemon sees both exits well", 60_000, well, 100);
    await this.settled(Date.now(), 10);
  }

  /** Answers to probes sent in a span of time that came by another way than the client's exit: the echo server saw another address. */
  elsewhere(from: number, to: number): Sighting[] {
    return names.flatMap((name) => {
      const { answers } = this.probers[name];
      const others = this.probers[name].sentIn(from, to).filter((number) => {
        const seen = answers.get(number);
        return seen !== undefined && seen !== clients[name].seen;
      });
      return others.map((number) => ({
        at: from,
        kind: kindOf(number),
        probe: `${name} ${number}`,
        text: `probe ${number} of ${name}, answered to ${answers.get(number)}`,
      }));
    });
  }

  /** Where a client's packets wait for a process: network namespaces, each with a tunnel's device but for the last, the echo server's. */
  places(name: Name): readonly Place[] {
    const { hosts, providers } = this.lab;
    const on: Place = (script) => this.on(script);
    return [
      at(this.lab.client(clients[name].home).host),
      on,
      ...(name === "vpn" ? [inside(on, "vpn_ns"), at(providers.provider.host)] : []),
      ...(name === "wg" ? [inside(on, "vpn_ns_wgprov"), at(providers.wgprov.host)] : []),
      at(hosts.web),
    ];
  }

  /**
   * How many packets full queues have dropped so far at each of a client's places, whoever sent them: those before sockets, and the one
   * before the tunnel's device. One process empties each, which a busy machine may not run for longer than it lasts. Undefined where a place
   * is not there.
   */
  async overflows(): Promise<Record<Name, (number | undefined)[]>> {
    const count = (place: Place) => place(OVERFLOWS).then(overflowsIn, () => undefined);
    const counts = names.map(async (name) => [name, await Promise.all(this.places(name).map(count))] as const);
    return Object.fromEntries(await Promise.all(counts)) as Record<Name, (number | undefined)[]>;
  }

  /** Deploys the scene's stack, with changes. */
  up(changes: Changes = {}): Promise<UpResult> {
    return this.deployment.up({ ...settings, ...changes });
  }

  /** A shell text as root on the machine. @throws CommandError when it fails */
  on(script: string): Promise<string> {
    return onMachine(this, script);
  }

  /** The providers' hosts are silent, or are no more. */
  async silence(on: boolean): Promise<void> {
    const { provider, wgprov } = this.lab.providers;
    await Promise.all([provider, wgprov].map((one) => (on ? one.blackhole() : one.unblackhole())));
  }

  /** What the timer does each minute. What is still starting makes it fail: the probes show whether it helped. */
  async repair(): Promise<void> {
    await this.on("systemctl start wg-gateway-repair.service || true");
  }
}

function at(host: Host): Place {
  return (script) => host.must(["bash", "-euc", script]);
}

function inside(place: Place, namespace: string): Place {
  return (script) => place(`ip netns exec ${namespace} bash -eu <<'EOF'\n${script}\nEOF`);
}

const OVERFLOWS = "nstat --json -asz UdpRcvbufErrors; ip -json -s link";

function overflowsIn(printed: string): number {
  const [sockets, links] = printed.split("\n") as [string, string];
  const { kernel } = JSON.parse(sockets) as { kernel: { UdpRcvbufErrors: number } };
  const devices = JSON.parse(links) as { ifname: string; stats64: { tx: { dropped: number } } }[];
  const tunnels = devices.filter(({ ifname }) => ["wg0", "tun0"].includes(ifname));
  return tunnels.reduce((sum, { stats64 }) => sum + stats64.tx.dropped, kernel.UdpRcvbufErrors);
}

/** The OpenVPN provider is known by a name: its address may change. */
const PROVIDER_NAME = "gate.provider.example";
const PROFILE = "/run/wg-gateway-lab/named.ovpn";

const list = Object.entries(clients).map(([name, { address }]) => ({ name, address }));
const settings: Changes = {
  exits: [
    { name: "vpn", profile: PROFILE },
    { name: "wgprov", kind: "wireguard", profile: "/run/wg-gateway-lab/provider-wg/wg.conf", slot: 2 },
  ],
  rules: [
    { from: "10.4.0.128/25", exit: "vpn" },
    { from: clients.wg.address, exit: "wgprov" },
  ],
  clients: list,
};
/** A client more. */
export const another: Changes = { clients: [...list, { name: "tablet", address: "10.4.0.51" }] };

/** From now on the OpenVPN provider's name has this address. */
export async function moveProvider({ hosts }: Lab, address: string): Promise<void> {
  await hosts.cloud.find("dnsmasq")?.stop();
  const records = ["--local=/debian.org/", "--address=/debian.org/", `--address=/${PROVIDER_NAME}/${address}`];
  await NameServer.start(hosts.cloud, [addresses.vpcResolver], records);
}
