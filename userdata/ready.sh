# Waits, with a bound, until a new machine has finished its first boot: before that, packages and users change under our feet.
# Standard input is the machine's identity; it is only shown.
set -eu
printf 'reached %s (%s)\n' "$(cat)" "$(uname -srm)"
[ "$(id -u)" = 0 ] || sudo -n true || {
    echo "the login $(id -un) needs root's rights: sudo without a password (NOPASSWD) is missing" >&2
    exit 1
}
command -v cloud-init >/dev/null 2>&1 || exit 0
# Written at its end (https://docs.cloud-init.io, "cloud-init status"): to ask the program itself takes half a second.
if grep -q '"errors": \[\]' /run/cloud-init/result.json 2>/dev/null; then
    printf 'cloud-init has finished\n'
    exit 0
fi
printf 'waiting for cloud-init, 300 s at most\n'
status=0
timeout 300 cloud-init status --wait >/dev/null 2>&1 || status=$?
# 2: finished, with recoverable errors (https://cloudinit.readthedocs.io, "cloud-init status").
case $status in
0 | 2) printf 'cloud-init has finished\n' ;;
124) echo 'cloud-init did not finish within 300 s; see /var/log/cloud-init.log on the machine' >&2 && exit 1 ;;
*) echo 'cloud-init failed; see /var/log/cloud-init.log on the machine' >&2 && exit 1 ;;
esac
