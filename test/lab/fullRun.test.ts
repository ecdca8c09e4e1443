import { afterAll, beforeAll, expect, test } from "vitest";
import { onMachine, type Scenario, withoutRepair } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { deployInto, openLab, settled } from "../../lab/scenario";

let scenario: Scenario;
const machine = (script: string): Promise<string> => onMachine(scenario, script).then((text) => text.trim());

beforeAll(async () => {
  const quiet = () => undefined;
  scenario = await deployInto(await openLab(quiet), quiet);
});
afterAll(() => Lab.clear());

/** No room at all: in blocks, and in files. */
const FILL = `used=$(df --output=used -k /run | tail -1); mount -o remount,size=$((used + 64))k /run
  head -c 1M /dev/zero >/run/fill 2>/dev/null || true
  ! touch /run/wg-gateway/room || ! head -c 8k /dev/zero >/run/wg-gateway/room 2>/dev/null; rm -f /run/wg-gateway/room`;

test("a full /run: the daemon lives on, the repair ends with the reason, and all is well when there is room", async () => {
  await withoutRepair(scenario, async () => {
    await machine("systemctl reset-failed wg-gateway-watch");
    const began = await machine("systemctl show -P ExecMainStartTimestampMonotonic wg-gateway-watch");
    await machine(FILL);
    const said = await until("the daemon says so", 30_000, async () => {
      const text = await machine("journalctl -o cat -u wg-gateway-watch");
      return text.includes("No space left on device") ? text : undefined;
    });
    expect(said).toContain("the status does not know how exit vpn is: [Errno 28] No space left on device: '/run/");
    expect(said).not.toContain("Traceback");
    const [right, broken] = [
      await machine("gatewayctl check --repair 2>&1"),
      await machine("ip rule del priority 103; gatewayctl check --repair 2>&1 || true"),
    ];
    expect(right).toContain("the machine is as its release says");
    for (const text of [right, broken]) {
      expect(text).toContain("No space left on device");
      expect(text).not.toContain("Traceback");
    }
    expect(await machine("systemctl show -P ExecMainStartTimestampMonotonic wg-gateway-watch")).toBe(began);
    await settled(scenario.lab);
    await machine("rm /run/fill; mount -o remount,size=50% /run; gatewayctl check --repair");
  });
  await until("the status knows the exit again", 30_000, async () =>
    (await machine("gatewayctl status")).includes("\nvpn   well"),
  );
  expect(await machine("gatewayctl check")).toBe("the machine is as its release says");
});
