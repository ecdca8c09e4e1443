"""Makes the machine what a release says, touching only what differs from the one before."""

import json
import os

import readiness
import selection
import systemd
import transaction
from check import findings, rules_differ
from drift import undo
from exits import variables
from firewalls import notes
from machine import CONFIG, LIB, active, read, remove, run, say, script, start
from place import FIREWALL, METRICS, REPAIR, TABLE, WATCH, WIREGUARD
from preflight import WG0, conflicts, needs
from removal import down
from units import enabled, resolver_unit
from wireguard import interface_part, synchronise


def exit_directory(name):
    return f"{CONFIG}/exits/{name}/"


def interface_runs(text):
    """Whether the running wg0 has the key, port, MTU and address that its file says; a run that was killed may have written the file alone."""
    wanted = dict(line.split(" = ", 1) for line in interface_part(text).splitlines() if " = " in line)
    key, _public, port, _mark = (run("wg", "show", "wg0", "dump", check=False).splitlines() or ["\t\t\t"])[0].split("\t")
    shown = json.loads(run("ip", "-j", "-4", "address", "show", "dev", "wg0", check=False) or "[]")
    has = [(link["mtu"], f"{one['local']}/{one['prefixlen']}") for link in shown for one in link["addr_info"]]
    return (key, port, has) == (wanted["PrivateKey"], wanted["ListenPort"], [(int(wanted["MTU"]), wanted["Address"])])


def standing_exits():
    """The exits whose names and numbers are on the machine, of whatever release."""
    names = os.listdir(f"{CONFIG}/exits") if os.path.isdir(f"{CONFIG}/exits") else []
    return [name for name in sorted(names) if os.path.exists(f"{exit_directory(name)}variables")]


def switch(old, new, touched):
    """Makes the machine what `new` says. `touched`: paths that an interrupted run may have changed without acting on them."""
    changed = new.differing() | (touched & set(new.files))
    gone = {path for path in (set(old.files) if old else set()) | touched if path not in new.files}
    running = active(WIREGUARD)
    ways_before = dict((address, ways) for address, _name, ways in selection.clients())
    structural = [
        name
        for name in standing_exits()
        if name not in new.exits or any(f"{exit_directory(name)}{file}" in changed for file in ("variables", "rules", "routes"))
    ]
    wireguard = new.files[WG0]
    same = interface_part(read(WG0)) == interface_part(wireguard)
    restart_interface = running and WG0 in changed and not (same and interface_runs(wireguard))

    for name in structural:
        script("exit-down.sh", name)
    for path in sorted(changed):
        new.put(path)
    for path in sorted(gone):
        remove(path)

    units = {path for path in changed | gone if path.startswith("/etc/systemd/system/")}
    systemd.enable(enabled(), bool(units))
    if "/etc/systemd/networkd.conf.d/50-wg-gateway.conf" in changed:
        run("systemctl", "try-restart", "systemd-networkd.service")

    if not active(FIREWALL) or not running:
        script("firewall.sh", "shut")
    elif any(path == f"{CONFIG}/host.nft" or path.startswith(f"{CONFIG}/selectors") for path in changed | gone):
        selection.select_at_start()
        selection.load()
        selection.cut(address for address, _name, ways in selection.clients() if ways_before.get(address, ways) != ways)
    if f"{CONFIG}/metrics" in gone:
        run("systemctl", "disable", "-q", "--now", METRICS)
    start(FIREWALL)

    if not running or restart_interface:
        say("starting wg0" if not running else "restarting wg0")
        start(WIREGUARD, verb="restart")
    elif WG0 in changed:
        say("synchronising the peers of wg0")
        synchronise("wg0", wireguard)

    for name in new.exits:
        files = {path[len(exit_directory(name)) :] for path in changed if path.startswith(exit_directory(name))}
        if name in structural or (running and (files or not active(f"wg-gateway-exit@{name}.service"))):
            script("exit-up.sh", name)
        own_unit = any("wg-gateway-exit@." in path or f"wg-gateway-exit@{name}." in path for path in units)
        if running and name not in structural and (own_unit or files & {"openvpn.conf", "wireguard.conf", "credentials", "remotes"}):
            say(f"restarting the tunnel of exit {name}")
            run("systemctl", "restart", "--no-block", f"wg-gateway-exit@{name}.service")
    if running and {f"{CONFIG}/rules", f"{CONFIG}/routes"} & changed:
        script("wg0-up.sh")
    of_resolvers = any("wg-gateway-resolver@" in path for path in units)
    resolvers = [resolver_unit(name) for name in new.resolvers() if of_resolvers or f"{CONFIG}/resolvers/{name}.conf" in changed]
    if resolvers:
        # The first time they began just now, with wg0.
        start(*resolvers, verb="restart" if old or touched else "start")
    watched = any(path.startswith((f"{CONFIG}/selectors", f"{CONFIG}/exits", f"{CONFIG}/metrics", f"{LIB}/gatewayctl")) for path in changed | gone)
    start(WATCH, verb="restart" if watched or any(WATCH in path for path in units) else "start")
    if METRICS in enabled():
        served = {f"{CONFIG}/metrics", f"{LIB}/gatewayctl/exporter.py", f"/etc/systemd/system/{METRICS}"}
        start(METRICS, verb="restart" if served & changed else "start")
    start(REPAIR, verb="restart" if any(REPAIR in path for path in units) else "start")


class GatewaySteps(transaction.Steps):
    without = "a machine without a gateway"

    def conflicts(self, new, ours):
        return conflicts(new, ours)

    def prepare(self, new):
        selection.check_zones(new.files[f"{CONFIG}/selectors.json"])
        for text in notes(TABLE, list(needs(new))):
            say(text)

    def switch(self, old, new, touched):
        switch(old, new, touched)

    def findings(self, release):
        return findings(release)

    def wait(self, old, new, since):
        return readiness.wait(old, new, since)

    def mend(self, release):
        undo(findings(release))
        mend()

    def remove(self):
        down(purge_packages=False)


def mend():
    """Puts back what no file's change would: peers, rules, routes, links and namespaces that somebody took away."""
    synchronise("wg0", read(WG0))
    script("wg0-up.sh")


def repair(release, found):
    """Puts back what was found to differ from the release; what is right is left alone."""
    rules_lost = rules_differ()
    undo(found)
    switch(release, release, set())
    mend()
    if rules_lost:
        forget_connections(release)


def forget_connections(release):
    """Drops what was tracked while the rules were not ours: it passed untranslated, and would as long as its packets go on."""
    addresses = {variables(name).get(key) for name in release.exits for key in ("NAMESPACE_ADDRESS", "HOST_ADDRESS", "CLIENTS")}
    for address in sorted(addresses - {None}):
        run("conntrack", "-D", "-s", address, check=False)
