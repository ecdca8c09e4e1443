import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onMachine } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { deployInto, openLab } from "../../lab/scenario";
import type { Scenario } from "../../lab/flows/flow";

const quiet = () => undefined;
let scenario: Scenario;
const machine = (script: string): Promise<string> => onMachine(scenario, script);

beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet), quiet);
});
afterAll(() => Lab.clear());

describe("probe", () => {
  test("look", async () => {
    console.log(await machine("time gatewayctl check 2>&1 || true"));
    console.log(await machine("time gatewayctl status 2>&1"));
    console.log(await machine("gatewayctl status --json; ip -j -s -n vpn_ns address show dev tun0; ss -Hlun; systemctl show -p Id,ActiveState,UnitFileState,NeedDaemonReload,MainPID,ActiveEnterTimestampMonotonic wg-quick@wg0 wg-gateway-exit@vpn; ip -n vpn_ns route; ip route show table 200; ls -la /run/wg-gateway /run/wg-gateway/*"));
    console.log(await machine("for i in 1 2 3; do time (gatewayctl check); done 2>&1"));
  });
});
