import { addresses } from "../../lab/topology";

/** What somebody does to the machine, and each line that `check` then says: the whole of it. */
export type Drift = readonly [made: string, ...said: (string | RegExp)[]];

/** Those that leave each other alone: all made at once, seen each, and mended at once. */
export const together: readonly Drift[] = [
  ["rm /usr/local/lib/wg-gateway/tun-up.sh", "file /usr/local/lib/wg-gateway/tun-up.sh is missing"],
  ["echo '# more' >>/etc/wg-gateway/clients", "file /etc/wg-gateway/clients has another content than released"],
  ["chmod 0644 /etc/wireguard/wg0.conf", "file /etc/wireguard/wg0.conf has the mode 0644, not 0600"],
  ["chown nobody /etc/wg-gateway/rules", /^file \/etc\/wg-gateway\/rules belongs to user \d+, not to root$/],
  [
    "mkdir -p /etc/wg-gateway/exits/old && touch /etc/wg-gateway/exits/old/variables",
    "file /etc/wg-gateway/exits/old/variables is surplus",
  ],
  ["systemctl stop wg-gateway-resolver@host", "unit wg-gateway-resolver@host.service is not active (inactive)"],
  ["systemctl mask -q --now wg-gateway-resolver@local", "unit wg-gateway-resolver@local.service is masked"],
  [
    "systemctl disable -q wg-gateway-metrics",
    "unit wg-gateway-metrics.service is not enabled: it does not start at boot",
  ],
  [
    "mkdir /etc/systemd/system/wg-gateway-watch.service.d && printf '[Service]\\nNice=5\\n' >/etc/systemd/system/wg-gateway-watch.service.d/x.conf",
    "file /etc/systemd/system/wg-gateway-watch.service.d/x.conf is surplus",
    "units have changed on the disk since systemd read them",
  ],
  ["ip rule del priority 103", "ip rule is missing: priority 103 from all to 10.0.1.0/24 lookup main protocol 45"],
  [
    "ip rule add priority 200 from 192.0.2.9 lookup main",
    "ip rule is surplus: priority 200 from 192.0.2.9 lookup main",
  ],
  [
    "ip rule add priority 7000 from 192.0.2.9 lookup 200",
    "ip rule is surplus: priority 7000 from 192.0.2.9 lookup 200",
  ],
  ["ip route del table 200 unreachable default", "exit vpn: table 200 lacks `unreachable default metric 4294967295`"],
  ["ip route add 192.0.2.0/24 dev lo table 200", "exit vpn: table 200 has the surplus route `192.0.2.0/24 dev lo`"],
  [
    "nft add rule inet wg_gateway forward_direct accept; nft delete element inet wg_gateway upstreams '{ 8.8.8.8 }'",
    "nft table inet wg_gateway of the host is not as released: chain forward_direct: 1 surplus; set upstreams: 1 missing",
  ],
  [
    "nft add element inet wg_gateway uplinks '{ \"lo\" }'",
    "uplinks known to the rules are ['ens5', 'lo'], default routes lead to ['ens5']",
  ],
  [
    "nft add rule inet wg_gateway to_uplink accept",
    "uplinks known to the rules are ['any', 'ens5'], default routes lead to ['ens5']",
  ],
  [
    "ip netns exec vpn_ns nft add element inet wg_gateway provider '{ 192.0.2.1 . tcp . 80 }'",
    "exit vpn: nft table inet wg_gateway of vpn_ns is not as released: set provider: 1 surplus",
  ],
  ["ip route del table 250 default", "table 250 lacks `default dev wg0`"],
  ["sysctl -qw net.ipv4.ip_forward=0", "net.ipv4.ip_forward is 0, not 1"],
  ["sysctl -qw net.ipv4.conf.veth-wg.rp_filter=1", "exit vpn: net.ipv4.conf.veth-wg.rp_filter is 1, not 2"],
  ["sysctl -qw net.ipv4.conf.veth-wg.src_valid_mark=0", "exit vpn: net.ipv4.conf.veth-wg.src_valid_mark is 0, not 1"],
  [
    "ip netns exec vpn_ns sysctl -qw net.ipv4.conf.all.rp_filter=1",
    "exit vpn: vpn_ns: net.ipv4.conf.all.rp_filter is 1, not 2",
  ],
  ["ip netns exec vpn_ns sysctl -qw net.ipv4.ip_forward=0", "exit vpn: vpn_ns: net.ipv4.ip_forward is 0, not 1"],
  ["ip link set wg0 mtu 1400", "wg0 has the MTU 1400, not 1420"],
  ["ip link set veth-wg mtu 1400", "exit vpn: veth-wg has the MTU 1400, not 1500"],
  ["ip -n vpn_ns link set veth-vpn mtu 1400", "exit vpn: veth-vpn has the MTU 1400, not 1500"],
  ["ip address add 10.9.9.1/24 dev wg0", "wg0 has the surplus address 10.9.9.1/24"],
  [
    "ip -n vpn_ns address add 10.9.8.1/24 dev veth-vpn",
    "exit vpn: veth-vpn has the surplus address 10.9.8.1/24",
    "exit vpn: vpn_ns has the surplus route `10.9.8.0/24 dev veth-vpn`",
  ],
  ["ip -n vpn_ns link set lo down", "exit vpn: lo of vpn_ns is down"],
  [
    "ip -n vpn_ns route add 0.0.0.0/1 via 10.200.1.1",
    "exit vpn: vpn_ns has the surplus route `0.0.0.0/1 via 10.200.1.1 dev veth-vpn`",
  ],
  [
    "ip -n vpn_ns route add default via 10.200.1.1 metric 5",
    "exit vpn: vpn_ns has the surplus route `default via 10.200.1.1 dev veth-vpn metric 5`",
  ],
  ["ip -n vpn_ns route del default dev tun0", "exit vpn: vpn_ns lacks the route `default dev tun0`"],
  [
    `ip -n vpn_ns route del ${addresses.provider}`,
    `exit vpn: vpn_ns lacks the route \`${addresses.provider} via 10.200.1.1 dev veth-vpn\``,
  ],
  [
    "wg set wg0 peer $(wg show wg0 allowed-ips | grep 10.4.0.50 | cut -f 1) preshared-key <(wg genpsk)",
    "wg0's peer direct has another preshared key than released",
  ],
  [
    "wg set wg0 peer $(wg show wg0 allowed-ips | grep 10.4.0.200 | cut -f 1) allowed-ips 10.4.0.77/32",
    "wg0's peer vpn has the addresses 10.4.0.77/32, not 10.4.0.200/32",
  ],
  ["wg set wg0 peer $(wg genkey | wg pubkey) allowed-ips 10.4.0.88/32", /^wg0 has the surplus peer \S{44}$/],
];

