"""What on a machine belongs to someone else and would be in a gateway's way; asked before a release changes anything."""

import os
import re

from firewalls import Need
from machine import CONFIG
from taken import listeners, priority_users, table_users

WG0 = "/etc/wireguard/wg0.conf"


def assignments(text):
    """NAME=value lines as a dictionary."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def listens_on(text):
    """[(address, port)] that a resolver's configuration has it listen on."""
    port = re.search(r"^port=(\d+)$", text, re.MULTILINE)
    addresses = re.findall(r"^listen-address=(\S+)$", text, re.MULTILINE)
    return [(address, int(port[1]) if port else 53) for address in addresses]


def ports(release):
    """WireGuard's UDP port, as text."""
    return set(re.findall(r"^ListenPort = (\d+)$", release.files[WG0], re.MULTILINE))


def priorities(release):
    """Of the release's ip rules, as texts."""
    return {line.split()[1] for path, text in release.files.items() if path.endswith("/rules") for line in text.splitlines()}


def host_tables(release):
    """The routing tables that are no exit's, as texts."""
    return set(re.findall(r" table (\d+) ", release.files[f"{CONFIG}/routes"]))


def exits_of(release):
    """Of each exit, its names and numbers."""
    return [assignments(text) for path, text in sorted(release.files.items()) if path.endswith("/variables")]


def needs(release):
    """What other firewalls of the machine have to let pass, a firewalls.Need each."""
    dns = [listens_on(text) for path, text in sorted(release.files.items()) if path.startswith(f"{CONFIG}/resolvers/")]
    links = ["wg0", *(names["HOST_LINK"] for names in exits_of(release))]
    metrics = assignments(release.files.get(f"{CONFIG}/metrics", ""))
    yield from (Need("input", "WireGuard", protocol="udp", port=int(port)) for port in sorted(ports(release)))
    for port in sorted({port for listens in dns for _address, port in listens}):
        # The rules have led the question to its resolver before it comes to an input chain.
        why = "DNS of clients" if port == 53 else "DNS of direct clients, which is redirected to this port"
        yield from (Need("input", why, iif="wg0", protocol=protocol, port=port) for protocol in ("udp", "tcp"))
    if metrics:
        yield Need("input", "metrics", iif="wg0", protocol="tcp", port=int(metrics["PORT"]))
    for link in links:
        why = "clients" if link == "wg0" else "the tunnel of an exit"
        yield from (Need("forward", why, iif=link), Need("forward", why, oif=link), Need("output", why, oif=link))
    yield from (Need("output", "DNS upstreams", protocol=protocol, port=53) for protocol in ("udp", "tcp"))


def conflicts(release, ours):
    """A line for each thing that is taken, saying what it is and who has it where that can be seen. ours: releases whose things are ours."""
    if not ours:
        if os.path.exists(WG0):
            yield f"{WG0} is there and is not the gateway's: move it away, or choose another machine"
        if os.path.exists("/sys/class/net/wg0"):
            yield "an interface wg0 is there and is not the gateway's: take it down, or choose another machine"
        for who in listeners(53):
            if who.startswith(("0.0.0.0:", "*:", "127.0.0.1:")):
                yield f"port 53 is in use by {who}: have it leave 127.0.0.1 and the clients' network alone (bind it to the addresses it serves)"
    for number in ports(release).difference(*map(ports, ours)):
        for who in listeners(number):
            yield f"UDP port {number} is in use by {who}: choose another wireguard.port"

    for priority, rule in priority_users(priorities(release).difference(*map(priorities, ours))):
        yield f"the ip rule priority {priority} is somebody's: {rule}"
    for number in sorted(host_tables(release).difference(*map(host_tables, ours))):
        for user in table_users(number)[:1]:
            yield f"routing table {number} is somebody's: {user}"
    had = {pair for one in ours for names in exits_of(one) for pair in names.items()}
    for names in exits_of(release):
        table, namespace, link = (names[key] if (key, names[key]) not in had else None for key in ("TABLE", "NAMESPACE", "HOST_LINK"))
        users = table_users(table) if table else []
        if users:
            yield f"routing table {table} is somebody's: {users[0]}; choose another slot for the exit"
        if namespace and os.path.exists(f"/run/netns/{namespace}"):
            yield f"a network namespace {namespace} is there and is not the gateway's"
        if link and os.path.exists(f"/sys/class/net/{link}"):
            yield f"an interface {link} is there and is not the gateway's"
