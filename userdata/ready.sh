# Waits, with a bound, until a new machine has finished its first boot: before that, packages and users change under our feet.
# Standard input is the ID of the EC2 instance that is expected, or nothing; on another one the exit status is 75.
set -eu
expected=$(cat)
[ "$(id -u)" = 0 ] || sudo -n true || {
    echo "the login $(id -un) needs root's rights: sudo without a password (NOPASSWD) is missing" >&2
    exit 1
}
if command -v cloud-init >/dev/null 2>&1; then
    # Written at its end (https://docs.cloud-init.io, "cloud-init status"): to ask the program itself takes half a second.
    if ! grep -q '"errors": \[\]' /run/cloud-init/result.json 2>/dev/null; then
        printf 'waiting for cloud-init, 300 s at most\n'
        status=0
        timeout 300 cloud-init status --wait >/dev/null 2>&1 || status=$?
        # 2: finished, with recoverable errors (https://cloudinit.readthedocs.io, "cloud-init status").
        case $status in
        0 | 2) ;;
        124) echo 'cloud-init did not finish within 300 s; see /var/log/cloud-init.log on the machine' >&2 && exit 1 ;;
        *) echo 'cloud-init failed; see /var/log/cloud-init.log on the machine' >&2 && exit 1 ;;
        esac
    fi
    printf 'cloud-init has finished\n'
fi
# An address that moves from one instance to the next leads to the old one for a moment.
instance=$(cat /var/lib/cloud/data/instance-id 2>/dev/null || true)
if [ -n "$expected" ] && [ "$expected" != "$instance" ]; then
    echo "the address leads to ${instance:-a machine without an instance ID}, not to $expected yet" >&2
    exit 75
fi
printf 'reached %s (%s)\n' "${expected:-$(hostname)}" "$(uname -srm)"