/** Those that take others with them, one after another. */
export const alone: readonly Drift[] = [
  [
    "nft flush ruleset; ip netns exec vpn_ns nft flush ruleset",
    "nft table inet wg_gateway of the host is missing",
    "uplinks known to the rules are [], default routes lead to ['ens5']",
    "exit vpn: nft table inet wg_gateway of vpn_ns is missing",
  ],
  ["ip rule del priority 32766", "ip rule is missing: priority 32766 from all lookup main"],
  ["ip -n vpn_ns link set tun0 down", "exit vpn: tun0 is down"],
  [
    // It runs, and as another file had it.
    "cd /etc/wg-gateway/resolvers; sed -i s/5353/5354/ direct.conf; systemctl restart wg-gateway-resolver@direct; timeout 10 bash -c 'until ss -Hlun sport = :5354 | grep -q 5354; do sleep 0.05; done'; sed -i s/5354/5353/ direct.conf",
    "resolver direct does not listen on 10.4.0.1:5353 (UDP, TCP)",
  ],
  [
    "ip link set veth-wg down",
    "exit vpn: veth-wg is down",
    "exit vpn: table 200 lacks `default via 10.200.1.2 dev veth-wg`",
  ],
  [
    "ip link del veth-wg",
    "exit vpn: veth-wg is missing",
    "exit vpn: table 200 lacks `default via 10.200.1.2 dev veth-wg`",
  ],
  ["ip netns del vpn_ns", "exit vpn: the namespace vpn_ns is missing"],
  [
    "ip netns del vpn_ns; ip netns add vpn_ns; ip -n vpn_ns link set lo up",
    "exit vpn: veth-vpn is missing in vpn_ns",
    "exit vpn: its tunnel runs in another namespace than vpn_ns",
    "exit vpn: vpn_ns: net.ipv4.ip_forward is 0, not 1",
    /^exit vpn: vpn_ns: net\.ipv4\.conf\.all\.rp_filter is /,
    /^exit vpn: vpn_ns: net\.ipv4\.conf\.default\.rp_filter is /,
    "exit vpn: vpn_ns: net.ipv6.conf.all.disable_ipv6 is 0, not 1",
    "exit vpn: vpn_ns: net.ipv6.conf.default.disable_ipv6 is 0, not 1",
    "exit vpn: nft table inet wg_gateway of vpn_ns is missing",
  ],
  [
    "wg set wg0 listen-port 45000 private-key <(wg genkey)",
    "wg0 listens on another port than released",
    "wg0 has another key than released",
  ],
  [
    "ip address del 10.4.0.1/24 dev wg0; ip link set wg0 down",
    "table 250 lacks `default dev wg0`",
    "wg0 is down",
    "wg0 lacks its address 10.4.0.1/24",
  ],
  ["ip link del wg0", "table 250 lacks `default dev wg0`", "wg0 is missing"],
];
