import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { addresses, appName } from "../../lab/topology";
import { Scene, shell, type Tunnel } from "./tunnels";

const { endpointA, endpointB, endpointC } = addresses;
const line = (from: string): RegExp =>
  new RegExp(`^${from.replaceAll(".", "\\.")} - - \\[[^\\]]+\\] "GET / HTTP/1\\.1" 200 \\d+ "-" "`);
/** WireGuard's own packets. */
const WIREGUARD = "udp port 51821 or udp port 51822";

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.open();
  await scene.up();
  await scene.joined();
});
afterAll(() => Lab.clear());

describe("the same address and name, by two ways", () => {
  test("through the tunnel while it is up, and nothing of it outside; a stranger over the internet", async () => {
    const { a, c, app } = scene.ends;
    const inside = await scene.watch();
    expect(inside.line).toMatch(line("10.0.0.1"));
    expect(inside.wg0.join("\n")).toContain(`> ${endpointB}.443: Flags [S]`);
    expect(inside.eth0).toEqual([]);
    expect(await scene.ask(c, "--cacert", app.authority)).toMatch(line(endpointC));

    // Control: without rule 456 it is on the uplink, in the clear but for TLS.
    await shell(a, "systemctl stop wg-tunnel");
    expect(await shell(a, "ip rule show priority 456")).toBe("");
    const outside = await scene.watch();
    expect(outside.line).toMatch(line(endpointA));
    expect(outside.wg0).toEqual([]);
    expect(outside.eth0.join("\n")).toContain(`${endpointB}.443: Flags [S]`);
    await shell(a, "systemctl start wg-tunnel");
    await scene.joined();
    expect((await scene.watch()).from).toBe("10.0.0.1");
  });

  /** How many packets of one ping from B to A's public address leave by B's devices. */
  const pingBack = async (): Promise<{ wg0: number; eth0: number }> => {
    const { b } = scene.ends;
    const filter = `icmp[icmptype] == icmp-echo and dst ${endpointA}`;
    const wg0 = await b.network().capture("wg0", filter);
    const eth0 = await b.network().capture("eth0", filter);
    await b.must(["ping", "-n", "-q", "-c", "1", "-W", "2", endpointA]);
    return { wg0: (await wg0.stop()).length, eth0: (await eth0.stop()).length };
  };

  const variants: [string, Tunnel, string, string][] = [
    [
      "translated as it leaves A, by a route",
      { a: { snat: "postrouting" }, tunnel: { route: "route" } },
      endpointA,
      endpointA,
    ],
    [
      "translated as it arrives at B, by a rule",
      { a: { snat: "input" }, tunnel: { route: "rule" } },
      "10.0.0.1",
      endpointA,
    ],
    ["translated nowhere, by the prefix", {}, "10.0.0.1", "10.0.0.1"],
  ];
  test.each(variants)("%s: log, packets, WireGuard addresses, ICMP errors, MTU", async (_, tunnel, onWg0, inLog) => {
    await scene.up(tunnel);
    await scene.joined();
    const { a, b } = scene.ends;
    const seen = await scene.watch();
    expect(seen.line).toMatch(line(inLog));
    expect(seen.wg0[0]).toContain(` ${onWg0}.`);
    expect(seen.eth0).toEqual([]);
    for (const [machine, other] of [
      [a, "10.0.0.2"],
      [b, "10.0.0.1"],
    ] as const)
      await machine.must(["ping", "-n", "-q", "-c", "1", "-W", "2", other]);
    // B reaches A's public address by the tunnel too; control: with B's health check stopped, by its uplink.
    expect(await pingBack()).toEqual({ wg0: 1, eth0: 0 });
    await shell(b, "systemctl stop wg-tunnel");
    expect(await pingBack()).toEqual({ wg0: 0, eth0: 1 });
    await shell(b, "systemctl start wg-tunnel");
    await scene.joined();
    expect(await shell(a, REFUSED)).toBe("ConnectionRefusedError\n");
    await a.must(["ping", "-n", "-q", "-M", "do", "-s", String(1420 - 28), "-c", "1", "-W", "2", endpointB]);
    const tooLarge = await a.exec(["ping", "-n", "-M", "do", "-s", String(1421 - 28), "-c", "1", endpointB]);
    expect(tooLarge.stderr).toMatch(/message too long/i);
    expect(await shell(a, "tunnelctl check")).toBe("the machine is as its release says\n");
  });

  test("a path of 1400 bytes between them: full packets arrive all the same, WireGuard's in fragments", async () => {
    const { a, b } = scene.ends;
    const router = scene.lab.hosts.internet;
    const path = async (mtu: number): Promise<void> => {
      await router.must(["ip", "link", "set", "to-endpoint-b", "mtu", String(mtu)]);
      await shell(b, `ip link set eth0 mtu ${mtu}`);
    };
    const full = ["ping", "-n", "-q", "-M", "do", "-s", String(1420 - 28), "-W", "2", endpointB, "-c"];
    await path(1400);
    // The first is lost: the router answers it with how much the path takes.
    await a.exec([...full, "2"]);
    const uplink = await a.network().capture("eth0", `host ${endpointB} and udp and greater 1000`);
    await a.must([...full, "1"]);
    expect((await uplink.stop()).length).toBeGreaterThan(0);
    await path(1500);
  });
});

