import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Wire, WireProperties } from "./secretValue";

/** A resource as it was last made. Secrets stand in the clear, with their signature. */
export interface StoredResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly inputs: WireProperties;
  readonly outputs: WireProperties;
  readonly dependencies: readonly string[];
  /** URN of what takes this one with it when it is deleted. */
  readonly deletedWith?: string;
  readonly protect?: boolean;
  readonly replacementTrigger?: Wire;
  /** It was replaced, and is to be deleted. */
  readonly delete?: true;
}

/**
 * What a stack consists of, in a file only its owner can read. Not written until `save`: with a thousand resources, writing all of them
 * after each took two fifths of a run.
 */
export class State {
  private readonly resources: Map<string, StoredResource>;
  private readonly replaced: Set<StoredResource>;
  private saved = true;

  /** @param path of the file; a missing one is an empty stack. @throws when it cannot be read or is no JSON */
  constructor(private readonly path: string) {
    let text = "[]";
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    const all = JSON.parse(text) as StoredResource[];
    this.resources = new Map(all.filter((resource) => !resource.delete).map((resource) => [resource.urn, resource]));
    this.replaced = new Set(all.filter((resource) => resource.delete));
  }

  get(urn: string): StoredResource | undefined {
    return this.resources.get(urn);
  }

  /** In the order in which the program registered them last: what a resource depends on stands before it. */
  list(): StoredResource[] {
    return [...this.resources.values()];
  }

  /** Puts a resource last, for the program has just registered it. */
  put(resource: StoredResource): void {
    this.resources.delete(resource.urn);
    this.resources.set(resource.urn, resource);
    this.saved = false;
  }

  remove(urn: string): void {
    this.resources.delete(urn);
    this.saved = false;
  }

  /** Takes the resource of that name out, and leaves what it made. @throws Error when there is none, or something depends on it */
  forget(name: string): void {
    const found = this.list().find((resource) => resource.name === name);
    if (found === undefined) throw new Error(`the state has no ${name}`);
    const dependent = this.list().find(({ dependencies }) => dependencies.includes(found.urn));
    if (dependent !== undefined) throw new Error(`${dependent.name} depends on ${name}`);
    this.remove(found.urn);
    this.save();
  }

  /** What was replaced and is not deleted yet, in the order in which it was replaced. */
  condemned(): StoredResource[] {
    return [...this.replaced];
  }

  /** A resource is replaced by one of the same URN, and has to be deleted. */
  condemn(resource: StoredResource): void {
    this.replaced.add({ ...resource, delete: true });
    this.saved = false;
  }

  removeCondemned(resource: StoredResource): void {
    this.replaced.delete(resource);
    this.saved = false;
    this.save();
  }

  /** Writes what has changed, wholly or not at all. */
  save(): void {
    if (this.saved) return;
    mkdirSync(dirname(this.path), { recursive: true });
    const draft = `${this.path}.new`;
    writeFileSync(draft, `${JSON.stringify([...this.list(), ...this.replaced], null, 2)}\n`, { mode: 0o600 });
    renameSync(draft, this.path);
    this.saved = true;
  }
}
