import { echoesOfEach, PACE } from "../echoes";
import { moveIn, possessions } from "../neighbour";
import { until } from "../process";
import { differences, snapshot } from "../snapshot";
import { addresses } from "../topology";
import { breaking, holds, onMachine, orNothing, same, type Flow, type Row, type Scenario } from "./flow";

/** How long a client may take to notice that the gateway began anew (WireGuard tries again after 15 s), and then some. */
const COMEBACK = 45_000;

/** How often somebody has logged in to the machine. */
const logins = async (scenario: Scenario): Promise<number> =>
  Number(await onMachine(scenario, "journalctl -o cat --no-pager | grep -c 'Accepted publickey' || true"));

export const counts = ({ created, updated, deleted }: { created: number; updated: number; deleted: number }): string =>
  `${created} created, ${updated} updated, ${deleted} deleted`;

/** Both clients, when they are back. */
export function back({ lab }: Scenario): Promise<Row[]> {
  const seenBy = async (which: "direct" | "vpn", expected: string): Promise<Row> => {
    const fetch = () => orNothing(lab.clients[which].fetch(`http://${addresses.web}/`, { timeout: 1000 }));
    const seen = await until(`the ${which} client is back`, COMEBACK, async () =>
      (await fetch()) === expected ? expected : undefined,
    ).catch(fetch);
    return same(`web server sees the ${which} client as`, expected, seen);
  };
  return Promise.all([seenBy("direct", addresses.elastic), seenBy("vpn", addresses.provider)]);
}

export const reboot: Flow = {
  title: "reboot",
  async observe(scenario) {
    const { lab } = scenario;
    await lab.machine.reboot();
    const rows = await back(scenario);
    const check = await lab.machine.exec(["gatewayctl", "check"]);
    return [
      ...rows,
      same(
        "gatewayctl check",
        "the machine is as its release says",
        (check.stdout + check.stderr).trim().split("\n").join("; "),
      ),
    ];
  },
  control: breaking("the gateway's unit not enabled", "systemctl disable -q wg-quick@wg0"),
};

export const unchanged: Flow = {
  title: "up again, nothing changed",
  async observe(scenario) {
    const before = await logins(scenario);
    const { summary } = await scenario.deployment.up();
    return [
      same("resources", "0 created, 0 updated, 0 deleted", counts(summary)),
      same("logins to the machine", "0", String((await logins(scenario)) - before)),
    ];
  },
};

/** Pings the internet from both clients while something happens; rows that say what was lost. */
export async function undisturbed<T>(
  { lab }: Scenario,
  happening: () => Promise<T>,
): Promise<{ result: T; rows: Row[] }> {
  const { direct, vpn } = lab.clients;
  const { result, echoes } = await echoesOfEach([direct.host, vpn.host], addresses.web, happening);
  const rows = echoes.map(({ sent, lost }, index) =>
    holds(
      `${["direct", "vpn"][index]} client: probes lost meanwhile (${PACE}/s)`,
      "0",
      lost === 0,
      `${lost} of ${sent}`,
    ),
  );
  return { result, rows };
}

export const clientAdded: Flow = {
  title: "client added, and removed",
  async observe(scenario) {
    const before = await logins(scenario);
    const clients = [
      { name: "direct", address: "10.4.0.50" },
      { name: "vpn", address: "10.4.0.200" },
      { name: "tablet", address: "10.4.0.51" },
    ];
    const added = await undisturbed(scenario, () => scenario.deployment.up({ clients }));
    const peers = (await onMachine(scenario, "wg show wg0 allowed-ips | wc -l")).trim();
    const steps = (await logins(scenario)) - before;
    const profiles = added.result.outputs.clientProfiles ?? {};
    const removed = await scenario.deployment.up();
    return [
      same("adding: resources (its key, the release)", "1 created, 1 updated, 0 deleted", counts(added.result.summary)),
      same("remote steps", "1", String(steps)),
      same("peers on the machine", "3", peers),
      holds("its profile among the outputs", "yes", "tablet" in profiles, Object.keys(profiles).join(" ")),
      ...added.rows,
      same("removing: resources", "0 created, 1 updated, 1 deleted", counts(removed.summary)),
      same("peers on the machine", "2", (await onMachine(scenario, "wg show wg0 allowed-ips | wc -l")).trim()),
    ];
  },
};

/** The last: nothing is left to observe after it. */
export const destroy: Flow = {
  title: "destroy",
  async observe(scenario) {
    const { machine } = scenario.lab;
    if (!(await machine.must(["ip", "rule", "show"])).includes("192.0.2.77")) await moveIn(machine);
    const neighbour = await possessions(machine);
    const before = scenario.before ?? {};
    const during = differences(before, await snapshot(machine)).length;
    await scenario.deployment.destroy();
    const left = differences(before, await snapshot(machine));
    return [
      holds("differences from before the first up, while deployed", "some", during > 0, String(during)),
      same("differences afterwards", "none", left.join("; ") || "none"),
      same(
        "somebody else's rule, route and table",
        "untouched",
        neighbour === (await possessions(machine)) ? "untouched" : "changed",
      ),
    ];
  },
};
