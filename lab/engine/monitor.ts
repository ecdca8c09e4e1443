import { runtime } from "@pulumi/pulumi";
import type { Registration } from "./engine";
import type { Wire, WireProperties } from "./secretValue";

/**
 * The part of the SDK's mock monitor (its runtime/mocks.ts) that is watched. `Mocks.newResource` is not told a resource's options and
 * sees no stack outputs: the requests hold both.
 */
interface Monitor {
  newUrn(parent: string, type: string, name: string): string;
  registerResource(request: ResourceRequest, reply: unknown): unknown;
  registerResourceOutputs(request: { getUrn(): string; getOutputs(): Struct | undefined }, reply: unknown): unknown;
}

interface Struct {
  toJavaScript(): unknown;
}

type Value = Struct;

export interface ResourceRequest {
  getType(): string;
  getName(): string;
  getParent(): string;
  getCustom(): boolean;
  getObject(): Struct | undefined;
  getDependenciesList(): string[];
  getDeletedwith(): string;
  getDeletebeforereplace(): boolean;
  getProtect(): boolean;
  getReplacementTrigger(): Value | undefined;
  getIgnorechangesList(): string[];
  getAdditionalsecretoutputsList(): string[];
  getCustomtimeouts(): { getCreate(): string };
}

const properties = (struct: Struct | undefined): WireProperties => (struct?.toJavaScript() ?? {}) as WireProperties;

export interface Watcher {
  /** Called with each resource before `newResource` is. */
  readonly onRegister: (registration: Registration, request: ResourceRequest) => void;
  /** Called with the outputs of the stack, secrets with their signature. */
  readonly onOutputs: (outputs: WireProperties) => void;
}

/** To be called after `setMocks`, which puts a new monitor in place. */
export function watchMonitor({ onRegister, onOutputs }: Watcher): void {
  const monitor = runtime.getMonitor() as unknown as Monitor;
  const registerResource = monitor.registerResource.bind(monitor);
  const registerResourceOutputs = monitor.registerResourceOutputs.bind(monitor);

  monitor.registerResource = (request, reply) => {
    const [type, name] = [request.getType(), request.getName()];
    const registration = {
      urn: monitor.newUrn(request.getParent(), type, name),
      type,
      name,
      custom: request.getCustom(),
      inputs: properties(request.getObject()),
      dependencies: request.getDependenciesList(),
      deletedWith: request.getDeletedwith() || undefined,
      deleteBeforeReplace: request.getDeletebeforereplace(),
      protect: request.getProtect(),
      replacementTrigger: request.getReplacementTrigger()?.toJavaScript() as Wire | undefined,
      ignoreChanges: request.getIgnorechangesList(),
      secretOutputs: request.getAdditionalsecretoutputsList(),
    };
    onRegister(registration, request);
    return registerResource(request, reply);
  };
  monitor.registerResourceOutputs = (request, reply) => {
    if (request.getUrn().includes("::pulumi:pulumi:Stack::")) onOutputs(properties(request.getOutputs()));
    return registerResourceOutputs(request, reply);
  };
}
