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
# Every so many seconds each exit is asked; after so many questions in a row without an answer it is ill, and is started anew.
EVERY_SECONDS = 2
ANSWER_SECONDS = 1.5
FAILS = 3
RESTART_FAILS = 30


def question():
    """A DNS query for the root's name servers, which every resolver answers: (id, packet). RFC 1035, section 4.1."""
    number = random.randrange(65536)
    return number, struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + b"\0" + struct.pack("!HH", 2, 1)


def answers(address, upstreams):
    """Whether one of the upstreams answers through an exit: a query from the address of the exit's resolver takes the way of its queries."""
    number, packet = question()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            asking.bind((address, 0))
        except OSError:
            return False
        for upstream in upstreams:
            try:
                asking.sendto(packet, (upstream, 53))
            except OSError:
                continue
        deadline = time.monotonic() + ANSWER_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([asking], [], [], left)[0]:
                return False
            try:
                if asking.recv(512)[:2] == struct.pack("!H", number):
                    return True
            except OSError:
                continue
    return False


class Health:
    """Of one exit: well once it answers, ill after FAILS questions in a row without an answer, neither (None) until one of the two."""

    def __init__(self, name):
        self.name, self.well_since, self.failed, self.well = name, None, 0, None

    def look(self, upstreams):
        if answers(variables(self.name).get("HOST_ADDRESS", ""), upstreams):
            self.failed = 0
            if not self.well:
                self.well, self.well_since = True, time.monotonic()
        else:
            self.failed += 1
            if self.failed >= FAILS:
                self.well, self.well_since = False, None

    def well_for(self):
        return 0 if self.well_since is None else time.monotonic() - self.well_since


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
        for one in health.values():
            before = one.well
            one.look(known["upstreams"])
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
        time.sleep(max(0.1, EVERY_SECONDS - (time.monotonic() - began)))
