"""Makes the machine an endpoint of the tunnel as a release says, and a machine without one again."""

import os
import shutil

import systemd
import transaction
import tunnel
from bundle import CURRENT, PENDING, stored
from check import findings
from drift import undo
from firewalls import Need, notes
from machine import CONFIG, LIB, RUN, STATE, Fault, active, read, remove, run, say, start
from packages import INSTALLED, purge
from place import HEALTH, TABLE
from taken import address_users, links_named, listeners, priority_users, table_users


def priorities(one):
    return {rule.split()[1] for rule in one["rules"] + tunnel.dynamic_rules(one)}


def addresses(one):
    return [one["address"], *(peer["address"] for peer in one["peers"])]


def conflicts(release, ours):
    """A line for each thing that is taken, saying what it is and who has it where that can be seen. ours: releases whose things are ours."""
    new, had = tunnel.of(release), [tunnel.of(one) for one in ours]
    interface, port, table = new["interface"], new["listenPort"], new["table"]
    interfaces = {one["interface"] for one in had}
    if interface not in interfaces:
        if os.path.exists(tunnel.conf(new)):
            yield f"{tunnel.conf(new)} is there and is not the tunnel's: choose another interface"
        for link in links_named(interface):
            yield f"an interface {interface} is there and is not the tunnel's: {link}; choose another interface"
    for who in listeners(port) if port not in {one["listenPort"] for one in had} else []:
        yield f"UDP port {port} is in use by {who}: choose another listenPort"
    for priority, rule in priority_users(priorities(new).difference(*map(priorities, had))):
        yield f"the ip rule priority {priority} is somebody's: {rule}; choose another priority"
    for address in addresses(new):
        if not any(address in addresses(one) for one in had):
            for user in address_users(address, interfaces)[:1]:
                yield f"the WireGuard address {address} is somebody's: {user}; choose another address"
    for user in table_users(table)[:1] if table not in {one["table"] for one in had} else []:
        yield f"routing table {table} is somebody's: {user}; choose another table"
    if not had and shutil.which("nft") and f"inet {TABLE}\n" in run("nft", "list", "tables", check=False):
        yield f"an nft table inet {TABLE} is there and is not the tunnel's: take it away"


class TunnelSteps(transaction.Steps):
    without = "a machine without a tunnel"

    def conflicts(self, new, ours):
        return conflicts(new, ours)

    def check(self, old, new):
        if old is None:
            return
        before, after = tunnel.of(old), tunnel.of(new)
        if before["tunnel"] != after["tunnel"]:
            raise Fault(f"this machine is an endpoint of the tunnel {before['tunnel']}; nothing was changed; take it out there first")

    def prepare(self, new):
        for text in notes(TABLE, [Need("input", "WireGuard", protocol="udp", port=tunnel.of(new)["listenPort"])]):
            say(text)

    def switch(self, old, new, touched):
        changed = new.differing() | (touched & set(new.files))
        gone = {path for path in (set(old.files) if old else set()) | touched if path not in new.files}
        after = tunnel.of(new)
        conf = tunnel.conf(after)
        code = {path for path in changed if path.startswith((LIB, "/usr/local/sbin/"))}
        # What a running interface takes without a restart, which would cut the connections of peers that nobody touched.
        live = {conf, tunnel.DATA, tunnel.RULES}
        restart = bool(touched or (changed | gone) - code - live or tunnel.interface_of(read(conf)) != tunnel.interface_of(new.files[conf]))
        restart = restart or not active(tunnel.unit(after)) or not tunnel.is_up(after)
        if old and restart:
            before = tunnel.of(old)
            run("systemctl", "stop", tunnel.unit(before))
            if before["interface"] != after["interface"]:
                run("systemctl", "disable", "-q", tunnel.unit(before))
        for path in sorted(changed):
            new.put(path)
        for path in sorted(gone):
            remove(path)
        systemd.enable([tunnel.unit(after)], any(path.startswith("/etc/systemd/system/") for path in changed | gone))
        if any("networkd.conf.d" in path for path in changed):
            run("systemctl", "try-restart", "systemd-networkd.service")
        tunnel.load_filter()
        if restart:
            say(f"starting {after['interface']}")
            start(tunnel.unit(after), verb="restart")
        else:
            say(f"synchronising the peers of {after['interface']}")
            tunnel.synchronise(tunnel.of(old) if old else after, after)
        start(HEALTH, verb="restart" if code else "start")

    def findings(self, release):
        return findings(release)

    def mend(self, release):
        undo(findings(release))
        if findings(release):
            start(tunnel.unit(tunnel.of(release)), verb="restart")

    def remove(self):
        down(purge_packages=False)


def down(purge_packages):
    """Stops the tunnel and removes every trace; does nothing twice."""
    releases = [release for release in (stored(CURRENT), stored(PENDING)) if release]
    if not releases and not (purge_packages and os.path.exists(INSTALLED)):
        say("there is no tunnel on this machine")
        return
    for release in releases:
        one = tunnel.of(release)
        run("systemctl", "disable", "-q", "--now", tunnel.unit(one), check=False)
        if os.path.exists(f"/sys/class/net/{one['interface']}"):
            run("ip", "link", "del", one["interface"], check=False)
    if os.path.exists(tunnel.DATA):
        tunnel.hook_down()
    if shutil.which("nft"):
        tunnel.drop_filter()
    for path in {path for release in releases for path in release.files}:
        remove(path)
    run("systemctl", "daemon-reload")
    if purge_packages:
        purge()
    for directory in (LIB, CONFIG, RUN):
        shutil.rmtree(directory, ignore_errors=True)
    # What came with the tunnel and stays is remembered, so that a later removal still finds it.
    for path in os.listdir(STATE):
        if purge_packages or path != os.path.basename(INSTALLED):
            os.unlink(f"{STATE}/{path}")
    if not os.listdir(STATE):
        os.rmdir(STATE)
    say("the tunnel is gone")
