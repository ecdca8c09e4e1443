import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { echoesMeanwhile } from "../../lab/echoes";
import { onMachine } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { addresses } from "../../lab/topology";
import { type Name, rules, SeveralExits } from "./severalExits";

/* One client's way, by its rules, and what becomes of it when these or the hour change. */

let scene: SeveralExits;

beforeAll(async () => {
  scene = await SeveralExits.open();
});
afterEach(() => scene.recover());
afterAll(() => Lab.clear());

describe("by protocol and port", () => {
  test("TCP 80 through the provider, UDP, ICMP and other ports directly; names by the web's exit", async () => {
    const capture = await scene.lab.hosts.web.capture("eth0", "port 4000 or icmp[icmptype] == icmp-echo");
    const { host } = scene.device("mixed");
    expect(await scene.seen("mixed")).toBe(addresses.provider);
    await host.run([
      "bash",
      "-c",
      `echo x >/dev/udp/${addresses.web}/4000; timeout 1 bash -c '</dev/tcp/${addresses.web}/4000'; ping -c 1 -W 1 ${addresses.web}`,
    ]);
    const from = new Set((await capture.stop()).map((line) => / IP (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1]));
    expect([...from].filter((address) => address !== addresses.web)).toEqual([addresses.elastic]);
    expect(await scene.device("mixed").dig("shop.geo.example")).toEqual(["192.0.2.81"]);
  });

  describe("while rules are loaded again and again", () => {
    // More than are asked one after another.
    const ports = [...Array.from({ length: 20 }, (_, index) => 5000 + 10 * index), "6000-6100"];
    beforeAll(async () => {
      await scene.up({ rules: [...rules, { from: "10.4.0.120", protocol: "udp", ports, exit: "nord" }] });
    });
    afterAll(() => scene.up());
    const load = "/usr/local/lib/wg-gateway/firewall.sh open";

    test("a packet that begins a connection finds its exit, each of them", async () => {
      const { sent, seen } = await datagramsMeanwhile(`for _ in {1..200}; do ${load}; done`);
      expect(seen).toEqual({ [addresses.provider]: sent });
    });

    test("control: without those of the ports for a moment, the direct address is seen", async () => {
      const without = "sed -i '/th dport/d' /etc/wg-gateway/host.nft";
      const { seen } = await datagramsMeanwhile(
        `cp -p /etc/wg-gateway/host.nft /run; ${without}; ${load}; sleep 0.1; mv /run/host.nft /etc/wg-gateway; ${load}`,
      );
      expect(Object.keys(seen).sort()).toEqual([addresses.elastic, addresses.provider].sort());
    });
  });
});

/**
 * Sends datagrams from the mixed client to a UDP port of the web, 500 a second, each from a socket of its own, for as long as a shell text
 * runs on the machine. How many, and how many the web saw by the address that they came from.
 */
async function datagramsMeanwhile(script: string): Promise<{ sent: number; seen: Record<string, number> }> {
  const { host } = scene.device("mixed");
  const sender = `import os, socket, time
sent = 0
while not os.path.exists("/run/stop-sending"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"datagram", ("${addresses.web}", 6050))
    sent += 1
    time.sleep(0.002)
print(sent)`;
  const stop = join(host.runDir, "stop-sending");
  rmSync(stop, { force: true });
  const capture = await scene.lab.hosts.web.capture("eth0", "udp dst port 6050");
  const sending = host.must(["python3", "-c", sender], { timeout: 100_000 });
  await capture.waitFor(/./);
  await onMachine(scene, script).finally(() => writeFileSync(stop, ""));
  const sent = Number(await sending);
  await until("all have arrived", 2000, () => capture.lines.length >= sent).catch(() => undefined);
  const seen: Record<string, number> = {};
  for (const line of await capture.stop()) {
    const from = / IP (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1] ?? line;
    seen[from] = (seen[from] ?? 0) + 1;
  }
  return { sent, seen };
}

describe("block", () => {
  test("local networks, clients and internal names, and nothing else", async () => {
    await scene.up({ rules: [{ from: "10.4.0.120", exit: "block" }, ...rules.slice(0, 4)] });
    const blocked = scene.device("mixed");
    expect(await scene.seen("mixed")).toBe("no answer");
    expect((await blocked.fetch(`http://${addresses.vpcHost}/`)).trim()).toBe(addresses.gateway);
    expect(await blocked.dig("vault.raff.local")).toEqual(["10.4.0.7"]);
    expect(await blocked.dig("shop.geo.example").catch(() => ["no answer"])).not.toContain("192.0.2.80");
    expect(await blocked.ping("10.4.0.50")).toBe(true);
    await scene.up();
    expect(await scene.becomes("mixed", addresses.provider)).toBe(addresses.provider);
  });
});

