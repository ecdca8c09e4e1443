"""What on a machine belongs to someone else and would be in a gateway's way; asked before the first release changes anything."""

import os
import re

from machine import CONFIG
from taken import listeners, priority_users, table_users


def assignments(text):
    """NAME=value lines as a dictionary."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def conflicts(release):
    """A line for each thing that is taken, saying what it is and who has it where that can be seen."""
    if os.path.exists("/etc/wireguard/wg0.conf"):
        yield "/etc/wireguard/wg0.conf is there and is not the gateway's: move it away, or choose another machine"
    if os.path.exists("/sys/class/net/wg0"):
        yield "an interface wg0 is there and is not the gateway's: take it down, or choose another machine"

    port = re.search(r"^ListenPort = (\d+)$", release.files["/etc/wireguard/wg0.conf"], re.MULTILINE)
    for who in listeners(port.group(1)) if port else []:
        yield f"UDP port {port.group(1)} is in use by {who}: choose another wireguard.port"
    for who in listeners(53):
        if who.startswith(("0.0.0.0:", "*:", "127.0.0.1:")):
            yield f"port 53 is in use by {who}: have it leave 127.0.0.1 and the clients' network alone (bind it to the addresses it serves)"

    wanted = {line.split()[1] for path, text in release.files.items() if path.endswith("/rules") for line in text.splitlines()}
    for priority, rule in priority_users(wanted):
        yield f"the ip rule priority {priority} is somebody's: {rule}"
    for number in sorted(set(re.findall(r" table (\d+) ", release.files[f"{CONFIG}/routes"]))):
        for user in table_users(number)[:1]:
            yield f"routing table {number} is somebody's: {user}"
    for path, text in sorted(release.files.items()):
        if not path.endswith("/variables"):
            continue
        names = assignments(text)
        users = table_users(names["TABLE"])
        if users:
            yield f"routing table {names['TABLE']} is somebody's: {users[0]}; choose another slot for the exit"
        if os.path.exists(f"/run/netns/{names['NAMESPACE']}"):
            yield f"a network namespace {names['NAMESPACE']} is there and is not the gateway's"
        if os.path.exists(f"/sys/class/net/{names['HOST_LINK']}"):
            yield f"an interface {names['HOST_LINK']} is there and is not the gateway's"
