import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onMachine } from "../../lab/flows";
import type { Scenario } from "../../lab/flows/flow";
import { Lab } from "../../lab/lab";
import { deployInto, openLab, settled } from "../../lab/scenario";

const quiet = () => undefined;

let scenario: Scenario;
const machine = (script: string): Promise<string> => onMachine(scenario, script);

interface Checked {
  readonly ok: boolean;
  readonly findings: string[];
  readonly mended: string[];
}
/** What `gatewayctl check --json` says, whatever its exit status. */
const check = async (...words: string[]): Promise<Checked> =>
  JSON.parse(
    (await scenario.lab.machine.exec(["gatewayctl", "check", "--json", ...words], { timeout: 90_000 })).stdout,
  ) as Checked;

beforeAll(async () => {
  scenario = await deployInto(await openLab(quiet), quiet);
});
afterAll(() => Lab.clear());

/** What somebody does to the machine, and each line that `check` then says: the whole of it. */
type Drift = readonly [made: string, ...said: (string | RegExp)[]];

const ns = "ip netns exec vpn_ns";
/** Those that leave each other alone: all made at once, and mended at once. */
const together: readonly Drift[] = [
  ["rm /etc/wg-gateway/rules", "file /etc/wg-gateway/rules is missing", /^ip rule is surplus: priority 103 /],
  ["echo '# more' >>/etc/wg-gateway/clients", "file /etc/wg-gateway/clients has another content than released"],
  ["chmod 0644 /etc/wireguard/wg0.conf", "file /etc/wireguard/wg0.conf has the mode 0644, not 0600"],
];
void together;

describe("probe", () => {
  test.each([
    ["chmod 0644 /etc/wireguard/wg0.conf; echo '# more' >>/etc/wg-gateway/clients; rm /usr/local/lib/wg-gateway/tun-up.sh; chown nobody /etc/wg-gateway/rules; mkdir -p /etc/wg-gateway/exits/old; touch /etc/wg-gateway/exits/old/variables"],
    ["mkdir -p /etc/systemd/system/wg-gateway-watch.service.d; printf '[Service]\\nNice=5\\n' >/etc/systemd/system/wg-gateway-watch.service.d/x.conf; systemctl disable -q wg-gateway-watch; systemctl stop wg-gateway-watch wg-gateway-resolver@host"],
    ["systemctl mask -q --now wg-gateway-resolver@local"],
    ["ip rule del priority 103; ip rule add priority 200 from 192.0.2.9 lookup main; ip rule add priority 7000 from 192.0.2.9 lookup 200; ip route del table 200 unreachable default; ip route add 192.0.2.0/24 dev lo table 200"],
    ["nft add rule inet wg_gateway forward_direct accept; nft delete element inet wg_gateway upstreams '{ 8.8.8.8 }'; nft add element inet wg_gateway uplinks '{ \"lo\" }'; ip netns exec vpn_ns nft add element inet wg_gateway provider '{ 192.0.2.1 . tcp . 80 }'; ip netns exec vpn_ns nft flush chain inet wg_gateway filter_output"],
    ["nft flush ruleset; ip netns exec vpn_ns nft flush ruleset"],
    ["sysctl -qw net.ipv4.ip_forward=0 net.ipv4.conf.veth-wg.rp_filter=1; ip netns exec vpn_ns sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.ip_forward=0 net.ipv6.conf.all.disable_ipv6=0; ip link set wg0 mtu 1400; ip link set veth-wg mtu 1400; ip -n vpn_ns link set veth-vpn mtu 1400"],
    ["ip address add 10.9.9.1/24 dev wg0; ip address add 10.9.8.1/24 dev veth-wg; ip -n vpn_ns address del 10.200.1.2/24 dev veth-vpn; ip -n vpn_ns link set lo down"],
    ["ip -n vpn_ns route add default via 10.200.1.1 metric 5; ip -n vpn_ns route add 0.0.0.0/1 via 10.200.1.1"],
    ["ip -n vpn_ns route del default dev tun0; ip -n vpn_ns route del 203.0.113.20"],
    ["k=$(wg show wg0 peers | head -n 1); wg set wg0 listen-port 45000 peer $k allowed-ips 10.4.0.77/32; wg set wg0 peer $(wg show wg0 peers | tail -n 1) remove; wg set wg0 peer $(wg genkey | wg pubkey) allowed-ips 10.4.0.88/32"],
    ["k=$(wg show wg0 peers | head -n 1); wg set wg0 peer $k preshared-key <(wg genpsk); wg set wg0 private-key <(wg genkey)"],
    ["ip link set wg0 down; ip link set veth-wg down"],
    ["ip address del 10.4.0.1/24 dev wg0"],
    ["ip link del veth-wg"],
    ["ip link del wg0"],
    ["ip netns del vpn_ns"],
    ["ip netns del vpn_ns; ip netns add vpn_ns"],
    ["ip -n vpn_ns link set tun0 down"],
    ["systemctl stop wg-gateway-exit@vpn wg-gateway-firewall wg-quick@wg0"],
  ])("look %s", async (script) => {
    await machine(script);
    const found = await check();
    const began = Date.now();
    const repaired = await scenario.lab.machine.exec(["gatewayctl", "check", "--json", "--repair"], { timeout: 90_000 });
    console.log(script, found.findings, Date.now() - began, repaired.stdout, repaired.stderr);
    await settled(scenario.lab).catch(console.log);
  });
});
void ns;
void expect;
