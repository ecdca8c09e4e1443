import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { homeResolvers, WireGuardClient } from "./client";
import { countries, firewalls } from "./firewalls";
import { Cloud } from "./ec2/cloud";
import { hasCloud } from "./ec2/state";
import { endpointPlaces } from "./endpoints";
import { Host } from "./host";
import { ensureImages, type Images } from "./images";
import { createKeys, type LabKeys, minimalUserData, readKeys } from "./keys";
import { Machine, type Place } from "./machine";
import { createNetwork, insideLab, namespacePath, removeNamespaces, standingNamespaces } from "./network";
import { findMachines, mountsBelow, releaseNspawn, removeCgroups } from "./nspawn";
import { OpenVpnServer } from "./openvpnServer";
import { isAlive, must, type ProcessId, processId, signal, until } from "./process";
import type { Suite } from "./recipes";
import { NameServer, WebServer } from "./services";
import { keep, type Kept, readKept, stateDir, statePath } from "./state";
import { addresses, appName, geoDomain, type HomeName, homes, type HostName, hostNames, providers } from "./topology";
import { startWhoami } from "./whoami";
import { WireGuardServer } from "./wireguardServer";

export interface LabOptions {
  /** Told what is being done, in a few words. Default: nobody. */
  readonly progress?: (message: string) => void;
  /** Debian release of the gateway's machine; default trixie (13). */
  readonly suite?: Suite;
  /** cloud-init user data of the machine; default brings only the host key. */
  readonly userData?: (keys: LabKeys) => string;
  /** The lab has an EC2 in the place of the gateway's machine: that is made by a deployment. Default: no. */
  readonly ec2?: boolean;
  /** Leaves what stands when something does not come up. Default false. */
  readonly keep?: boolean;
}

/** Another process has the lab open. */
export class LabBusyError extends Error {
  override readonly name = "LabBusyError";
}

/** A lab was kept by `npm start -- --keep`, and with it what was deployed into it since. */
export class LabKeptError extends Error {
  override readonly name = "LabKeptError";

  constructor() {
    super(
      "a lab stands that was kept, with what was deployed into it; nothing was changed\n" +
        "  npm run lab -- up   deploys its changed settings\n" +
        "  npm stop            takes it down, for a new one",
    );
  }
}

/** The world that the gateway is deployed into; see topology.ts. One at a time on a machine. */
export class Lab {
  readonly hosts: Readonly<Record<HostName, Host>>;
  /** The machines of transparent tunnels; off, and without a disk, until `openEndpoints`. */
  readonly endpoints: { readonly a: Machine; readonly b: Machine };
  /** The devices at home that the lab stack knows, their tunnels down. More: `client`. */
  readonly clients: { readonly direct: WireGuardClient; readonly vpn: WireGuardClient };
  /** Where the deployment runs. */
  readonly operator: Host;
  readonly web: WebServer;
  /** The web server beside the gateway in the VPC. */
  readonly vpcWeb: WebServer;
  /** In the place of EC2's metadata service. */
  readonly metadata: WebServer;
  /** The upstream name servers on the internet. */
  readonly dns: NameServer;
  /** The VPC's own name server, which the machine asks for itself. */
  readonly vpcDns: NameServer;
  /** In a country each. */
  readonly providers: {
    readonly provider: OpenVpnServer;
    readonly express: OpenVpnServer;
    readonly wgprov: WireGuardServer;
  };

  private readonly existing: Machine;
  private readonly ec2: Cloud;

  private constructor(images: Images) {
    const host = (name: HostName): Host => new Host(name, namespacePath(name), images.tools);
    this.hosts = Object.fromEntries(hostNames.map((name) => [name, host(name)])) as Record<HostName, Host>;
    this.operator = this.hosts.operator;
    const machine = (place: Place) => new Machine(place, images.machine, this.operator, images.tools);
    this.existing = machine({ host: "gateway", address: addresses.elastic });
    const parts = { aws: this.hosts.aws, router: this.hosts.cloud, image: images.machine, toolsRoot: images.tools };
    this.ec2 = new Cloud(parts);
    this.endpoints = { a: machine(endpointPlaces.a), b: machine(endpointPlaces.b) };
    this.clients = { direct: this.client("home-direct"), vpn: this.client("home-vpn") };
    this.web = new WebServer(this.hosts.web);
    this.vpcWeb = new WebServer(this.hosts["vpc-host"]);
    this.metadata = new WebServer(this.hosts.cloud);
    this.dns = new NameServer(this.hosts.dns);
    this.vpcDns = new NameServer(this.hosts.cloud);
    const { provider, express, wgprov } = providers;
    this.providers = {
      provider: new OpenVpnServer(this.hosts[provider.host], provider),
      express: new OpenVpnServer(this.hosts[express.host], express),
      wgprov: new WireGuardServer(this.hosts[wgprov.host], wgprov),
    };
  }

  /**
   * Builds the world, with a machine that was just launched, after clearing what an earlier lab left.
   * @throws LabBusyError when another process has it open; LabKeptError when one was kept; Error when something does not come up, with
   * nothing left standing unless `keep` is set
   */
  static async open({
    progress = () => undefined,
    suite = "trixie",
    userData = minimalUserData,
    ec2 = false,
    keep: keepFailed = false,
  }: LabOptions = {}): Promise<Lab> {
    await Lab.clear();
    own();
    try {
      const images = await ensureImages(suite, progress);
      progress("laying the links");
      await createNetwork();
      const lab = new Lab(images);
      progress("starting the internet, the providers and the machine");
      lab.setResolvers();
      const [keys] = await Promise.all([createKeys(lab.operator), lab.loadFirewalls()]);
      const machine = ec2 ? lab.ec2.start(progress) : lab.launch(userData(keys), keys.user.publicKey);
      await Promise.all([machine, lab.startServices()]);
      writeFileSync(statePath("lab.json"), JSON.stringify(images));
      return lab;
    } catch (error) {
      if (!keepFailed) await Lab.clear().catch(() => undefined); // what went wrong first is what is told
      throw error;
    }
  }

