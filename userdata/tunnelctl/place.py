"""What is the transparent tunnel's own on a machine: names, paths, packages. The shared modules read it."""

import re

NAME = "wg-tunnel"
CONTROL = "tunnelctl"
TABLE = "wg_tunnel"
HEALTH = "wg-tunnel.service"

PACKAGES = ["wireguard-tools", "nftables", "iproute2"]

# Nothing outside of these is ever written, whatever a bundle says.
ALLOWED = re.compile(
    r"/etc/wireguard/[a-z][a-z0-9_-]{0,14}\.conf"
    r"|/etc/wg-tunnel/[a-z]+\.(json|nft)"
    r"|/etc/systemd/system/wg-tunnel\.service(\.d/interface\.conf)?"
    r"|/etc/systemd/system/wg-quick@[a-z][a-z0-9_-]{0,14}\.service\.d/wg-tunnel\.conf"
    r"|/etc/systemd/networkd\.conf\.d/50-wg-tunnel\.conf"
    r"|/usr/local/sbin/tunnelctl"
    r"|/usr/local/lib/wg-tunnel/[a-z_]+\.py"
)
