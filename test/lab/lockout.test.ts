import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onMachine, withoutRepair, type Scenario } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { until } from "../../lab/process";
import { deployInto, openLab, settled } from "../../lab/scenario";
import { addresses } from "../../lab/topology";
import { type Attacks, insert, notReached } from "./attacks";
import { byClient, fetches, greets } from "./clientAttacks";
import { PROBES } from "./probeArchives";

const quiet = () => undefined;
const { gateway, elastic, operator, web } = addresses;

/** Services of somebody on the machine: TCP 8080, and UDP 8081 and 68, which write down who spoke to them. */
const SOMEBODY = `import http.server, socket, threading
def hear(port):
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.bind(("0.0.0.0", port))
    while True:
        text, (source, _) = heard.recvfrom(100)
        with open("/tmp/heard", "a") as out: out.write("%d %s %s\\n" % (port, source, text.decode()))
for port in (8081, 68): threading.Thread(target=hear, args=(port,)).start()
http.server.HTTPServer(("0.0.0.0", 8080), http.server.SimpleHTTPRequestHandler).serve_forever()
`;

/** SOURCE SOURCE-PORT DESTINATION DESTINATION-PORT TEXT: a UDP packet with that source, whoever has it. */
const SPOOF = `import socket, struct, sys
source, sport, destination, dport, text = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5].encode()
udp = struct.pack("!HHHH", sport, dport, 8 + len(text), 0) + text
ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, socket.inet_aton(source), socket.inet_aton(destination))
socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW).sendto(ip + udp, (destination, 0))
`;

let scenario: Scenario;
let lab: Lab;
const machine = (script: string): Promise<string> => onMachine(scenario, script).then((text) => text.trim());

/** Whether a UDP packet of a source arrives; one that is let in follows, so that nothing has to be waited for. */
const arrives = (source: string, sport: number, dport: number, after: [string, number, number]) => {
  return async (): Promise<boolean> => {
    await machine("rm -f /tmp/heard");
    const send = (from: string, fromPort: number, to: number, text: string) =>
      lab.hosts.cloud.must(["python3", "-c", SPOOF, from, String(fromPort), gateway, String(to), text]);
    await send(source, sport, dport, "first");
    await send(...after, "last");
    const heard = await until("the last is heard", 10_000, async () => {
      const lines = await machine("cat /tmp/heard 2>/dev/null || true");
      return lines.includes("last") && lines;
    });
    return heard.includes(`${dport} ${source} first`);
  };
};
const direct = () => lab.clients.direct.host;

beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet), quiet);
  lab = scenario.lab;
  await lab.machine.must(["systemd-run", "--quiet", "--unit=somebody", "python3", "-c", SOMEBODY]);
  await until("somebody's services are there", 10_000, fetches(lab.hosts.web, `http://${elastic}:8080/`));
});
afterAll(() => Lab.clear());

