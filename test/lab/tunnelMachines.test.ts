import { afterAll, beforeAll, expect, test } from "vitest";
import { trust } from "../../lab/endpoints";
import { Lab } from "../../lab/lab";
import { ALLOW_PORTS, holdPort, moveIn, nameTables, possessions, refusePort } from "../../lab/neighbour";
import { until } from "../../lab/process";
import { WebServer } from "../../lab/services";
import { differences, type Snapshot, snapshot } from "../../lab/snapshot";
import { addresses, appName } from "../../lab/topology";
import { endpointAt, Scene, shell, type Tunnel } from "./tunnels";

const { endpointA, endpointB, endpointB2, elastic } = addresses;

/* Not 10.0.0.0/29: the third endpoint's own name server is 10.0.0.2. */
const own = (last: number) => ({ address: `10.99.0.${last}` });
const two: Tunnel = {
  tunnel: { network: "10.99.0.0/29" },
  a: own(1),
  b: { ...own(2), publicAddresses: [endpointB, endpointB2] },
};
const three: Tunnel = { ...two, more: [{ ...endpointAt("gw", elastic), ...own(3) }] };

let scene: Scene;
let theirs: string[];
let before: { a: Snapshot; b: Snapshot; gw: Snapshot };

const machines = () => ({ a: scene.ends.a, b: scene.ends.b, gw: scene.lab.machine });
/** What A's and B's neighbours have. */
const neighbours = () => Promise.all([scene.ends.a, scene.ends.b].map(possessions));
const shots = async () => {
  const { a, b, gw } = machines();
  const [ofA, ofB, ofGw] = await Promise.all([a, b, gw].map((machine) => snapshot(machine)));
  return { a: ofA!, b: ofB!, gw: ofGw! };
};

const refusal = (tunnel: Tunnel): Promise<string> =>
  scene.up(tunnel).then(
    () => "it was not refused",
    (error: unknown) => (error as Error).message,
  );

beforeAll(async () => {
  scene = await Scene.open();
  // A strict reverse path filter, as some have it: the tunnel must loosen it, and give it back.
  for (const machine of [scene.ends.a, scene.ends.b])
    await shell(
      machine,
      `printf '[Unit]\\nBefore=wg-quick@wg0.service\\n[Service]\\nType=oneshot\\nExecStart=/usr/sbin/sysctl -q -w net.ipv4.conf.eth0.rp_filter=1\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/strict.service
       systemctl enable -q --now strict`,
    );
  for (const machine of [scene.ends.a, scene.ends.b]) await moveIn(machine);
  theirs = await neighbours();
  // Somebody's names, on B from the beginning, on A later.
  await shell(scene.ends.b, nameTables(123));
  before = await shots();
});
afterAll(() => Lab.clear());

test("what somebody has is named, all of it, and nothing changes", async () => {
  const { a, b } = scene.ends;
  await shell(b, "ip route add blackhole 192.0.2.78 table 123");
  await shell(
    a,
    `ip link add wg0 type veth peer name somebodys; ip addr add 10.7.7.1/24 dev wg0
     ip addr add 10.99.0.77/24 dev eth0
     ip rule add priority 456 from 192.0.2.78 lookup 78; ip route add blackhole 192.0.2.78 table 123
     ${holdPort(51821)}`,
  );
  const during = await shots();
  const said = await refusal(two);
  for (const part of [
    "an interface wg0 is there and is not the tunnel's: wg0@somebodys 10.7.7.1/24; choose another interface",
    "the ip rule priority 456 is somebody's: 456: from 192.0.2.78 lookup 78",
    "routing table 123 is somebody's: blackhole 192.0.2.78",
    "the WireGuard address 10.99.0.1/29 is somebody's: the route 10.99.0.0/24 dev eth0",
    "the WireGuard address 10.99.0.2 is somebody's: the route 10.99.0.0/24 dev eth0",
    'UDP port 51821 is in use by 0.0.0.0:51821 users:(("python3"',
  ])
    expect(said).toContain(part);
  const after = await shots();
  for (const name of ["a", "b"] as const) expect(differences(during[name], after[name])).toEqual([]);
  await shell(
    a,
    "systemctl stop somebody; ip addr del 10.99.0.77/24 dev eth0; ip rule del priority 456; ip route flush table 123; ip link del wg0",
  );
  await shell(b, "ip route flush table 123");
  const free = await shots();
  for (const name of ["a", "b"] as const) expect(differences(before[name], free[name])).toEqual([]);
});

