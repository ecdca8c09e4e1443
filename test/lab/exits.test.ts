import { writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { echoesOfEach } from "../../lab/echoes";
import { onMachine, orNothing, withoutRepair } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { probe } from "../../lab/probes";
import { until } from "../../lab/process";
import { addresses } from "../../lab/topology";
import { exits, type Name, rules, SeveralExits } from "./severalExits";

/** What is looked at of `gatewayctl status --json`. */
interface Status {
  readonly exits: readonly {
    readonly name: string;
    readonly well: boolean;
    readonly publicAddress: string | null;
    readonly lastError: string | null;
  }[];
}

let scene: SeveralExits;
const hosts = (...names: readonly Name[]) => names.map((name) => scene.device(name).host);

beforeAll(async () => {
  scene = await SeveralExits.open();
});
afterEach(() => scene.recover());
afterAll(() => Lab.clear());

describe("several providers", () => {
  test("each client is answered by its exit's country, also when another has just cached the name", async () => {
    const geo = (name: Name) =>
      orNothing(
        scene
          .device(name)
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
      const { exits: all } = JSON.parse(await onMachine(scene, "gatewayctl status --json")) as Status;
      return Object.fromEntries(all.map(({ name, publicAddress }) => [name, publicAddress]));
    };
    const { provider: nord, express, wgprov } = addresses;
    expect(await shown()).toEqual({ nord, express, wgprov });
    await withoutRepair(scene, async () => {
      await onMachine(scene, "systemctl stop wg-gateway-exit@express");
      expect(await shown()).toEqual({ nord, express: null, wgprov });
      await onMachine(scene, "gatewayctl check --repair");
    });
    expect(await scene.becomes("express", express)).toBe(express);
  });

  test("names and numbers: one namespace, link pair, table, two marks each", async () => {
    const rules_ = await onMachine(scene, "ip rule show | grep fwmark | tr -s '\\t ' ' '");
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
    expect((await onMachine(scene, "ip netns list | awk '{ print $1 }' | sort | tr '\\n' ' '")).trim()).toBe(
      "vpn_ns vpn_ns_express vpn_ns_wgprov",
    );
  });

  test("each has a log and credentials of its own; what the provider pushes of routes and names is left", async () => {
    const look = (script: string) => onMachine(scene, script).then((text) => text.trim());
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
    const without = {
      exits: exits.filter(({ name }) => name !== "express"),
      rules: rules.filter(({ exit }) => exit !== "express"),
      groups: [{ name: "any", members: ["nord"] }],
      credentials: { nord: scene.credentials["nord"] },
    };
    const { echoes } = await echoesOfEach(hosts("direct", "nord", "wg"), addresses.web, async () => {
      await scene.up(without);
      expect((await onMachine(scene, "ip netns list")).includes("express")).toBe(false);
      await scene.up();
    });
    expect(echoes.map(({ lost }) => lost)).toEqual([0, 0, 0]);
    expect(await scene.becomes("express", addresses.express)).toBe(addresses.express);
  });
});

describe("a provider in trouble", () => {
  test("credentials refused: tried again and again, told in the status, back when they are taken; nobody else notices", async () => {
    const { provider } = scene.lab.providers;
    await provider.refuseCredentials(true);
    await provider.fail();
    await provider.start();
    const status = () => onMachine(scene, "gatewayctl status --json").then((text) => JSON.parse(text) as Status);
    const trouble = await until("the status tells", 60_000, async () => {
      const nord = (await status()).exits.find(({ name }) => name === "nord");
      return nord?.lastError?.includes("AUTH_FAILED") && !nord.well ? nord : undefined;
    });
    expect(trouble).toMatchObject({ name: "nord", well: false });
    expect(await scene.seen("nord")).toBe("no answer");
    expect(await scene.seen("express")).toBe(addresses.express);
    await provider.refuseCredentials(false);
    expect(await scene.becomes("nord", addresses.provider)).toBe(addresses.provider);
  });

  test("several remotes: the next one is tried when one does not answer", async () => {
    const rotating = "/run/wg-gateway-lab/rotating.ovpn";
    writeFileSync(
      rotating,
      scene.lab.providers.provider.profile.replace("remote ", "remote 203.0.113.99 1194 udp\nremote "),
    );
    // An exit changed is nothing to the clients of the others.
    const { echoes } = await echoesOfEach(hosts("direct", "express", "wg"), addresses.web, () =>
      scene.up({ exits: [{ name: "nord", profile: rotating }, ...exits.slice(1)] }),
    );
    expect(echoes.map(({ lost }) => lost)).toEqual([0, 0, 0]);
    expect(await scene.becomes("nord", addresses.provider)).toBe(addresses.provider);
    expect(await onMachine(scene, "grep -c 'UDPv4 link remote.*203.0.113.99' /var/log/openvpn-ns.log")).not.toBe("0\n");
    await scene.up();
    expect(await scene.becomes("nord", addresses.provider)).toBe(addresses.provider);
  });

  test("a WireGuard provider's tunnel killed and held down: nothing leaks, and it is back when it is let", async () => {
    await withoutRepair(scene, async () => {
      await onMachine(scene, "systemctl kill -s KILL wg-gateway-exit@wgprov; systemctl stop wg-gateway-exit@wgprov");
      const { sent, leaked, whole } = await probe(scene.lab, scene.device("wg").host);
      expect({ enough: sent >= 1000, leaked, whole }).toEqual({ enough: true, leaked: [], whole: true });
      await onMachine(scene, "systemctl start wg-gateway-exit@wgprov");
    });
    expect(await scene.becomes("wg", addresses.wgprov)).toBe(addresses.wgprov);
    // Its first greeting had somewhere to go: the next one would be 5 s later.
    const log = await onMachine(scene, "cat /var/log/openvpn-ns-wgprov.log");
    expect(log).toContain(`tunnel to ${addresses.wgprov}:51820 is set up`);
    expect(log).not.toContain("no known endpoint");
    // Control: the same probes of a client that may are seen.
    const control = await probe(scene.lab, scene.device("direct").host);
    expect(control.leaked.length).toBeGreaterThan(1000);
  });
});

describe("failover", () => {
  test("a provider with nothing behind it is left; it is gone back to when it is well; all ill: blocked", async () => {
    const { provider, express } = scene.lab.providers;
    await provider.stopForwarding(true);
    expect(await scene.becomes("any", addresses.express)).toBe(addresses.express);
    expect(await scene.seen("direct")).toBe(addresses.elastic);
    await express.stopForwarding(true);
    await until(
      "the group is blocked",
      30_000,
      async () => (await onMachine(scene, "cat /run/wg-gateway/selected/group-any")).trim() === "none",
    );
    const outside = await scene.lab.hosts.internet.capture(
      "any",
      `inbound and src host ${addresses.elastic} and dst host ${addresses.web}`,
    );
    expect(await scene.seen("any")).toBe("no answer");
    expect(await outside.stop()).toEqual([]);
    await provider.recover();
    await express.recover();
    expect(await scene.becomes("any", addresses.provider)).toBe(addresses.provider);
  });
});
