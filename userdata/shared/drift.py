"""A difference between the machine and its release, and how the kinds of them are found: what is missing, what is surplus."""

import functools
import glob
import json
import os
import re

from machine import read, remove, run


class Drift(str):
    """
    A difference, explained in one line. `undo`: functions that mend it, for what putting the release's files and scripts to work again would
    not mend.
    """

    undo = ()

    def __new__(cls, text, *undo):
        self = super().__new__(cls, text)
        self.undo = undo
        return self


def command(*words):
    """To run a command; what it does not mend, the next look finds."""
    return functools.partial(run, *words, check=False)


def undo(found):
    """Mends what has a way of its own, in the order in which it was found."""
    for one in found:
        for step in one.undo:
            step()


def file_drift(release, ours):
    """Of a release's files. ours: patterns of where whatever else stands is nobody's."""
    for path in sorted(release.differing()):
        content = read(path)
        if content is None:
            yield Drift(f"file {path} is missing")
        elif content != release.files[path]:
            yield Drift(f"file {path} has another content than released")
        else:
            yield Drift(f"file {path} has the mode {os.stat(path).st_mode & 0o7777:04o}, not {release.modes[path]:04o}")
    for path in sorted(release.files):
        if os.path.exists(path) and os.stat(path).st_uid != 0:
            yield Drift(f"file {path} belongs to user {os.stat(path).st_uid}, not to root", command("chown", "0:0", path))
    for path in sorted({path for pattern in ours for path in glob.glob(pattern, recursive=True, include_hidden=True)}):
        # Links that systemd made to enable a unit are no files of a release.
        if path not in release.files and os.path.lexists(path) and not os.path.isdir(path) and not os.path.islink(path):
            yield Drift(f"file {path} is surplus", functools.partial(remove, path), command("systemctl", "daemon-reload"))


def links(*prefix):
    """{name: link} as `ip -j address show` has them. prefix: options of `ip`, for another namespace."""
    return {link["ifname"]: link for link in json.loads(run("ip", *prefix, "-j", "address", "show", check=False) or "[]")}


def link_drift(where, ip, shown, mtu, addresses):
    """
    Of one link that has to be there, as `ip -j address show` has it.
    where: as "exit vpn: veth-wg", for the explanation. ip: the command `ip`, in the link's namespace. mtu: bytes, or None for any.
    addresses: "ADDRESS/LENGTH" of all its IPv4 addresses, or None for any.
    """
    link = shown["ifname"]
    if "UP" not in shown["flags"]:
        yield Drift(f"{where} is down", command(*ip, "link", "set", link, "up"))
    if mtu is not None and shown["mtu"] != mtu:
        yield Drift(f"{where} has the MTU {shown['mtu']}, not {mtu}", command(*ip, "link", "set", link, "mtu", str(mtu)))
    if addresses is not None:
        there = {f"{one['local']}/{one['prefixlen']}" for one in shown["addr_info"] if one["family"] == "inet"}
        for address in sorted(set(addresses) - there):
            yield Drift(f"{where} lacks its address {address}", command(*ip, "address", "replace", address, "dev", link))
        for address in sorted(there - set(addresses)):
            yield Drift(f"{where} has the surplus address {address}", command(*ip, "address", "del", address, "dev", link))


def sysctl_drift(where, prefix, wanted):
    """Of sysctls, {name: value as text}, in the namespace that `prefix` leads to."""
    shown = run(*prefix, "sysctl", *wanted, check=False)
    found = dict(line.split(" = ", 1) for line in shown.splitlines() if " = " in line)
    for name, value in wanted.items():
        if found.get(name) != value:
            yield Drift(f"{where}{name} is {found.get(name, 'not there')}, not {value}", command(*prefix, "sysctl", "-qw", f"{name}={value}"))


def route_key(words):
    """What makes a route of a routing table what it is, of the arguments of `ip route add` or a line of `ip route show`: as a text."""
    words = words.split()
    options = {name: value for name, value in zip(words, words[1:]) if name in ("via", "dev", "metric")}
    target = " ".join(words[: 2 if words[0] in ("unreachable", "blackhole", "prohibit", "throw", "local", "broadcast") else 1])
    return " ".join([target, *(f"{name} {options[name]}" for name in ("via", "dev", "metric") if name in options)])


def table_drift(where, routes):
    """Of a routing table of ours. routes: its file, one `ip route replace` argument list a line."""
    number = re.search(r" table (\d+)", routes)[1]
    shown = {route_key(line) for line in run("ip", "route", "show", "table", number, check=False).splitlines()}
    wanted = [route_key(line) for line in routes.splitlines()]
    for route in wanted:
        if route not in shown:
            yield Drift(f"{where}table {number} lacks `{route}`")
    for route in sorted(shown - set(wanted)):
        yield Drift(f"{where}table {number} has the surplus route `{route}`", command("ip", "route", "del", *route.split(), "table", number))


def ruleset_drift(where, found, wanted):
    """Of our nft table, both as ruleset.loaded() gives them: one line with what it lacks and what it has too much."""
    if found == wanted:
        return
    if found is None:
        yield Drift(f"{where} is missing")
        return
    have, want = parts(found), parts(wanted or [])
    said = [f"{name} is missing" for name in want if name not in have] + [f"{name} is surplus" for name in have if name not in want]
    for name in want:
        if name in have and have[name] != want[name]:
            lacks = [one for one in want[name] if one not in have[name]]
            extra = [one for one in have[name] if one not in want[name]]
            counts = [f"{len(some)} {what}" for some, what in ((lacks, "missing"), (extra, "surplus")) if some]
            said.append(f"{name}: {', '.join(counts) or 'another order'}")
    more = f"; and {len(said) - 4} more" if len(said) > 4 else ""
    yield Drift(f"{where} is not as released: {'; '.join(said[:4])}{more}")


def parts(objects):
    """{name of a chain, set or map: its properties, and its rules or elements} of what ruleset.loaded() gives."""
    result = {}
    for item in objects:
        for kind, value in item.items():
            if kind == "rule":
                result.setdefault(f"chain {value['chain']}", []).append(value["expr"])
            else:
                own = {key: one for key, one in value.items() if key != "elem"}
                result.setdefault(f"{kind} {value['name']}", []).extend([own, *value.get("elem", [])])
    return result