  /** The lab's EC2; undefined in a lab without one. */
  get cloud(): Cloud | undefined {
    return hasCloud() ? this.ec2 : undefined;
  }

  /** The gateway's machine. In a lab with an EC2 it is the one that its first Elastic IP is associated with. @throws Error for none */
  get machine(): Machine {
    return this.cloud ? this.cloud.machineAt(addresses.elastic) : this.existing;
  }

  /** The address of the gateway's machine in the VPC. */
  get gatewayAddress(): string {
    return this.cloud ? this.machine.place.address : addresses.gateway;
  }

  /** The keys of SSH, as files in the state directory too. */
  get keys(): LabKeys {
    return readKeys();
  }

  /** The lab that stands, opened by this or another process. @throws Error when none does */
  static attach(): Lab {
    const file = join(stateDir, "lab.json");
    if (!existsSync(file)) throw new Error('no lab is open: open one with "npm start -- --keep"');
    return new Lab(JSON.parse(readFileSync(file, "utf8")) as Images);
  }

  /** A device at some home, its tunnel down until somebody brings a profile up there. */
  client(home: HomeName): WireGuardClient {
    return new WireGuardClient(this.hosts[home]);
  }

  /** Ends everything that runs in the lab and removes all of it but the images. */
  async close(): Promise<void> {
    await Lab.clear();
  }

  /** Leaves the lab standing when this process ends: from now on only `clear` with `kept` removes it. */
  static keep(kept: Kept): void {
    keep(kept);
    rmSync(ownerFile, { force: true });
  }

  /**
   * Removes whatever a lab left, however it ended. Nothing when there is nothing.
   * @param kept whether a lab that was kept goes, too
   * @throws LabBusyError when another process has it open; LabKeptError when one was kept and shall stay
   */
  static async clear({ kept = false } = {}): Promise<void> {
    refuseToDisturb();
    if (!kept && readKept() !== undefined) throw new LabKeptError();
    await Cloud.stop();
    const machines = findMachines(stateDir);
    // Again, for what whoever was killed while making them has made last.
    for (let names = standingNamespaces(); names.length > 0; names = standingNamespaces())
      await removeNamespaces(names);
    for (const machine of machines) signal(machine, "SIGKILL");
    await until("the lab's machines end", 5000, () => !machines.some(isAlive));
    for (const point of mountsBelow(stateDir)) await must(["umount", "--lazy", point]);
    await removeCgroups();
    await releaseNspawn();
    // A command that somebody runs inside may write to the last.
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  private async launch(userData: string, publicKey: string): Promise<void> {
    await this.existing.create(userData, publicKey);
    await this.existing.boot();
  }

  private async loadFirewalls(): Promise<void> {
    await Promise.all(
      Object.entries(firewalls).map(([host, rules]) =>
        this.hosts[host as HostName].must(["nft", "-f", "-"], { input: rules }),
      ),
    );
  }

  private setResolvers(): void {
    for (const host of Object.values(this.hosts)) host.setResolvers([]);
    for (const home of homes) this.hosts[home].setResolvers(homeResolvers);
  }

  private async startServices(): Promise<void> {
    const app = [`--address=/${appName}/${addresses.endpointB}`];
    await Promise.all([
      WebServer.start(this.hosts.web, addresses.web),
      WebServer.start(this.hosts["vpc-host"], addresses.vpcHost),
      WebServer.start(this.hosts.cloud, addresses.metadata),
      NameServer.start(this.hosts.dns, addresses.upstreams, app),
      startWhoami(this.hosts.dns),
      ...countries.map(({ provider, port }) => {
        const records = [`--address=/${geoDomain}/${provider.geo}`];
        return NameServer.start(this.hosts.dns, addresses.upstreams, records, port);
      }),
      // Debian's mirrors are not part of the lab: a name that does not exist makes apt go on with what it has.
      NameServer.start(
        this.hosts.cloud,
        [addresses.vpcResolver],
        ["--local=/debian.org/", "--address=/debian.org/", ...app],
      ),
      ...Object.values(this.providers).map((provider) => provider.start()),
    ]);
  }
}

const ownerFile = join(stateDir, "owner.json");

/** Notes that this process has the lab. @throws LabBusyError when another one was quicker */
function own(): void {
  try {
    writeFileSync(statePath("owner.json"), JSON.stringify(processId(process.pid)), { flag: "wx" });
  } catch (error) {
    throw new LabBusyError("another process is opening the lab", { cause: error });
  }
}

function refuseToDisturb(): void {
  // Inside, this process would be among those that clearing ends.
  if (insideLab())
    throw new Error("the lab is opened and closed from outside, not by a process in one of its namespaces");
  if (!existsSync(ownerFile)) return;
  const owner = JSON.parse(readFileSync(ownerFile, "utf8")) as ProcessId;
  if (owner.pid !== process.pid && isAlive(owner)) {
    throw new LabBusyError(`process ${owner.pid} has the lab open: wait until it ends, or end it`);
  }
}
