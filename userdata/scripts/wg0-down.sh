#!/bin/bash
# PreDown of wg0: the shutdown sequence, the reverse of wg0-up.sh. Forwarding is shut first and stays shut.
. "${BASH_SOURCE[0]%/*}/common.sh"

phase "6 forwarding: shut"
"$LIB/firewall.sh" shut
[[ ! -e $STATE/saved/ip_forward ]] || sysctl -qw "net.ipv4.ip_forward=$(<"$STATE/saved/ip_forward")"

cmd systemctl stop wg-gateway-resolver@{host,direct,local}.service

phase "5 to 2, for each exit: policy routing, OpenVPN, veth pair, namespace"
for exit in $(exits); do
    "$LIB/exit-down.sh" "$exit"
done

phase "5 policy routing: peers and local networks"
drop_rules "$CONFIG/rules" host
