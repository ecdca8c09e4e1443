#!/bin/bash
# exit-remotes.sh NAME: looks the provider's names up through the host, for its own tunnel is down; lets exactly those addresses and
# ports out of the namespace; and writes them as OpenVPN's remotes. Runs in the host's namespace, before each start of the client.
. "${BASH_SOURCE[0]%/*}/common.sh"
load_exit "${1-}"
DIRECTORY=$RUN/exits/$EXIT
mkdir -p "$DIRECTORY"

# resolve HOST: its IPv4 addresses; an address is its own.
resolve() {
    if [[ $1 =~ ^[0-9.]+$ ]]; then
        printf '%s\n' "$1"
    else
        getent ahostsv4 "$1" | awk '{ print $1 }' | sort -u
    fi
}

remotes='' elements='' missing=''
while read -r host port protocol; do
    addresses=$(resolve "$host") || addresses=''
    [[ -n $addresses ]] || missing+=" $host"
    for address in $addresses; do
        remotes+="remote $address $port ${protocol/tcp/tcp-client}"$'\n'
        elements+="add element inet $TABLE_NAME provider { $address . $protocol . $port }"$'\n'
        ip -n "$NAMESPACE" route replace "$address" via "$HOST_ADDRESS" dev "$NAMESPACE_LINK"
    done
done <"$CONFIG/exits/$EXIT/remotes"
if [[ -z $remotes ]]; then
    # For the status, which reads the tunnel's own log.
    (umask 077 && printf "%s: none of the provider's names is known to DNS:%s\n" "${0##*/}" "$missing" | stamped >>"$LOG")
    die "none of the provider's names is known to DNS:$missing"
fi
[[ -z $missing ]] || printf 'not known to DNS, left out:%s\n' "$missing" >&2

printf '%s' "$remotes" >"$DIRECTORY/remotes.conf"
printf '%s' "$elements" >"$DIRECTORY/provider.nft"
ip netns exec "$NAMESPACE" nft -f - < <(printf 'flush set inet %s provider\n%s' "$TABLE_NAME" "$elements")
