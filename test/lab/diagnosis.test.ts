import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { onMachine, withoutRepair } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { addresses } from "../../lab/topology";
import { SeveralExits } from "./severalExits";

/** What is looked at of `gatewayctl status --json`. */
interface Status {
  readonly state: string;
  readonly exits: readonly { readonly name: string; readonly well: boolean; readonly lastError: string | null }[];
  readonly resolvers: readonly { readonly name: string; readonly answers: boolean }[];
  readonly clients: readonly { readonly address: string }[];
}

let scene: SeveralExits;
const machine = (script: string): Promise<string> => onMachine(scene, script).then((text) => text.trim());
const status = async (): Promise<Status> => JSON.parse(await machine("gatewayctl status --json")) as Status;
const exitCode = async (): Promise<string> =>
  machine("code=0; gatewayctl status --exit-code >/dev/null || code=$?; echo $code");
const answers = ({ resolvers }: Status, name: string) => resolvers.find((one) => one.name === name)!.answers;

beforeAll(async () => {
  scene = await SeveralExits.open();
  await until("everything is healthy", 60_000, async () => (await status()).state === "running");
});
afterEach(() => scene.recover());
afterAll(() => Lab.clear());

describe("the status", () => {
  test("says of a resolver that it answers as soon as names resolve again, however long its tunnel was away", async () => {
    await withoutRepair(scene, async () => {
      await machine("systemctl stop wg-gateway-exit@nord");
      // Each time it asks, in vain.
      for (let time = 0; time < 6; time += 1) expect(answers(await status(), "nord")).toBe(false);
      await machine("systemctl start wg-gateway-exit@nord");
    });
    await until("names resolve", 30_000, async () => (await scene.device("nord").dig("back.example")).length > 0);
    expect(answers(await status(), "nord")).toBe(true);
  });

  test("has the clients in the order of their addresses, whenever they came", async () => {
    const known = scene.settings["clients"] as { name: string; address: string }[];
    await scene.up({ clients: [...known, { name: "early", address: "10.4.0.9" }] });
    const found = (await status()).clients.map(({ address }) => address);
    const number = (address: string) => Number(address.split(".").at(-1));
    expect(found).toEqual([...found].sort((one, other) => number(one) - number(other)));
    expect(found[0]).toBe("10.4.0.9");
    await scene.up();
  });

  test("ends with 0, with 3 and with 4, and with 0 whatever it shows where nobody asked for that", async () => {
    await until("everything is healthy", 60_000, async () => (await status()).state === "running");
    expect(await exitCode()).toBe("0");
    await withoutRepair(scene, async () => {
      await machine("systemctl stop wg-gateway-exit@express");
      expect(await exitCode()).toBe("3");
      await machine("gatewayctl status");
      await machine("/usr/local/lib/wg-gateway/firewall.sh shut");
      expect(await exitCode()).toBe("4");
      await machine("gatewayctl check --repair");
    });
    expect(await scene.becomes("express", addresses.express)).toBe(addresses.express);
  });
});

describe("what is written down", () => {
  test("each line of each tunnel's log has its time", async () => {
    // Both kinds come up and end; that of WireGuard says so to the last.
    await machine("systemctl restart wg-gateway-exit@nord wg-gateway-exit@wgprov");
    await scene.becomes("nord", addresses.provider);
    await scene.becomes("wg", addresses.wgprov);
    for (const log of ["openvpn-ns", "openvpn-ns-wgprov"]) {
      const lines = (await machine(`cat /var/log/${log}.log`)).split("\n");
      expect(lines.length).toBeGreaterThan(1);
      expect(lines.filter((line) => !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /.test(line))).toEqual([]);
    }
    // OpenVPN's hook, too.
    expect(await machine("cat /var/log/openvpn-ns.log")).toMatch(/^\S+ \S+ \[#\] ip route replace default dev tun0$/m);
  });

  test("a tunnel that cannot start leaves its last words", async () => {
    await withoutRepair(scene, async () => {
      const file = "/etc/wg-gateway/exits/wgprov/wireguard.conf";
      await machine(`cp -p ${file} /run/kept; echo nonsense >>${file}; systemctl restart wg-gateway-exit@wgprov`);
      await until("it says so", 10_000, async () =>
        /^\S+ \S+ Line unrecognized: /m.test(await machine("cat /var/log/openvpn-ns-wgprov.log")),
      );
      await machine(`cp -p /run/kept ${file}; systemctl restart wg-gateway-exit@wgprov`);
    });
    expect(await scene.becomes("wg", addresses.wgprov)).toBe(addresses.wgprov);
  });

  test("a provider that is not known to DNS is in the status", async () => {
    await withoutRepair(scene, async () => {
      const file = "/etc/wg-gateway/exits/nord/remotes";
      await machine(`cp -p ${file} /run/kept; echo nowhere.invalid 1194 udp >${file}`);
      await machine("systemctl restart wg-gateway-exit@nord || true");
      const nord = (await status()).exits.find(({ name }) => name === "nord");
      expect(nord?.lastError).toMatch(
        /^\S+ \S+ exit-remotes\.sh: none of the provider's names is known to DNS: nowhere\.invalid$/,
      );
      await machine(`cp -p /run/kept ${file}; systemctl restart wg-gateway-exit@nord`);
    });
    expect(await scene.becomes("nord", addresses.provider)).toBe(addresses.provider);
  });

  test("the journal says which exit gave no answer since when, and why its group moved and it was restarted", async () => {
    await until("everything is healthy", 60_000, async () => (await status()).state === "running");
    await scene.lab.providers.provider.stopForwarding(true);
    const journal = () => machine("journalctl -o cat -u wg-gateway-watch");
    const silent = String.raw`no answer through its tunnel since \d{4}-\d\d-\d\d [\d:]{8}, to \d+ queries in a row, from 1\.1\.1\.2`;
    for (const line of [
      `^exit nord is unhealthy: ${silent}`,
      `^group-any: nord -> express: exit nord is unhealthy: ${silent}`,
      `^exit nord: ${silent}.*: restarting its tunnel$`,
    ])
      await until(line, 60_000, async () => new RegExp(line, "m").test(await journal()));
  });
});
