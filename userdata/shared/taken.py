"""What on a machine is in use, and by whom as far as that can be seen."""

import ipaddress
import re

from machine import read, run


def listeners(port):
    """Who listens on a UDP port: lines of `ss` (`man 8 ss`), local address first."""
    return [" ".join(line.split()[3:4] + line.split()[5:]) for line in run("ss", "-Hlunp", f"sport = :{port}", check=False).splitlines()]


def links_named(name):
    """The interface of that name, if there is one, with its addresses (`man 8 ip-address`, -brief)."""
    # Not -4: that shows none that has no IPv4 address. The second word is its state.
    lines = [line.split() for line in run("ip", "-brief", "address", "show", "dev", name, check=False).splitlines()]
    return [" ".join([words[0], *words[2:]]) for words in lines]


def address_users(interface, ours):
    """
    Who has an interface's address or something of its network, a CIDR: routes but the default, and this machine's name servers.
    ours: the names of interfaces whose routes are not somebody's.
    """
    network = ipaddress.ip_network(interface, strict=False)
    around = run("ip", "route", "show", "to", "match", interface.split("/")[0], "table", "main", check=False).splitlines()
    inside = run("ip", "route", "show", "to", "root", str(network), "table", "main", check=False).splitlines()
    users = [f"the route {line.strip()}" for line in around + inside if not line.startswith("default ") and device(line) not in ours]
    texts = [read(path) or "" for path in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf")]
    servers = {word for text in texts for word in re.findall(r"^nameserver +(\d+\.\d+\.\d+\.\d+)", text, re.MULTILINE)}
    return users + [f"the name server {server}" for server in sorted(servers) if ipaddress.ip_address(server) in network]


def device(route):
    """The interface of a route, as `ip route show` has it."""
    return (re.findall(r" dev (\S+)", route) or [""])[0]


def rules():
    """The routing policy database, a rule a line; tables by their numbers, whatever names they have (`man 8 ip`, -Numeric)."""
    return [" ".join(line.split()) for line in run("ip", "-Numeric", "rule", "show").splitlines()]


def priority_users(wanted):
    """The rules at one of these priorities, which are texts: (priority, rule)."""
    return [(line.split(":")[0], line) for line in rules() if line.split(":")[0] in wanted]


def table_users(number):
    """The rules that lead to a routing table, and its routes."""
    routes = run("ip", "route", "show", "table", str(number), check=False).splitlines()
    return [line for line in rules() if f" lookup {number} " in f"{line} "] + [line.strip() for line in routes]
