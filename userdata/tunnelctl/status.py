"""Shows the tunnel as people and programs want it."""

import time

import tunnel
from health import heard, led
from iprules import shown_rules
from machine import active
from place import HEALTH


def report(one):
    """{state, tunnel, endpoint, interface, up, health, peers: [{name, address, publicAddresses, heard, way, endpoint, handshake, received, sent}]}."""
    counters = tunnel.counters(one)
    watching = active(HEALTH)
    names = heard() if watching else []
    there = shown_rules()
    peers = []
    for peer in one["peers"]:
        counted = counters.get(peer["publicKey"], {"endpoint": None, "handshake": 0, "received": 0, "sent": 0})
        ago = int(time.time() - counted["handshake"]) if counted["handshake"] else None
        peers.append(
            {
                "name": peer["name"],
                "address": peer["address"],
                "publicAddresses": peer["publicAddresses"],
                "heard": peer["name"] in names,
                "way": "tunnel" if peer["name"] in names and led(peer, there) else "internet",
                **counted,
                "handshake": ago,
            }
        )
    shown = {
        "tunnel": one["tunnel"],
        "endpoint": one["endpoint"],
        "interface": one["interface"],
        "up": tunnel.is_up(one),
        "health": "watching" if watching else "not running",
        "peers": peers,
    }
    return {"state": state(shown), **shown}


def state(shown):
    """The whole of a report in a word: "down", "degraded" or "running"."""
    if not shown["up"]:
        return "down"
    heard_all = all(peer["heard"] for peer in shown["peers"])
    return "running" if heard_all and shown["health"] == "watching" else "degraded"


def text(shown):
    state = "up" if shown["up"] else "down"
    lines = [f"tunnel {shown['tunnel']}, endpoint {shown['endpoint']}: {shown['interface']} is {state}, health check {shown['health']}"]
    for peer in shown["peers"]:
        handshake = "no handshake yet" if peer["handshake"] is None else f"handshake {peer['handshake']} s ago"
        public = " ".join(peer["publicAddresses"]) or "(no public address)"
        lines.append(
            f"  {peer['name']:<16} {peer['address']:<15} {public} by the {peer['way']}; {handshake}, {peer['received']} B in, {peer['sent']} B out"
        )
    return "\n".join(lines)
