import { chmodSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { holdRepair, onMachine, orNothing } from "../../lab/flows";
import type { Scenario } from "../../lab/flows/flow";
import { Lab } from "../../lab/lab";
import { run, until } from "../../lab/process";
import { deployInto, openLab, settled } from "../../lab/scenario";
import { stateFolder } from "../../lab/state";
import { addresses, namespaceOf } from "../../lab/topology";
import { readExposition } from "../machine/exposition";
import { check, watched } from "./watched";

const quiet = () => undefined;
const METRICS = "http://10.4.0.1:9586/metrics";

let scenario: Scenario;
const machine = (script: string): Promise<string> => onMachine(scenario, script).then((text) => text.trimEnd());

/** What is looked at of `gatewayctl status --json`. */
interface Status {
  readonly drift: string[];
  readonly open: boolean;
  readonly exits: Record<string, unknown>[];
  readonly resolvers: { readonly name: string; readonly running: boolean; readonly answers: boolean }[];
  readonly selected: Record<string, string>;
  readonly clients: { readonly name: string; readonly received: number; readonly sent: number }[];
}
const status = async (): Promise<Status> => JSON.parse(await machine("gatewayctl status --json")) as Status;
const clientOf = ({ clients }: Status, name: string) => clients.find((one) => one.name === name)!;

beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet), quiet);
  // It would mend what is broken here.
  await holdRepair(scenario);
});
afterAll(() => Lab.clear());

