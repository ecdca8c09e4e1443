import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WireGuardClient } from "../../lab/client";
import type { Changes, UpResult } from "../../lab/deployment";
import { Deployment } from "../../lab/deployment";
import { onMachine, orNothing, withoutRepair } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { probe } from "../../lab/probes";
import { until } from "../../lab/process";
import { openLab } from "../../lab/scenario";
import { addresses } from "../../lab/topology";

const quiet = () => undefined;
const WEB = `http://${addresses.web}/`;

/** Every client of the tests: where its device is, and its address. */
const clients = {
  direct: { home: "home-direct", address: "10.4.0.50" },
  nord: { home: "home-vpn", address: "10.4.0.130" },
  express: { home: "home-3", address: "10.4.0.200" },
  wg: { home: "home-4", address: "10.4.0.100" },
  any: { home: "home-5", address: "10.4.0.110" },
  mixed: { home: "home-6", address: "10.4.0.120" },
} as const;
type Name = keyof typeof clients;

const exits = [
  { name: "nord", profile: "/run/wg-gateway-lab/provider/vpn.ovpn" },
  { name: "express", profile: "/run/wg-gateway-lab/provider-express/vpn.ovpn", slot: 2 },
  { name: "wgprov", kind: "wireguard", profile: "/run/wg-gateway-lab/provider-wg/wg.conf", slot: 3 },
];
const rules = [
  { from: "10.4.0.128/26", exit: "nord" },
  { from: "10.4.0.192/26", exit: "express" },
  { from: "10.4.0.100", exit: "wgprov" },
  { from: "10.4.0.110", exit: "any" },
  { from: "10.4.0.120", protocol: "tcp", ports: [80, 443], exit: "nord" },
];
let settings: Changes = {
  exits,
  rules,
  groups: [{ name: "any", members: ["nord", "express"], backAfter: 3 }],
  clients: Object.entries(clients).map(([name, { address }]) => ({ name, address })),
};

/** What is looked at of `gatewayctl status --json`. */
interface Status {
  readonly exits: readonly {
    readonly name: string;
    readonly well: boolean;
    readonly publicAddress: string | null;
    readonly lastError: string | null;
  }[];
}

let lab: Lab;
let deployment: Deployment;
let deployed: UpResult;
let credentials: Changes;

const device = (name: Name): WireGuardClient => {
  const { home } = clients[name];
  return home === "home-direct" ? lab.clients.direct : home === "home-vpn" ? lab.clients.vpn : lab.client(home);
};
const seen = (name: Name): Promise<string> => orNothing(device(name).fetch(WEB, { timeout: 2000 }));
const becomes = (name: Name, address: string, deadline = 45_000): Promise<string> =>
  until(`${name} is seen as ${address}`, deadline, async () =>
    (await seen(name)) === address ? address : undefined,
  ).catch(() => seen(name));
const up = (changes: Changes = {}): Promise<UpResult> => deployment.up({ ...settings, ...credentials, ...changes });

beforeAll(async () => {
  lab = await openLab(quiet);
  deployment = await Deployment.choose();
  const { provider, express } = lab.providers;
  const login = ({ user, password }: { user: string; password: string }) => ({ username: user, password });
  credentials = { credentials: { nord: login(provider.credentials), express: login(express.credentials) } };
  deployed = await up();
  for (const name of Object.keys(clients) as Name[])
    await device(name).up(deployed.outputs.clientProfiles?.[name] ?? "");
  for (const [name, address] of [
    ["direct", addresses.elastic],
    ["nord", addresses.provider],
    ["express", addresses.express],
    ["wg", addresses.wgprov],
    ["any", addresses.provider],
    ["mixed", addresses.provider],
  ] as const)
    expect(`${name} ${await becomes(name, address)}`).toBe(`${name} ${address}`);
});
afterEach(async () => {
  for (const provider of Object.values(lab.providers)) await provider.recover();
});
afterAll(() => Lab.clear());

