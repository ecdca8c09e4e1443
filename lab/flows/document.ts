import { SOMEBODY_ELSES_PRIORITY } from "../neighbour";
import { breaking, onMachine, same, type Flow } from "./flow";

/** The routing policy as documented, and the fallback behind it; masks and our protocol's number are added to what the kernel prints. */
const RULES = [
  "0: from all lookup local",
  "100: from 10.4.0.0/24 to 10.4.0.0/24 lookup main",
  "101: from all to 10.4.0.0/24 lookup main",
  "102: from all to 10.0.0.0/16 lookup main",
  "103: from all to 10.0.1.0/24 lookup main",
  "104: from all to 10.0.2.0/24 lookup main",
  "200: from all fwmark 0x200 lookup 200",
  "201: from all fwmark 0x100 lookup 200",
  "300: from 10.4.0.128/25 iif wg0 lookup 250",
  "301: from 10.200.1.1 lookup 200",
  "302: from 10.200.1.1 lookup 250",
  "32766: from all lookup main",
  "32767: from all lookup default",
];

const squeeze = (text: string): string =>
  text
    .trim()
    .split("\n")
    .map((line) => line.replace(/\s+/g, " ").replace("/0xff00", "").replace(" proto 45", "").trim())
    .join("; ");

/** The commands by which the document looks into a running gateway, in their nft form; each must work. */
export const INSPECTION = [
  "ip netns list",
  "ip netns exec vpn_ns ip addr show",
  "ip netns exec vpn_ns ip route show",
  "ip netns exec vpn_ns nft list table inet wg_gateway",
  "ip netns exec vpn_ns nft list chain inet wg_gateway nat_postrouting",
  "ip netns exec vpn_ns ip addr show tun0",
  "tail -n 5 /var/log/openvpn-ns.log",
  "ip rule list",
  "ip route show table 200",
  "nft list table inet wg_gateway",
  ...[
    ...["filter_input", "filter_forward", "nat_prerouting", "nat_postrouting", "mangle_prerouting", "mangle_output"],
    "mark_exit_vpn",
  ].map((chain) => `nft list chain inet wg_gateway ${chain}`),
  ...["filter_forward", "filter_output"].map((chain) => `ip netns exec vpn_ns nft list chain inet wg_gateway ${chain}`),
  "conntrack -L",
  "ip netns exec vpn_ns conntrack -L",
  "timeout 1 conntrack -E || [ $? = 124 ] || [ $? = 0 ]",
];

export const document: Flow = {
  title: "names and numbers",
  async observe(scenario) {
    const ask = async (script: string): Promise<string> => squeeze(await onMachine(scenario, script));
    const failed: string[] = [];
    for (const command of INSPECTION) {
      const { exitCode } = await scenario.lab.machine.exec(["bash", "-c", command], { timeout: 20_000 });
      if (exitCode !== 0) failed.push(command);
    }
    return [
      same("ip rule", RULES.join("; "), await ask(`ip rule show | grep -v "^${SOMEBODY_ELSES_PRIORITY}:"`)),
      same(
        "table 200",
        "default via 10.200.1.2 dev veth-wg; unreachable default metric 4294967295",
        await ask("ip route show table 200"),
      ),
      same("namespaces", "vpn_ns", await ask("ip netns list | awk '{ print $1 }'")),
      same(
        "veth-wg, veth-vpn",
        "10.200.1.1/24; 10.200.1.2/24",
        await ask(
          "ip -br -4 address show veth-wg | awk '{ print $3 }'; ip -n vpn_ns -br -4 address show veth-vpn | awk '{ print $3 }'",
        ),
      ),
      same(
        "wg0",
        "10.4.0.1/24 mtu 1420 port 45822",
        await ask(
          "echo $(ip -br -4 address show wg0 | awk '{ print $3 }') mtu $(cat /sys/class/net/wg0/mtu) port $(wg show wg0 listen-port)",
        ),
      ),
      same(
        "dnsmasq listens on",
        "10.200.1.1; 10.4.0.1; 127.0.0.1",
        await ask(
          "ss -Hlun 'sport = :53' | awk '{ print $4 }' | grep -v '127.0.0.5[34]' | cut -d: -f1 | cut -d% -f1 | sort -u",
        ),
      ),
      same("inspection commands that fail", "none", failed.join("; ") || "none"),
    ];
  },
  control: breaking("a rule lost", "ip rule del priority 103"),
};