/** What a slow download from B to A says at its end: its bytes, one million a second, and the address that it had. */
const download = async (megabytes: number): Promise<string> => {
  const range = `0-${megabytes * 1_000_000 - 1}`;
  const say = "%{size_download} %{local_ip}";
  const curl = ["curl", "-sS", "--fail", "--limit-rate", "1m", "--range", range, "-o", "/dev/null", "-w", say];
  const { stdout } = await scene.ends.a.exec([...curl, `https://${appName}/bulk`], { timeout: 90_000 });
  return stdout;
};

test("a route to each peer: a third endpoint joins, takes another address and goes, and nobody is cut", async () => {
  const routed = (one: Tunnel): Tunnel => ({ ...one, tunnel: { route: "route" } });
  const [gw] = three.more!;
  const routes = async () => {
    const shown = JSON.parse(await shell(scene.ends.a, "ip -json route show dev wg0 table main")) as { dst: string }[];
    return shown.map(({ dst }) => dst).sort();
  };
  await scene.up(routed(two));
  await scene.joined();
  const downloaded = download(30);
  for (const [more, there] of [
    [[gw!], ["10.99.0.2", "10.99.0.3"]],
    [[{ ...gw, ...own(4) }], ["10.99.0.2", "10.99.0.4"]],
    [[], ["10.99.0.2"]],
  ] as const) {
    await scene.up(routed({ ...two, more }));
    await scene.joined();
    expect(await routes()).toEqual(there);
    expect(await shell(scene.ends.a, "tunnelctl check")).toBe("the machine is as its release says\n");
  }
  expect(await downloaded).toBe("30000000 10.99.0.1");
});

test("several public addresses; a third endpoint joins, its public address translated outside of it, and nobody is cut", async () => {
  const { a, b } = scene.ends;
  const gw = scene.lab.machine;
  await scene.up(two);
  await scene.joined();
  expect((await scene.watch()).from).toBe("10.99.0.1");
  expect(await neighbours()).toEqual(theirs);
  const second = await scene.watch("--resolve", `${appName}:443:${endpointB2}`);
  expect(second.from).toBe("10.99.0.1");
  expect(second.wg0.join("\n")).toContain(`> ${endpointB2}.443: Flags [S]`);
  expect(second.eth0).toEqual([]);

  trust(gw, scene.ends.app);
  await WebServer.start(gw.network(), addresses.gateway);
  const downloaded = download(10);
  await scene.up(three);
  await scene.joined();
  await scene.way(gw, "tunnel");
  expect(await downloaded).toBe("10000000 10.99.0.1");
  expect(await neighbours()).toEqual(theirs);

  const uplink = await a.network().capture("eth0", `host ${elastic} and tcp port 80`);
  const body = (machine: typeof a) => machine.must(["curl", "-sS", "--fail", "--max-time", "5", `http://${elastic}/`]);
  expect((await body(a)).trim()).toBe("10.99.0.1");
  expect((await body(b)).trim()).toBe("10.99.0.2");
  expect(await uplink.stop()).toEqual([]);
  expect(await scene.ask(gw)).toMatch(/^10\.99\.0\.3 /);
  // Control: outside of the tunnel, which B and the third still would lead to A.
  await shell(a, "systemctl stop wg-tunnel");
  expect((await body(a)).trim()).toBe(endpointA);
  expect((await scene.watch()).from).toBe(endpointA);
  await shell(a, "systemctl start wg-tunnel");
  await scene.joined();
});

