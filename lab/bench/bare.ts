import type { Scenario } from "../flows";
import { onMachine } from "../flows/flow";
import { until } from "../process";
import { settled } from "../scenario";
import { addresses } from "../topology";
import type { Bench } from "./benchmark";
import { interleave, type Sample } from "./figure";

/*
 * What somebody would set up by hand, on the same machine, with the same keys, port, MTU and programs, while the gateway is stopped.
 * By units of systemd, as the gateway's programs are, so that both are scheduled alike.
 */

/** wg-quick with one masquerade rule. */
const direct = `
  mkdir -p /run/bare
  sed '/^Table\\|^PostUp\\|^PreDown/d' /etc/wireguard/wg0.conf >/run/bare/wg0.conf
  chmod 600 /run/bare/wg0.conf
  systemd-run --quiet --unit=bare-wireguard --property=Type=oneshot --property=RemainAfterExit=yes \\
    --property='ExecStop=/usr/bin/wg-quick down /run/bare/wg0.conf' /usr/bin/wg-quick up /run/bare/wg0.conf
  nft 'table ip bare { chain postrouting { type nat hook postrouting priority srcnat; oifname ens5 masquerade; }; }'
  sysctl -qw net.ipv4.ip_forward=1`;

/** Besides, an OpenVPN client in a namespace that the upper half of the clients is routed into, and no rule but NAT. */
const vpn = (profile: string, { user, password }: { user: string; password: string }): string => `
  ip netns add vpn_ns
  ip link add veth-wg type veth peer name veth-vpn netns vpn_ns
  ip address add 10.200.1.1/24 dev veth-wg
  ip link set veth-wg up
  ip -n vpn_ns link set lo up
  ip -n vpn_ns address add 10.200.1.2/24 dev veth-vpn
  ip -n vpn_ns link set veth-vpn up
  ip -n vpn_ns route add default via 10.200.1.1
  ip -n vpn_ns route add 10.4.0.0/24 via 10.200.1.1
  ip netns exec vpn_ns sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2
  sysctl -qw net.ipv4.conf.veth-wg.rp_filter=2
  ip rule add priority 100 to 10.4.0.0/24 lookup main
  ip rule add priority 200 from 10.4.0.128/25 lookup 200
  ip route add default via 10.200.1.2 dev veth-wg table 200
  ip netns exec vpn_ns nft 'table ip bare { chain postrouting { type nat hook postrouting priority srcnat; oifname tun0 masquerade; }; }'
  printf '%s\\n' '${user}' '${password}' >/run/bare/credentials
  cat >/run/bare/vpn.ovpn <<'END'
${profile}
END
  chmod 600 /run/bare/*
  systemd-run --quiet --unit=bare-openvpn --property=NetworkNamespacePath=/run/netns/vpn_ns \\
    /usr/sbin/openvpn --config /run/bare/vpn.ovpn --auth-user-pass /run/bare/credentials --dev tun0`;

/** The repair first: one that is under way would bring back what is stopped after it. */
const stopGateway = `
  systemctl stop wg-gateway-repair.timer wg-gateway-repair
  systemctl stop wg-gateway-watch wg-quick@wg0 wg-gateway-firewall
  ! nft list table inet wg_gateway >/dev/null 2>&1 || nft delete table inet wg_gateway`;

const startGateway = "systemctl start wg-gateway-firewall wg-quick@wg0 wg-gateway-watch";

const stopBare = `
  systemctl stop bare-openvpn bare-wireguard 2>/dev/null || true
  ip rule del priority 100 2>/dev/null || true
  ip rule del priority 200 2>/dev/null || true
  ip link del veth-wg 2>/dev/null || true
  ip netns del vpn_ns 2>/dev/null || true
  ! nft list table ip bare >/dev/null 2>&1 || nft delete table ip bare`;

export type Side = "gateway" | "bare";

/** Measures the gateway and the bare tools in turn; the machine is the gateway's afterwards. */
export async function sideBySide(
  scenario: Scenario,
  { rounds, say }: Pick<Bench, "rounds" | "say">,
  measure: (side: Side) => Promise<Sample>,
): Promise<{ ours: Sample[]; base: Sample[] }> {
  const setUps = new SetUps(scenario);
  const side = (name: Side) => async (round: number) => {
    say(`round ${round}: ${name}`);
    await setUps.use(name);
    return measure(name);
  };
  try {
    return await interleave(rounds, side("gateway"), side("bare"));
  } finally {
    await setUps.use("gateway");
  }
}

/** Switches the machine between the gateway and the bare tools. */
class SetUps {
  private now: Side = "gateway";

  constructor(private readonly scenario: Scenario) {}

  async use(side: Side): Promise<void> {
    if (this.now === side) return;
    const { provider } = this.scenario.lab.providers;
    const scripts = {
      gateway: [startGateway],
      bare: [direct, vpn(provider.profile, provider.credentials)],
    };
    const stop = this.now === "gateway" ? stopGateway : stopBare;
    await onMachine(this.scenario, [stop, ...scripts[side]].join("\n"));
    this.now = side;
    await this.reconnect();
  }

  /** A client notices only after 15 s that the gateway has begun anew: its tunnel begins anew, too. */
  private async reconnect(): Promise<void> {
    const { lab, deployed } = this.scenario;
    for (const [name, client] of Object.entries(lab.clients)) {
      await client.down();
      await client.up(deployed.outputs.clientProfiles![name]!);
    }
    await settled(lab);
    // What still starts would be measured, too.
    await until("the machine has no job left", 20_000, async () => {
      return (await lab.machine.must(["systemctl", "list-jobs", "--no-legend"])).trim() === "";
    });
    const expected = { direct: addresses.elastic, vpn: addresses.provider };
    for (const name of ["direct", "vpn"] as const)
      await until(`the web server sees the ${name} client as ${expected[name]}`, 20_000, async () => {
        const seen = await lab.clients[name].fetch(`http://${addresses.web}/`, { timeout: 1000 }).catch(() => "");
        return seen.trim() === expected[name];
      });
  }
}
