import { awsInvokes, awsResources } from "./aws";
import { command } from "./commands";
import { randomResources } from "./randomResources";
import type { WireProperties } from "./secretValue";
import { tlsResources } from "./tlsResources";

/** Of one step of one resource. */
export interface Context {
  /** The resource's name in the program. */
  readonly name: string;
  /** Takes a line for people, free of secrets. */
  readonly show: (line: string) => void;
}

/** A resource as it was last made, in the clear. */
export interface Made {
  readonly id: string;
  readonly inputs: WireProperties;
  readonly outputs: WireProperties;
}

/** What a resource does; properties come and go in the clear. */
export interface Provider {
  /** Whether a step leaves something outside of this process: then the state is written before and after it. */
  readonly lasting: boolean;
  /** Inputs whose change replaces the resource. */
  readonly replaceOn?: readonly string[];
  /** Outputs that the real provider's schema marks as secret. */
  readonly secretOutputs?: readonly string[];
  create(inputs: WireProperties, context: Context): Promise<{ id: string; outputs: WireProperties }>;
  /** @returns the new outputs. Without it every change replaces the resource */
  update?(old: Made, inputs: WireProperties, context: Context): Promise<WireProperties>;
  delete(old: Made, context: Context): Promise<void>;
}

/** What a function of a provider answers. */
export type Invoke = (inputs: WireProperties) => Promise<WireProperties>;

/** What the engine can make, by Pulumi's type. Everything else is refused. */
export const providers: Readonly<Record<string, Provider>> = {
  ...randomResources,
  ...tlsResources,
  ...command,
  ...awsResources,
};

/** The functions that the engine answers, by Pulumi's token. Everything else is refused. */
export const invokes: Readonly<Record<string, Invoke>> = awsInvokes;