describe("the tunnel comes and goes", () => {
  test("never a loop: no packet of WireGuard on wg0, whatever rule is lost; control: without the filter there is", async () => {
    const { a } = scene.ends;
    const looping = async (script: string, mayDrop = false): Promise<number> => {
      const capture = await a.network().capture("wg0", WIREGUARD);
      await shell(a, script);
      await a.exec(["ping", "-n", "-q", "-c", "5", "-i", "0.2", "-W", "1", endpointB]);
      return (await capture.stop({ mayDrop })).length;
    };
    const pause = "systemctl kill --signal=STOP wg-tunnel; while ip rule del priority 455 2>/dev/null; do :; done";
    expect(await looping(pause)).toBe(0);
    // A loop is faster than any capture.
    expect(await looping("nft delete table inet wg_tunnel", true)).toBeGreaterThan(0);
    await shell(a, "systemctl kill --signal=CONT wg-tunnel; tunnelctl check --repair");
    await scene.joined();
    expect(await looping("while ip rule del priority 455 2>/dev/null; do :; done")).toBe(0);
    await until("the rules are back", 10_000, async () => (await shell(a, "ip rule show priority 455")) !== "");
  });

  test.each([
    ["flushed with all others", "nft flush ruleset"],
    ["deleted", "nft delete table inet wg_tunnel"],
    ["with a rule more", "nft insert rule inet wg_tunnel mangle_prerouting accept"],
  ])("the packet filter %s: as it was, by itself, said once", async (_, change) => {
    const { a } = scene.ends;
    const table = () => shell(a, "nft -s list table inet wg_tunnel 2>/dev/null || true");
    const said = async () =>
      Number(await shell(a, "journalctl -u wg-tunnel -o cat --no-pager | grep -c 'loaded again' || true"));
    const [before, times] = [await table(), await said()];
    // Control: with the health check held it stays as it is.
    await shell(a, `systemctl kill --signal=STOP wg-tunnel; ${change}`);
    expect(await table()).not.toBe(before);
    await shell(a, "systemctl kill --signal=CONT wg-tunnel");
    await until("the filter is back", 10_000, async () => (await table()) === before);
    await scene.joined();
    expect((await scene.watch()).from).toBe("10.0.0.1");
    expect(await said()).toBe(times + 1);
    expect(await shell(a, "systemctl show -P NRestarts wg-tunnel")).toBe("0\n");
  });

  test("down and up under a loop of downloads: one is cut, and at once; the others arrive, by the way there is", async () => {
    const { a } = scene.ends;
    // No loop, and nothing to a WireGuard address in the clear; on all devices, for wg0 comes and goes.
    const uplink = (await shell(a, "cat /sys/class/net/eth0/ifindex")).trim();
    const wrong = await a
      .network()
      .capture("any", `((${WIREGUARD}) and not ifindex ${uplink}) or (net 10.0.0.0/30 and ifindex ${uplink})`);
    const done: string[] = [];
    let going = true;
    const loop = (async () => {
      while (going) {
        const { stdout, exitCode } = await a.exec(["bash", "-c", DOWNLOAD]);
        done.push(exitCode === 0 ? stdout : `failed ${exitCode} ${stdout.split(" ")[1]}`);
      }
    })();
    const by = (address: string) => done.filter((one) => one === `5000000 ${address}`).length;
    const more = (address: string) => {
      const before = by(address);
      return until(`downloads by ${address}`, 60_000, () => by(address) >= before + 3);
    };
    await more("10.0.0.1");
    await shell(a, "wg-quick down wg0 2>&1");
    await more(endpointA);
    expect((await a.exec(["ping", "-n", "-q", "-c", "1", "-W", "1", "10.0.0.2"])).exitCode).not.toBe(0);
    await shell(a, "wg-quick up wg0 2>&1");
    await more("10.0.0.1");
    // An interface that somebody sets down.
    await shell(a, "ip link set wg0 down");
    await more(endpointA);
    await shell(a, "ip link set wg0 up");
    await more("10.0.0.1");
    going = false;
    await loop;
    // Cut by a reset, none by curl's patience (28). What began outside was not touched when the tunnel came.
    const failed = done.filter((one) => one.startsWith("failed"));
    expect(failed.filter((one) => one.startsWith("failed 28") || one.endsWith(endpointA))).toEqual([]);
    expect(failed.length).toBeLessThanOrEqual(2);
    expect(await wrong.stop()).toEqual([]);
    await scene.joined();
  });

  test("a peer that falls silent: past the tunnel within the time that is set, and back when it is heard", async () => {
    const { a, b } = scene.ends;
    const silence =
      "table inet silence { chain in { type filter hook input priority -300; udp dport 51822 drop; }; chain out { type filter hook output priority -300; udp sport 51822 drop; }; }";
    const said = (which: string) =>
      shell(a, `journalctl -u wg-tunnel -o cat --no-pager | grep -c 'peer b is ${which}' || true`);
    const deadAfter = 6;
    await scene.up({ tunnel: { deadAfter } });
    const before = await said("not heard");
    // It only waits for B, and would for ever.
    const download = a.exec(["bash", "-c", SLOW], { timeout: 90_000 });
    await until("the download runs", 30_000, async () => (await a.exec(["test", "-s", "/tmp/slow"])).exitCode === 0);
    const began = Date.now();
    await b.network().must(["nft", silence]);
    await scene.way(a, "internet");
    // Not earlier than the last sign allows, which is a third of it old at most; four times of it leaves room for a busy machine.
    const took = (Date.now() - began) / 1000;
    expect(took).toBeGreaterThanOrEqual(deadAfter - deadAfter / 3);
    expect(took).toBeLessThanOrEqual(4 * deadAfter);
    expect((await download).exitCode).toBe(56);
    expect(Number(await said("not heard"))).toBe(Number(before) + 1);
    const outside = await scene.watch();
    expect(outside.from).toBe(endpointA);
    expect(outside.wg0).toEqual([]);
    await b.network().must(["nft", "delete table inet silence"]);
    await scene.joined();
    expect((await scene.watch()).from).toBe("10.0.0.1");
  });

  test("a tunnel that nobody uses stays: signs come without WireGuard's own keepalives", async () => {
    const { a, b } = scene.ends;
    await scene.joined();
    const unheard = async () =>
      (await Promise.all([a, b].map((machine) => shell(machine, "journalctl -u wg-tunnel -o cat --no-pager")))).map(
        (said) => said.match(/is not heard/g)?.length ?? 0,
      );
    const received = async () =>
      (await Promise.all([a, b].map((machine) => shell(machine, "wg show wg0 transfer | cut -f 2")))).map(Number);
    for (const machine of [a, b]) await shell(machine, 'wg set wg0 peer "$(wg show wg0 peers)" persistent-keepalive 0');
    const before = await unheard();
    for (let signs = 0; signs < 8; signs++) {
      const last = await received();
      await until("both ends have a sign", 15_000, async () =>
        (await received()).every((bytes, index) => bytes > last[index]!),
      );
    }
    expect(await unheard()).toEqual(before);
    for (const machine of [a, b]) await shell(machine, "tunnelctl check --repair");
  });

  test("nobody outside passes for a peer: what has its WireGuard address is not answered; control: without the filter it is", async () => {
    const { b, c } = scene.ends;
    const answers = async (): Promise<number> => {
      const wg0 = await b.network().capture("wg0", `icmp[icmptype] == icmp-echoreply and icmp[4:2] == 4242`);
      const eth0 = await b.network().capture("eth0", `icmp[icmptype] == icmp-echo and src 10.0.0.1`);
      await c.run(["ping", "-n", "-q", "-c", "2", "-i", "0.2", "-W", "1", "-e", "4242", "-I", "10.0.0.1", endpointB]);
      expect((await eth0.stop()).length).toBe(2);
      return (await wg0.stop()).length;
    };
    await c.must(["ip", "address", "add", "10.0.0.1/32", "dev", "lo"]);
    expect(await answers()).toBe(0);
    // Held, the health check does not load it again.
    await shell(b, "systemctl kill --signal=STOP wg-tunnel; nft delete table inet wg_tunnel");
    expect(await answers()).toBe(2);
    await shell(b, "tunnelctl check --repair; systemctl kill --signal=CONT wg-tunnel");
    await c.must(["ip", "address", "del", "10.0.0.1/32", "dev", "lo"]);
  });
});

/** Sends to a port of B's public address where nobody listens. */
const REFUSED = `python3 -c '
import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.connect(("${endpointB}", 9))
one.settimeout(5)
one.send(b"anybody?")
try: one.recv(1)
except Exception as error: print(type(error).__name__)'`;

/** 5 MB of the service's 50, at 10 MB a second at most; tells how many bytes came, and to which address. */
const DOWNLOAD =
  `curl --silent --fail --max-time 60 --limit-rate 10m --range 0-4999999 --output /dev/null ` +
  `--write-out '%{size_download} %{local_ip}' https://${appName}/bulk`;
/** 50 MB at 100 kB a second, into /tmp/slow. */
const SLOW = `curl --silent --fail --max-time 60 --limit-rate 100k --output /tmp/slow https://${appName}/bulk`;
