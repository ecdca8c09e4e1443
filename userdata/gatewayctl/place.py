"""What is the gateway's own on a machine: names, paths, packages. The shared modules read it."""

import re

NAME = "wg-gateway"
CONTROL = "gatewayctl"
TABLE = "wg_gateway"
FIREWALL = "wg-gateway-firewall.service"
WATCH = "wg-gateway-watch.service"
REPAIR = "wg-gateway-repair.timer"
METRICS = "wg-gateway-metrics.service"
WIREGUARD = "wg-quick@wg0.service"

PACKAGES = ["wireguard-tools", "openvpn", "dnsmasq-base", "nftables", "conntrack", "iproute2", "procps", "logrotate", "tzdata"]

# Nothing outside of these is ever written, whatever a bundle says.
ALLOWED = re.compile(
    r"/etc/wireguard/wg0\.conf"
    r"|/etc/wg-gateway/[a-z0-9./-]+"
    r"|/etc/netns/vpn_ns[a-z0-9_-]*/resolv\.conf"
    r"|/etc/systemd/system/(wg-gateway-|wg-quick@wg0\.service\.d/wg-gateway)[a-zA-Z0-9@./-]+"
    r"|/etc/systemd/networkd\.conf\.d/50-wg-gateway\.conf"
    r"|/etc/logrotate\.d/wg-gateway"
    r"|/usr/local/sbin/gatewayctl"
    r"|/usr/local/lib/wg-gateway/[a-z0-9_./-]+"
)
