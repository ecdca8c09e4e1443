import { expect } from "vitest";
import type { WireGuardClient } from "../../lab/client";
import { type Changes, Deployment, type UpResult } from "../../lab/deployment";
import { orNothing } from "../../lab/flows";
import type { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { openLab } from "../../lab/scenario";
import { addresses } from "../../lab/topology";

const WEB = `http://${addresses.web}/`;

/** Every client of the tests: where its device is, and its address. */
const clients = {
  direct: { home: "home-direct", address: "10.4.0.50" },
  nord: { home: "home-vpn", address: "10.4.0.130" },
  express: { home: "home-3", address: "10.4.0.200" },
  wg: { home: "home-4", address: "10.4.0.100" },
  any: { home: "home-5", address: "10.4.0.110" },
  mixed: { home: "home-6", address: "10.4.0.120" },
} as const;
export type Name = keyof typeof clients;

export const exits = [
  { name: "nord", profile: "/run/wg-gateway-lab/provider/vpn.ovpn" },
  { name: "express", profile: "/run/wg-gateway-lab/provider-express/vpn.ovpn", slot: 2 },
  { name: "wgprov", kind: "wireguard", profile: "/run/wg-gateway-lab/provider-wg/wg.conf", slot: 3 },
];
export const rules = [
  { from: "10.4.0.128/26", exit: "nord" },
  { from: "10.4.0.192/26", exit: "express" },
  { from: "10.4.0.100", exit: "wgprov" },
  { from: "10.4.0.110", exit: "any" },
  { from: "10.4.0.120", protocol: "tcp", ports: [80, 443], exit: "nord" },
];

/** A gateway with several exits, and a client of each. */
export class SeveralExits {
  settings: Changes = {
    exits,
    rules,
    groups: [{ name: "any", members: ["nord", "express"], backAfter: 3 }],
    clients: Object.entries(clients).map(([name, { address }]) => ({ name, address })),
  };

  private constructor(
    readonly lab: Lab,
    private readonly deployment: Deployment,
    readonly credentials: Readonly<Record<string, unknown>>,
  ) {}

  /** Opens a lab, deploys into it, and resolves when every client is seen as its exit's. */
  static async open(): Promise<SeveralExits> {
    const lab = await openLab(() => undefined);
    const { provider, express } = lab.providers;
    const login = ({ user, password }: { user: string; password: string }) => ({ username: user, password });
    const credentials = { nord: login(provider.credentials), express: login(express.credentials) };
    const scene = new SeveralExits(lab, Deployment.choose(), credentials);
    const { outputs } = await scene.up();
    for (const name of Object.keys(clients) as Name[])
      await scene.device(name).up(outputs.clientProfiles?.[name] ?? "");
    for (const [name, address] of [
      ["direct", addresses.elastic],
      ["nord", addresses.provider],
      ["express", addresses.express],
      ["wg", addresses.wgprov],
      ["any", addresses.provider],
      ["mixed", addresses.provider],
    ] as const)
      expect(`${name} ${await scene.becomes(name, address)}`).toBe(`${name} ${address}`);
    return scene;
  }

  device(name: Name): WireGuardClient {
    const { home } = clients[name];
    const { direct, vpn } = this.lab.clients;
    return home === "home-direct" ? direct : home === "home-vpn" ? vpn : this.lab.client(home);
  }

  /** The address that the web sees a client at. */
  seen(name: Name): Promise<string> {
    return orNothing(this.device(name).fetch(WEB, { timeout: 2000 }));
  }

  /** The same, once it is that one, or after a while what it is. */
  becomes(name: Name, address: string, deadline = 45_000): Promise<string> {
    return until(`${name} is seen as ${address}`, deadline, async () =>
      (await this.seen(name)) === address ? address : undefined,
    ).catch(() => this.seen(name));
  }

  up(changes: Changes = {}): Promise<UpResult> {
    return this.deployment.up({ ...this.settings, credentials: this.credentials, ...changes });
  }

  /** Every provider is as it was. */
  async recover(): Promise<void> {
    for (const provider of Object.values(this.lab.providers)) await provider.recover();
  }
}
