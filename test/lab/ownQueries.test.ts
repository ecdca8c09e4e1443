import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onMachine, type Scenario, withoutRepair } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { deployInto, openLab, settled } from "../../lab/scenario";

let scenario: Scenario;
beforeAll(async () => {
  const quiet = () => undefined;
  scenario = await deployInto(await openLab(quiet), quiet);
});
afterAll(() => Lab.clear());

const LOST = "ip route flush table 200; nft delete table inet wg_gateway";

/** The queries from an exit's addresses that leave by the uplink while something is broken, those of the watch daemon and of `gatewayctl status`. */
async function queries(broken: string): Promise<number> {
  const seen = await withoutRepair(scenario, async () => {
    const capture = await scenario.lab.machine.network().capture("ens5", "src net 10.200.0.0/16 and dst port 53");
    await onMachine(scenario, broken);
    await onMachine(scenario, "gatewayctl status >/dev/null");
    // The daemon asks each second as long as an exit fails.
    await delay(8000);
    return (await capture.stop()).length;
  });
  await onMachine(scenario, "gatewayctl check --repair");
  await settled(scenario.lab);
  return seen;
}

test("the gateway's own queries through an exit do not leave in the clear, with its table and every mark lost", async () => {
  // Control: without the last rule they do.
  expect(await queries(`ip rule del priority 302; ${LOST}`)).toBeGreaterThan(3);
  expect(await queries(LOST)).toBe(0);
});
