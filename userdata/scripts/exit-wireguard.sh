#!/bin/bash
# exit-wireguard.sh NAME: the tunnel to a WireGuard provider, for as long as it runs. Its interface is called tun0 like OpenVPN's, so that
# the namespace's rules are the same. Runs inside the namespace, after exit-remotes.sh.
. "${BASH_SOURCE[0]%/*}/common.sh"
load_exit "${1-}"
exec > >(stamped >>"$LOG") 2>&1
log=$!
read -r _ address port _ <"$RUN/exits/$EXIT/remotes.conf"

tunnel=''
finish() {
    [[ -z $tunnel ]] || kill "$tunnel" || true
    ip link del tun0 2>/dev/null || true
    # systemd kills what is left when this one ends: not before the last line is in the log.
    [[ -z $tunnel ]] || wait "$tunnel" || true
    exec >&- 2>&-
    wait "$log" || true
}
trap finish EXIT

! ip link show tun0 >/dev/null 2>&1 || ip link del tun0
if ip link add tun0 type wireguard 2>/dev/null; then
    sleep infinity &
    tunnel=$!
else
    LOG_LEVEL=error wireguard-go -f tun0 &
    tunnel=$!
    # Its socket is there when it takes a configuration.
    for _ in {1..100}; do
        [[ -S /run/wireguard/tun0.sock ]] && break
        read -rt 0.05 <> <(:) || true
    done
fi
trap 'exit 0' TERM INT
# At once: wireguard-go greets its peer as soon as it has one, and the next time after 5 s.
wg setconf tun0 <(cat "$CONFIG/exits/$EXIT/wireguard.conf" && printf 'Endpoint = %s:%s\n' "$address" "$port")
ip address replace "$TUNNEL_ADDRESS/32" dev tun0
ip link set tun0 mtu "$TUNNEL_MTU" up
ip route replace default dev tun0
printf 'tunnel to %s:%s is set up\n' "$address" "$port"
wait "$tunnel" || true
