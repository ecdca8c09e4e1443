#!/bin/bash
# firewall.sh shut|open|remove: loads the host's rules in one transaction. Shut: no uplink is known, so nothing of a client is
# forwarded; this is what stands from boot on. Open: with the uplinks of this moment.
. "${BASH_SOURCE[0]%/*}/common.sh"

elements() {
    local device
    for device in $(uplinks); do
        printf 'add element inet %s uplinks { "%s" }\n' "$TABLE_NAME" "$device"
    done
}

case ${1-} in
shut) nft -f "$CONFIG/host.nft" ;;
open)
    found=$(elements)
    [[ -n $found ]] || die "there is no default route, so no uplink to send clients out of; is the network up?"
    nft -f - < <(cat -- "$CONFIG/host.nft" && printf '%s\n' "$found")
    ;;
remove) ! nft list table inet "$TABLE_NAME" >/dev/null 2>&1 || cmd nft delete table inet "$TABLE_NAME" ;;
*) die "usage: firewall.sh shut|open|remove" ;;
esac
