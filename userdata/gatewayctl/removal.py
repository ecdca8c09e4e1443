"""Takes the gateway away and leaves the machine as it was."""

import os
import shutil

from bundle import CURRENT, PENDING, stored
from machine import CONFIG, LIB, RUN, STATE, remove, run, say, script, succeeds
from packages import INSTALLED, purge
from place import FIREWALL, METRICS, REPAIR, TABLE, WATCH, WIREGUARD


def down(purge_packages):
    """Stops everything and removes every trace; does nothing twice."""
    releases = [release for release in (stored(CURRENT), stored(PENDING)) if release]
    if not releases and not (purge_packages and os.path.exists(INSTALLED)):
        say("there is no gateway on this machine")
        return
    run("systemctl", "stop", REPAIR, REPAIR.replace(".timer", ".service"), check=False)
    run("systemctl", "disable", "-q", "--now", METRICS, WATCH, WIREGUARD, check=False)
    if os.path.exists("/sys/class/net/wg0"):
        run("ip", "link", "del", "wg0", check=False)
    if shutil.which("nft") and os.path.exists(f"{LIB}/wg0-down.sh") and os.path.exists(f"{CONFIG}/rules"):
        script("wg0-down.sh")
    run("systemctl", "disable", "-q", FIREWALL, check=False)
    run("systemctl", "stop", FIREWALL, check=False)
    if shutil.which("nft") and succeeds("nft", "list", "table", "inet", TABLE):
        run("nft", "delete", "table", "inet", TABLE)
    for path in {path for release in releases for path in release.files}:
        remove(path)
    for path in run("sh", "-c", "ls -d /var/log/openvpn-ns*.log* 2>/dev/null || true").split():
        remove(path)
    # systemd-networkd keeps running with our drop-in until it restarts by itself: to restart it now would take away other
    # people's rules, which it did not make either.
    run("systemctl", "daemon-reload")
    if purge_packages:
        purge()
    for directory in (LIB, CONFIG, RUN):
        shutil.rmtree(directory, ignore_errors=True)
    # What came with the gateway and stays is remembered, so that a later removal still finds it.
    for path in os.listdir(STATE):
        if purge_packages or path != os.path.basename(INSTALLED):
            target = f"{STATE}/{path}"
            shutil.rmtree(target) if os.path.isdir(target) else os.unlink(target)
    if not os.listdir(STATE):
        os.rmdir(STATE)
    say("the gateway is gone")
