import { setTimeout as delay } from "node:timers/promises";

import type { Host } from "../host";
import type { Machine } from "../machine";
import { recreateHost } from "../network";
import { routerRules } from "./rules";
import { type CloudState, type ElasticAddress, type Instance, readCloud, stateText } from "./state";

/** What the controller drives. */
export interface Parts {
  /** The router of the VPC. */
  readonly router: Host;
  /** The lab's machine of an instance, whether it has been made or not. */
  readonly machineOf: (instance: Instance) => Machine;
  /** Told what is being done, in a few words. */
  readonly progress: (message: string) => void;
}

/** How often it looks, in milliseconds. */
const PACE = 50;

/**
 * Makes the lab's machines and network as EC2 says they are: a machine for each instance, booted from the instance's own user data; the
 * Elastic IPs and the security groups on the router of the VPC. It looks at EC2's state, so it sees whatever any caller has done.
 */
export class Controller {
  /** Milliseconds by which an Elastic IP is late: so long an association is known to EC2, and its packets go on to where they went. */
  lateness = 0;
  private readonly leads = new Map<string, string>();
  private readonly moves = new Map<string, { instance: string | null; due: number }>();
  private readonly starts = new Map<string, number>();
  private readonly boots = new Map<string, Promise<void>>();
  private readonly errors: Error[] = [];
  private seen = "";
  private rules = "";
  private running: Promise<void> | undefined;
  private readonly end = new AbortController();

  constructor(private readonly parts: Parts) {}

  /** Takes what stands for what the state says: another process has made it so. */
  adopt({ instances, addresses }: CloudState): void {
    for (const instance of instances.filter(({ state }) => state !== "terminated"))
      this.starts.set(instance.id, instance.starts);
    for (const { address, instance } of addresses) if (instance !== null) this.leads.set(address, instance);
  }

  start(): void {
    this.running = this.run();
  }

  /** Ends it; what it made stays. */
  async stop(): Promise<void> {
    this.end.abort();
    await this.running;
    await Promise.allSettled(this.boots.values());
  }

  /**
   * Resolves when machines and network are as EC2 says at this moment, every running instance's sshd answers, and no address is late.
   * @throws Error what went wrong since it was last asked
   */
  async settled(): Promise<void> {
    for (;;) {
      const text = stateText();
      while (this.seen !== text || this.moves.size > 0) {
        if (this.end.signal.aborted) throw new Error("the lab's EC2 has ended");
        await delay(PACE);
      }
      await Promise.all(this.boots.values());
      const [error] = this.errors.splice(0);
      if (error) throw error;
      if (text === stateText()) return;
    }
  }

  private async run(): Promise<void> {
    while (!this.end.signal.aborted) {
      const text = stateText();
      const due = [...this.moves.values()].some((move) => move.due <= Date.now());
      if (text !== this.seen || due) {
        await this.follow(readCloud()).catch((error: unknown) => void this.errors.push(error as Error));
        this.seen = text;
      }
      // A lab that is kept outlives this process, which this must not keep.
      await delay(PACE, undefined, { ref: false, signal: this.end.signal }).catch(() => undefined);
    }
  }

  private async follow(state: CloudState): Promise<void> {
    for (const address of state.addresses) this.plan(address, state);
    for (const address of [...this.leads.keys(), ...this.moves.keys()])
      if (!state.addresses.some((one) => one.address === address)) this.lead(address, null);
    const moved = [...this.moves].filter(([, { due }]) => due <= Date.now());
    for (const [address, { instance }] of moved) this.lead(address, instance);
    for (const instance of state.instances.filter((one) => one.state === "terminated")) await this.terminate(instance);
    for (const instance of state.instances.filter((one) => one.state === "stopped")) await this.powerOff(instance);
    for (const instance of state.instances.filter((one) => one.state === "running")) await this.power(instance);
    await this.load(
      state,
      moved.map(([address]) => address),
    );
  }

  /** Notes where an address is to lead; a change takes effect when it is due. */
  private plan({ address, instance }: ElasticAddress, { instances }: CloudState): void {
    const alive = instances.some(({ id, state }) => id === instance && state !== "terminated");
    const wanted = alive ? instance : null;
    const planned = this.moves.get(address);
    if (wanted === (this.leads.get(address) ?? null)) this.moves.delete(address);
    else if (planned?.instance !== wanted)
      this.moves.set(address, { instance: wanted, due: Date.now() + this.lateness });
  }

  private lead(address: string, instance: string | null): void {
    this.moves.delete(address);
    if (instance === null) this.leads.delete(address);
    else this.leads.set(address, instance);
  }

  /** Launches the machine, or starts it again where it was stopped meanwhile. */
  private async power(instance: Instance): Promise<void> {
    const before = this.starts.get(instance.id);
    if (before === instance.starts) return;
    this.starts.set(instance.id, instance.starts);
    const machine = this.parts.machineOf(instance);
    await this.boots.get(instance.id);
    this.parts.progress(`EC2 ${before === undefined ? "launches" : "starts"} ${instance.id}`);
    if (before === undefined) {
      const userData = Buffer.from(instance.userData ?? "", "base64").toString();
      await recreateHost(machine.place.host, machine.place.links);
      await machine.create(userData, instance.publicKey ?? "", { instanceId: instance.id });
      this.boot(instance, () => machine.boot());
    } else this.boot(instance, () => machine.reboot());
  }

  /** Not waited for: meanwhile others boot, and addresses move. */
  private boot({ id }: Instance, boot: () => Promise<void>): void {
    const booting = boot().catch(
      (error: unknown) => void (this.end.signal.aborted || this.errors.push(error as Error)),
    );
    this.boots.set(id, booting);
  }

  private async powerOff(instance: Instance): Promise<void> {
    await this.boots.get(instance.id);
    await this.parts.machineOf(instance).powerOff();
  }

  private async terminate(instance: Instance): Promise<void> {
    if (!this.starts.delete(instance.id)) return;
    await this.boots.get(instance.id);
    this.boots.delete(instance.id);
    const machine = this.parts.machineOf(instance);
    this.parts.progress(`EC2 terminates ${instance.id}`);
    await machine.destroy();
    await machine.leave();
  }

  /** @param moved addresses that lead elsewhere from now on: EC2 translates each packet by itself, and so keeps no connection */
  private async load(state: CloudState, moved: readonly string[]): Promise<void> {
    const rules = routerRules(state, this.leads);
    if (rules !== this.rules) await this.parts.router.must(["nft", "-f", "-"], { input: rules });
    this.rules = rules;
    for (const address of moved)
      for (const side of ["--orig-dst", "--reply-dst"])
        // It ends with 1 when there was none.
        await this.parts.router.run(["conntrack", "-D", side, address]);
  }
}
