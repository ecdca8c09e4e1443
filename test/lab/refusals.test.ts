import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onMachine, withoutRepair, type Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { ALLOW_PORTS, holdPort, nameTables, refusePort } from "../../lab/neighbour";
import { connect, deployInto, openLab, settled } from "../../lab/scenario";
import { differences, snapshot } from "../../lab/snapshot";
import { Deployment } from "../../lab/deployment";
import { addresses } from "../../lab/topology";

const quiet = () => undefined;
const message = (refused: Promise<unknown>): Promise<string> =>
  refused.then(
    () => "it was not refused",
    (error: unknown) => (error as Error).message,
  );
const logins = (lab: Lab): Promise<string> =>
  onMachine({ lab }, "journalctl -o cat --no-pager | grep -c 'Accepted publickey' || true");

/** The locks of apt-get, in the order in which `update` and `install` take them. */
const APT_LOCKS = {
  "the package lists": "/var/lib/apt/lists/lock",
  "dpkg's frontend": "/var/lib/dpkg/lock-frontend",
  "dpkg itself": "/var/lib/dpkg/lock",
  "the archives": "/var/cache/apt/archives/lock",
};

/** Holds a lock as apt does until it is stopped; the name is in /run/another-apt once it does. */
const holdLock = (lock: string) => `
import fcntl, signal
held = open("${lock}", "w")
fcntl.lockf(held, fcntl.LOCK_EX)
open("/run/another-apt", "w").write("${lock}")
signal.pause()
`;

/** Another apt that holds a lock. With that of the package lists it is at work on them: they are away until it ends. */
async function anotherApt(lab: Lab, lock: string): Promise<() => Promise<string>> {
  const lists = lock === APT_LOCKS["the package lists"];
  await onMachine(
    { lab },
    `systemd-run --quiet --unit=another-apt python3 -c '${holdLock(lock)}'
     until [ -e /run/another-apt ]; do :; done
     ${lists ? "mkdir /var/tmp/lists; mv /var/lib/apt/lists/*Packages* /var/lib/apt/lists/*Release* /var/tmp/lists" : ""}`,
  );
  return () =>
    onMachine(
      { lab },
      `${lists ? "mv /var/tmp/lists/* /var/lib/apt/lists; rmdir /var/tmp/lists" : ""}
       systemctl stop another-apt; rm /run/another-apt`,
    );
}

/** Binds WireGuard's port and DNS's for ten minutes. */
const HOLD_PORTS = `
import socket, time
held = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for one, address in zip(held, (("0.0.0.0", 45822), ("127.0.0.1", 53))): one.bind(address)
time.sleep(600)
`;

