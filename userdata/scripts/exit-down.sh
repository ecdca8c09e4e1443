#!/bin/bash
# exit-down.sh NAME: takes one provider exit away, in the reverse of exit-up.sh's order. Its clients are left without a way out:
# the host's rules hold them.
. "${BASH_SOURCE[0]%/*}/common.sh"
load_exit "${1-}"

phase "exit $EXIT: down"
systemctl stop "wg-gateway-resolver@$EXIT.service" "wg-gateway-exit@$EXIT.service" || true
drop_rules "$CONFIG/exits/$EXIT/rules" "exit-$EXIT"
cmd ip route flush table "$TABLE" protocol 45 2>/dev/null || true
[[ ! -e /sys/class/net/$HOST_LINK ]] || cmd ip link del "$HOST_LINK"
[[ ! -e /run/netns/$NAMESPACE ]] || cmd ip netns del "$NAMESPACE"
rm -rf -- "$RUN/exits/$EXIT"
