#!/bin/bash
# exit-up.sh NAME: brings one provider exit up: namespace, veth pair, rules, routes, OpenVPN and resolver. What stands already is
# left alone, so it also repairs. The order keeps it shut: rules before links, the table's `unreachable` before its default.
. "${BASH_SOURCE[0]%/*}/common.sh"
load_exit "${1-}"
FILES=$CONFIG/exits/$EXIT

in_namespace() {
    ip netns exec "$NAMESPACE" "$@"
}

phase "exit $EXIT: namespace $NAMESPACE and its rules"
mkdir -p "$RUN/exits/$EXIT"
[[ -e /run/netns/$NAMESPACE ]] || cmd ip netns add "$NAMESPACE"
# Loose reverse path filter: answers come in by tun0 for addresses that are routed by the veth. IPv6 has no way out of here.
in_namespace sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.default.rp_filter=2 \
    net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
touch "$RUN/exits/$EXIT/provider.nft"
fresh=''
in_namespace nft list chain inet "$TABLE_NAME" nat_postrouting 2>/dev/null | grep -q masquerade || fresh=yes
in_namespace nft -f - < <(cat -- "$FILES/namespace.nft" "$RUN/exits/$EXIT/provider.nft")
# What was tracked without these rules passed untranslated, and would as long as its packets go on.
[[ -z $fresh ]] || in_namespace conntrack -F 2>/dev/null
ip -n "$NAMESPACE" link set lo up

phase "exit $EXIT: veth pair $HOST_LINK - $NAMESPACE_LINK"
[[ -e /sys/class/net/$HOST_LINK ]] || cmd ip link add "$HOST_LINK" type veth peer name "$NAMESPACE_LINK" netns "$NAMESPACE"
# Answers of the whole internet come in by this link, to which no route of the main table leads: a strict filter would drop them. By
# their mark it is found that the exit's table leads here, before all other rules and tables are asked.
sysctl -qw "net.ipv4.conf.$HOST_LINK.rp_filter=2" "net.ipv4.conf.$HOST_LINK.src_valid_mark=1" "net.ipv6.conf.$HOST_LINK.disable_ipv6=1"
ip address replace "$HOST_ADDRESS/$PREFIX_LENGTH" dev "$HOST_LINK"
ip -n "$NAMESPACE" address replace "$NAMESPACE_ADDRESS/$PREFIX_LENGTH" dev "$NAMESPACE_LINK"
ip link set "$HOST_LINK" up
ip -n "$NAMESPACE" link set "$NAMESPACE_LINK" up
ip -n "$NAMESPACE" route replace "$CLIENTS" via "$HOST_ADDRESS" dev "$NAMESPACE_LINK"

phase "exit $EXIT: OpenVPN"
cmd systemctl start --no-block "wg-gateway-exit@$EXIT.service"

phase "exit $EXIT: routing table $TABLE and its rules"
put_routes "$FILES/routes"
sync_rules "$FILES/rules" "exit-$EXIT"
cmd systemctl start --no-block "wg-gateway-resolver@$EXIT.service"