describe("several providers", () => {
  test("each client is answered by its exit's country, also when another has just cached the name", async () => {
    const geo = (name: Name) =>
      orNothing(
        device(name)
          .dig("shop.geo.example")
          .then((lines) => lines.join(" ")),
      );
    for (let round = 0; round < 2; round += 1) {
      expect(await geo("direct")).toBe("192.0.2.80");
      expect(await geo("nord")).toBe("192.0.2.81");
      expect(await geo("express")).toBe("192.0.2.82");
      expect(await geo("wg")).toBe("192.0.2.83");
    }
  });

  test("each exit's address, as the world sees it, is its provider's; of one that is down none is told", async () => {
    const shown = async () => {
      const { exits: all } = JSON.parse(await onMachine({ lab }, "gatewayctl status --json")) as Status;
      return Object.fromEntries(all.map(({ name, publicAddress }) => [name, publicAddress]));
    };
    const { provider: nord, express, wgprov } = addresses;
    expect(await shown()).toEqual({ nord, express, wgprov });
    await withoutRepair({ lab }, async () => {
      await onMachine({ lab }, "systemctl stop wg-gateway-exit@express");
      expect(await shown()).toEqual({ nord, express: null, wgprov });
      await onMachine({ lab }, "gatewayctl check --repair");
    });
    expect(await becomes("express", express)).toBe(express);
  });

  test("names and numbers: one namespace, link pair, table, two marks each", async () => {
    const rules_ = await onMachine({ lab }, "ip rule show | grep fwmark | tr -s '\\t ' ' '");
    expect(
      rules_
        .trim()
        .split("\n")
        .map((line) => line.trim()),
    ).toEqual([
      // Groups may block.
      "99: from all fwmark 0xfc00/0xff00 lookup main proto 45",
      "200: from all fwmark 0x200/0xff00 lookup 200 proto 45",
      "201: from all fwmark 0x100/0xff00 lookup 200 proto 45",
      "202: from all fwmark 0x400/0xff00 lookup 201 proto 45",
      "203: from all fwmark 0x300/0xff00 lookup 201 proto 45",
      "204: from all fwmark 0x600/0xff00 lookup 202 proto 45",
      "205: from all fwmark 0x500/0xff00 lookup 202 proto 45",
    ]);
    expect((await onMachine({ lab }, "ip netns list | awk '{ print $1 }' | sort | tr '\\n' ' '")).trim()).toBe(
      "vpn_ns vpn_ns_express vpn_ns_wgprov",
    );
  });

  test("each has a log and credentials of its own; what the provider pushes of routes and names is left", async () => {
    const look = (script: string) => onMachine({ lab }, script).then((text) => text.trim());
    expect(await look("ls /var/log/openvpn-ns*.log | tr '\\n' ' '")).toBe(
      "/var/log/openvpn-ns-express.log /var/log/openvpn-ns-wgprov.log /var/log/openvpn-ns.log",
    );
    expect(
      await look(
        "cd /etc/wg-gateway/exits; stat -c '%a %n' */credentials | tr '\\n' ' '; cmp -s */credentials || echo differ",
      ),
    ).toBe("600 express/credentials 600 nord/credentials differ");
    // Pushed it was: without that the next lines would say nothing.
    expect(await look("grep -c 'PUSH: Received.*redirect-gateway.*dhcp-option DNS' /var/log/openvpn-ns.log")).not.toBe(
      "0",
    );
    expect(await look("ip -n vpn_ns route show | grep -E '^(default|0\\.0\\.0\\.0/1|128)' | tr -s ' '")).toBe(
      "default dev tun0 scope link",
    );
    expect(await look("ip netns exec vpn_ns cat /etc/resolv.conf")).toBe("nameserver 10.200.1.1");
  });

  test("an exit taken away and added again: the others' probes lose nothing", async () => {
    const others = (["direct", "nord", "wg"] as const).map(async (name) => {
      const { stdout } = await device(name).host.run(["ping", "-n", "-q", "-i", "0.01", "-c", "1500", addresses.web], {
        timeout: 60_000,
      });
      return { name, lost: /(\S+) packet loss/.exec(stdout)?.[1], ended: Date.now() };
    });
    const without = {
      exits: exits.filter(({ name }) => name !== "express"),
      rules: rules.filter(({ exit }) => exit !== "express"),
      groups: [{ name: "any", members: ["nord"] }],
      credentials: { nord: (credentials["credentials"] as Record<string, unknown>)["nord"] },
    };
    await up(without);
    expect((await onMachine({ lab }, "ip netns list")).includes("express")).toBe(false);
    await up();
    const done = Date.now();
    for (const { name, lost, ended } of await Promise.all(others)) {
      expect(`${name} ${lost}`).toBe(`${name} 0%`);
      expect(ended).toBeGreaterThan(done);
    }
    expect(await becomes("express", addresses.express)).toBe(addresses.express);
  });
});

