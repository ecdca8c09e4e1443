import { describe, expect, it } from "vitest";
import type { ExitPlan } from "../../gateway/plan/plan";
import { renderHostRules } from "../../gateway/render/nftables";
import { renderNamespaceRules } from "../../gateway/render/nftablesNamespace";
import { documented, exitOf, gatewayOf } from "./gateways";

/** The lines of a chain, without indentation and comments. */
function chain(ruleset: string, name: string): string[] {
  const body = new RegExp(`\\n\\tchain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*?)\\n?\\t\\}`).exec(ruleset)?.[1];
  if (body === undefined) throw new Error(`no chain ${name}`);
  return body
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

describe("a packet of a client", () => {
  it("meets the rules in the order that shuts", () => {
    const ruleset = renderHostRules(documented().plan);
    const noClients = ["169.254.0.0/16", "10.200.1.0/24", "10.200.3.0/24"];
    const prohibited = noClients.map((network) => `ip daddr ${network} goto forward_prohibited`);
    expect(chain(ruleset, "forward_from_clients")).toEqual([
      "ip saddr 10.4.0.0/25 goto forward_direct",
      "ip saddr 10.4.0.128-10.4.0.199 goto forward_exit_vpn",
      "ip saddr 10.4.0.200 goto forward_exit_se_1",
      "ip saddr 10.4.0.201-10.4.0.255 goto forward_exit_vpn",
      "goto forward_foreign",
    ]);
    expect(chain(ruleset, "forward_elsewhere")).toEqual([
      'oifname "wg0" ip daddr 10.4.0.0/24 goto forward_between_clients',
      ...prohibited,
      ...["10.0.0.0/16", "10.0.1.0/24", "10.0.2.0/24"].map((network) => `ip daddr ${network} jump to_uplink`),
      "ct state related meta l4proto icmp goto forward_related",
    ]);
    expect(chain(ruleset, "forward_direct")).toEqual([
      "ct mark & 0x0000ff00 == 0x0000fb00 jump to_uplink",
      "jump forward_elsewhere",
      "ct mark & 0x0000ff00 != 0x0000fb00 meta l4proto tcp reject with tcp reset",
      "drop",
    ]);
    expect(chain(ruleset, "forward_exit_vpn")).toEqual([
      'meta mark & 0x0000ff00 == 0x00000200 oifname "veth-wg" accept',
      "jump forward_elsewhere",
      "ct mark & 0x0000ff00 != 0x00000200 meta l4proto tcp reject with tcp reset",
      "drop",
    ]);
    expect(chain(ruleset, "forward_block")).toEqual([
      "jump forward_elsewhere",
      "meta l4proto tcp reject with tcp reset",
      "reject with icmp admin-prohibited",
    ]);
    expect(chain(ruleset, "prerouting_from_clients")).toEqual([
      "ct mark & 0x0000ff00 == 0x0000fb00 accept",
      "ct mark & 0x0000ff00 == 0x00000200 meta mark set meta mark & 0xffff00ff | 0x00000200 accept",
      "ct mark & 0x0000ff00 == 0x00000600 meta mark set meta mark & 0xffff00ff | 0x00000600 accept",
      "ip saddr != 10.4.0.0/24 drop",
      "ct mark & 0x0000ff00 == 0x00000000 goto prerouting_new",
    ]);
    expect(chain(ruleset, "mark_prohibited")).toEqual(noClients.map((network) => `ip daddr ${network} accept`));
    for (const [end, mark, connection] of [
      ["direct", "00", "fb"],
      ["exit_vpn", "02", "02"],
    ])
      expect(chain(ruleset, `mark_${end}`)).toEqual([
        "jump mark_prohibited",
        `meta mark set meta mark & 0xffff00ff | 0x0000${mark}00`,
        `ct mark set ct mark & 0xffff00ff | 0x0000${connection}00`,
        "accept",
      ]);
    expect(chain(ruleset, "forward_related")).toEqual([
      "ct mark & 0x0000ff00 == 0x0000fb00 jump to_uplink",
      'meta mark & 0x0000ff00 == 0x00000200 oifname "veth-wg" accept',
      'meta mark & 0x0000ff00 == 0x00000600 oifname "veth-wg-3" accept',
      "drop",
    ]);
    expect(chain(ruleset, "nat_postrouting").slice(1)).toEqual([
      "ip saddr 10.4.0.0/24 oifname @uplinks masquerade",
      "ip saddr 10.200.1.0/24 oifname @uplinks masquerade",
      "ip saddr 10.200.3.0/24 oifname @uplinks masquerade",
    ]);
    expect(chain(ruleset, "mangle_output").slice(1)).toEqual([
      "ip saddr 10.200.1.1 goto output_of_exit_vpn",
      "ip saddr 10.200.3.1 goto output_of_exit_se_1",
    ]);
    const question = "th dport 53 meta l4proto { tcp, udp } ip daddr @upstreams";
    expect(chain(ruleset, "output_of_exit_vpn")).toEqual([
      `${question} meta mark set meta mark & 0xffff00ff | 0x00000100`,
    ]);
  });

  it("finds the host shut: the file names no uplink", () => {
    const ruleset = renderHostRules(documented().plan);
    expect(ruleset).toContain("\tset uplinks {\n\t\ttype ifname\n\t}\n");
    expect(chain(ruleset, "to_uplink")).toEqual([]);
  });

  it("finds TCP clamped to the MTU less 40, in both directions", () => {
    const { plan } = documented();
    const [host, namespace] = [renderHostRules(plan), renderNamespaceRules(plan, exitOf(plan, "vpn"))];
    const syn = "tcp flags & (syn | rst) == syn jump clamp_mss";
    const clamped = (ruleset: string) =>
      [...ruleset.matchAll(/^\tchain (\S+) \{\n((?:\t\t.*\n)*)/gm)].flatMap(([, name, rules = ""]) =>
        rules.includes(syn) ? [name] : [],
      );
    expect(clamped(host)).toEqual(["prerouting_new", "forward_to_clients"]);
    expect(clamped(namespace)).toEqual(["forward_out"]);
    for (const ruleset of [host, namespace])
      expect(chain(ruleset, "clamp_mss")).toEqual(["tcp option maxseg size set 1380"]);
  });
});

describe("an exit's namespace", () => {
  const { plan } = documented();
  const ruleset = renderNamespaceRules(plan, exitOf(plan, "vpn"));

  it.each(["filter_input", "filter_forward", "filter_output"])("%s drops what nothing allows", (name) => {
    expect(chain(ruleset, name)[0]).toBe(`type filter hook ${name.slice(7)} priority filter; policy drop;`);
  });

  it("lets nothing out by its veth but to the provider, the resolver and in answer", () => {
    expect(chain(ruleset, "filter_output").filter((line) => line.includes("veth-vpn"))).toEqual([
      'oifname "veth-vpn" ip daddr . meta l4proto . th dport @provider ct mark set ct mark & 0xffff00ff | 0x0000fa00 accept',
      'oifname "veth-vpn" ip daddr 10.200.1.1 th dport 53 meta l4proto { tcp, udp } accept',
      'oifname "veth-vpn" ip daddr { 10.200.1.1, 10.4.0.0/24 } ct state established,related accept',
    ]);
    expect(ruleset).toContain("\tset provider {\n\t\ttype ipv4_addr . inet_proto . inet_service\n\t}\n");
    expect(chain(ruleset, "filter_output")[1]).toBe("ct mark & 0x0000ff00 == 0x0000fa00 accept");
    expect(ruleset.match(/0x0000fa00/g)).toHaveLength(2);
  });

  it("lets its clients into the tunnel alone, and none of another exit's", () => {
    expect(chain(ruleset, "filter_forward").slice(1)).toEqual([
      'iifname "tun0" oifname "veth-vpn" ct state established,related accept',
      'iifname "veth-vpn" oifname "tun0" goto forward_out',
    ]);
    expect(chain(ruleset, "forward_out")).toEqual([
      "ct state established,related accept",
      "tcp flags & (syn | rst) == syn jump clamp_mss",
      "ip saddr @clients accept",
      "ip saddr 10.200.1.1 th dport 53 meta l4proto { tcp, udp } accept",
      "drop",
    ]);
    expect(ruleset).toContain("elements = { 10.4.0.128-10.4.0.199, 10.4.0.201-10.4.0.255 }");
    expect(chain(ruleset, "nat_postrouting").slice(1)).toEqual(['oifname "tun0" masquerade']);
  });

  it.each([
    [1420, false],
    [1419, true],
    [1280, true],
  ])("clamps answers, too, where its tunnel is narrower than the clients': %i, %s", (mtu, clamps) => {
    const { plan } = gatewayOf({ exits: [{ name: "nl", kind: "wireguard", profile: "wg.conf" }] });
    const exit = exitOf(plan, "nl");
    const ruleset = renderNamespaceRules(plan, {
      ...exit,
      provider: { ...exit.provider, mtu } as ExitPlan["provider"],
    });
    expect(chain(ruleset, "clamp_mss")).toEqual([`tcp option maxseg size set ${mtu - 40}`]);
    const answers = 'iifname "tun0" tcp flags & (syn | rst) == syn jump clamp_mss';
    expect(chain(ruleset, "filter_forward").includes(answers)).toBe(clamps);
  });
});
