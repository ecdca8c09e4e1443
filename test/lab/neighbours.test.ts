import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Deployment, type UpResult } from "../../lab/deployment";
import { onMachine, orNothing } from "../../lab/flows";
import { Lab } from "../../lab/lab";
import { openLab } from "../../lab/scenario";
import { addresses } from "../../lab/topology";

let lab: Lab;
let deployment: Deployment;
let clients = 0;
const machine = (script: string): Promise<string> => onMachine({ lab }, script).then((text) => text.trim());
const install = (...names: string[]) =>
  machine(
    `DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${names.join(" ")} >/dev/null 2>&1`,
  );
const packages = async (): Promise<string[]> =>
  (
    await machine("dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' | awk '$1 == \"ii\" { print $2 }' | sort")
  ).split("\n");

/** Deploys something new: a client, whose connection nobody uses. */
const up = (): Promise<UpResult> => {
  clients += 1;
  const more = Array.from({ length: clients }, (_, index) => ({ name: `c${index}`, address: `10.4.0.${60 + index}` }));
  const both = [
    { name: "direct", address: "10.4.0.50" },
    { name: "vpn", address: "10.4.0.200" },
  ];
  return deployment.up({ clients: [...both, ...more], metrics: { from: ["direct"] } });
};
/** The note about another firewall: its first line, and its commands. */
const noteIn = ({ said }: UpResult): { head: string; commands: string[] } => {
  const lines = said.split("\n").map((line) => line.replace(/^.*gateway-release-apply \| /, ""));
  const at = lines.findIndex((line) => line.startsWith("note: "));
  const after = lines.slice(at + 1);
  const end = after.findIndex((line) => !line.startsWith("  "));
  return at < 0
    ? { head: "", commands: [] }
    : { head: lines[at]!, commands: after.slice(0, end).map((line) => line.replace(/ {2}# .*/, "").trim()) };
};
/** What each client gets now, all of it new: a page, a name, and of the direct one the metrics. */
async function seen(): Promise<Record<string, string>> {
  const of = async (name: "direct" | "vpn") => {
    const client = lab.clients[name];
    const page = await orNothing(client.fetch(`http://${addresses.web}/`, { timeout: 3000 }));
    const found = await orNothing(client.dig(`new-${clients}-${name}.example`).then((lines) => lines.join(" ")));
    return `${page}, ${found}`;
  };
  const metrics = await orNothing(lab.clients.direct.fetch("http://10.4.0.1:9586/metrics", { timeout: 3000 }));
  return { direct: await of("direct"), vpn: await of("vpn"), metrics: metrics.includes("_info") ? "some" : metrics };
}
const everything = {
  direct: `${addresses.elastic}, ${addresses.web}`,
  vpn: `${addresses.provider}, ${addresses.web}`,
  metrics: "some",
};

beforeAll(async () => {
  lab = await openLab(() => undefined);
  deployment = await Deployment.choose();
});
afterAll(() => Lab.clear());

describe("packages", () => {
  test("that came with the gateway and that nothing else needs go; the others are named, and stay", async () => {
    await up();
    await install("iptables", "ufw");
    await machine("ufw allow 22/tcp; ufw --force enable");
    const came = (await machine("cat /var/lib/wg-gateway/packages")).split("\n");
    const before = await packages();
    const said: string[] = [];
    await (await Deployment.choose((line) => said.push(line))).destroy();
    const left = await packages();
    const kept = came.filter((name) => left.includes(name));
    // Of what ufw needs, iptables: the libraries that it shares with nftables and conntrack.
    expect(kept).toEqual(["libnetfilter-conntrack3", "libnfnetlink0", "libnftnl11"]);
    expect(said.join("\n")).toContain(`keeping ${kept.join(" ")}: needed by iptables ufw`);
    expect(before.filter((name) => !left.includes(name) && !came.includes(name))).toEqual([]);
    expect(await machine("ufw status | head -1; iptables -V >/dev/null && echo works")).toBe("Status: active\nworks");
    expect(await machine("systemctl list-unit-files | grep -cE '^(openvpn|nftables|wg-)' || true")).toBe("0");
    expect(await machine("find /etc/systemd/system -xtype l")).toBe("");
    // And go with those that need them.
    await machine(
      "ufw --force disable; iptables -F; iptables -X; apt-get purge -y --autoremove ufw iptables >/dev/null 2>&1",
    );
    expect((await packages()).filter((name) => came.includes(name))).toEqual([]);
  });
});

describe("another firewall on the machine is named, with what it has to allow", () => {
  test("Docker, whose daemon was there first", async () => {
    await install("docker.io");
    // It forbids forwarding where it was the first to turn that on.
    expect(await machine("systemctl is-active docker; iptables -S FORWARD | head -1")).toBe("active\n-P FORWARD DROP");
    const first = await up();
    for (const [name, client] of Object.entries(lab.clients)) await client.up(first.outputs.clientProfiles![name]!);
    const { head, commands } = noteIn(first);
    expect(head).toContain("note: Docker drops what it does not know (ip filter FORWARD)");
    expect(commands).toEqual(
      ["wg0", "veth-wg"].flatMap((link) => ["-i", "-o"].map((by) => `iptables -I DOCKER-USER ${by} ${link} -j ACCEPT`)),
    );
    // Control: without that nobody gets out.
    expect(await seen()).toMatchObject({ direct: `no answer, ${addresses.web}`, vpn: "no answer, no answer" });
    await machine(commands.join("\n"));
    expect(noteIn(await up()).head).toBe("");
    expect(await seen()).toEqual(everything);
    await machine(
      `apt-get purge -y --autoremove docker.io >/dev/null 2>&1; nft delete table ip filter; nft delete table ip nat; ip link del docker0
       gatewayctl check`,
    );
  });

  test("ufw, with its defaults", async () => {
    await install("iptables", "ufw");
    await machine("ufw allow 22/tcp; ufw --force enable");
    const { head, commands } = noteIn(await up());
    expect(head).toContain("note: ufw drops what it does not know (ip filter INPUT, ip filter FORWARD)");
    expect(commands).toEqual([
      "ufw allow 45822/udp",
      ...[53, 5353].flatMap((port) =>
        ["udp", "tcp"].map((protocol) => `ufw allow in on wg0 to any port ${port} proto ${protocol}`),
      ),
      "ufw allow in on wg0 to any port 9586 proto tcp",
      ...["wg0", "veth-wg"].flatMap((link) => ["in", "out"].map((by) => `ufw route allow ${by} on ${link}`)),
    ]);
    // Control.
    expect(await seen()).toEqual({ direct: "no answer, no answer", vpn: "no answer, no answer", metrics: "no answer" });
    await machine(commands.join("\n"));
    expect(noteIn(await up()).head).toBe("");
    expect(await seen()).toEqual(everything);
  });
});
