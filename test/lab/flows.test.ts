import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flows, lastFlow, onMachine, undisturbed, withoutRepair, type Flow, type Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { deployInto, openLab, settled } from "../../lab/scenario";

const quiet = () => undefined;

async function wrongRows(flow: Flow, scenario: Scenario): Promise<string[]> {
  const rows = await flow.observe(scenario);
  expect(rows.length).toBeGreaterThan(0);
  return rows.filter(({ ok }) => !ok).map(({ what, expected, seen }) => `${what}: expected ${expected}, seen ${seen}`);
}

describe("the gateway's promises, on Debian 13", () => {
  let scenario: Scenario;
  beforeAll(async () => {
    scenario = await deployInto(await openLab(quiet), quiet);
  });
  afterAll(() => Lab.clear());

  describe.each(flows)("$title", (flow) => {
    test("is seen from outside", async () => {
      expect(await wrongRows(flow, scenario)).toEqual([]);
    });

    const { control } = flow;
    if (control)
      test(`control: ${control.how}: the same look finds it broken, and \`gatewayctl check --repair\` mends it`, async () => {
        await withoutRepair(scenario, async () => {
          await control.apply(scenario);
          expect(await wrongRows(flow, scenario)).not.toEqual([]);
          await onMachine(scenario, "gatewayctl check --repair");
        });
        await settled(scenario.lab);
        expect(await wrongRows(flow, scenario)).toEqual([]);
      });
  });

  test("control: the probes of `client added` do lose when wg0 is restarted", async () => {
    const { rows } = await undisturbed(scenario, () => onMachine(scenario, "systemctl restart wg-quick@wg0"));
    expect(rows.map(({ ok }) => ok)).toEqual([false, false]);
    await settled(scenario.lab);
  });

  describe(lastFlow.title, () => {
    test("leaves the machine as it was", async () => {
      expect(await wrongRows(lastFlow, scenario)).toEqual([]);
    });
  });
});

describe("the gateway's promises, on Debian 12", () => {
  let scenario: Scenario;
  beforeAll(async () => {
    scenario = await deployInto(await openLab(quiet, { suite: "bookworm" }), quiet);
  });
  afterAll(() => Lab.clear());

  test.each([...flows, lastFlow])("$title", async (flow) => {
    expect(await wrongRows(flow, scenario)).toEqual([]);
  });
});
