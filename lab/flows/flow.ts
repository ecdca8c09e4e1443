import { dirname } from "node:path";

import type { Deployment, UpResult } from "../deployment";
import type { Lab } from "../lab";
import type { Snapshot } from "../snapshot";

/** A lab with the gateway deployed in it. */
export interface Scenario {
  readonly lab: Lab;
  readonly deployment: Deployment;
  readonly deployed: UpResult;
  /** The machine before the first deployment; undefined where that made it. */
  readonly before: Snapshot | undefined;
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

const [TIMER, SERVICE] = ["wg-gateway-repair.timer", "wg-gateway-repair.service"];
/** The last of the timer's drop-ins, gone with a reboot: active as it has to be, the timer does not elapse. */
const HELD = `/run/systemd/system/${TIMER}.d/zz-held.conf`;
const ANEW = `systemctl daemon-reload; systemctl restart ${TIMER}`;

/** Keeps the machine from mending itself, so that what is broken on purpose stays so, until what is returned is called or it reboots. */
export async function holdRepair(scenario: Pick<Scenario, "lab">): Promise<() => Promise<void>> {
  const never = `mkdir -p ${dirname(HELD)}; printf '[Timer]\\nOnCalendar=\\nOnCalendar=2100-01-01\\n' >${HELD}`;
  // One that has begun is over: before it has the lock, too.
  const over = `until [[ $(systemctl show --property ActiveState --value ${SERVICE}) != activating ]]; do sleep 0.1; done`;
  const hold = `${never}; ${ANEW}; ${over}; echo held`;
  const held = await onMachine(scenario, `[[ -e ${HELD} ]] || { ${hold}; }`);
  return async () => void (held && (await onMachine(scenario, `rm -f ${HELD}; ${ANEW}`)));
}

/** Does something while the machine does not mend itself. Within another, the outer one counts. */
export async function withoutRepair<T>(scenario: Pick<Scenario, "lab">, what: () => Promise<T>): Promise<T> {
  const release = await holdRepair(scenario);
  try {
    return await what();
  } finally {
    await release();
  }
}

/** A control that is a shell text on the machine. */
export const breaking = (how: string, script: string): Flow["control"] => ({
  how,
  apply: async (scenario) => {
    await onMachine(scenario, script);
  },
});
