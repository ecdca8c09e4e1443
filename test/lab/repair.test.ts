import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onMachine, withoutRepair, type Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { deployInto, openLab, settled } from "../../lab/scenario";
import { checkWhileLocked } from "./locked";

const quiet = () => undefined;
const SOUND = "the machine is as its release says\n";
const TIMER = "wg-gateway-repair.timer";

/**
 * The timer elapses each second instead of each minute; all else of it and of its service is the release's. With the lock held: a repair
 * between the file and the reload would find units that changed.
 */
const HURRY = `exec 9>/run/lock/wg-gateway.lock; flock 9
mkdir -p /run/systemd/system/${TIMER}.d
printf '[Timer]\\nOnCalendar=\\nOnCalendar=*:*:*\\nAccuracySec=100ms\\n' >/run/systemd/system/${TIMER}.d/hurry.conf
systemctl daemon-reload; systemctl restart ${TIMER}; exec 9>&-`;

/** Holds the lock as a deployment does, until the unit `deployment` is stopped. */
const HOLD_LOCK = `systemd-run --quiet --unit=deployment flock /run/lock/wg-gateway.lock sleep 600
until ! flock --nonblock /run/lock/wg-gateway.lock true; do :; done`;

let scenario: Scenario;
const look = (script: string): Promise<string> => onMachine(scenario, script).then((text) => text.trim());
const check = async (): Promise<string> => (await scenario.lab.machine.exec(["gatewayctl", "check"])).stdout;

beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet), quiet);
  expect(await check()).toBe(SOUND);
  await onMachine(scenario, HURRY);
});
afterAll(() => Lab.clear());

test("finds nothing to mend on a sound machine, for itself, with no more rights than its unit has", async () => {
  const said = await withoutRepair(scenario, () =>
    look("systemctl start wg-gateway-repair.service; journalctl -u wg-gateway-repair.service -o cat --no-pager"),
  );
  expect(said.split("\n")).toContain(SOUND.trim());
  expect(said).not.toMatch(/mending|Permission|not permitted/);
});

describe("what somebody broke is mended without a person:", () => {
  test.each([
    [
      "ip rules, routes, peers, forwarding, files",
      `while ip rule del protocol 45 2>/dev/null; do :; done
       ip route flush table 200; ip route flush table 250
       for peer in $(wg show wg0 peers); do wg set wg0 peer $peer remove; done
       sysctl -qw net.ipv4.ip_forward=0
       echo '# mine' >>/etc/wg-gateway/host.nft; rm /etc/wg-gateway/rules; chmod 644 /etc/wireguard/wg0.conf`,
    ],
    ["the host's rules deleted", "nft delete table inet wg_gateway"],
    ["the host's rules flushed, its table left", "nft flush table inet wg_gateway"],
    ["every ip rule flushed, the machine's own too", "ip rule flush"],
    ["the tunnel's interface down in its namespace", "ip -n vpn_ns link set tun0 down"],
    [
      "the namespace's rules flushed, and its end of the link down",
      "ip netns exec vpn_ns nft flush ruleset; ip -n vpn_ns link set veth-vpn down",
    ],
    ["the namespace deleted", "ip netns del vpn_ns"],
    ["wg0 down, the link to the namespace deleted", "ip link set wg0 down; ip link del veth-wg"],
    [
      "wg0 deleted, units stopped",
      "ip link del wg0; systemctl stop wg-gateway-resolver@host wg-gateway-exit@vpn wg-gateway-watch wg-gateway-firewall",
    ],
  ])("%s", async (_, drift) => {
    await withoutRepair(scenario, async () => {
      await onMachine(scenario, drift);
      expect(await check()).not.toBe(SOUND);
    });
    await until("the machine is as its release says", 40_000, async () => (await check()) === SOUND, 1000);
    await settled(scenario.lab);
  });
});

describe("the timer", () => {
  test("waits for whoever holds the lock, as a deployment does", async () => {
    await withoutRepair(scenario, async () => {
      await onMachine(scenario, `${HOLD_LOCK}; ip rule del priority 200`);
    });
    const waits = "journalctl -u wg-gateway-repair.service -n 1 -o cat --no-pager";
    await until("it waits", 20_000, async () => (await look(waits)).includes("waiting for another gatewayctl"));
    expect(await look("ip rule show priority 200")).toBe("");
    await onMachine(scenario, "systemctl stop deployment");
    await until("it has mended", 20_000, async () => (await look("ip rule show priority 200")) !== "");
    await settled(scenario.lab);
  });

  test("is waited for on standard error: standard output has the answer alone", async () => {
    const answer = await onMachine(scenario, checkWhileLocked("gatewayctl", "wg-gateway"));
    expect(answer).toBe(SOUND);
  });

  test("goes when wg0 is stopped, and with it a repair that is under way: wg0 stays down; it comes with wg0", async () => {
    const states = `systemctl is-active ${TIMER} wg-gateway-repair.service || ip link show wg0 2>&1 || true`;
    await onMachine(scenario, HOLD_LOCK);
    await until("a repair waits", 20_000, async () => (await look(states)).startsWith("active\nactivating"));
    await onMachine(scenario, "systemctl stop wg-quick@wg0; systemctl stop deployment");
    // Whoever still wants the lock has had it.
    await onMachine(scenario, "flock /run/lock/wg-gateway.lock true");
    expect(await look(states)).toBe('inactive\ninactive\nDevice "wg0" does not exist.');
    await onMachine(scenario, "systemctl start wg-quick@wg0");
    expect(await look(`systemctl is-active ${TIMER}`)).toBe("active");
    await settled(scenario.lab);
  });

  test("elapses each minute", async () => {
    await onMachine(
      scenario,
      `rm -r /run/systemd/system/${TIMER}.d; systemctl daemon-reload; systemctl restart ${TIMER}`,
    );
    const shown = await look(`systemctl list-timers ${TIMER} -o json; date +%s`);
    const [timers = "", now] = shown.split("\n");
    const [timer] = JSON.parse(timers) as { next: number }[];
    expect(timer!.next / 1e6 - Number(now)).toBeGreaterThanOrEqual(-1);
    expect(timer!.next / 1e6 - Number(now)).toBeLessThanOrEqual(60);
  });

  test("does not bring back what `gatewayctl down` took away", async () => {
    await onMachine(scenario, HURRY);
    await onMachine(scenario, "gatewayctl down");
    expect(await look(`systemctl is-active ${TIMER} wg-gateway-repair.service || true`)).toBe("inactive\ninactive");
    expect(await look("ls -d /etc/wg-gateway /sys/class/net/wg0 2>/dev/null || true")).toBe("");
  });
});
