"""The tunnel of this machine: what it is by its release, and what stands of it."""

import json
import os

import wireguard
from iprules import add_rules, delete_rules
from machine import CONFIG, STATE, Fault, read, run, write
from place import TABLE

DATA = f"{CONFIG}/tunnel.json"
RULES = f"{CONFIG}/tunnel.nft"
STRICT = f"{STATE}/rp_filter"


def parse(text):
    """tunnel.json: {tunnel, endpoint, interface, address, table, listenPort, deadAfter, rules, routes, peers: [{name, publicKey, address, publicAddresses, rules}]}."""
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


def own(tunnel):
    """This machine's WireGuard address, without its prefix."""
    return tunnel["address"].split("/")[0]


def conf(tunnel):
    return f"/etc/wireguard/{tunnel['interface']}.conf"


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
    for peer in tunnel["peers"]:
        cut(tunnel, peer)
    restore_strict()


def cut(tunnel, peer):
    """
    Ends this machine's connections that began inside the tunnel to the peer's public addresses (`man 8 ss`, -K): the packet filter resets
    them when they send, and who only waits for the peer would wait for ever.
    """
    for public in peer["publicAddresses"]:
        run("ss", "-K", "src", own(tunnel), "dst", public, check=False)


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
    inside = ["table", str(tunnel["table"])]
    missing = []
    for wanted, where, tag in ((allowed(tunnel), inside, []), (tunnel["routes"], ["table", "main"], ["protocol", "45"])):
        shown = run("ip", "route", "show", "dev", tunnel["interface"], *where, check=False) if wanted else ""
        there = {line.split()[0] for line in shown.splitlines()}
        missing += [[address, "dev", tunnel["interface"], *where, *tag] for address in wanted if address not in there]
    return missing


def interface_of(text):
    """What makes the interface, of wg-quick's file: all before the first peer but the routes, which a running interface takes over."""
    return [line for line in wireguard.interface_part(text).splitlines() if not line.startswith("PostUp = ip route ")]


def synchronise(before, after):
    """Takes a running interface to other peers and rules; a peer that stays notices nothing."""
    interface, table = after["interface"], str(after["table"])
    wireguard.synchronise(interface, read(conf(after)))
    kept = set(after["rules"] + dynamic_rules(after))
    delete_rules([rule for rule in before["rules"] + dynamic_rules(before) if rule not in kept])
    for address in set(allowed(before)) - set(allowed(after)):
        run("ip", "route", "del", address, "dev", interface, "table", table, check=False)
    for address in set(before["routes"]) - set(after["routes"]):
        run("ip", "route", "del", address, "dev", interface, "table", "main", check=False)
    add_rules(after["rules"])
    for route in missing_routes(after):
        run("ip", "route", "replace", *route)


def allowed(tunnel):
    """Every address that leads to some peer inside the tunnel."""
    return [address for peer in tunnel["peers"] for address in [peer["address"], *peer["publicAddresses"]]]


def is_up(tunnel):
    """Whether the interface is there and up."""
    return bool(int(read(f"/sys/class/net/{tunnel['interface']}/flags") or "0", 16) & 1)


def counters(tunnel):
    """By public key: {endpoint, handshake, received, sent}; handshake in seconds since the epoch, 0 for none; bytes. Empty without interface."""
    lines = run("wg", "show", tunnel["interface"], "dump", check=False).splitlines()[1:]
    peers = {}
    for line in lines:
        key, _psk, endpoint, _allowed, handshake, received, sent, _keepalive = line.split("\t")
        peers[key] = {"endpoint": endpoint, "handshake": int(handshake), "received": int(received), "sent": int(sent)}
    return peers
