import { isDeepStrictEqual } from "node:util";
import { type Context, type Made, type Provider, providers } from "./resources";
import { asSecret, unwrap, type Wire, type WireProperties } from "./secretValue";
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
  readonly deleteBeforeReplace: boolean;
  readonly protect: boolean;
  /** Option of the same name: another value than in the last run replaces the resource. */
  readonly replacementTrigger?: Wire;
  readonly ignoreChanges: readonly string[];
  readonly secretOutputs: readonly string[];
}

/** How many resources a run created, updated, replaced, left alone and deleted; the old one of a replaced resource is not counted as deleted. */
export interface Summary {
  created: number;
  updated: number;
  replaced: number;
  unchanged: number;
  deleted: number;
}

type Step = keyof Summary;

const signs: Record<Step, string> = { created: "+", updated: "~", replaced: "+-", unchanged: "", deleted: "-" };

export interface EngineOptions {
  /** Says what would be done, and does nothing. */
  readonly preview: boolean;
  /** Names of resources to replace, whatever their inputs say: the CLI's `--replace`. */
  readonly replace: readonly string[];
  /** Takes one line of progress, free of secrets. */
  readonly log: (line: string) => void;
}

/**
 * Compares what a program wants with the state and does the difference, one step after the other. Follows Pulumi's engine
 * (pkg/resource/deploy/step_generator.go); docs/architecture.md lists what differs.
 */
export class Engine {
  readonly summary: Summary = { created: 0, updated: 0, replaced: 0, unchanged: 0, deleted: 0 };
  private readonly registered = new Set<string>();
  private readonly replacedUrns = new Set<string>();

  constructor(
    private readonly state: State,
    private readonly options: EngineOptions,
  ) {}

  /** Ends what an earlier run has replaced and not deleted. */
  async deleteReplaced(): Promise<void> {
    if (this.options.preview) return;
    const condemned = this.state.condemned();
    const urns = new Set(condemned.map(({ urn }) => urn));
    for (const resource of condemned.reverse()) {
      // What goes down with another resource needs no step of its own, and often could not do it any more.
      const alone = resource.deletedWith === undefined || !urns.has(resource.deletedWith);
      if (alone) await this.lasting(resource.type, () => naming(resource, () => this.unmake(resource)));
      this.state.removeCondemned(resource);
    }
  }

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

    const step = this.stepOf(wanted, old, inputs, provider);
    if (step === "replaced" && old?.protect)
      throw new Error("the resource is protected: it would be replaced; take its protection away first");
    if (step === "replaced") this.replacedUrns.add(wanted.urn);
    if (this.options.preview) {
      this.count(step, wanted);
      // As with the real providers, what changed inputs lead to is not known before it is done.
      if (step === "unchanged") return { id: old?.id, outputs: old?.outputs ?? {} };
      return { id: step === "updated" ? old?.id : undefined, outputs: inputs };
    }

    const made = await this.do(step, wanted, provider, unwrap(inputs) as WireProperties, old);
    const outputs: WireProperties = { ...made.outputs, ...inputs };
    for (const key of [...wanted.secretOutputs, ...(provider.secretOutputs ?? [])])
      if (outputs[key] !== undefined) outputs[key] = asSecret(outputs[key]);
    const { urn, type, name, dependencies, deletedWith, protect, replacementTrigger } = wanted;
    this.state.put({
      ...{ urn, type, name, id: made.id, inputs, outputs, dependencies, deletedWith, protect, replacementTrigger },
    });
    if (provider.lasting && step !== "unchanged") this.state.save();
    this.count(step, wanted);
    return { id: made.id, outputs };
  }

  private stepOf(
    wanted: Registration,
    old: StoredResource | undefined,
    inputs: WireProperties,
    provider: Provider,
  ): Step {
    if (old === undefined) return "created";
    const { name, deletedWith, replacementTrigger: trigger } = wanted;
    const triggered =
      old.replacementTrigger != null &&
      trigger != null &&
      !isDeepStrictEqual(unwrap(old.replacementTrigger), unwrap(trigger));
    const taken = deletedWith !== undefined && this.replacedUrns.has(deletedWith);
    if (triggered || taken || this.options.replace.includes(name)) return "replaced";
    const [before, after] = [unwrap(old.inputs), unwrap(inputs)] as [WireProperties, WireProperties];
    const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
      (key) => !isDeepStrictEqual(before[key], after[key]),
    );
    if (changed.length === 0) return "unchanged";
    const replaces = provider.update === undefined || changed.some((key) => provider.replaceOn?.includes(key));
    return replaces ? "replaced" : "updated";
  }

  private async do(
    step: Step,
    wanted: Registration,
    provider: Provider,
    inputs: WireProperties,
    old: StoredResource | undefined,
  ): Promise<{ id: string; outputs: WireProperties }> {
    if (old !== undefined && step === "unchanged") return old;
    if (provider.lasting) this.state.save();
    const context = this.contextOf(wanted.name);
    if (old !== undefined && step === "updated")
      return { id: old.id, outputs: (await provider.update?.(plain(old), inputs, context)) ?? {} };
    if (old !== undefined && step === "replaced") {
      if (!wanted.deleteBeforeReplace) {
        const made = await provider.create(inputs, context);
        this.state.condemn(old);
        return made;
      }
      await this.unmake(old);
      this.state.remove(old.urn);
      if (provider.lasting) this.state.save();
    }
    return provider.create(inputs, context);
  }

  /** Deletes what was replaced, then what the program no longer registers: all of the stack, when it registered nothing. The last made go first. */
  async deleteRest(): Promise<void> {
    await this.deleteReplaced();
    const rest = this.state.list().filter(({ urn }) => !this.registered.has(urn));
    const kept = rest.find(({ protect }) => protect);
    if (kept !== undefined)
      throw new Error(`${kept.name} (${kept.type}) is protected: it would be deleted; take its protection away first`);
    const gone = new Set(rest.map(({ urn }) => urn));
    for (const resource of rest.reverse()) {
      const alone = resource.deletedWith === undefined || !gone.has(resource.deletedWith);
      if (!this.options.preview) {
        if (alone) await this.lasting(resource.type, () => naming(resource, () => this.unmake(resource)));
        this.state.remove(resource.urn);
        if (providerOf(resource.type).lasting) this.state.save();
      }
      this.count("deleted", resource);
    }
  }

  private async unmake(resource: StoredResource): Promise<void> {
    await providerOf(resource.type).delete(plain(resource), this.contextOf(resource.name));
  }

  private async lasting(type: string, action: () => Promise<void>): Promise<void> {
    if (providerOf(type).lasting) this.state.save();
    await action();
  }

  private contextOf(name: string): Context {
    return { name, show: (line) => this.options.log(`    ${name} | ${line}`) };
  }

  private count(step: Step, { type, name }: Pick<StoredResource, "type" | "name">): void {
    this.summary[step]++;
    this.options.log(`  ${signs[step].padEnd(2)} ${step.padEnd(9)} ${name} (${type})`);
  }
}

/** What a provider is handed of a resource: everything in the clear. */
const plain = ({ id, inputs, outputs }: StoredResource): Made => ({
  id,
  inputs: unwrap(inputs) as WireProperties,
  outputs: unwrap(outputs) as WireProperties,
});

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