const attacks: Attacks = {
  ...byClient(() => lab, "direct", "10.4.0.50", "10.4.0.200"),
  ...byClient(() => lab, "vpn", "10.4.0.200", "10.4.0.50"),
  "the machine, from outside with a client's address": () => ({
    reach: arrives("10.4.0.50", 4000, 8081, ["10.0.1.1", 4000, 8081]),
    control: insert("mangle_prerouting", "ip saddr 10.4.0.0/24"),
  }),
  "the machine, from outside with a namespace's address": () => ({
    reach: arrives("10.200.1.2", 4000, 8081, ["10.0.1.1", 4000, 8081]),
    control: insert("mangle_prerouting", "ip saddr 10.200.1.0/24"),
  }),
  "the clients' resolver, by a neighbour": () => ({
    reach: async () => {
      // Its answer, at the machine: what would be EC2's source check drops it on its way.
      const answers = await lab.machine.network().capture("ens5", "src host 10.4.0.1 and udp port 53");
      await lab.hosts.cloud.must(["ip", "route", "replace", "10.4.0.1/32", "via", gateway, "dev", "to-gateway"]);
      await lab.hosts.cloud.run(["dig", "+short", "+tries=1", "+time=1", "@10.4.0.1", "vault.raff.local"]);
      await lab.hosts.cloud.must(["ip", "route", "del", "10.4.0.1/32"]);
      return (await answers.stop()).length > 0;
    },
    control: insert("filter_input", "ip daddr 10.4.0.1"),
  }),
  "others, by a neighbour through the machine": () => ({
    reach: async () => {
      const passing = await lab.machine.network().capture("any", "icmp and host 192.0.2.99");
      await lab.hosts.cloud.must(["ip", "route", "replace", "192.0.2.99/32", "via", gateway, "dev", "to-gateway"]);
      await lab.hosts.cloud.run(["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "192.0.2.99"]);
      await lab.hosts.cloud.must(["ip", "route", "del", "192.0.2.99/32"]);
      const packets = await passing.stop();
      expect(packets.filter((line) => line.includes(" In ")).length).toBeGreaterThan(0);
      return packets.some((line) => line.includes(" Out "));
    },
    control: "nft flush chain inet wg_gateway forward_neighbours",
  }),
};

notReached(() => scenario, attacks, "ip rule del priority 98 2>/dev/null || true");

test("our rules gone, nothing of a VPN client leaves by the uplink, unless the rule behind the exits' is gone, too", async () => {
  const leaks = async (): Promise<boolean> => {
    const uplink = await lab.machine.network().capture("ens5", "net 10.4.0.0/24");
    await lab.clients.vpn.host.run(["ping", "-n", "-c", "3", "-i", "0.2", "-W", "1", web]);
    return (await uplink.stop()).length > 0;
  };
  await withoutRepair(scenario, async () => {
    await onMachine(scenario, "nft delete table inet wg_gateway");
    expect(await leaks()).toBe(false);
    await onMachine(scenario, "ip rule del priority 300");
    expect(await leaks()).toBe(true);
    await onMachine(scenario, "gatewayctl check --repair");
  });
});

test("another firewall that drops what is forwarded is named in the deployment, with the commands that let clients out", async () => {
  await onMachine(
    scenario,
    "nft 'table ip other { chain FORWARD { type filter hook forward priority 0; policy drop; }; }'",
  );
  const { said } = await scenario.deployment.up({ dns: { records: { "nas.internal": "10.4.0.9" } } });
  expect(said).toContain("note: nft drops what it does not know (ip other FORWARD)");
  const commands = said.split("\n").flatMap((line) => /nft insert rule .* accept/.exec(line)?.[0] ?? []);
  const reached = () => fetches(direct(), `http://${web}/`)();
  expect(await reached()).toBe(false);
  await onMachine(scenario, commands.join("\n"));
  expect(await reached()).toBe(true);
  await onMachine(scenario, "nft delete table ip other");
});

describe("with the firewall, SSH from the operator and from clients, and clients kept apart", () => {
  const fromOutside = () => [
    fetches(lab.hosts.web, `http://${elastic}:8080/`),
    greets(lab.hosts.web, elastic),
    arrives("10.0.1.1", 4000, 8081, ["10.0.1.1", 67, 68]),
  ];
  const between = () => fetches(direct(), "http://10.4.0.200/");
  const all = (looks: (() => Promise<boolean>)[]) => Promise.all(looks.map((look) => look()));

  test("without them all of it is reached, but SSH by clients", async () => {
    expect(await all(fromOutside())).toEqual([true, true, true]);
    expect(await between()()).toBe(true);
  });

  test("what is not named is dropped, and the rest works", async () => {
    const files = "/run/wg-gateway-lab/ssh";
    await scenario.deployment.up({
      wireguard: { isolation: true },
      host: {
        ...{ kind: "existing", address: elastic, user: "admin", privateKeyFile: `${files}/id_ed25519` },
        ...{ hostKey: `${files}/host_ed25519.pub`, firewall: true, sshFrom: [`${operator}/32`], sshFromClients: true },
      },
      published: { services: [{ protocol: "tcp", ports: [8090] }] },
    });
    expect(await all(fromOutside())).toEqual([false, false, false]);
    expect(await between()()).toBe(false);
    expect(await greets(lab.operator, elastic)()).toBe(true);
    expect(await greets(direct(), "10.4.0.1")()).toBe(true);
    // DHCP's answers, ping, what the machine itself asks for, and the clients.
    expect(await arrives("10.0.1.1", 67, 68, ["10.0.1.1", 67, 68])()).toBe(true);
    expect((await lab.hosts.web.run(["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", elastic])).exitCode).toBe(0);
    expect(await machine(`curl -sf --max-time 2 http://${web}/`)).toBe(elastic);
    await settled(lab);
    expect(await machine("gatewayctl check")).toBe("the machine is as its release says");
  });

  test("ICMP's errors come in: a path with little room is found, and what is not there is told", async () => {
    await machine(
      "truncate -s 300K /var/tmp/bulk; systemd-run --quiet --unit=published python3 -m http.server --directory /var/tmp 8090",
    );
    const bulk = `http://${elastic}:8090/bulk`;
    await until("what is published is there", 10_000, fetches(lab.hosts.web, bulk));
    const pathMtu = (mtu: number) => lab.hosts.internet.must(["ip", "link", "set", "to-web", "mtu", String(mtu)]);
    const told = async () => {
      await machine("ip route flush cache"); // what earlier errors told
      const nobody = `import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(2); s.connect(("${web}", 9)); s.send(b"x"); s.recv(1)`;
      return {
        fragmentationNeeded: await fetches(lab.hosts.web, bulk, 5)(),
        unreachable: (await machine(`python3 -c '${nobody}' 2>&1 || true`)).includes("Connection refused"),
      };
    };
    const rule = (what: string) =>
      `handle $(nft -a list chain inet wg_gateway filter_input | sed -n '/${what}/s/.* //p')`;
    await pathMtu(1300);
    expect(await told()).toEqual({ fragmentationNeeded: true, unreachable: true });
    await withoutRepair(scenario, async () => {
      // By the rule of their types alone: conntrack, which knows whose errors they are, may be full or flushed.
      await machine(
        `nft replace rule inet wg_gateway filter_input ${rule("ct state.*related")} ct state established accept`,
      );
      expect(await told()).toEqual({ fragmentationNeeded: true, unreachable: true });
      await machine(`nft delete rule inet wg_gateway filter_input ${rule("icmp type.*destination-unreachable")}`);
      expect(await told()).toEqual({ fragmentationNeeded: false, unreachable: false });
      await machine("gatewayctl check --repair");
    });
    await pathMtu(1500);
  });
});

describe("the machine", () => {
  test("each unit of ours is rated 3.0 or better by systemd, or says why not, option by option", async () => {
    const units = await machine(
      `systemctl list-units --all --plain --no-legend 'wg-gateway-*.service' | awk '{ print $1 }'; echo wg-gateway-repair.service`,
    );
    const scoreOf = async (unit: string): Promise<number> => {
      const said = await machine(`systemd-analyze security --no-pager ${unit} | tail -n 1`);
      return Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    };
    /** The options that the rating misses and no comment of the unit's file names. */
    const unexplained = async (unit: string): Promise<string[]> => {
      const options = JSON.parse(await machine(`systemd-analyze security --json=short ${unit}`)) as {
        name: string;
        set: boolean | null;
      }[];
      const comments = await machine(`systemctl cat ${unit} | grep '^#' || true`);
      // As "User=/DynamicUser=", "SystemCallFilter=~@mount".
      const names = options.filter(({ set }) => set === false).map(({ name }) => [...name.matchAll(/([A-Z]\w+)=/g)]);
      expect(names.length).toBeGreaterThan(0);
      const named = ([, option]: RegExpExecArray) => new RegExp(`\\b${option}\\b`).test(comments);
      return [
        ...new Set(names.filter((one) => !one.some(named)).map((one) => one.map(([, option]) => option).join("/"))),
      ];
    };
    const scores: Record<string, number> = {};
    for (const unit of new Set(units.split("\n"))) scores[unit] = await scoreOf(unit);
    expect(Object.keys(scores)).toEqual(
      expect.arrayContaining(
        ["exit@vpn", "firewall", "resolver@vpn", "watch"].map((name) => `wg-gateway-${name}.service`),
      ),
    );
    const worse = Object.keys(scores).filter((unit) => !(scores[unit]! <= 3));
    expect(worse).toEqual(["wg-gateway-repair.service"]);
    expect(scores["wg-gateway-repair.service"]).toBeLessThanOrEqual(4.5);
    for (const unit of worse) expect(await unexplained(unit)).toEqual([]);
    // Control: a unit without any of it.
    expect(await scoreOf("somebody.service")).toBeGreaterThan(9);
    expect(await unexplained("somebody.service")).toEqual(
      expect.arrayContaining(["PrivateDevices", "User/DynamicUser"]),
    );
  });

  test("takes keys alone, and nobody as root", async () => {
    const options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5"];
    for (const user of ["admin", "root"]) {
      const login = ["ssh", ...options, "-o", "PubkeyAuthentication=no", "-o", "BatchMode=yes", `${user}@${elastic}`];
      expect((await lab.operator.run([...login, "true"])).stderr).toContain("Permission denied (publickey)");
    }
    const shown = await machine(
      "sshd -T | grep -E '^(passwordauthentication|kbdinteractiveauthentication|permitrootlogin) '",
    );
    expect(shown.split("\n").sort()).toEqual([
      "kbdinteractiveauthentication no",
      "passwordauthentication no",
      "permitrootlogin no",
    ]);
    expect(await machine("passwd -S root | cut -d' ' -f2")).toBe("L");
    // Control: without our file sshd would offer passwords.
    const without =
      "sed -i '/PasswordAuthentication/d' /etc/ssh/sshd_config.d/*.conf; sshd -T | grep ^passwordauthentication";
    expect(await machine(without)).toBe("passwordauthentication yes");
  });

  test("made by our user data, keeps itself up to date: security updates, and no others", async () => {
    await machine(PROBES);
    const wouldUpgrade = () =>
      machine("unattended-upgrade --dry-run -v | sed -n 's/^Packages that will be upgraded: //p'");
    expect(await wouldUpgrade()).toBe("probe-security");
    const settings = await machine("apt-config dump APT::Periodic; unattended-upgrade --dry-run -v");
    expect(settings).toContain('APT::Periodic::Update-Package-Lists "1";');
    expect(settings).toContain('APT::Periodic::Unattended-Upgrade "1";');
    expect(settings).toMatch(/^Allowed origins are: origin=Debian,codename=\w+-security,label=Debian-Security$/m);
    // Control: by Debian's own choice the other one would come, too.
    const ours = "/etc/apt/apt.conf.d/52-wg-gateway";
    await machine(`mv ${ours} /var/tmp/ours`);
    expect(await wouldUpgrade()).toBe("probe-other probe-security");
    // A machine without our user data: what it does about updates stays as it is.
    await machine("apt-get purge -q -y unattended-upgrades");
    const is = "dpkg-query -W -f '${Status}' unattended-upgrades 2>/dev/null || true";
    await scenario.deployment.up({ dns: { records: { "one.internal": "10.4.0.9" } } });
    expect(await machine(is)).not.toContain("ok installed");
    // And with it, but from an image without the package: the next release brings it.
    await machine(`mv /var/tmp/ours ${ours}`);
    const { said } = await scenario.deployment.up({ dns: { records: { "two.internal": "10.4.0.9" } } });
    expect(said).toContain("installing unattended-upgrades");
    expect(await machine(is)).toContain("ok installed");
    expect(await wouldUpgrade()).toBe("probe-security");
  });
});
