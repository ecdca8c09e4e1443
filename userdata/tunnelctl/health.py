"""Leads a peer's public addresses through the tunnel while the peer is heard, and past it while it is not; keeps the packet filter."""

import json
import os
import socket
import time

from iprules import add_rules, delete_rules, shown_rules
from machine import RUN, read, remove, run, say, write
from ruleset import loaded
from tunnel import RULES, counters, cut, data, dynamic_rules, is_up, load_filter, missing_routes

HEARD = f"{RUN}/heard.json"
PAUSE_SECONDS = 1
# UDP, whose packets are thrown away (RFC 863).
DISCARD_PORT = 9


class Ear:
    """When each peer was heard last. Every peer sends a sign at least every third of `deadAfter`."""

    def __init__(self):
        self.last = {}
        self.received = {}

    def listen(self, counted, now, clock):
        """
        `counted`: what `counters` gives, by the peer's name. WireGuard counts bytes only when it could decrypt them: nobody else can keep
        a peer alive. `now` never goes back; `clock` is since the epoch, as the handshakes are. Seconds.
        """
        for name, peer in counted.items():
            before = self.received.get(name)
            if before is None and peer["handshake"]:
                # Not looked at before: what it has received may be old, its handshake tells how old at most.
                self.last[name] = now - max(0, clock - peer["handshake"])
            elif before is not None and peer["received"] not in (before, 0):
                self.last[name] = now
        self.received = {name: peer["received"] for name, peer in counted.items()}

    def hears(self, name, now, dead_after):
        return name in self.last and now - self.last[name] < dead_after


class Voice:
    """
    Sends each peer a sign every third of `deadAfter`, an empty datagram inside the tunnel. WireGuard's own keepalives would not do: an end
    whose peer was quicker holds its own back (`man 8 wg`, PersistentKeepalive), and may do so time and again.
    """

    def __init__(self):
        self.last = None

    def speak(self, tunnel, now):
        """`now` never goes back; seconds."""
        if self.last is not None and now - self.last < tunnel["deadAfter"] // 3:
            return
        self.last = now
        for peer in tunnel["peers"]:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                try:
                    sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, tunnel["interface"].encode())
                    sender.sendto(b"", (peer["address"], DISCARD_PORT))
                except OSError:  # the interface is down, or is gone
                    pass


class Filter:
    """
    Our nft table as its file says. What that is, is what stands right after it was loaded: to load it apart, as `check` does, needs a
    network namespace, which this service may not make.
    """

    def __init__(self):
        self.text, self.stood = None, None

    def keep(self):
        """Loads the file where it is another one, or where what stands is not what it made."""
        text, stands = read(RULES), loaded()
        if text == self.text and stands == self.stood:
            return
        if stands is None or text == self.text:
            say("the packet filter is not as released: loaded again")
        load_filter()
        self.text, self.stood = text, loaded()


def led(peer, there):
    """Whether every rule that leads to a peer's public addresses through the tunnel is among those that stand."""
    return all(rule in there for rule in peer["rules"])


def look(tunnel, ear, now):
    """One look at all peers; changes what stands where a peer came or went, and mends what somebody took away. The names of those that are heard."""
    peers = counters(tunnel)
    up = is_up(tunnel)
    ear.listen({peer["name"]: peers[peer["publicKey"]] for peer in tunnel["peers"] if peer["publicKey"] in peers}, now, time.time())
    heard = [peer["name"] for peer in tunnel["peers"] if up and peers and ear.hears(peer["name"], now, tunnel["deadAfter"])]
    if up:
        for route in missing_routes(tunnel):
            # The interface may have gone just now.
            run("ip", "route", "replace", *route, check=False)
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
            why = f"nothing for {tunnel['deadAfter']} s" if up else f"{tunnel['interface']} is down"
            say(f"peer {peer['name']} is not heard ({why}): {' '.join(peer['publicAddresses'])} past the tunnel")
    return heard


def watch():
    """Until it is ended; `unwatched` comes after it. A changed tunnel.json is taken as it is found."""
    ear, voice, packet_filter = Ear(), Voice(), Filter()
    told = None
    os.makedirs(RUN, exist_ok=True)
    while True:
        packet_filter.keep()
        tunnel = data()
        text = json.dumps(look(tunnel, ear, time.monotonic()))
        try:
            if read(HEARD) != text:
                write(HEARD, text, 0o644)
            told = None
        except OSError as error:
            if told != str(error):
                say(f"the status does not know who is heard: {error}")
            told = str(error)
        # After the first look: what a peer answers (nobody has that port) is then new, and the age of its handshake does not count any more.
        voice.speak(tunnel, time.monotonic())
        time.sleep(PAUSE_SECONDS)


def unwatched():
    """However the watching ended: nothing leads through a tunnel that nobody watches, and who was heard is not heard any more."""
    tunnel = data()
    remove(HEARD)
    delete_rules(dynamic_rules(tunnel))
    for peer in tunnel["peers"]:
        cut(tunnel, peer)


def heard():
    """Names of the peers that are heard, as the running program found."""
    return json.loads(read(HEARD) or "[]")
