import fc from "fast-check";
import { expect } from "vitest";
import { BLOCK_MARK, DIRECT_MARK } from "../../gateway/plan/ids";
import { anyGateway, exitOf, type Gateway } from "./gateways";
import { anySelection, anyTraffic, type Selection, type Traffic } from "./ruleOracle";

/** A device of a default route. */
export const UPLINK = "eth0";
/** A gateway, what is selected on it, and traffic of its clients. */
export interface Case {
  readonly gateway: Gateway;
  readonly selection: Selection;
  readonly traffic: readonly Traffic[];
}
export const anyCase: fc.Arbitrary<Case> = anyGateway.chain((gateway) =>
  fc.record({
    gateway: fc.constant(gateway),
    selection: anySelection(gateway.plan),
    traffic: fc.array(anyTraffic(gateway.settings), { minLength: 8, maxLength: 8 }),
  }),
);

/** Fails with what led to it. */
export function equal(found: unknown, wanted: unknown, { gateway, selection }: Case, ...about: unknown[]): void {
  if (found === wanted) return;
  const { rules, groups } = gateway.settings;
  const why = JSON.stringify({ about, selection: [...selection], groups, rules });
  expect.fail(`${String(found)} instead of ${String(wanted)}: ${why}`);
}

/** What the marks of a way are, and by which device it leaves. */
export function leaving({ plan }: Gateway, way: string): { mark: number; ctMark: number; link: string } {
  if (way === "direct") return { mark: 0, ctMark: DIRECT_MARK, link: UPLINK };
  if (way === "block") return { mark: BLOCK_MARK, ctMark: 0, link: UPLINK };
  const { clientMark, hostLink } = exitOf(plan, way);
  return { mark: clientMark, ctMark: clientMark, link: hostLink };
}
/** What names a way in a chain's name. */
export const end = (way: string): string =>
  way === "direct" || way === "block" ? way : `exit_${way.replaceAll("-", "_")}`;
export const linksOf = ({ plan }: Gateway): string[] => [UPLINK, ...plan.exits.map(({ hostLink }) => hostLink)];
export const exitsOf = ({ plan }: Gateway): string[] => plan.exits.map(({ name }) => name);