describe("a client's key rotated", () => {
  test("the old profile is no longer taken, the new one is; nobody else notices", async () => {
    const list = scene.settings["clients"] as { name: string; address: string }[];
    const rotated = list.map((client) => (client.name === "mixed" ? { ...client, keyVersion: 2 } : client));
    const { result, echoes } = await echoesMeanwhile(scene.device("nord").host, addresses.web, () =>
      scene.up({ clients: rotated }),
    );
    expect(echoes.lost).toBe(0);
    expect(await scene.seen("mixed")).toBe("no answer");
    await scene.device("mixed").down();
    await scene.device("mixed").up(result.outputs.clientProfiles?.["mixed"] ?? "");
    expect(await scene.becomes("mixed", addresses.provider)).toBe(addresses.provider);
    // From here on the new key is the client's.
    scene.settings = { ...scene.settings, clients: rotated };
  });
});

/** A download that lasts: its process, and whether it is still on. */
function download(name: Name, seconds = 120) {
  const command = [
    "curl",
    "-sS",
    "-o",
    "/dev/null",
    "--limit-rate",
    "200k",
    "--max-time",
    String(seconds),
    `http://${addresses.web}/bulk`,
  ];
  const state = { exitCode: undefined as number | undefined };
  const ended = scene
    .device(name)
    .host.run(command, { timeout: 130_000 })
    .then(({ exitCode }) => (state.exitCode = exitCode));
  return { state, ended };
}

describe("a client moved to another exit", () => {
  test("its old connections are cut, not moved, and names come from the new exit at once", async () => {
    const running = download("mixed");
    const other = download("nord", 30);
    await until(
      "the download runs",
      10_000,
      async () =>
        (
          await onMachine(
            scene,
            "conntrack -L -p tcp 2>/dev/null | grep -c 'ESTABLISHED src=10.4.0.120 .*dport=80' || true",
          )
        ).trim() !== "0",
    );
    await scene.up({ rules: [{ from: "10.4.0.120", exit: "express" }, ...rules.slice(0, 4)] });
    await until("the old connection is cut", 10_000, () => running.state.exitCode !== undefined);
    expect(running.state.exitCode).not.toBe(0);
    expect(await scene.device("mixed").dig("shop.geo.example")).toEqual(["192.0.2.82"]);
    expect(await scene.seen("mixed")).toBe(addresses.express);
    expect(other.state.exitCode).toBeUndefined();
    await scene.up();
    await other.ended;
  });
});

describe("by time", () => {
  test("after a reboot inside a window, and outside of one", async () => {
    const hour = (ahead: number) => new Date(Date.now() + ahead * 3_600_000).toISOString().slice(11, 16);
    const inside = { from: hour(-2), to: hour(2), timeZone: "UTC" };
    const outside = { from: hour(2), to: hour(4), timeZone: "UTC" };
    await scene.up({
      rules: [
        { from: "10.4.0.120", during: inside, exit: "nord" },
        { from: "10.4.0.110", during: outside, exit: "nord" },
        ...rules.slice(0, 3),
      ],
    });
    await scene.lab.machine.reboot();
    expect(await scene.becomes("mixed", addresses.provider)).toBe(addresses.provider);
    expect(await scene.becomes("any", addresses.elastic)).toBe(addresses.elastic);
    await scene.up();
    expect(await scene.becomes("any", addresses.provider)).toBe(addresses.provider);
  });

  test("a window that opens and closes at the full minute; connections on the exit that ends are cut", async () => {
    const minute = (ahead: number) => new Date(Date.now() + ahead * 60_000).toISOString().slice(11, 16);
    // The next full minute opens it, if there is time enough until then to be seen outside; the one after it closes it.
    const next = new Date().getUTCSeconds() < 45 ? 1 : 2;
    const during = { from: minute(next), to: minute(next + 1), timeZone: "UTC" };
    await scene.up({ rules: [{ from: "10.4.0.120", during, exit: "nord" }, ...rules.slice(0, 4)] });
    expect(await scene.seen("mixed")).toBe(addresses.elastic);
    expect(await scene.becomes("mixed", addresses.provider, 75_000)).toBe(addresses.provider);
    const running = download("mixed");
    expect(await scene.becomes("mixed", addresses.elastic, 75_000)).toBe(addresses.elastic);
    await until("the connection of the window is cut", 10_000, () => running.state.exitCode !== undefined);
    expect(running.state.exitCode).not.toBe(0);
    await scene.up();
  });
});
