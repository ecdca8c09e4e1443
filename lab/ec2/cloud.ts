import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Host } from "../host";
import { Machine } from "../machine";
import { until } from "../process";
import { addresses } from "../topology";
import { Controller } from "./controller";
import { linkOf } from "./rules";
import { type Call, cloudFolder, type CloudState, hasCloud, type Instance, readCalls, readCloud } from "./state";
import { endpoint, world } from "./world";

export interface CloudParts {
  /** Where the API is. */
  readonly aws: Host;
  /** The router of the VPC. */
  readonly router: Host;
  /** The unpacked machine image. */
  readonly image: string;
  readonly toolsRoot: string;
}

/** An error that the API is to answer with. */
export interface ApiError {
  /** As "RunInstances". */
  readonly action: string;
  /** As "InsufficientInstanceCapacity". */
  readonly code: string;
  readonly message?: string;
}

let active: Controller | undefined;

/** The lab's EC2: an API that a deployment speaks with, and what follows from its calls in the lab. */
export class Cloud {
  constructor(private readonly parts: CloudParts) {}

  /** Starts the API, and what makes machines and network as it says; resolves when it answers. */
  async start(progress: (message: string) => void): Promise<void> {
    const { aws } = this.parts;
    const folder = cloudFolder();
    cpSync(join(__dirname, "server"), join(folder, "server"), { recursive: true });
    writeFileSync(join(folder, "world.json"), JSON.stringify(world));
    aws.spawn(["python3", "-B", join(folder, "server", "server.py"), folder], "ec2");
    await until("EC2's API answers", 30_000, async () => {
      const answer = await aws.run(["curl", "--silent", "--max-time", "2", `${endpoint}/moto-api/data.json`]);
      return answer.exitCode === 0 && hasCloud();
    });
    active = this.makeController(progress);
    active.start();
  }

  /** Goes on where the process ended that started the standing lab's EC2. */
  follow(progress: (message: string) => void): void {
    active = this.makeController(progress);
    active.adopt(this.state);
    active.start();
  }

  private makeController(progress: (message: string) => void): Controller {
    return new Controller({ router: this.parts.router, machineOf: (instance) => this.machine(instance), progress });
  }

  /** Ends what this process started, so that nothing is made any more; to be called before the lab is cleared. */
  static async stop(): Promise<void> {
    await active?.stop();
    active = undefined;
  }

  get state(): CloudState {
    return readCloud();
  }

  /** The instances that are not terminated. */
  get instances(): Instance[] {
    return this.state.instances.filter(({ state }) => state !== "terminated");
  }

  /** Every call that the API got, oldest first. */
  get calls(): Call[] {
    return readCalls();
  }

  /** The lab's machine of an instance. */
  machine(instance: Instance): Machine {
    const { image, router, toolsRoot } = this.parts;
    const [network = "", length] = instance.subnet.split("/");
    const gateway = network.replace(/\d+$/, "1");
    const host = `ec2-${linkOf(instance).split("-")[2]}` as const;
    const links = [
      {
        router: "cloud",
        host,
        device: "ens5",
        via: [gateway],
        addresses: [`${instance.address}/${length}`],
        selfConfigured: true,
      },
    ] as const;
    // In the place of the lease that a VPC's DHCP server gives.
    const uplink = [
      ...["[Match]", "Name=ens5", "[Network]", `Address=${instance.address}/${length}`, `Gateway=${gateway}`],
      ...[`DNS=${addresses.vpcResolver}`, "Domains=eu-central-1.compute.internal"],
      ...["LinkLocalAddressing=ipv6", "IPv6AcceptRA=no", ""],
    ].join("\n");
    return new Machine({ host, address: instance.address, uplink, links }, image, router, toolsRoot);
  }

  /** The machine that an Elastic IP is associated with. @throws Error when it is with none */
  machineAt(address: string): Machine {
    return this.machine(this.instanceAt(address));
  }

  /** @throws Error when the address is with none */
  instanceAt(address: string): Instance {
    const id = this.state.addresses.find((one) => one.address === address)?.instance;
    const instance = this.instances.find((one) => one.id === id);
    if (!instance) throw new Error(`no instance has the address ${address}`);
    return instance;
  }

  /** Resolves when machines and network are as the API says. @throws Error what went wrong meanwhile */
  async settled(): Promise<void> {
    await this.controller.settled();
  }

  /** From now on Elastic IPs move so late, in milliseconds: until then they lead to where they led. */
  delayAddresses(milliseconds: number): void {
    this.controller.lateness = milliseconds;
  }

  private get controller(): Controller {
    if (!active) throw new Error("another process has the lab's EC2");
    return active;
  }

  /** Has the next call of an action answered with an error; calls in order, one error each. */
  fail(...errors: readonly ApiError[]): void {
    const path = join(cloudFolder(), "errors.json");
    const left = this.unfailed;
    const more = errors.map((error) => ({ message: "an error that the test ordered", ...error }));
    writeFileSync(`${path}.draft`, JSON.stringify([...left, ...more]));
    renameSync(`${path}.draft`, path);
  }

  /** The ordered errors that nobody has got yet. */
  get unfailed(): ApiError[] {
    const path = join(cloudFolder(), "errors.json");
    return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as ApiError[]) : [];
  }
}
