"""The daemon: opens and closes time windows, checks the exits through their tunnels, and moves failover groups between them."""

import os
import socket
import subprocess
import threading
import time

import metrics
from exits import variables
from machine import RUN, Fault, read, say, write
from questions import ROOT, ask
from selection import selected, selectors, switch, windows_now

HEALTH = f"{RUN}/health"
# Seconds between two looks, and while an exit does not answer. After so many questions in a row without an answer it is ill, and is
# started anew after so many more.
EVERY_SECONDS = 5
DOUBT_SECONDS = 1
ANSWER_SECONDS = 1.5
FAILS = 3
RESTART_FAILS = 12
# Of what the daemon before saw, no more is believed after so many.
GAP_SECONDS = 30


def recorded(name):
    """What was last seen of an exit: ("well" or "ill", since when, when last asked), both in seconds of the monotonic clock; None without."""
    words = (read(f"{HEALTH}/{name}") or "").split()
    return (words[0], float(words[1]), float(words[2])) if len(words) == 3 else None


class Health:
    """Of one exit: well once it answers, ill after FAILS questions in a row without an answer, neither (None) until one of the two."""

    def __init__(self, name):
        self.name, self.since, self.failed, self.well = name, None, 0, None
        # What the daemon before this one saw, if that was just now: being started anew is no reason to begin counting anew.
        self.before = recorded(name)
        if self.before and time.monotonic() - self.before[2] > GAP_SECONDS:
            self.before = None

    def whom(self, upstreams):
        """The address to ask from and the upstream to ask; after a silence the next one, for it may be the upstream that is ill."""
        return variables(self.name).get("HOST_ADDRESS", ""), upstreams[self.failed % len(upstreams)], 53

    def note(self, answered):
        self.failed = 0 if answered else self.failed + 1
        well = True if answered else False if self.failed >= FAILS else self.well
        if well != self.well:
            self.well = well
            word, since, _ = self.before or ("", 0, 0)
            self.since = since if word == self.word else time.monotonic()
            self.before = None

    @property
    def word(self):
        return "well" if self.well else "ill"

    def record(self):
        if self.well is not None:
            write(f"{HEALTH}/{self.name}", f"{self.word} {self.since:.1f} {time.monotonic():.1f}\n", 0o644)

    def well_for(self):
        """Seconds; none while its last question is without an answer, so that no group goes back to an exit that is just failing."""
        return 0 if not self.well or self.failed else time.monotonic() - self.since


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
    # Beside the loop: whatever it waits for, no exit's failure waits for it.
    threading.Thread(target=metrics.keep, daemon=True).start()
    notify("READY=1")
    while True:
        began = time.monotonic()
        answered = ask({one.name: one.whom(known["upstreams"]) for one in health.values()}, ROOT, ANSWER_SECONDS)
        for one in health.values():
            before = one.well
            one.note(one.name in answered)
            if one.well != before:
                say(f"exit {one.name} is {one.word}")
            one.record()
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
