"""What changes by itself while the gateway runs: time windows open and close, failover groups choose a member.

Each is a selector: the rules hold a few chains that bear its name, and a file of rules for each of its variants. What is selected stands in
/run/wg-gateway/selected/NAME; firewall.sh loads the rules together with the selected variants, in one transaction.
"""

import contextlib
import datetime
import fcntl
import ipaddress
import json
import os
import zoneinfo

from machine import CONFIG, RUN, Fault, read, remove, run, script, write

SELECTED = f"{RUN}/selected"
# Names of what was selected and is perhaps not loaded yet: whoever is ended in between, or cannot load it, leaves it to the next.
UNLOADED = f"{RUN}/unloaded"


def selectors():
    """{windows: [{name, days, from, to, timeZone, sources}], groups: [{name, members, backAfter, sources}], exits, upstreams}, as rendered."""
    return json.loads(read(f"{CONFIG}/selectors.json") or '{"windows": [], "groups": [], "exits": [], "upstreams": []}')


def check_zones(text):
    """Raises Fault when this machine does not know the time zone of a window of a release's selectors.json."""
    for window in json.loads(text)["windows"]:
        try:
            zoneinfo.ZoneInfo(window["timeZone"])
        except (zoneinfo.ZoneInfoNotFoundError, ValueError):
            raise Fault(f"this machine's time zone data has no {window['timeZone']}: use its present name, such as Asia/Kolkata for Asia/Calcutta") from None


def minutes(clock):
    hours, _, rest = clock.partition(":")
    return int(hours) * 60 + int(rest)


def is_open(window, now):
    """Whether a window is open at a moment (aware of its time zone).

    By the wall clock of the window's own zone: a window 09:00-17:00 has these hours before and after a daylight-saving change, whatever
    the machine's zone is. A window whose end is not after its beginning lasts over midnight and belongs to the day on which it begins.
    """
    local = now.astimezone(zoneinfo.ZoneInfo(window["timeZone"]))
    clock = local.hour * 60 + local.minute
    begins, ends = minutes(window["from"]), minutes(window["to"])
    today, yesterday = local.isoweekday(), (local.isoweekday() - 2) % 7 + 1
    if begins < ends:
        return today in window["days"] and begins <= clock < ends
    return (today in window["days"] and clock >= begins) or (yesterday in window["days"] and clock < ends)


@contextlib.contextmanager
def one_at_a_time():
    """Whoever selects and then loads, and whoever compares what is selected with what is loaded: in between they differ."""
    os.makedirs(RUN, exist_ok=True)
    with open(f"{RUN}/selection.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def selected(name):
    return (read(f"{SELECTED}/{name}") or "").strip() or None


def select(choices):
    """Notes what is selected, {name: variant}. The names of those that were something else before."""
    changed = [name for name, variant in choices.items() if selected(name) != variant]
    for name in changed:
        write(f"{UNLOADED}/{name}", "", 0o644)
        write(f"{SELECTED}/{name}", f"{choices[name]}\n", 0o644)
    return changed


def windows_now():
    now = datetime.datetime.now(datetime.timezone.utc)
    return {window["name"]: "open" if is_open(window, now) else "closed" for window in selectors()["windows"]}


def select_at_start():
    """Before the rules are opened: the windows of this moment; the groups stay at what they were, or at none until they were checked.
    The names of what changed."""
    known = selectors()
    changed = select({**windows_now(), **{group["name"]: selected(group["name"]) or "none" for group in known["groups"]}})
    names = {selector["name"] for selector in [*known["windows"], *known["groups"]]}
    for name in os.listdir(SELECTED) if os.path.isdir(SELECTED) else []:
        if name not in names:
            os.unlink(f"{SELECTED}/{name}")
    return changed


def clients():
    """[(address, name, exits)] from the release, the exits as one word."""
    lines = (line.split() for line in (read(f"{CONFIG}/clients") or "").splitlines())
    # Somebody may have written to the file; who mends that must not stop here.
    return [tuple(words) for words in lines if len(words) == 3]


def within(addresses, sources):
    """The addresses that lie in one of the ranges `first-last` or single addresses."""
    ranges = [(number(source.split("-")[0]), number(source.split("-")[-1])) for source in sources]
    return {address for address in addresses for at in [number(address)] if any(first <= at <= last for first, last in ranges)}


def number(address):
    return int(ipaddress.IPv4Address(address))


def cover(inside, outside):
    """The fewest networks that hold all of some addresses and none of others."""
    if not inside:
        return []
    network = ipaddress.IPv4Network(min(inside))
    while max(inside) not in network:
        network = network.supernet()
    if not any(address in network for address in outside):
        return [network]
    halves = [({one for one in inside if one in half}, {one for one in outside if one in half}) for half in network.subnets()]
    return [found for half in halves for found in cover(*half)]


def cut(addresses):
    """Ends what clients have going that is not TCP, so that it begins anew by the rules of now. TCP is left to the forward chain, which resets
    a connection that is on an exit it may not have: forgotten, it would be taken up half-way on another.

    By networks that hold no other client: for each that is named, all connections there are have to be looked at.
    """
    inside = {ipaddress.IPv4Address(address) for address in addresses}
    outside = {ipaddress.IPv4Address(address) for address, *_ in clients()} - inside
    for network in cover(inside, outside):
        for protocol in ("udp", "icmp"):
            run("conntrack", "-D", "-s", str(network), "-p", protocol, check=False)


def unloaded():
    """The names of what was selected and is perhaps not loaded yet."""
    return set(os.listdir(UNLOADED)) if os.path.isdir(UNLOADED) else set()


def load():
    """Loads the rules with what is selected now, and cuts the clients for whom that is new. Raises Fault when the rules cannot be loaded, as
    without a default route; then it is left to the next call."""
    names = unloaded()
    script("firewall.sh", "reload")
    known = selectors()
    concerned = [selector for selector in [*known["windows"], *known["groups"]] if selector["name"] in names]
    sources = [source for selector in concerned for source in selector["sources"]]
    cut(within([address for address, *_ in clients()], sources))
    for name in names:
        remove(f"{UNLOADED}/{name}")


def switch(choices):
    """Selects, loads the rules, and cuts the clients that it concerns. The names of what was loaded anew. Raises Fault as load() does."""
    with one_at_a_time():
        select(choices)
        names = sorted(unloaded() & set(choices))
        if unloaded():
            load()
    return names
