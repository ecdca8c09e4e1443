"""Compares the machine with its release: every difference as one line, with what mends it."""

import json
import re

import exits
import selection
import systemd
import units
from drift import Drift, command, file_drift, links, ruleset_drift, sysctl_drift, table_drift
from iprules import shown_rules
from machine import CONFIG, LIB, run
from place import TABLE, WIREGUARD
from preflight import listens_on
from ruleset import loaded
from wireguard import interface_drift

# Whatever else stands here is nobody's.
OURS = (f"{CONFIG}/**", f"{LIB}/**", "/etc/systemd/system/wg-gateway-*", "/etc/systemd/system/wg-gateway-*/**")

# The kernel's own, of which `ip rule flush` leaves none.
KERNEL_RULES = ("priority 32766 from all lookup main", "priority 32767 from all lookup default")


def rules_differ():
    """Whether the host's nft table is another than released, with what is selected."""
    return bool(list(host_ruleset_drift()))


def host_ruleset_drift():
    # What the script finds by itself is compared below.
    dynamic = {"uplinks", "to_uplink"}
    with selection.one_at_a_time():
        found, wanted = loaded(dynamic=dynamic), loaded(f"{LIB}/firewall.sh show", dynamic=dynamic)
    yield from ruleset_drift(f"nft table inet {TABLE} of the host", found, wanted)


def rule_drift(release):
    """Of the ip rules: those of ours that are missing, others at their priorities or to our tables, and the way out without which all is lost."""
    shown = shown_rules()
    if not any(line.endswith(" from all lookup main") for line in shown):
        # What else is lost is not known yet: it must not find the way out open before it is mended.
        steps = [(f"{LIB}/firewall.sh", "shut"), *(("ip", "rule", "add", *rule.split()) for rule in KERNEL_RULES if rule not in shown)]
        yield Drift(f"ip rule is missing: {KERNEL_RULES[0]}", *(command(*step) for step in steps))
    paths = [f"{CONFIG}/rules", *(f"{CONFIG}/exits/{name}/rules" for name in release.exits)]
    wanted = [line for path in paths for line in release.files[path].splitlines()]
    yield from (Drift(f"ip rule is missing: {line}") for line in wanted if line not in shown)
    priorities = {line.split()[1] for line in wanted}
    tables = {number for path, text in release.files.items() if path.endswith("/routes") for number in re.findall(r" table (\d+)", text)}
    for line in sorted(shown - set(wanted)):
        table = re.search(r" lookup (\S+)", line)
        if line.split()[1] in priorities or (table and table[1] in tables):
            yield Drift(f"ip rule is surplus: {line}", command("ip", "rule", "del", *line.split()))


def uplink_drift():
    uplinks = {route["dev"] for route in json.loads(run("ip", "-4", "-j", "route", "show", "table", "main", "default") or "[]")}
    table = loaded() or []
    elements = [name for item in table if item.get("set", {}).get("name") == "uplinks" for name in item["set"].get("elem", [])]
    ways = [way_out(item["rule"]["expr"]) for item in table if item.get("rule", {}).get("chain") == "to_uplink"]
    for known in sorted({tuple(sorted(elements)), tuple(sorted(ways))} - {tuple(sorted(uplinks))}):
        yield Drift(f"uplinks known to the rules are {list(known)}, default routes lead to {sorted(uplinks)}")


def way_out(expressions):
    """The device that a rule lets out by; "any" where it is another rule."""
    match expressions:
        case [{"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": str(device)}}, {"accept": None}]:
            return device
    return "any"


def resolver_drift(release, states):
    """Of resolvers whose units are active: whether somebody listens where they shall."""
    listening = set()
    for option in ("-Hlun", "-Hltn"):
        listening |= {(option, line.split()[3]) for line in run("ss", option, check=False).splitlines()}
    for name in release.resolvers():
        unit = units.resolver_unit(name)
        for address, port in listens_on(release.files[f"{CONFIG}/resolvers/{name}.conf"]):
            lacking = [what for what, option in (("UDP", "-Hlun"), ("TCP", "-Hltn")) if (option, f"{address}:{port}") not in listening]
            if lacking and systemd.is_active(states[unit]):
                yield Drift(f"resolver {name} does not listen on {address}:{port} ({', '.join(lacking)})", command("systemctl", "restart", unit))


def findings(release):
    """What differs from the release, a Drift each; an empty list when nothing does."""
    states, host_links = units.states(release), links()
    names = {f"{address}/32": name for address, name, _ways in selection.clients()}
    found = [*file_drift(release, OURS), *systemd.unit_drift(states, units.enabled()), *host_ruleset_drift(), *uplink_drift()]
    found += sysctl_drift("", (), {"net.ipv4.ip_forward": "1"})
    found += rule_drift(release)
    found += table_drift("", release.files[f"{CONFIG}/routes"])
    found += interface_drift("wg0", WIREGUARD, release.files["/etc/wireguard/wg0.conf"], host_links, names)
    for name in release.exits:
        found += exits.findings(release, name, host_links, states[units.exit_unit(name)].get("MainPID", "0"))
    found += resolver_drift(release, states)
    return found
