#!/bin/bash
# firewall.sh shut|open|reload|show|remove: loads the host's rules in one transaction.
#   shut    no uplink is known, so nothing of a client is forwarded; this is what stands from boot on
#   open    with the uplinks of this moment, and with what is selected of time windows and failover groups
#   reload  open, if it is open
#   show    what open would load, less the uplinks, for comparing
. "${BASH_SOURCE[0]%/*}/common.sh"

# The rules of each selector's selected variant. One that was never asked is closed or blocked: that is how host.nft has it.
selected() {
    local directory variant
    for directory in "$CONFIG"/selectors/*/; do
        [[ -e $directory ]] || continue
        variant=$(cat "$RUN/selected/$(basename "$directory")" 2>/dev/null) || continue
        [[ ! -e $directory/$variant ]] || cat -- "$directory/$variant"
    done
}

# Where the machine forwarded nothing before the gateway, it does so for nobody else now.
neighbours() {
    [[ $(cat "$STATE/saved/ip_forward" 2>/dev/null) != 0 ]] || printf 'add rule inet %s forward_neighbours drop\n' "$TABLE_NAME"
}

# The uplinks of this moment.
ways_out() {
    local device
    for device in $(uplinks); do
        printf 'add element inet %s uplinks { "%s" }\n' "$TABLE_NAME" "$device"
        printf 'add rule inet %s to_uplink oifname "%s" accept\n' "$TABLE_NAME" "$device"
    done
}

show() {
    cat -- "$CONFIG/host.nft" && selected && neighbours
}

load() {
    [[ -n $(uplinks) ]] || die "there is no default route, so no uplink to send clients out of; is the network up?"
    nft -f - < <(show && ways_out)
}

mkdir -p "$RUN"
exec 9>"$RUN/firewall.lock"
flock 9

case ${1-} in
shut)
    rm -f "$RUN/open"
    nft -f "$CONFIG/host.nft"
    ;;
open)
    load
    touch "$RUN/open"
    ;;
reload) [[ ! -e $RUN/open ]] || load ;;
show) show ;;
remove) ! nft list table inet "$TABLE_NAME" >/dev/null 2>&1 || cmd nft delete table inet "$TABLE_NAME" ;;
*) die "usage: firewall.sh shut|open|reload|show|remove" ;;
esac
