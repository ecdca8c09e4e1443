#!/bin/bash
# OpenVPN's --up hook, inside the namespace: everything that is not the provider or a client goes into the tunnel.
# `dev` and `ifconfig_*` are set by OpenVPN (`man 8 openvpn`, Environmental Variables).
# shellcheck disable=SC2154
. "${BASH_SOURCE[0]%/*}/common.sh"
load_exit "${1-}"

# number ADDRESS: it as an integer. 10.4.0.7 -> 168034311
number() {
    local -a part
    IFS=. read -ra part <<<"$1"
    echo $(((part[0] << 24) + (part[1] << 16) + (part[2] << 8) + part[3]))
}

# inside ADDRESS NETWORK/LENGTH
inside() {
    local bits=$((32 - ${2#*/}))
    (($(number "$1") >> bits == $(number "${2%/*}") >> bits))
}

# With an address of a client's, or of a veth's, the namespace would keep what is for that one.
for address in "${ifconfig_local-}" "${ifconfig_remote-}"; do
    for network in "$CLIENTS" "$EXIT_NETWORKS"; do
        [[ -z $address ]] || ! inside "$address" "$network" ||
            die "the provider gave the tunnel the address $address, which lies in the gateway's own $network; the tunnel stays down"
    done
done
cmd ip route replace default dev "$dev"
