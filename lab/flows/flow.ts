import type { Deployment, UpResult } from "../deployment";
import type { Lab } from "../lab";
import type { Snapshot } from "../snapshot";

/** A lab with the gateway deployed in it. */
export interface Scenario {
  readonly lab: Lab;
  readonly deployment: Deployment;
  readonly deployed: UpResult;
  /** The machine before the first deployment. */
  readonly before: Snapshot;
}

/** One thing that was looked at from outside. */
export interface Row {
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
}

/** A promise of the gateway, watched with real packets. */
export interface Flow {
  readonly title: string;
  observe(scenario: Scenario): Promise<Row[]>;
  /** Takes away what keeps the promise: then `observe` must fail. `gatewayctl check --repair` brings it back. */
  readonly control?: { readonly how: string; apply(scenario: Scenario): Promise<void> };
}

/** A row that is right when both texts are the same. */
export const same = (what: string, expected: string, seen: string): Row => ({
  what,
  expected,
  seen,
  ok: expected === seen,
});

/** A row that is right when a condition holds. */
export const holds = (what: string, expected: string, ok: boolean, seen: string): Row => ({ what, expected, seen, ok });

/** What an observation gave, or "no answer" where it failed: a flow reports what was seen, it does not throw. */
export async function orNothing(seen: Promise<string>): Promise<string> {
  return seen.then(
    (text) => text.trim(),
    () => "no answer",
  );
}

/** Runs a shell text as root inside the gateway's machine. @throws CommandError when it fails */
export function onMachine(scenario: Pick<Scenario, "lab">, script: string): Promise<string> {
  return scenario.lab.machine.must(["bash", "-euc", script], { timeout: 90_000 });
}

const REPAIR = "wg-gateway-repair.timer";

/** Does something while the machine does not mend itself: what is broken on purpose stays so. Within another, the outer one counts. */
export async function withoutRepair<T>(scenario: Pick<Scenario, "lab">, what: () => Promise<T>): Promise<T> {
  // The lock is free when a repair that has begun is over.
  const stop = `systemctl stop ${REPAIR}; flock /run/lock/wg-gateway.lock echo held`;
  const held = await onMachine(scenario, `! systemctl -q is-active ${REPAIR} || { ${stop}; }`);
  try {
    return await what();
  } finally {
    if (held !== "") await onMachine(scenario, `systemctl start ${REPAIR}`);
  }
}

/** A control that is a shell text on the machine. */
export const breaking = (how: string, script: string): Flow["control"] => ({
  how,
  apply: async (scenario) => {
    await onMachine(scenario, script);
  },
});