describe("a provider in trouble", () => {
  test("credentials refused: tried again and again, told in the status, back when they are taken; nobody else notices", async () => {
    const { provider } = lab.providers;
    await provider.refuseCredentials(true);
    await provider.fail();
    await provider.start();
    const status = () => onMachine({ lab }, "gatewayctl status --json").then((text) => JSON.parse(text) as Status);
    const trouble = await until("the status tells", 60_000, async () => {
      const nord = (await status()).exits.find(({ name }) => name === "nord");
      return nord?.lastError?.includes("AUTH_FAILED") && !nord.well ? nord : undefined;
    });
    expect(trouble).toMatchObject({ name: "nord", well: false });
    expect(await seen("nord")).toBe("no answer");
    expect(await seen("express")).toBe(addresses.express);
    await provider.refuseCredentials(false);
    expect(await becomes("nord", addresses.provider)).toBe(addresses.provider);
  });

  test("several remotes: the next one is tried when one does not answer", async () => {
    const rotating = "/run/wg-gateway-lab/rotating.ovpn";
    writeFileSync(rotating, lab.providers.provider.profile.replace("remote ", "remote 203.0.113.99 1194 udp\nremote "));
    const others = (["direct", "express", "wg"] as const).map((name) =>
      device(name).host.run(["ping", "-n", "-q", "-i", "0.01", "-c", "800", addresses.web], { timeout: 30_000 }),
    );
    await up({ exits: [{ name: "nord", profile: rotating }, ...exits.slice(1)] });
    // An exit changed is nothing to the clients of the others.
    for (const { stdout } of await Promise.all(others)) expect(stdout).toContain(" 0% packet loss");
    expect(await becomes("nord", addresses.provider)).toBe(addresses.provider);
    expect(await onMachine({ lab }, "grep -c 'UDPv4 link remote.*203.0.113.99' /var/log/openvpn-ns.log")).not.toBe(
      "0\n",
    );
    await up();
    expect(await becomes("nord", addresses.provider)).toBe(addresses.provider);
  });

  test("a WireGuard provider's tunnel killed and held down: nothing leaks, and it is back when it is let", async () => {
    await withoutRepair({ lab }, async () => {
      await onMachine({ lab }, "systemctl kill -s KILL wg-gateway-exit@wgprov; systemctl stop wg-gateway-exit@wgprov");
      const { sent, leaked, whole } = await probe(lab, device("wg").host);
      expect({ enough: sent >= 1000, leaked, whole }).toEqual({ enough: true, leaked: [], whole: true });
      await onMachine({ lab }, "systemctl start wg-gateway-exit@wgprov");
    });
    expect(await becomes("wg", addresses.wgprov)).toBe(addresses.wgprov);
    // Control: the same probes of a client that may are seen.
    const control = await probe(lab, device("direct").host);
    expect(control.leaked.length).toBeGreaterThan(1000);
  });
});

describe("by protocol and port", () => {
  test("TCP 80 through the provider, UDP, ICMP and other ports directly; names by the web's exit", async () => {
    const capture = await lab.hosts.web.capture("eth0", "port 4000 or icmp[icmptype] == icmp-echo");
    const { host } = device("mixed");
    expect(await seen("mixed")).toBe(addresses.provider);
    await host.run([
      "bash",
      "-c",
      `echo x >/dev/udp/${addresses.web}/4000; timeout 1 bash -c '</dev/tcp/${addresses.web}/4000'; ping -c 1 -W 1 ${addresses.web}`,
    ]);
    const from = new Set((await capture.stop()).map((line) => / IP (\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1]));
    expect([...from].filter((address) => address !== addresses.web)).toEqual([addresses.elastic]);
    expect(await device("mixed").dig("shop.geo.example")).toEqual(["192.0.2.81"]);
  });
});

describe("failover", () => {
  test("a provider with nothing behind it is left; it is gone back to when it is well; all ill: blocked", async () => {
    const { provider, express } = lab.providers;
    await provider.stopForwarding(true);
    expect(await becomes("any", addresses.express)).toBe(addresses.express);
    expect(await seen("direct")).toBe(addresses.elastic);
    await express.stopForwarding(true);
    await until(
      "the group is blocked",
      30_000,
      async () => (await onMachine({ lab }, "cat /run/wg-gateway/selected/group-any")).trim() === "none",
    );
    const outside = await lab.hosts.internet.capture(
      "any",
      `inbound and src host ${addresses.elastic} and dst host ${addresses.web}`,
    );
    expect(await seen("any")).toBe("no answer");
    expect(await outside.stop()).toEqual([]);
    await provider.recover();
    await express.recover();
    expect(await becomes("any", addresses.provider)).toBe(addresses.provider);
  });
});

