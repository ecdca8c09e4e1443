import { describe, expect, it } from "vitest";
import { python } from "./python";

/** What has to pass: see userdata/shared/firewalls.py. */
interface Need {
  readonly hook: "input" | "forward" | "output";
  readonly iif?: string;
  readonly oif?: string;
  readonly protocol?: "udp" | "tcp";
  readonly port?: number;
}
const wireguard: Need = { hook: "input", protocol: "udp", port: 45822 };
const dns: Need = { hook: "input", iif: "wg0", protocol: "udp", port: 53 };
const out: Need = { hook: "forward", iif: "wg0" };
const back: Need = { hook: "forward", oif: "wg0" };

describe("a rule of another firewall accepts what is needed", () => {
  const rows: [string, Need, boolean][] = [
    ["-p udp -m udp --dport 45822 -j ACCEPT", wireguard, true],
    ["-p udp -m multiport --dports 443,45800:45900 -j ACCEPT", wireguard, true],
    ["-i ens5 -p udp -m udp --dport 45822 -j ACCEPT", wireguard, false],
    ["-p tcp -m tcp --dport 45822 -j ACCEPT", wireguard, false],
    ["-p udp -m udp --dport 45821 -j ACCEPT", wireguard, false],
    ["-p udp -m udp --dport 45822 -j DROP", wireguard, false],
    ["-s 198.51.100.0/24 -p udp -m udp --dport 45822 -j ACCEPT", wireguard, false],
    // Whatever else comes to such a rule, others led it there.
    ["-j ACCEPT", wireguard, false],
    ["-p udp -m udp --sport 67 --dport 68 -j ACCEPT", wireguard, false],
    ["-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", wireguard, false],
    ["-i wg0 -p udp -m udp --dport 53 -j ACCEPT", dns, true],
    ["-i wg0 -j ACCEPT", dns, true],
    ["-p udp -m udp --dport 53 -j ACCEPT", dns, true],
    ["-i wg0 -p tcp -m tcp --dport 53 -j ACCEPT", dns, false],
    ["-i wg0 -j ACCEPT", out, true],
    ["-i wg0 -j ACCEPT", back, false],
    ["-o wg0 -j ACCEPT", back, true],
    ["-i wg0 -o ens5 -j ACCEPT", out, false],
    ["-i wg0 -p tcp -j ACCEPT", out, false],
    ["-o wg0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", back, false],
    ["udp dport 45822 accept", wireguard, true],
    ["udp dport { 443, 45800-45900 } counter packets 0 bytes 0 accept", wireguard, true],
    ["iifname wg0 accept", dns, true],
    ["iifname wg0 ip saddr 10.4.0.9 accept", dns, false],
    ["iifname wg0 accept", out, true],
    ["oifname wg0 accept", out, false],
    ["iifname wg0 drop", out, false],
    ["ct state established,related accept", out, false],
  ];
  const found = python<boolean[]>(
    "import firewalls\nresult = [firewalls.accepts(rule, firewalls.Need(why='', **need)) for rule, need, _ in data]",
    rows,
  );
  it.each(rows.map(([rule, need, is], index) => [rule, need, is, found[index]] as const))(
    "%s; %j: %s",
    (_, __, is, seen) => {
      expect(seen).toBe(is);
    },
  );
});

/** firewalls.notes() on a machine whose `nft -j list chains`, `iptables-save` and the like print what is given. */
const notes = (printed: Record<string, string>, needs: readonly Need[], programs = ["iptables-save"]) =>
  python<string[]>(
    `
import types, firewalls
firewalls.run = lambda *words, check: data["printed"].get(" ".join(words), "")
firewalls.shutil = types.SimpleNamespace(which=lambda name: name if name in data["programs"] else None)
result = list(firewalls.notes("wg_gateway", [firewalls.Need(why="x", **need) for need in data["needs"]]))`,
    { printed, needs, programs },
  ).map((text) => text.replaceAll("  # x", ""));

const chain = (family: string, table: string, name: string, hook?: string, policy?: string) => ({
  chain: { family, table, name, ...(hook ? { hook, policy } : {}) },
});
const listed = (...objects: unknown[]) => JSON.stringify({ nftables: [{ metainfo: {} }, ...objects] });
const CHAINS = "nft -j list chains";

