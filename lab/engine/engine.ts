import { isDeepStrictEqual } from "node:util";
import { providers, type Provider } from "./resources";
import { asSecret, unwrap, type WireProperties } from "./secretValue";
import type { State, StoredResource } from "./state";

/** What a program says when it makes a resource. */
export interface Registration {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** False for a component, which only holds others together. */
  readonly custom: boolean;
  readonly inputs: WireProperties;
  readonly dependencies: readonly string[];
  readonly deletedWith?: string;
  readonly ignoreChanges: readonly string[];
  readonly secretOutputs: readonly string[];
}

/** How many resources a run created, updated, left alone and deleted. */
export interface Summary {
  created: number;
  updated: number;
  unchanged: number;
  deleted: number;
}

const signs: Record<keyof Summary, string> = { created: "+", updated: "~", unchanged: " ", deleted: "-" };

/** Compares what a program wants with the state and does the difference, one step after the other, like Pulumi's engine does. */
export class Engine {
  readonly summary: Summary = { created: 0, updated: 0, unchanged: 0, deleted: 0 };
  private readonly registered = new Set<string>();

  /** @param preview says what would be done, and does nothing. @param log takes one line of progress, free of secrets */
  constructor(
    private readonly state: State,
    private readonly preview: boolean,
    private readonly log: (line: string) => void,
  ) {}

  /**
   * Makes the resource so. When that fails the state keeps what was there before, also where the machine did change.
   * @returns its outputs; in a preview those that are not known yet are missing
   */
  register(wanted: Registration): Promise<{ id?: string; outputs: WireProperties }> {
    return naming(wanted, () => this.make(wanted));
  }

  private async make(wanted: Registration): Promise<{ id?: string; outputs: WireProperties }> {
    if (!wanted.custom) return { outputs: {} };
    const provider = providerOf(wanted.type);
    this.registered.add(wanted.urn);
    const old = this.state.get(wanted.urn);
    const inputs = { ...wanted.inputs };
    for (const key of wanted.ignoreChanges) if (old?.inputs[key] !== undefined) inputs[key] = old.inputs[key];

    const same = old !== undefined && isDeepStrictEqual(unwrap(old.inputs), unwrap(inputs));
    const step = old === undefined ? "created" : same ? "unchanged" : "updated";
    if (step === "updated" && provider.update === undefined)
      throw new Error(`a ${wanted.type} cannot be changed; name it anew to replace it`);
    if (this.preview) {
      this.count(step, wanted);
      const kept = old === undefined ? {} : old.outputs;
      return { id: old?.id, outputs: same ? kept : { ...kept, ...inputs } };
    }

    const plain = unwrap(inputs) as WireProperties;
    const show = this.shower(wanted.name);
    const lasting = provider.lasting && !same;
    if (lasting) this.state.save();
    const made =
      old === undefined
        ? await provider.create(plain, show)
        : { id: old.id, outputs: same ? old.outputs : await provider.update?.(plain, show) };
    const outputs: WireProperties = { ...made.outputs, ...inputs };
    for (const key of wanted.secretOutputs) if (outputs[key] !== undefined) outputs[key] = asSecret(outputs[key]);
    const { urn, type, name, dependencies, deletedWith } = wanted;
    this.state.put({ urn, type, name, id: made.id, inputs, outputs, dependencies, deletedWith });
    if (lasting) this.state.save();
    this.count(step, wanted);
    return { id: made.id, outputs };
  }

  /** Deletes what the program no longer registers: all of the stack, when it registered nothing. The last made go first. */
  async deleteRest(): Promise<void> {
    const rest = this.state.list().filter(({ urn }) => !this.registered.has(urn));
    const gone = new Set(rest.map(({ urn }) => urn));
    for (const resource of rest.reverse()) {
      // What goes down with another resource needs no step of its own, and often could not do it any more.
      const alone = resource.deletedWith === undefined || !gone.has(resource.deletedWith);
      if (!this.preview) {
        const lasting = alone && providerOf(resource.type).lasting;
        if (lasting) this.state.save();
        if (alone) await naming(resource, () => this.unmake(resource));
        this.state.remove(resource.urn);
        if (lasting) this.state.save();
      }
      this.count("deleted", resource);
    }
  }

  private async unmake({ type, name, inputs }: StoredResource): Promise<void> {
    await providerOf(type).delete(unwrap(inputs) as WireProperties, this.shower(name));
  }

  private shower(name: string): (line: string) => void {
    return (line) => this.log(`    ${name} | ${line}`);
  }

  private count(step: keyof Summary, { type, name }: Pick<StoredResource, "type" | "name">): void {
    this.summary[step]++;
    this.log(`  ${signs[step]} ${step.padEnd(9)} ${name} (${type})`);
  }
}

/** Has an error say which resource it is about. */
async function naming<T>({ name, type }: { name: string; type: string }, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new Error(`${name} (${type}): ${(error as Error).message}`, { cause: error });
  }
}

function providerOf(type: string): Provider {
  const provider = providers[type];
  if (provider === undefined) throw new Error(`the embedded engine makes no ${type}: use the Pulumi CLI`);
  return provider;
}
