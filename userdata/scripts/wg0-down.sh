#!/bin/bash
# PreDown of wg0: the shutdown sequence, the reverse of wg0-up.sh. Forwarding is shut before all else is taken down, and stays shut.
. "${BASH_SOURCE[0]%/*}/common.sh"

# Who stops wg0 stops a repair that is under way, or it would put back what is taken down here. Not who restarts it, as a repair may.
if systemctl list-jobs --no-legend wg-quick@wg0.service | grep -qw stop; then
    cmd systemctl stop wg-gateway-repair.service
fi

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
