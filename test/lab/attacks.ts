import { describe, expect, test } from "vitest";
import { onMachine, withoutRepair, type Scenario } from "../../lab/flows";

/** What must not be reached, how to look, and what lets it, on the machine: then the same look must succeed. */
export interface Attack {
  readonly reach: () => Promise<boolean>;
  readonly control: string;
}
export type Attacks = Readonly<Record<string, () => Attack>>;

/** Puts a rule that accepts before a chain of ours. */
export const insert = (chain: string, rule: string): string =>
  `nft insert rule inet wg_gateway ${chain} ${rule} accept`;

/** A test for each. @param undo what no repair would take back of the controls, a shell text */
export function notReached(scenario: () => Scenario, attacks: Attacks, undo = "true"): void {
  describe("not reached, unless the rule that forbids it is taken away:", () => {
    test.each(Object.keys(attacks))("%s", async (name) => {
      const { reach, control } = attacks[name]!();
      expect(await reach()).toBe(false);
      await withoutRepair(scenario(), async () => {
        await onMachine(scenario(), control);
        expect(await reach()).toBe(true);
        await onMachine(scenario(), `${undo}; gatewayctl check --repair`);
      });
      expect(await reach()).toBe(false);
    });
  });
}