describe("a machine that is not free", () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab(quiet);
  });
  afterAll(() => Lab.clear());

  test("what somebody has is named, all of it, and nothing changed", async () => {
    await onMachine(
      { lab },
      `mkdir -p /etc/wireguard; echo '# mine' >/etc/wireguard/wg0.conf
       ip rule add priority 201 from 192.0.2.78 lookup 78; ip route add blackhole 192.0.2.78 table 200; ip netns add vpn_ns
       systemd-run --quiet --unit=somebody python3 -c '${HOLD_PORTS}'
       until [ "$(ss -Hlunp 'sport = :45822 or sport = :53' | grep -c python3)" = 2 ]; do :; done`,
    );
    const before = await snapshot(lab.machine);
    const deployment = Deployment.choose();
    const said = await message(deployment.up());
    for (const part of [
      "/etc/wireguard/wg0.conf is there and is not the gateway's",
      "the ip rule priority 201 is somebody's: 201: from 192.0.2.78 lookup 78",
      "routing table 200 is somebody's: blackhole 192.0.2.78",
      "a network namespace vpn_ns is there",
      'UDP port 45822 is in use by 0.0.0.0:45822 users:(("python3"',
      "port 53 is in use by 127.0.0.1:53",
    ])
      expect(said).toContain(part);
    expect(differences(before, await snapshot(lab.machine))).toEqual([]);
    await onMachine(
      { lab },
      `rm /etc/wireguard/wg0.conf; rmdir /etc/wireguard; systemctl stop somebody
       ip rule del priority 201; ip route flush table 200; ip netns del vpn_ns`,
    );
  });

  // As on a fresh cloud machine.
  test.each(Object.entries(APT_LOCKS))("free, but another apt holds the lock of %s: waited for", async (_, lock) => {
    const ended = await anotherApt(lab, lock);
    let waited: Promise<string> | undefined;
    const deployment = Deployment.choose((line) => {
      if (line.includes("waiting for another apt")) waited ??= ended();
    });
    const { said } = await deployment.up();
    await waited;
    expect(said).toMatch(
      new RegExp(`waiting for another apt, 300 s at most: process \\d+ \\(python3\\) holds ${lock}`),
    );
    expect(said).toContain("is in place after");
    await deployment.destroy();
  });

  test("another apt that does not end is named, and nothing changed; when it has ended: deployed", async () => {
    // The machine's own apt is told for how long to wait.
    await onMachine({ lab }, `echo 'DPkg::Lock::Timeout "2";' >/etc/apt/apt.conf.d/99-wait`);
    const before = await snapshot(lab.machine);
    const deployment = Deployment.choose();
    for (const lock of Object.values(APT_LOCKS)) {
      const end = await anotherApt(lab, lock);
      const said = await message(deployment.up());
      await end();
      expect(said).toContain("waiting for another apt, 2 s at most: ");
      expect(said).toMatch(
        new RegExp(
          `another apt has not ended within 2 s: process \\d+ \\(python3\\) holds ${lock}; nothing was changed`,
        ),
      );
      expect(differences(before, await snapshot(lab.machine))).toEqual([]);
    }
    const deployed = await deployment.up();
    await connect({ lab, deployed });
    expect((await lab.clients.vpn.fetch(`http://${addresses.web}/`)).trim()).toBe(addresses.provider);
  });
});

