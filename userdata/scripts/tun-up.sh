#!/bin/bash
# OpenVPN's --up hook, inside the namespace: everything that is not the provider or a client goes into the tunnel.
. "${BASH_SOURCE[0]%/*}/common.sh"
# shellcheck disable=SC2154  # `dev` is set by OpenVPN (`man 8 openvpn`, Environmental Variables)
cmd ip route replace default dev "$dev"