describe("the note about another firewall", () => {
  const ours = [
    chain("inet", "wg_gateway", "filter_input", "input", "drop"),
    chain("ip6", "filter", "INPUT", "input", "drop"),
  ];
  const ufw = [
    ...[chain("ip", "filter", "INPUT", "input", "drop"), chain("ip", "filter", "FORWARD", "forward", "drop")],
    ...[chain("ip", "filter", "OUTPUT", "output", "accept"), chain("ip", "filter", "ufw-user-input")],
  ];
  const SAVE = "iptables-save -t filter";
  const UFW = "-A INPUT -j ufw-user-input\n-A ufw-user-input -j RETURN\n";
  const DOCKER = "-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j RETURN\n";
  const head = (who: string, where: string) =>
    `note: ${who} drops what it does not know (${where}). Until it lets the following pass, the gateway does not work; allow:`;

  it("is none where nobody else drops anything, of IPv4", () => {
    expect(notes({ [CHAINS]: listed(...ours) }, [wireguard, out])).toEqual([]);
    expect(notes({ [CHAINS]: "" }, [wireguard, out])).toEqual([]);
  });

  it("has ufw's commands, for each hook where it drops", () => {
    const needs: Need[] = [wireguard, dns, out, back, { hook: "output", oif: "wg0" }];
    expect(notes({ [CHAINS]: listed(...ours, ...ufw), [SAVE]: UFW }, needs)).toEqual([
      [
        head("ufw", "ip filter INPUT, ip filter FORWARD"),
        "  ufw allow 45822/udp",
        "  ufw allow in on wg0 to any port 53 proto udp",
        "  ufw route allow in on wg0",
        "  ufw route allow out on wg0",
      ].join("\n"),
    ]);
  });

  it("leaves out what is allowed, at the hook where it is needed", () => {
    const save = [
      "*filter",
      ":INPUT DROP [0:0]",
      "-A INPUT -j ufw-user-input",
      "-A FORWARD -j ufw-user-forward",
      "-A ufw-user-input -p udp -m udp --dport 45822 -j ACCEPT",
      "-A ufw-user-input -i wg0 -j ACCEPT",
      "-A ufw-user-forward -o wg0 -j ACCEPT",
      "-A ufw-user-limit-accept -j ACCEPT",
    ].join("\n");
    const printed = { [CHAINS]: listed(...ufw), [SAVE]: save };
    expect(notes(printed, [wireguard, dns, out, back])).toEqual([
      `${head("ufw", "ip filter INPUT, ip filter FORWARD")}\n  ufw route allow in on wg0`,
    ]);
    expect(notes(printed, [wireguard, dns, back])).toEqual([]);
  });

  it("has Docker's own chain for what is forwarded, and iptables where neither is", () => {
    const forward = chain("ip", "filter", "FORWARD", "forward", "drop");
    // Of a ufw that was turned off there are chains.
    const docker = `${DOCKER}${UFW.replace(/^.*\n/, "")}`;
    expect(notes({ [CHAINS]: listed(forward), [SAVE]: docker }, [wireguard, out])).toEqual([
      `${head("Docker", "ip filter FORWARD")}\n  iptables -I DOCKER-USER -i wg0 -j ACCEPT`,
    ]);
    expect(notes({ [CHAINS]: listed(forward) }, [wireguard, out])).toEqual([
      `${head("iptables", "ip filter FORWARD")}\n  iptables -I FORWARD -i wg0 -j ACCEPT`,
    ]);
  });

  it("has nft's where the rules are its own, also those whose last rule rejects", () => {
    const input = chain("inet", "mine", "in", "input", "accept");
    const rule = (...expr: unknown[]) => ({ rule: { family: "inet", table: "mine", chain: "in", expr } });
    const printed = (...last: unknown[]) => ({
      [CHAINS]: listed(input),
      "nft -j list chain inet mine in": listed(input, rule({ match: {} }, { accept: null }), rule(...last)),
    });
    expect(notes(printed({ counter: {} }, { reject: {} }), [wireguard, dns])).toEqual([
      [
        head("nft", "inet mine in"),
        "  nft insert rule inet mine in udp dport 45822 accept",
        `  nft insert rule inet mine in iifname '"wg0"' udp dport 53 accept`,
      ].join("\n"),
    ]);
    expect(notes(printed({ match: {} }, { reject: {} }), [wireguard, dns])).toEqual([]);
  });

  it("has words for firewalld", () => {
    const input = chain("inet", "firewalld", "filter_INPUT", "input", "drop");
    expect(notes({ [CHAINS]: listed(input) }, [wireguard, dns])).toEqual([
      `${head("firewalld", "inet firewalld filter_INPUT")}\n  input udp port 45822\n  input in by wg0 udp port 53`,
    ]);
  });
});
