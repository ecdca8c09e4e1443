# Shared by the gateway's scripts; sourced, never run. Manner of wg-quick: `cmd` shows what it does, `die` says why it stops.
# shellcheck shell=bash
set -euo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# shellcheck disable=SC2034  # these are for the scripts that source this one
CONFIG=/etc/wg-gateway LIB=/usr/local/lib/wg-gateway STATE=/var/lib/wg-gateway RUN=/run/wg-gateway TABLE_NAME=wg_gateway

cmd() {
    printf '[#] %s\n' "$*" >&2
    "$@"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Puts the time before each line that comes in, as OpenVPN does in its log: `2026-11-29 10:22:06 text`.
stamped() {
    local line
    while IFS= read -r line || [[ -n $line ]]; do
        printf '%(%F %T)T %s\n' -1 "$line"
    done
}

phase() {
    printf '== %s\n' "$*" >&2
}

# The devices of the default routes of the main table, one a line: found, never named, for EC2 alone has ens5, enX0 and eth0.
uplinks() {
    ip -4 route show table main default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | sort -u
}

# The names of the configured exits, one a line.
exits() {
    local directory
    for directory in "$CONFIG"/exits/*/; do
        [[ -e $directory ]] && basename "$directory"
    done
    return 0
}

# Reads an exit's names and addresses: NAMESPACE, HOST_LINK, ...
load_exit() {
    EXIT=$1
    [[ $EXIT =~ ^[a-z][a-z0-9-]*$ && -r $CONFIG/exits/$EXIT/variables ]] || die "no exit '$EXIT' is configured; there are: $(exits | tr '\n' ' ')"
    # shellcheck disable=SC1090  # rendered by the program: plain assignments
    . "$CONFIG/exits/$EXIT/variables"
}

# put_routes FILE: makes the routes of FILE exist.
put_routes() {
    local line
    while read -r line; do
        # shellcheck disable=SC2086  # a line is a list of arguments
        ip route replace $line
    done <"$1"
}

# sync_rules FILE NAME: makes the ip rules of FILE exist, and removes those that an earlier FILE of this NAME had.
# The new ones come first, so that there is never a moment without either.
sync_rules() {
    local wanted=$1 applied=$RUN/rules/$2 line
    mkdir -p "$RUN/rules"
    while read -r line; do
        # shellcheck disable=SC2086  # a line is a list of arguments
        rule_exists $line || cmd ip rule add $line
    done <"$wanted"
    if [[ -e $applied ]]; then
        while read -r line; do
            # shellcheck disable=SC2086
            grep -qxF -- "$line" "$wanted" || ! rule_exists $line || cmd ip rule del $line
        done <"$applied"
    fi
    cp -- "$wanted" "$applied"
}

# drop_rules FILE NAME: removes the rules of FILE and those that were applied under NAME.
drop_rules() {
    local line
    while read -r line; do
        # shellcheck disable=SC2086
        ! rule_exists $line || cmd ip rule del $line
    done < <(cat -- "$1" "$RUN/rules/$2" 2>/dev/null)
    rm -f -- "$RUN/rules/$2"
}

# rule_exists priority N from ...: whether the kernel has exactly this rule. `ip rule show` writes "proto" for the protocol, and
# "[detached]" after an interface that is not there; by numbers, for a table may have any name, 254 for the main one.
rule_exists() {
    local want="${*:3}"
    ip -Numeric rule show priority "$2" | sed 's/^[0-9]*:[[:space:]]*//; s/ \[detached\]//; s/ lookup 254 / lookup main /; s/[[:space:]]*$//' |
        grep -qxF -- "${want/protocol/proto}"
}

# OpenVPN's hooks, which it tells their kind (`man 8 openvpn`, Environmental Variables), write into its log.
[[ -z ${script_type-} ]] || exec > >(stamped) 2>&1
