"""Leads a peer's public addresses through the tunnel while the peer is heard, and past it while it is not."""

import json
import os
import signal
import sys
import time

from iprules import add_rules, delete_rules, shown_rules
from machine import RUN, read, run, say, write
from tunnel import counters, cut, data, dynamic_rules, is_up, missing_routes

HEARD = f"{RUN}/heard.json"
PAUSE_SECONDS = 1


class Ear:
    """When each peer was heard last. Every peer sends a sign at least every third of `deadAfter`."""

    def __init__(self, dead_after, now, heard=()):
        self.dead_after = dead_after
        # Who is on the tunnel already, when this program starts again, is given the time of a peer just heard.
        self.last = {name: now for name in heard}
        self.received = {}

    def listen(self, received, now):
        """`received`: bytes by peer. Bytes count only when they could be decrypted: nobody else can keep a peer alive."""
        for name, count in received.items():
            if count > self.received.get(name, count):
                self.last[name] = now
        self.received = dict(received)

    def hears(self, name, now):
        return name in self.last and now - self.last[name] < self.dead_after


def led(peer, there):
    return all(rule in there for rule in peer["rules"])


def look(tunnel, ear, now):
    """One look at all peers; changes what stands where a peer came or went, and mends what somebody took away. The names of those that are heard."""
    peers = counters(tunnel)
    up = is_up(tunnel)
    ear.listen({peer["name"]: peers[peer["publicKey"]]["received"] for peer in tunnel["peers"] if peer["publicKey"] in peers}, now)
    heard = [peer["name"] for peer in tunnel["peers"] if up and peers and ear.hears(peer["name"], now)]
    if up:
        for route in missing_routes(tunnel):
            run("ip", "route", "replace", *route)
    there = shown_rules()
    lost = [rule for rule in tunnel["rules"] if up and rule not in there]
    if lost:
        add_rules(lost)
    for peer in tunnel["peers"]:
        if peer["name"] in heard and not led(peer, there):
            add_rules(peer["rules"])
            say(f"peer {peer['name']} is heard: {' '.join(peer['publicAddresses'])} through the tunnel")
        elif peer["name"] not in heard and any(rule in there for rule in peer["rules"]):
            delete_rules(peer["rules"])
            cut(tunnel, peer)
            say(f"peer {peer['name']} is not heard: {' '.join(peer['publicAddresses'])} past the tunnel")
    return heard


def watch():
    """Until it is ended; then nothing leads through the tunnel. A changed tunnel.json is taken as it is found."""
    tunnel = data()
    there = shown_rules()
    ear = Ear(tunnel["deadAfter"], time.monotonic(), [peer["name"] for peer in tunnel["peers"] if peer["rules"] and led(peer, there)])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.makedirs(RUN, exist_ok=True)
    try:
        while True:
            tunnel = data()
            ear.dead_after = tunnel["deadAfter"]
            text = json.dumps(look(tunnel, ear, time.monotonic()))
            if read(HEARD) != text:
                write(HEARD, text, 0o644)
            time.sleep(PAUSE_SECONDS)
    finally:
        delete_rules(dynamic_rules(tunnel))
        for peer in tunnel["peers"]:
            cut(tunnel, peer)


def heard():
    """Names of the peers that are heard, as the running program found."""
    return json.loads(read(HEARD) or "[]")