describe("block", () => {
  test("local networks, clients and internal names, and nothing else", async () => {
    await up({ rules: [{ from: "10.4.0.120", exit: "block" }, ...rules.slice(0, 4)] });
    const blocked = device("mixed");
    expect(await seen("mixed")).toBe("no answer");
    expect((await blocked.fetch(`http://${addresses.vpcHost}/`)).trim()).toBe(addresses.gateway);
    expect(await blocked.dig("vault.raff.local")).toEqual(["10.4.0.7"]);
    expect(await blocked.dig("shop.geo.example").catch(() => ["no answer"])).not.toContain("192.0.2.80");
    expect(await blocked.ping("10.4.0.50")).toBe(true);
    await up();
    expect(await becomes("mixed", addresses.provider)).toBe(addresses.provider);
  });
});

describe("a client's key rotated", () => {
  test("the old profile is no longer taken, the new one is; nobody else notices", async () => {
    const list = settings["clients"] as { name: string; address: string }[];
    const rotated = list.map((client) => (client.name === "mixed" ? { ...client, keyVersion: 2 } : client));
    const other = device("nord").host.run(["ping", "-n", "-q", "-i", "0.01", "-c", "600", addresses.web], {
      timeout: 30_000,
    });
    const { outputs } = await up({ clients: rotated });
    expect((await other).stdout).toContain(" 0% packet loss");
    expect(await seen("mixed")).toBe("no answer");
    await device("mixed").down();
    await device("mixed").up(outputs.clientProfiles?.["mixed"] ?? "");
    expect(await becomes("mixed", addresses.provider)).toBe(addresses.provider);
    // From here on the new key is the client's.
    settings = { ...settings, clients: rotated };
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
  const ended = device(name)
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
            { lab },
            "conntrack -L -p tcp 2>/dev/null | grep -c 'ESTABLISHED src=10.4.0.120 .*dport=80' || true",
          )
        ).trim() !== "0",
    );
    await up({ rules: [{ from: "10.4.0.120", exit: "express" }, ...rules.slice(0, 4)] });
    await until("the old connection is cut", 10_000, () => running.state.exitCode !== undefined);
    expect(running.state.exitCode).not.toBe(0);
    expect(await device("mixed").dig("shop.geo.example")).toEqual(["192.0.2.82"]);
    expect(await seen("mixed")).toBe(addresses.express);
    expect(other.state.exitCode).toBeUndefined();
    await up();
    await other.ended;
  });
});

describe("by time", () => {
  test("after a reboot inside a window, and outside of one", async () => {
    const hour = (ahead: number) => new Date(Date.now() + ahead * 3_600_000).toISOString().slice(11, 16);
    const inside = { from: hour(-2), to: hour(2), timeZone: "UTC" };
    const outside = { from: hour(2), to: hour(4), timeZone: "UTC" };
    await up({
      rules: [
        { from: "10.4.0.120", during: inside, exit: "nord" },
        { from: "10.4.0.110", during: outside, exit: "nord" },
        ...rules.slice(0, 3),
      ],
    });
    await lab.machine.reboot();
    expect(await becomes("mixed", addresses.provider)).toBe(addresses.provider);
    expect(await becomes("any", addresses.elastic)).toBe(addresses.elastic);
    await up();
    expect(await becomes("any", addresses.provider)).toBe(addresses.provider);
  });

  test("a window that opens and closes at the full minute; connections on the exit that ends are cut", async () => {
    const minute = (ahead: number) => new Date(Date.now() + ahead * 60_000).toISOString().slice(11, 16);
    // The next full minute opens it, if there is time enough until then to be seen outside; the one after it closes it.
    const next = new Date().getUTCSeconds() < 45 ? 1 : 2;
    const during = { from: minute(next), to: minute(next + 1), timeZone: "UTC" };
    await up({ rules: [{ from: "10.4.0.120", during, exit: "nord" }, ...rules.slice(0, 4)] });
    expect(await seen("mixed")).toBe(addresses.elastic);
    expect(await becomes("mixed", addresses.provider, 75_000)).toBe(addresses.provider);
    const running = download("mixed");
    expect(await becomes("mixed", addresses.elastic, 75_000)).toBe(addresses.elastic);
    await until("the connection of the window is cut", 10_000, () => running.state.exitCode !== undefined);
    expect(running.state.exitCode).not.toBe(0);
    await up();
  });
});
