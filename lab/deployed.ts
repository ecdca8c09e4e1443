import type { EndpointOutput } from "../components/transparentTunnel";

/* What a deployment came to. */

/** What a run did, counted by resource; the same numbers from both engines. */
export interface Summary {
  readonly created: number;
  readonly updated: number;
  readonly replaced: number;
  readonly unchanged: number;
  readonly deleted: number;
}

/** The stack's outputs: those of the gateway where it has one, `tunnels` where it has any. */
export interface Outputs {
  readonly address?: string;
  readonly endpoint?: string;
  readonly serverPublicKey?: string;
  readonly exits?: Record<string, { namespace: string; table: number; log: string }>;
  readonly clientProfiles?: Record<string, string>;
  /** By replica. */
  readonly replicas?: Record<string, { address: string; endpoint: string }>;
  readonly replicaProfiles?: Record<string, Record<string, string>>;
  /** By tunnel and endpoint. */
  readonly tunnels?: Record<string, Record<string, EndpointOutput>>;
}

export interface UpResult {
  readonly summary: Summary;
  readonly outputs: Outputs;
  /** Everything that was said. */
  readonly said: string;
  /** When the engine's `up` began, milliseconds by `performance.now()`. */
  readonly began: number;
  /** How long it took. */
  readonly seconds: number;
}

/** A deployment that was refused or failed, with what it said. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
}

/** @throws DeploymentError where the embedded engine did not say what it did */
export function summaryOf(said: string): Summary {
  const counted = /Resources: (\d+) created, (\d+) updated, (\d+) replaced, (\d+) unchanged, (\d+) deleted/.exec(said);
  const [, created, updated, replaced, unchanged, deleted] = counted ?? [];
  if (created === undefined) throw new DeploymentError(`no summary in what was said:\n${said}`);
  return {
    created: Number(created),
    updated: Number(updated),
    replaced: Number(replaced),
    unchanged: Number(unchanged),
    deleted: Number(deleted),
  };
}

/** pulumi prints a count on a line of its own for each thing that happened. */
export function summaryOfPulumi(said: string): Summary {
  const count = (what: string) => Number(new RegExp(`^\\s+[+~-]* ?(\\d+) ${what}`, "m").exec(said)?.[1] ?? 0);
  return {
    created: count("created"),
    updated: count("updated"),
    replaced: count("replaced"),
    unchanged: count("unchanged"),
    deleted: count("deleted"),
  };
}
