# Takes a transparent tunnel away from a machine, or does nothing where there is none.
# Standard input is the release that is removed: another owner's is left alone.
set -eu
as_root=''
[ "$(id -u)" = 0 ] || as_root='sudo -n'
if [ -x /usr/local/sbin/tunnelctl ]; then
    owner=$(python3 -c 'import json, sys; print(json.load(sys.stdin).get("owner", ""))')
    $as_root timeout --kill-after=10 600 /usr/local/sbin/tunnelctl down --purge --owner "$owner"
elif [ -e /var/lib/wg-tunnel/packages ]; then
    echo 'the tunnel is gone; the packages that came with it stay: apt-get purge what /var/lib/wg-tunnel/packages lists'
else
    echo 'there is no tunnel on this machine'
fi
