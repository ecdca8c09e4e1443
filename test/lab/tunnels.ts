import { type Changes, Deployment, type UpResult } from "../../lab/deployment";
import { type Endpoints, openEndpoints } from "../../lab/endpoints";
import type { Host } from "../../lab/host";
import { Lab } from "../../lab/lab";
import type { Machine } from "../../lab/machine";
import { until } from "../../lab/process";
import { addresses, appName } from "../../lab/topology";

type Settings = Readonly<Record<string, unknown>>;

/** The tunnel's settings, those of its first two endpoints, and further endpoints. */
export interface Tunnel {
  readonly tunnel?: Settings;
  readonly a?: Settings;
  readonly b?: Settings;
  readonly more?: readonly Settings[];
}

/** An endpoint on one of the lab's machines. */
export const endpointAt = (name: string, address: string): Settings => ({
  name,
  host: {
    kind: "existing",
    address,
    user: "admin",
    privateKeyFile: "/run/wg-gateway-lab/ssh/id_ed25519",
    hostKey: "/run/wg-gateway-lab/ssh/host_ed25519.pub",
  },
});

/** A stack of one tunnel, and nothing else. */
export const stackOf = ({ tunnel = {}, a = {}, b = {}, more = [] }: Tunnel): Changes => ({
  ...{ host: null, exits: null, clients: null, credentials: null, dns: null },
  tunnels: [
    {
      name: "app",
      ...tunnel,
      endpoints: [
        { ...endpointAt("a", addresses.endpointA), ...a },
        { ...endpointAt("b", addresses.endpointB), ...b },
        ...more,
      ],
    },
  ],
});

/** A request as it was seen: its line in the access log, and its packets on A's devices. */
export interface Seen {
  readonly line: string;
  /** The address that the log's line begins with. */
  readonly from: string;
  readonly wg0: readonly string[];
  readonly eth0: readonly string[];
}

export const shell = (machine: Machine, script: string): Promise<string> =>
  machine.must(["bash", "-euc", script], { timeout: 90_000 });

let asked = 0;

/** The endpoints with a tunnel deployed between them. */
export class Scene {
  private constructor(
    readonly lab: Lab,
    readonly ends: Endpoints,
    private readonly deployment: Deployment,
  ) {}

  /** Nothing is deployed yet. */
  static async open(): Promise<Scene> {
    const lab = await Lab.open();
    return new Scene(lab, await openEndpoints(lab), Deployment.choose());
  }

  up(tunnel: Tunnel = {}): Promise<UpResult> {
    return this.deployment.up(stackOf(tunnel));
  }

  destroy(): ReturnType<Deployment["destroy"]> {
    return this.deployment.destroy();
  }

  /** Asks the service by its name. @returns its line in the access log @throws CommandError when there is no answer */
  async ask(who: Machine | Host = this.ends.a, ...options: string[]): Promise<string> {
    const agent = `test-${(asked += 1)}`;
    const curl = ["curl", "--silent", "--show-error", "--fail", "--max-time", "5", "--user-agent", agent];
    await who.must([...curl, ...options, `https://${appName}/`]);
    return until(`${agent} is in the log`, 5000, () =>
      this.ends.app.lines().find((line) => line.endsWith(` "${agent}"`)),
    );
  }

  /** As `ask` from A, with what passes on its devices. */
  async watch(...options: string[]): Promise<Seen> {
    const devices = ["wg0", "eth0"] as const;
    const captures = await Promise.all(devices.map((device) => this.ends.a.network().capture(device, "tcp port 443")));
    const line = await this.ask(this.ends.a, ...options);
    const [wg0, eth0] = await Promise.all(captures.map((capture) => capture.stop()));
    return { line, from: line.split(" ")[0]!, wg0: wg0!, eth0: eth0! };
  }

  /** Resolves when a machine's rules lead to all of its peers by that way. @throws Error when they do not within 30 s */
  async way(machine: Machine, way: "tunnel" | "internet"): Promise<void> {
    await until(
      `${machine.root}: every peer by the ${way}`,
      30_000,
      async () => {
        const status = await machine.exec(["tunnelctl", "status", "--json"]);
        const { peers } = JSON.parse(status.stdout) as { peers: { way: string }[] };
        return peers.every((peer) => peer.way === way);
      },
      200,
    );
  }

  /** As `way`, on both ends: each has heard the other. */
  async joined(): Promise<void> {
    await Promise.all([this.way(this.ends.a, "tunnel"), this.way(this.ends.b, "tunnel")]);
  }
}
