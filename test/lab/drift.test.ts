import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { holdRepair, onMachine, orNothing } from "../../lab/flows";
import type { Scenario } from "../../lab/flows/flow";
import { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { deployInto, openLab, settled } from "../../lab/scenario";
import { addresses } from "../../lab/topology";
import { alone, type Drift, together } from "./drifts";
import { check, type Checked, watched } from "./watched";

const quiet = () => undefined;

let scenario: Scenario;
const machine = (script: string): Promise<string> => onMachine(scenario, script).then((text) => text.trimEnd());

beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet), quiet);
  // It would mend what is broken here.
  await holdRepair(scenario);
  await scenario.deployment.up(watched);
  await settled(scenario.lab);
});
afterAll(() => Lab.clear());

describe("the watch daemon", () => {
  let window: string;
  beforeAll(async () => {
    window = await machine("ls /run/wg-gateway/selected | grep ^window-");
  });
  /** What the daemon does with the selection, by itself. */
  const daemon = (script: string) =>
    `python3 -B -c 'import contextlib, subprocess, sys; sys.path.insert(0, "/usr/local/lib/wg-gateway/gatewayctl"); import selection\n${script}'`;
  const select = (variant: string) => daemon(`selection.select({"${window}": "${variant}"})`);

  test("is waited for by a check between its selecting and its loading, which differ", async () => {
    await machine(`systemctl stop wg-gateway-watch; ${select("closed")}; /usr/local/lib/wg-gateway/firewall.sh reload`);
    const between = async (held: string): Promise<string[]> => {
      const said = await machine(
        daemon(`with ${held}:
    selection.select({"${window}": "open"})
    check = subprocess.Popen(["gatewayctl", "check", "--json"], stdout=subprocess.PIPE, text=True)
    try: check.wait(5)
    except subprocess.TimeoutExpired: pass
    selection.load()
print(check.communicate()[0])
selection.switch({"${window}": "closed"})`),
      );
      return (JSON.parse(said) as Checked).findings;
    };
    // The daemon does not run, which is all that differs.
    expect(await between("selection.one_at_a_time()")).toEqual([expect.stringMatching(/wg-gateway-watch/)]);
    // Control: what is not held is seen to differ.
    expect(await between("contextlib.nullcontext()")).toContainEqual(
      expect.stringMatching(/^nft table inet wg_gateway of the host is not as released: /),
    );
    await machine("systemctl start wg-gateway-watch");
  });

  test("loads what another one had selected and was killed before it loaded", async () => {
    await machine(`systemctl stop wg-gateway-watch; ${select("open")}; /usr/local/lib/wg-gateway/firewall.sh reload`);
    await machine(select("closed"));
    // Control: nothing but the daemon loads it.
    expect((await check(scenario)).findings).toContainEqual(
      expect.stringMatching(/^nft table inet wg_gateway of the host is not as released: /),
    );
    await machine("systemctl start wg-gateway-watch");
    await until(
      "it is loaded",
      20_000,
      async () => !(await check(scenario)).findings.some((line) => line.startsWith("nft")),
    );
  });
});

describe("what differs", () => {
  const fits = (line: string, said: string | RegExp) => (typeof said === "string" ? line === said : said.test(line));
  async function seenAndMended(drifts: readonly Drift[]): Promise<void> {
    expect((await check(scenario)).findings).toEqual([]);
    for (const [made] of drifts) await machine(made);
    const { findings } = await check(scenario);
    const expected = drifts.flatMap(([, ...said]) => said);
    expect(expected.filter((said) => !findings.some((line) => fits(line, said)))).toEqual([]);
    expect(findings.filter((line) => !expected.some((said) => fits(line, said)))).toEqual([]);
    const repaired = await check(scenario, "--repair");
    expect(repaired).toEqual({ ok: true, findings: [], mended: findings });
  }

  test("is seen, each by itself, and mended; a second repair finds nothing and restarts nothing", async () => {
    await seenAndMended(together);
    const started = "systemctl show -p ActiveEnterTimestampMonotonic 'wg-gateway-*' wg-quick@wg0";
    const before = await machine(started);
    expect(await check(scenario, "--repair")).toEqual({ ok: true, findings: [], mended: [] });
    expect(await machine(started)).toBe(before);
    await settled(scenario.lab);
  });

  test.each(alone.map((drift) => [drift[0], drift] as const))("%s: seen, and mended", async (_, drift) => {
    await seenAndMended([drift]);
  });

  test("mended, the clients are on their ways", async () => {
    await settled(scenario.lab);
    const { direct, vpn } = scenario.lab.clients;
    expect((await direct.fetch(`http://${addresses.web}/`)).trim()).toBe(addresses.elastic);
    await until(
      "the VPN client is seen as its provider",
      60_000,
      async () => (await orNothing(vpn.fetch(`http://${addresses.web}/`))) === addresses.provider,
    );
  });
});
