"""The tunnel of this machine: what it is by its release, and what stands of it."""

import json
import os

from iprules import add_rules, delete_rules
from machine import CONFIG, STATE, Fault, read, run, write
from place import TABLE

DATA = f"{CONFIG}/tunnel.json"
RULES = f"{CONFIG}/tunnel.nft"
STRICT = f"{STATE}/rp_filter"


def parse(text):
    """tunnel.json: {tunnel, endpoint, interface, table, listenPort, deadAfter, rules, routes, peers: [{name, publicKey, address, publicAddresses, rules}]}."""
    return json.loads(text)


def data():
    text = read(DATA)
    if text is None:
        raise Fault("there is no tunnel on this machine")
    return parse(text)


def of(release):
    """The tunnel that a release makes."""
    return parse(release.files[DATA])


def unit(tunnel):
    return f"wg-quick@{tunnel['interface']}.service"


def dynamic_rules(tunnel):
    """Those that stand only while a peer is heard."""
    return [rule for peer in tunnel["peers"] for rule in peer["rules"]]


def load_filter():
    run("nft", "-f", RULES)


def drop_filter():
    run("nft", "delete", "table", "inet", TABLE, check=False)


def hook_up():
    """Before the interface comes up: packet filter, and the rules that keep WireGuard's own packets out of the tunnel."""
    load_filter()
    loosen()
    add_rules(data()["rules"])


def hook_down():
    """After the interface went: no rule leads to its table. The packet filter stays, for what began inside must not go on outside."""
    tunnel = data()
    delete_rules(dynamic_rules(tunnel) + tunnel["rules"])
    restore_strict()


def uplinks():
    return sorted({route["dev"] for route in json.loads(run("ip", "-4", "-j", "route", "show", "default") or "[]")})


def path_of(device):
    return f"/proc/sys/net/ipv4/conf/{device}/rp_filter"


def loosen():
    """
    What comes in by an uplink from a peer's public address, to which the way back leads through the tunnel, would be dropped by a strict
    reverse path filter (1); the larger of "all" and the device's counts (the kernel's ip-sysctl, rp_filter).
    """
    for device in uplinks():
        if max(int(read(path_of("all"))), int(read(path_of(device)))) == 1:
            saved = json.loads(read(STRICT) or "{}")
            write(STRICT, json.dumps({device: read(path_of(device)).strip(), **saved}), 0o644)
            put(device, "2")


def restore_strict():
    for device, value in json.loads(read(STRICT) or "{}").items():
        if os.path.exists(path_of(device)):
            put(device, value)
    if os.path.exists(STRICT):
        os.unlink(STRICT)


def put(device, value):
    with open(path_of(device), "w", encoding="ascii") as file:
        file.write(value)


def missing_routes(tunnel):
    """Arguments for `ip route` of the routes that are not there; an interface that was down has lost them."""
    wanted = [(address, ["table", str(tunnel["table"])]) for peer in tunnel["peers"] for address in [peer["address"], *peer["publicAddresses"]]]
    wanted += [(address, []) for address in tunnel["routes"]]
    missing = []
    for address, where in wanted:
        if not run("ip", "route", "show", f"{address}/32", "dev", tunnel["interface"], *where, check=False).strip():
            missing.append([address, "dev", tunnel["interface"], *where] + ([] if where else ["protocol", "45"]))
    return missing


def counters(tunnel):
    """By public key: {endpoint, handshake, received, sent}; handshake in seconds since the epoch, 0 for none; bytes. Empty without interface."""
    lines = run("wg", "show", tunnel["interface"], "dump", check=False).splitlines()[1:]
    peers = {}
    for line in lines:
        key, _psk, endpoint, _allowed, handshake, received, sent, _keepalive = line.split("\t")
        peers[key] = {"endpoint": endpoint, "handshake": int(handshake), "received": int(received), "sent": int(sent)}
    return peers