describe("metrics", () => {
  test("are off by default: nothing listens", async () => {
    expect(await machine("ss -Hltn 'sport = :9586'; systemctl is-active wg-gateway-metrics || true")).toBe("inactive");
    await scenario.deployment.up(watched);
    await settled(scenario.lab);
  });

  test("are fetched by the client that is named, in Prometheus' format, and say what the status says", async () => {
    const { direct } = scenario.lab.clients;
    // Every fifteen seconds there are new ones; these shall have seen the exit well.
    const text = await until("the exit is seen up", 60_000, async () => {
      const got = await orNothing(direct.fetch(METRICS));
      return /^wg_gateway_exit_up\{exit="vpn"\} 1$/m.test(got) ? `${got}\n` : undefined;
    });
    const samples = readExposition(text);
    const value = (name: string, labels: Record<string, string> = {}) =>
      samples.find((one) => one.name === name && Object.entries(labels).every(([key, is]) => one.labels[key] === is))
        ?.value;
    const now = await status();
    for (const name of ["direct", "vpn"]) {
      expect(value("wg_gateway_client_receive_bytes_total", { client: name })).toBeGreaterThan(0);
      expect(value("wg_gateway_client_receive_bytes_total", { client: name })).toBeLessThanOrEqual(
        clientOf(now, name).received,
      );
      expect(Date.now() / 1000).toBeGreaterThanOrEqual(
        value("wg_gateway_client_last_handshake_timestamp_seconds", { client: name })!,
      );
    }
    expect(value("wg_gateway_open")).toBe(1);
    expect(value("wg_gateway_group_member", { group: "any", member: "vpn" })).toBe(1);
    expect(value("wg_gateway_group_member", { group: "any", member: "none" })).toBe(0);
    expect(samples.filter(({ name }) => name === "wg_gateway_window_open").map((one) => one.value)).toEqual([0]);
    for (const resolver of ["host", "local", "vpn"]) expect(value("wg_gateway_resolver_running", { resolver })).toBe(1);
    expect(await orNothing(direct.fetch("http://10.4.0.1:9586/"))).toBe("no answer");
  });

  test("are not for other clients, nor for the uplink's side", async () => {
    const { lab } = scenario;
    expect(await orNothing(lab.clients.vpn.fetch(METRICS, { timeout: 2000 }))).toBe("no answer");
    const outside = (url: string, ...options: string[]) =>
      orNothing(lab.hosts.cloud.must(["curl", "--silent", "--fail", "--max-time", "2", ...options, url]));
    expect(await outside(`http://${addresses.gateway}:9586/metrics`)).toBe("no answer");
    // A neighbour who takes the machine for a router to its inner address; no router of the lab lets the answer to it.
    await lab.hosts.cloud.must(["ip", "route", "add", "10.4.0.1", "via", addresses.gateway]);
    // Each from a port of its own: what was answered before is answered again and again.
    let port = 40000;
    const answers = async () => {
      port += 1;
      const filter = `src 10.4.0.1 and tcp src port 9586 and dst port ${port}`;
      const capture = await lab.machine.network().capture("ens5", filter);
      await outside(METRICS, "--local-port", String(port));
      return (await capture.stop()).length;
    };
    expect(await answers()).toBe(0);
    // Control: without the chain it is answered.
    await machine("nft flush chain inet wg_gateway filter_input");
    expect(await answers()).toBeGreaterThan(0);
    await machine("gatewayctl check --repair");
    expect(await answers()).toBe(0);
  });

  test("that are old are not told", async () => {
    await machine("systemctl stop wg-gateway-watch; touch -d '2 minutes ago' /run/wg-gateway/metrics");
    const { direct } = scenario.lab.clients;
    expect(await direct.host.must(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", METRICS])).toBe("503");
    await machine("systemctl start wg-gateway-watch");
    await until("there are new ones", 20_000, async () => (await orNothing(direct.fetch(METRICS))).includes("_info"));
  });

  test("come from a process without rights", async () => {
    await machine("systemd-analyze security --no-pager --threshold=30 wg-gateway-metrics.service >/dev/null");
    const user = await machine("ps -o user= -p $(systemctl show -P MainPID wg-gateway-metrics)");
    expect(user).not.toBe("root");
    expect(await machine("ss -Hltn 'sport = :9586' | awk '{ print $4 }'")).toBe("10.4.0.1:9586");
  });
});

describe("the status", () => {
  test("is what is", async () => {
    const { lab } = scenario;
    await until("the daemon has seen the exit well", 30_000, async () => (await status()).exits[0]?.["well"] === true);
    const before = await status();
    await lab.clients.vpn.fetch(`http://${addresses.web}/`);
    const seen = await status();
    expect(seen).toMatchObject({ drift: [], open: true });
    const tunnel = await machine('ip -n vpn_ns -j -4 address show dev tun0 | grep -o \'"local":"[0-9.]*"\'');
    expect(`"local":"${String(seen.exits[0]?.["tunnelAddress"])}"`).toBe(tunnel);
    expect(seen.exits).toMatchObject([
      {
        ...{ name: "vpn", namespace: "vpn_ns", health: "well", running: true },
        ...{ publicAddress: addresses.provider, lastError: null },
      },
    ]);
    expect(seen.resolvers.map(({ name, running, answers }) => `${name} ${running} ${answers}`)).toEqual([
      "direct true true",
      "host true true",
      "local true true",
      "vpn true true",
    ]);
    expect(clientOf(seen, "vpn")).toMatchObject({ address: "10.4.0.200", ways: "any", exit: "vpn" });
    expect(clientOf(seen, "direct")).toMatchObject({ address: "10.4.0.50", exit: "direct" });
    expect(JSON.stringify(clientOf(seen, "vpn"))).toContain(`"endpoint":"${addresses.homeVpn}:`);
    expect(clientOf(seen, "vpn").received).toBeGreaterThan(clientOf(before, "vpn").received);
    expect(clientOf(seen, "vpn").sent).toBeGreaterThan(clientOf(before, "vpn").sent);
    expect(Object.values(seen.selected).sort()).toEqual(["closed", "vpn"]);
  });

  test("asks what address is seen through the exit alone, of the upstreams alone", async () => {
    const capture = await scenario.lab.hosts.internet.capture("any", "inbound and port 53");
    await status();
    const asked = (await capture.stop()).filter((line) => line.includes("whoami.cloudflare"));
    expect(new Set(asked.map((line) => / IP (\d+\.\d+\.\d+\.\d+)\.\d+ >/.exec(line)?.[1]))).toEqual(
      new Set([addresses.provider]),
    );
    expect(new Set(asked.map((line) => /> (\d+\.\d+\.\d+\.\d+)\.53:/.exec(line)?.[1]))).toEqual(
      new Set(addresses.upstreams),
    );
  });

  test("tells a resolver that is silent, an exit that is down, and drift", async () => {
    await machine(
      "systemctl kill -s STOP wg-gateway-resolver@local; systemctl stop wg-gateway-exit@vpn; ip rule del priority 103",
    );
    const text = await machine("gatewayctl status");
    expect(text).toMatch(/^local +SILENT /m);
    expect(text).toMatch(/^vpn +DOWN +- +no tunnel +not told /m);
    expect(text).toContain("differences (gatewayctl check)");
    expect((await status()).exits).toMatchObject([{ name: "vpn", tunnelAddress: null, publicAddress: null }]);
    expect(text).not.toContain("\u001b");
    expect(await machine("gatewayctl status --colour always")).toContain("\u001b[31mSILENT\u001b[0m");
    await machine("systemctl kill -s CONT wg-gateway-resolver@local; gatewayctl check --repair");
  });

  test("is shown at the operator's desk, over SSH", async () => {
    // In the CLI's place: the outputs are those of the deployment.
    const bin = stateFolder("desk");
    const { connection } = scenario.deployed.outputs as unknown as { connection: unknown };
    writeFileSync(`${bin}/pulumi`, `#!/bin/sh\ncat <<'EOF'\n${JSON.stringify(connection)}\nEOF\n`);
    chmodSync(`${bin}/pulumi`, 0o755);
    const desk = (...words: string[]) =>
      run(
        ["ip", "netns", "exec", namespaceOf("operator"), process.execPath, "--import", "./desk/ready.mjs"].concat(
          "desk/main.ts",
          "status",
          "--stack",
          "lab",
          ...words,
        ),
        { env: { ...process.env, PATH: `${bin}:${process.env["PATH"]}` }, timeout: 60_000 },
      );
    const { stdout, stderr, exitCode } = await desk();
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatch(/^release [0-9a-f]{12}: the machine is as it says; up /);
    expect(stdout).toMatch(/^direct +10\.4\.0\.50 +direct /m);
    expect(JSON.parse((await desk("--json")).stdout)).toMatchObject({ drift: [], open: true });
  });
});

test("metrics that are taken away are gone", async () => {
  await scenario.deployment.up();
  expect(await machine("ss -Hltn 'sport = :9586'; systemctl is-active wg-gateway-metrics || true")).toBe("inactive");
  expect(await machine("systemctl is-enabled wg-gateway-metrics || true")).toBe("disabled");
  expect((await check(scenario)).findings).toEqual([]);
});
