import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { holdRepair, onMachine, type Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import type { Result } from "../../lab/process";
import { deployInto, openLab, settled } from "../../lab/scenario";
import { differences, snapshot, type Snapshot } from "../../lab/snapshot";
import { addresses } from "../../lab/topology";

const quiet = () => undefined;
/** Twenty minutes, beside other labs on two cores. */
const EVERY_STEP = process.env["WG_GATEWAY_LAB_EVERY_STEP"] === "1";
const RECEIVE = readFileSync(join(__dirname, "../../userdata/receive.sh"), "utf8");

/**
 * gatewayctl, killed before its Nth step, or 0 for never; then its steps are printed at the end. A step is whatever changes something: a
 * file that is put in place or goes away, a command but those that only look. Python's own audit events tell them (PEP 578).
 */
const KILLER = `
import os, re, signal, sys
sys.path.insert(0, "/usr/local/lib/wg-gateway/gatewayctl")
looks = re.compile(r"(ip( -\\S+)* (rule|link|route|address) show|ip netns exec \\S+ nft -j|nft -j|unshare|systemctl (is-active|show)|dpkg-query|sysctl -n|wg show|journalctl|ss|sh -c ls)\\b")
steps, at = [], int(sys.argv[1])
def hook(event, arguments):
    if event == "subprocess.Popen":
        step = " ".join(map(str, arguments[1]))
    elif event in ("os.rename", "os.remove") and os.path.lexists(arguments[0]):
        step = f"{event} {arguments[0]}"
    else:
        return
    if looks.match(step):
        return
    steps.append(step)
    if len(steps) == at:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
import main
status = main.main(["apply"])
if at == 0:
    print("\\n".join(f"step {step}" for step in steps))
sys.exit(status)
`;

describe("changes that do not come to their end", () => {
  let scenario: Scenario;
  /** Two releases, and the machine as each makes it. */
  const releases: { text: string; shot: Snapshot }[] = [];

  const machine = () => scenario.lab.machine;
  const apply = (text: string, at = 0): Promise<Result> =>
    machine().exec(["python3", "-B", "-c", KILLER, String(at)], { input: text, timeout: 120_000 });
  const check = () => machine().exec(["gatewayctl", "check"]);
  const current = () => onMachine(scenario, "cat /var/lib/wg-gateway/release.json");

  const changed = () => ({
    exits: [
      { name: "vpn", profile: scenario.lab.providers.provider.profilePath },
      { name: "nl", kind: "wireguard", profile: scenario.lab.providers.wgprov.profilePath, slot: 2 },
    ],
    clients: [
      { name: "direct", address: "10.4.0.50" },
      { name: "vpn", address: "10.4.0.200" },
      { name: "tablet", address: "10.4.0.60" },
    ],
    wireguard: { mtu: 1400 },
    dns: { records: { "nas.internal": "10.4.0.9" } },
  });

  beforeAll(async () => {
    scenario = await deployInto(await openLab(quiet), quiet);
    await holdRepair(scenario);
    const shoot = async () => ({ text: await current(), shot: await snapshot(machine()) });
    await scenario.deployment.up(changed());
    const other = await shoot();
    // Anew, for an exit that was taken away has left its log.
    await scenario.deployment.up();
    releases.push(await shoot(), other);
  });
  afterAll(() => Lab.clear());

  const nothingLeft = async () => {
    expect((await check()).stdout).toBe("the machine is as its release says\n");
    const left =
      "find /etc /usr/local /var/lib/wg-gateway -name '*.wg-gateway-new' -o -name pending.json; ls -d /run/wg-gateway-* || true";
    expect((await onMachine(scenario, left)).trim()).toBe("");
  };
  /** The machine is as a release makes it, and nothing of another is left. */
  const isAt = async ({ text, shot }: (typeof releases)[number], how: string) => {
    expect((await current()) === text, how).toBe(true);
    await nothingLeft();
    expect(differences(shot, await snapshot(machine())), how).toEqual([]);
  };

  /** The steps of a deployment that comes to its end. */
  const stepsTo = async ({ text }: (typeof releases)[number]) =>
    (await apply(text)).stdout.split("\n").filter((line) => line.startsWith("step "));
  const kindOf = (step: string) => /^step (os\.\w+|systemctl restart|\S+exit-\w+\.sh)/.exec(step)?.[1];

  /** Where deployments are killed: at the middle one of each kind of step, or at every step there is, each way. */
  const kills = async () => {
    const [one, other] = releases as [(typeof releases)[number], (typeof releases)[number]];
    const ways = [
      { from: one, to: other, steps: await stepsTo(other) },
      { from: other, to: one, steps: await stepsTo(one) },
    ] as const;
    const all = ways.flatMap(({ from, to, steps }) =>
      steps.map((how, index) => ({ from, to, how, step: index + 1, kind: kindOf(how) })),
    );
    if (EVERY_STEP) return all;
    const kinds = [...new Set(all.map(({ kind }) => kind))].filter((kind) => kind !== undefined);
    expect(kinds).toHaveLength(5);
    return kinds.map((kind, index) => {
      const fitting = all.filter((one) => one.kind === kind);
      const froms = [...new Set(fitting.map(({ from }) => from))];
      const oneWay = fitting.filter(({ from }) => from === froms[index % froms.length]);
      return oneWay[oneWay.length >> 1]!;
    });
  };

  // Every step, in each run, is in test/machine/fuzzInterrupted.test.ts, on a model of the machine.
  const title = `killed at ${EVERY_STEP ? "every" : "each kind of"} step: a repair goes back, the same deployment goes on`;
  test(title, { timeout: EVERY_STEP ? 3_600_000 : 300_000 }, async () => {
    let [at, undone] = [releases[0]!, 0];
    for (const [index, { from, to, how, step }] of (await kills()).entries()) {
      if (at !== from) await apply(from.text);
      expect((await apply(to.text, step)).exitCode, how).toBe(137);
      // The first steps of all only look, and those at the end clear up: there is nothing to go back from.
      const begun = (await machine().exec(["test", "-e", "/var/lib/wg-gateway/pending.json"])).exitCode === 0;
      expect(begun || EVERY_STEP, how).toBe(true);
      at = index % 3 === 1 ? to : from;
      // What the timer starts, in its own sandbox.
      const repair =
        "systemctl start wg-gateway-repair.service; journalctl -u wg-gateway-repair -n 40 -o cat --no-pager; journalctl --rotate --vacuum-time=1s -q";
      const { stdout, exitCode } =
        at === to ? await apply(to.text) : await machine().exec(["bash", "-euc", repair], { timeout: 90_000 });
      expect(exitCode, how).toBe(0);
      if (begun) expect(stdout, how).toContain("an earlier deployment was interrupted");
      else at = (await current()) === to.text ? to : from;
      await isAt(at, how);
      undone += Number(begun);
    }
    expect(undone).toBeGreaterThanOrEqual(EVERY_STEP ? 50 : 5);
    if (at !== releases[0]!) await apply(releases[0]!.text);
  });

  test("what a killed deployment started is waited for", async () => {
    // A program that gatewayctl and its scripts run, made slow.
    await onMachine(
      scenario,
      `printf '#!/bin/sh\\ntouch /run/slow-began\\nwhile [ -e /run/slow ]; do sleep 0.02; done\\nexec /usr/sbin/sysctl "$@"\\n' >/usr/local/bin/sysctl
       chmod 755 /usr/local/bin/sysctl; touch /run/slow
       systemd-run --quiet --unit=killed --property=KillMode=none gatewayctl check --repair
       until [ -e /run/slow-began ]; do sleep 0.02; done
       kill -KILL "$(systemctl show -P MainPID killed)"; until ! systemctl -q is-active killed; do sleep 0.02; done
       ! flock -n /run/lock/wg-gateway.lock true
       rm /run/slow; flock -w 20 /run/lock/wg-gateway.lock true
       rm /usr/local/bin/sysctl /run/slow-began; systemctl reset-failed killed`,
    );
    await isAt(releases[0]!, "afterwards");
  });

  test("rules loaded anew, a hundred times: no packet of either path is lost; control: deleted in between", async () => {
    const lossesWhile = async (load: string): Promise<string[]> => {
      const pings = (["direct", "vpn"] as const).map(async (name) => {
        const command = ["ping", "-n", "-q", "-i", "0.002", "-c", "4000", addresses.web];
        const { stdout } = await scenario.lab.clients[name].host.run(command, { timeout: 60_000 });
        return /(\d+) received/.exec(stdout)?.[1] ?? stdout;
      });
      await onMachine(scenario, `for one in $(seq 100); do ${load}; done`);
      return Promise.all(pings);
    };
    const load = "/usr/local/lib/wg-gateway/firewall.sh open";
    await settled(scenario.lab);
    expect(await lossesWhile(load)).toEqual(["4000", "4000"]);
    const [, vpn] = await lossesWhile(`nft delete table inet wg_gateway; ${load}`);
    expect(Number(vpn)).toBeLessThan(4000);
  });

  test("two at once: one after the other, and the machine is as one of them says", async () => {
    const both = await Promise.all(releases.map(({ text }) => apply(text)));
    expect(both.map(({ exitCode, stderr }) => `${exitCode} ${stderr}`)).toEqual(["0 ", "0 "]);
    expect(both.map(({ stdout }) => stdout).join()).toContain("waiting for another gatewayctl to finish");
    const text = await current();
    const last = releases.find((one) => one.text === text);
    expect(last).toBeDefined();
    await isAt(last!, "after both");
    await apply(releases[0]!.text);
  });

  /** A release with other text in one of its files, and the digest that belongs to it. */
  const withFile = (text: string, path: string, change: (content: string) => string): string => {
    const release = JSON.parse(text) as { digest: string; files: { path: string; mode: string; content: string }[] };
    const hash = createHash("sha256");
    for (const file of release.files) {
      if (file.path === path) file.content = change(file.content);
      hash.update(`${file.path}\0${file.mode}\0${file.content}\0`);
    }
    return JSON.stringify({ ...release, digest: hash.digest("hex") });
  };
  const receive = async (text: string) => {
    const { exitCode, stdout, stderr } = await machine().exec(["sh", "-c", RECEIVE], { input: text, timeout: 120_000 });
    return `${exitCode} ${stdout}${stderr}`;
  };

  test("a bundle that is cut short, or that is no bundle, changes nothing", async () => {
    const { text } = releases[1]!;
    for (const length of [0, 1, text.length >> 1, text.length - 3])
      expect(await receive(text.slice(0, length))).toBe(
        "1 the release did not arrive whole; nothing was changed; deploy again\n",
      );
    await isAt(releases[0]!, "afterwards");
  });

  test.each([
    ["/etc/wg-gateway", 8],
    ["/var/lib/wg-gateway", 64],
    ["/usr/local/lib/wg-gateway", 8],
  ])("no room in %s (%i KiB): nothing is changed", async (folder, room) => {
    // In the folder's place its copy, on a disk that has as much room left.
    await onMachine(
      scenario,
      `rm -rf /run/copy; cp -a ${folder} /run/copy; used=$(find /run/copy | wc -l); used=$((used * 4 + $(du -sk --apparent-size /run/copy | cut -f1) + ${room}))
       mount -t tmpfs -o mode=755,size=\${used}k full ${folder}; cp -a /run/copy/. ${folder}/; fallocate -l $(($(df --output=avail -k ${folder} | tail -n 1) - ${room}))k ${folder}/filler`,
    );
    try {
      const text = withFile(
        releases[1]!.text,
        "/usr/local/lib/wg-gateway/wg0-up.sh",
        (content) => content + "# ".repeat(20_000),
      );
      expect(await receive(text)).toMatch(/^1 [^]*No space left on device[^]*nothing was changed\n$/);
      expect((await current()) === releases[0]!.text).toBe(true);
      await onMachine(scenario, `rm ${folder}/filler`);
      await nothingLeft();
    } finally {
      await onMachine(scenario, `umount ${folder}; rm -rf /run/copy`);
    }
    await isAt(releases[0]!, "with room again");
  });

  test.each([
    ["rule", "/etc/wg-gateway/host.nft", (rules: string) => rules.replace("masquerade", "maskerade")],
    ["exit", "/etc/wg-gateway/exits/nl/namespace.nft", (rules: string) => rules.replace("masquerade", "maskerade")],
  ])("a bad %s: back by itself", async (_, path, change) => {
    const said = await receive(withFile(releases[1]!.text, path, change));
    expect(said).toMatch(/^1 [^]*going back to the release before[^]*maskerade/);
    expect(said).not.toContain("going back failed");
    await isAt(releases[0]!, said);
  });

  test("the connection cut in the middle: back by itself; the old settings are in truth unchanged, the new ones arrive", async () => {
    const cut = { wireguard: { mtu: 1400 } };
    const failing = scenario.deployment.up(cut).then(
      () => "done",
      () => "failed",
    );
    await onMachine(
      scenario,
      `until grep -q 'MTU = 1400' /etc/wireguard/wg0.conf; do sleep 0.02; done
       for pid in $(pgrep -f '[s]shd.*admin'); do kill -KILL "$pid"; done; flock -w 60 /run/lock/wg-gateway.lock true`,
    );
    expect(await failing).toBe("failed");
    await isAt(releases[0]!, "cut");
    expect((await scenario.deployment.up()).summary).toMatchObject({ created: 0, updated: 0, deleted: 0 });
    await scenario.deployment.up(cut);
    await nothingLeft();
    expect(await onMachine(scenario, "ip link show wg0")).toContain("mtu 1400");
    await settled(scenario.lab);
  });
});
