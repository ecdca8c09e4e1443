import type { WireGuardClient } from "../../lab/client";
import { type Changes, Deployment, type Outputs } from "../../lab/deployment";
import { orNothing } from "../../lab/flows";
import type { Host } from "../../lab/host";
import type { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { openLab } from "../../lab/scenario";
import { addresses, homes, type HomeName } from "../../lab/topology";
import type { StackSettings } from "../recipes/blocks";

export const WEB = `http://${addresses.web}/`;

/** A recipe as it was deployed. */
export class Recipe {
  constructor(
    readonly settings: StackSettings,
    private readonly lab: Lab,
    private readonly outputs: Outputs,
  ) {}

  private readonly homes = [...homes];

  /** A device with a client's profile. @param home default one that nobody is at yet */
  async connect(name: string, home: HomeName = this.homes.shift()!): Promise<WireGuardClient> {
    const device = this.lab.client(home);
    await device.down();
    await device.up(this.outputs.clientProfiles?.[name] ?? `no client ${name}`);
    return device;
  }

  /** Devices for all of these clients. */
  connectAll(...names: string[]): Promise<WireGuardClient[]> {
    return Promise.all(names.map((name) => this.connect(name)));
  }
}

/** A lab into which recipes are deployed, one after another. */
export class RecipeLab {
  private constructor(
    readonly lab: Lab,
    private readonly deployment: Deployment,
  ) {}

  static async open(): Promise<RecipeLab> {
    return new RecipeLab(await openLab(() => undefined), Deployment.choose());
  }

  async deploy(settings: StackSettings): Promise<Recipe> {
    await Promise.all(homes.map((home) => this.lab.client(home).down()));
    const changes = Object.entries(this.changes(settings)).filter(([, value]) => value !== undefined);
    return new Recipe(settings, this.lab, (await this.deployment.up(Object.fromEntries(changes))).outputs);
  }

  /** A recipe's settings with the lab's profiles, and the credentials that these ask for. */
  private changes(settings: StackSettings): Changes {
    const { provider, express, wgprov } = this.lab.providers;
    const profiles = { "providers/vpn.ovpn": provider, "providers/nl.ovpn": express, "providers/wg.conf": wgprov };
    const shown = (settings["exits"] ?? []) as { name: string; profile: keyof typeof profiles }[];
    const exits = shown.map((exit) => ({ ...exit, profile: profiles[exit.profile].profilePath }));
    const credentials = shown.flatMap(({ name, profile }) => {
      const server = profiles[profile];
      return "credentials" in server
        ? [[name, { username: server.credentials.user, password: server.credentials.password }] as const]
        : [];
    });
    return { rules: undefined, ...settings, exits, credentials: Object.fromEntries(credentials) };
  }
}

export const fetched = (device: WireGuardClient, url = WEB) => orNothing(device.fetch(url, { timeout: 2000 }));
/** What the web sees once it is that, or after a while what it sees. @param expected as of now: hours may begin meanwhile */
export const seen = (device: WireGuardClient, expected: string | (() => string)): Promise<string> => {
  const now = typeof expected === "string" ? () => expected : expected;
  return until("seen", 30_000, async () => ((await fetched(device)) === now() ? now() : undefined)).catch(() =>
    fetched(device),
  );
};
export const geo = (device: WireGuardClient) =>
  orNothing(device.dig("shop.geo.example").then((lines) => lines.join(" ")));

/** Which addresses packets come from that a host receives while something is done. */
export async function sources(host: Host, filter: string, doing: () => Promise<unknown>): Promise<string[]> {
  const capture = await host.capture("any", `inbound and (${filter})`);
  await doing();
  const lines = await capture.stop();
  return [...new Set(lines.map((line) => / IP (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1] ?? line))];
}
export const sendUdp = ({ host }: WireGuardClient, ...ports: number[]) =>
  host.must(["bash", "-c", ports.map((port) => `echo x >/dev/udp/${addresses.web}/${port}`).join(";")]);
export const connectTcp = ({ host }: WireGuardClient, port: number) =>
  host.run(["bash", "-c", `timeout 1 bash -c '</dev/tcp/${addresses.web}/${port}'`]);
