"""The daemon: opens and closes time windows, checks the exits through their tunnels, and moves failover groups between them."""

import os
import random
import select
import socket
import struct
import subprocess
import time

from check import variables
from machine import RUN, Fault, read, say, write
from selection import selected, selectors, switch, windows_now

HEALTH = f"{RUN}/health"
# Seconds between two looks, and while an exit does not answer. After so many questions in a row without an answer it is ill, and is
# started anew after so many more.
EVERY_SECONDS = 5
DOUBT_SECONDS = 1
ANSWER_SECONDS = 1.5
FAILS = 3
RESTART_FAILS = 12


def question():
    """A DNS query for the root's name servers, which every resolver answers: (id, packet). RFC 1035, section 4.1."""
    number = random.randrange(65536)
    return number, struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + b"\0" + struct.pack("!HH", 2, 1)


def answering(asked):
    """Which exits answer, of {exit: (address of its resolver, upstream)}: a query from that address takes the way of the resolver's own."""
    open_, answered = {}, set()
    for name, (address, upstream) in asked.items():
        number, packet = question()
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            asking.bind((address, 0))
            asking.sendto(packet, (upstream, 53))
            open_[asking] = (name, struct.pack("!H", number))
        except OSError:
            asking.close()
    deadline = time.monotonic() + ANSWER_SECONDS
    while open_ and (left := deadline - time.monotonic()) > 0:
        for asking in select.select(list(open_), [], [], left)[0]:
            name, number = open_[asking]
            try:
                if asking.recv(512)[:2] == number:
                    answered.add(name)
                    del open_[asking]
                    asking.close()
            except OSError:  # an ICMP error: no answer
                del open_[asking]
                asking.close()
    for asking in open_:
        asking.close()
    return answered


class Health:
    """Of one exit: well once it answers, ill after FAILS questions in a row without an answer, neither (None) until one of the two."""

    def __init__(self, name):
        self.name, self.well_since, self.failed, self.well = name, None, 0, None

    def whom(self, upstreams):
        """The address to ask from and the upstream to ask; after a silence the next one, for it may be the upstream that is ill."""
        return variables(self.name).get("HOST_ADDRESS", ""), upstreams[self.failed % len(upstreams)]

    def note(self, answered):
        if answered:
            self.failed = 0
            if not self.well:
                self.well, self.well_since = True, time.monotonic()
        else:
            self.failed += 1
            if self.failed >= FAILS:
                self.well, self.well_since = False, None

    def well_for(self):
        """Seconds; none while its last question is without an answer, so that no group goes back to an exit that is just failing."""
        return 0 if self.well_since is None or self.failed else time.monotonic() - self.well_since


def member(group, health):
    """The member a group shall be on: the one it is on until that is ill, unless an earlier one has been well for `backAfter` seconds;
    "none", which is blocked, when none is well."""
    now = selected(group["name"])
    stays = now in group["members"] and health[now].well is not False
    for name in group["members"]:
        one = health[name]
        if (stays and name == now) or (one.well and (not stays or one.well_for() >= group["backAfter"])):
            return name
    return "none"


def notify(text):
    """Tells systemd (`man 3 sd_notify`)."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(text.encode(), "\0" + path[1:] if path[0] == "@" else path)


def watch():
    known = selectors()
    health = {name: Health(name) for name in known["exits"]}
    notify("READY=1")
    while True:
        began = time.monotonic()
        answered = answering({one.name: one.whom(known["upstreams"]) for one in health.values()})
        for one in health.values():
            before = one.well
            one.note(one.name in answered)
            if one.well != before:
                say(f"exit {one.name} is {'well' if one.well else 'ill'}")
                write(f"{HEALTH}/{one.name}", "well\n" if one.well else "ill\n", 0o644)
            if one.failed and one.failed % RESTART_FAILS == 0:
                # Its name may lead elsewhere by now, or its process be stuck.
                say(f"exit {one.name} has not answered {one.failed} times: starting it anew")
                subprocess.run(["systemctl", "try-restart", "--no-block", f"wg-gateway-exit@{one.name}.service"], check=False)
        choices = {**windows_now(), **{group["name"]: member(group, health) for group in known["groups"]}}
        if read(f"{RUN}/open") is not None:
            try:
                for name in switch(choices):
                    say(f"{name}: {choices[name]}")
            except Fault as fault:
                say(f"{fault}\nthe rules stay as they were; trying again")
        pause = DOUBT_SECONDS if any(0 < one.failed <= FAILS for one in health.values()) else EVERY_SECONDS
        # Windows open and close at full minutes.
        time.sleep(min(max(0.1, pause - (time.monotonic() - began)), 60.05 - time.time() % 60))