/** A changed setting, what somebody has of it on A and B, how it is said, and how it goes away. */
const takings: [string, Tunnel["tunnel"], string, RegExp, string][] = [
  [
    "table",
    { table: 124 },
    "ip route add blackhole 192.0.2.78 table 124",
    /routing table 124 is somebody's: blackhole 192\.0\.2\.78; choose another table/,
    "ip route flush table 124",
  ],
  [
    "priority",
    { priority: 456 },
    "ip rule add priority 457 from 192.0.2.78 lookup 78",
    /the ip rule priority 457 is somebody's: 457: from 192\.0\.2\.78 lookup 78; choose another priority/,
    "ip rule del priority 457",
  ],
  [
    "interface, by its name",
    { interface: "wg7" },
    "ip link add wg7 type veth peer name somebodys",
    /an interface wg7 is there and is not the tunnel's: wg7@somebodys; choose another interface/,
    "ip link del wg7",
  ],
  [
    "interface, by its file",
    { interface: "wg7" },
    "echo '# mine' >/etc/wireguard/wg7.conf",
    /\/etc\/wireguard\/wg7\.conf is there and is not the tunnel's: choose another interface/,
    "rm /etc/wireguard/wg7.conf",
  ],
];
test.each(takings)(
  "a changed %s that somebody has: refused, and nothing changes",
  async (_, changed, take, says, give) => {
    const { a, b } = scene.ends;
    await Promise.all([a, b].map((machine) => shell(machine, take)));
    await scene.joined();
    const during = await shots();
    expect(await refusal({ ...three, tunnel: { ...three.tunnel, ...changed } })).toMatch(says);
    await scene.joined();
    const after = await shots();
    // The third has nothing in the way: each machine is asked for itself.
    for (const name of ["a", "b"] as const) expect(differences(during[name], after[name])).toEqual([]);
    expect(await shell(a, "cat /etc/wireguard/wg7.conf 2>/dev/null || true")).toBe(
      take.includes("mine") ? "# mine\n" : "",
    );
    await Promise.all([a, b].map((machine) => shell(machine, give)));
    await scene.up(three);
    await scene.joined();
  },
);

test("somebody gives the tunnel's table and protocol names: nothing differs, and the health check goes on", async () => {
  const { a, b } = scene.ends;
  await shell(a, nameTables(123));
  for (const machine of [a, b]) {
    expect(await shell(machine, "ip rule show priority 456")).toContain("lookup named-123 proto named-45");
    for (const check of ["tunnelctl check", "tunnelctl check --repair"])
      expect(await shell(machine, check)).toBe("the machine is as its release says\n");
    await shell(machine, "ip rule del priority 456");
    await until("the rule is back", 10_000, async () => (await shell(machine, "ip rule show priority 456")) !== "");
    expect(await shell(machine, "systemctl show -P NRestarts wg-tunnel")).toBe("0\n");
  }
  await shell(a, "rm /etc/iproute2/rt_*.d/somebody.conf");
});

test("a release that does not come up: back to the one before, and the tunnel with it", async () => {
  const { a } = scene.ends;
  await scene.joined();
  const during = await snapshot(a);
  await shell(a, refusePort(51900));
  expect(await refusal({ ...three, a: { ...own(1), listenPort: 51900 } })).toContain(
    "going back to the release before",
  );
  await shell(a, ALLOW_PORTS);
  await scene.joined();
  expect(differences(during, await snapshot(a))).toEqual([]);
  await scene.up(three);
  await scene.joined();
  expect((await scene.watch()).from).toBe("10.99.0.1");
});

test.each(["a", "b"] as const)("reboot of %s: all of it is back, by itself", async (which) => {
  const machine = scene.ends[which];
  await machine.reboot();
  // What the neighbour has does not outlast it; rules and tables come with whoever made them.
  await moveIn(machine);
  if (which === "b") await scene.ends.app.start();
  await scene.joined();
  expect((await scene.watch()).from).toBe("10.99.0.1");
  expect(await shell(machine, "tunnelctl check")).toBe("the machine is as its release says\n");
});

test("the health check is sandboxed", async () => {
  const rated = await shell(scene.ends.a, "systemd-analyze security --no-pager wg-tunnel.service | tail -n 1");
  expect(Number(/exposure level for \S+: ([\d.]+)/.exec(rated)?.[1])).toBeLessThanOrEqual(3);
  expect(await shell(scene.ends.a, "systemd-analyze security --no-pager ssh.service | tail -n 1")).toMatch(/: 9\.\d/);
});

test("destroy: each machine is as it was", async () => {
  expect(differences(before.a, await snapshot(scene.ends.a)).length).toBeGreaterThan(0);
  await scene.destroy();
  expect(await neighbours()).toEqual(theirs);
  const after = await shots();
  for (const name of ["a", "b", "gw"] as const) expect(differences(before[name], after[name])).toEqual([]);
  expect(await scene.ask()).toMatch(new RegExp(`^${endpointA} `));
});