describe("a deployment that cannot be right", () => {
  let scenario: Scenario;
  beforeAll(async () => {
    scenario = await deployInto(await openLab(quiet), quiet);
  });
  afterAll(() => Lab.clear());

  test("bad settings: all faults at once, and the machine is not even logged in to", async () => {
    const before = await logins(scenario.lab);
    const said = await message(
      scenario.deployment.up({
        clients: [
          { name: "direct", address: "10.5.0.50" },
          { name: "direct", address: "10.4.0.1" },
        ],
        localNetworks: ["10.4.0.0/16"],
        metrcs: {},
      }),
    );
    for (const part of [
      "clients[0].address",
      "clients[1].address",
      "clients[1].name",
      "localNetworks[0]",
      "did you mean metrics?",
    ])
      expect(said).toContain(part);
    expect(await logins(scenario.lab)).toBe(before);
  });

  test("a machine with another host key is sent nothing", async () => {
    const before = await logins(scenario.lab);
    const other = scenario.lab.keys.user.publicKey.trim();
    const host = {
      kind: "existing",
      address: addresses.elastic,
      user: "admin",
      privateKeyFile: "/run/wg-gateway-lab/ssh/id_ed25519",
      hostKey: other,
    };
    expect(await message(scenario.deployment.up({ host }))).toMatch(/host key|key mismatch|handshake failed/i);
    expect(await logins(scenario.lab)).toBe(before);
  });

  test("a machine that drifted: a deployment mends what it needs, `check --repair` the rest", async () => {
    const drift =
      'wg set wg0 peer "$(wg show wg0 peers | head -n 1)" remove; ip rule del priority 103; ip route del table 200 unreachable default';
    await withoutRepair(scenario, async () => {
      await onMachine(scenario, drift);
      expect(await onMachine(scenario, "gatewayctl check || true")).toContain("wg0 lacks the peer ");
      await scenario.deployment.up({ dns: { records: { "nas.internal": "10.4.0.9" } } });
    });
    expect(await onMachine(scenario, "gatewayctl check")).toBe("the machine is as its release says\n");
    await scenario.deployment.up();
    await withoutRepair(scenario, async () => {
      await onMachine(scenario, drift);
      await onMachine(scenario, "gatewayctl check --repair");
    });
    expect(await onMachine(scenario, "gatewayctl check")).toBe("the machine is as its release says\n");
    await settled(scenario.lab);
  });

  test("a change that needs what somebody has: all of it is named, and nothing changes", async () => {
    const { machine, providers } = scenario.lab;
    await onMachine(
      scenario,
      `ip netns add vpn_ns_express; ip link add veth-wg-2 type veth peer name somebodys
       ip rule add priority 202 from 192.0.2.78 lookup 78; ip route add blackhole 192.0.2.78 table 201
       ${holdPort(45999)}`,
    );
    const before = await snapshot(machine);
    const files = "find /etc /usr/local /var/lib/wg-gateway -newer /run/began -not -type d";
    await onMachine(scenario, "touch /run/began");
    const exits = [
      { name: "vpn", profile: providers.provider.profilePath },
      { name: "express", kind: "wireguard", profile: providers.wgprov.profilePath, slot: 2 },
    ];
    const said = await message(scenario.deployment.up({ exits, wireguard: { port: 45999 } }));
    for (const part of [
      "the machine is not free; nothing was changed",
      "the ip rule priority 202 is somebody's: 202: from 192.0.2.78 lookup 78",
      "routing table 201 is somebody's: blackhole 192.0.2.78; choose another slot for the exit",
      "a network namespace vpn_ns_express is there and is not the gateway's",
      "an interface veth-wg-2 is there and is not the gateway's",
      'UDP port 45999 is in use by 0.0.0.0:45999 users:(("python3"',
    ])
      expect(said).toContain(part);
    expect(differences(before, await snapshot(machine))).toEqual([]);
    expect((await onMachine(scenario, files)).trim()).toBe("");
    await onMachine(
      scenario,
      `systemctl stop somebody; ip netns del vpn_ns_express; ip link del veth-wg-2
       ip rule del priority 202; ip route flush table 201; rm /run/began`,
    );
    await settled(scenario.lab);
  });

  test("somebody gives tables and protocols names: nothing differs, and nothing is done again", async () => {
    await onMachine(scenario, nameTables(200, 250));
    expect(await onMachine(scenario, "ip rule show priority 200")).toContain("lookup named-200 proto named-45");
    for (const check of ["gatewayctl check", "gatewayctl check --repair"])
      expect(await onMachine(scenario, check)).toBe("the machine is as its release says\n");
    // A change, for which the scripts look for their rules, and find them.
    const before = await onMachine(scenario, "ip -Numeric rule show");
    await scenario.deployment.up({ localNetworks: ["10.0.1.0/24"] });
    await scenario.deployment.up();
    expect(await onMachine(scenario, "ip -Numeric rule show")).toBe(before);
    expect(await onMachine(scenario, "gatewayctl check")).toBe("the machine is as its release says\n");
    await onMachine(scenario, "rm /etc/iproute2/rt_*.d/somebody.conf");
  });

  test("a release that does not come up: back to the one before, and the old settings are in truth unchanged", async () => {
    const before = await snapshot(scenario.lab.machine);
    const port = 45999;
    await onMachine(scenario, refusePort(port));
    expect(await message(scenario.deployment.up({ wireguard: { port } }))).toContain(
      "going back to the release before",
    );
    await onMachine(scenario, ALLOW_PORTS);
    expect(differences(before, await snapshot(scenario.lab.machine))).toEqual([]);
    await settled(scenario.lab);
    const { summary } = await scenario.deployment.up();
    expect(summary).toMatchObject({ created: 0, updated: 0, deleted: 0 });
    expect(await onMachine(scenario, "gatewayctl check")).toContain("the machine is as its release says");
  });
});
