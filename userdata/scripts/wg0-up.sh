#!/bin/bash
# PostUp of wg0: the startup sequence. Each phase leaves alone what stands already. Clients are let out last, when all else is in place.
. "${BASH_SOURCE[0]%/*}/common.sh"

phase "1 core networking: rules shut, until everything stands"
mkdir -p "$RUN" "$STATE/saved"
if ! nft list table inet "$TABLE_NAME" >/dev/null 2>&1; then
    "$LIB/firewall.sh" shut
    # What was tracked without these rules passed untranslated, and would as long as its packets go on.
    for network in $(ip -4 route show dev wg0 proto kernel | cut -d ' ' -f 1); do
        conntrack -D -s "$network" >/dev/null 2>&1 || true
    done
fi
[[ -e $STATE/saved/ip_forward ]] || sysctl -n net.ipv4.ip_forward >"$STATE/saved/ip_forward"

phase "2 to 5, for each exit: namespace, OpenVPN, NAT and rules, policy routing"
for exit in $(exits); do
    "$LIB/exit-up.sh" "$exit"
done

phase "5 policy routing: peers, local networks and what is left"
ip link set wg0 up
put_routes "$CONFIG/routes"
sync_rules "$CONFIG/rules" host

phase "resolvers of the direct and of the blocked clients"
cmd systemctl start --no-block wg-gateway-resolver@{host,direct,local}.service

phase "6 marking and forwarding: open to $(uplinks | tr '\n' ' ')"
gatewayctl select
"$LIB/firewall.sh" open
sysctl -qw net.ipv4.ip_forward=1
