"""The daemon: opens and closes time windows, checks the exits through their tunnels, and moves failover groups between them."""

import os
import socket
import subprocess
import threading
import time

import metrics
from health import FAILS, Health
from machine import RUN, Fault, read, say
from questions import ROOT, ask
from selection import selected, selectors, switch, windows_now

# Seconds between two looks, and while an exit does not answer.
EVERY_SECONDS = 5
DOUBT_SECONDS = 1
ANSWER_SECONDS = 1.5
# An exit is started anew after each so many questions in a row without an answer.
RESTART_FAILS = 12


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


def reason(group, before, health):
    """Why a group goes from one member, or "none", or None, to the one that it is on now."""
    now = selected(group["name"])
    if now == "none":
        return "no member is healthy"
    if before in group["members"] and health[before].well is False:
        return f"exit {before} is unhealthy: {health[before].reason()}"
    if before in group["members"]:
        return f"exit {now} comes first, and has been healthy for {health[now].well_for():.0f} s"
    return f"exit {now} is the first that is healthy"


def notify(text):
    """Tells systemd (`man 3 sd_notify`)."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.sendto(text.encode(), "\0" + path[1:] if path[0] == "@" else path)


def watch():
    known, told = selectors(), []
    health = {name: Health(name) for name in known["exits"]}
    # Beside the loop: whatever it waits for, no exit's failure waits for it.
    threading.Thread(target=metrics.keep, daemon=True).start()
    notify("READY=1")
    while True:
        began = time.monotonic()
        answered = ask({one.name: one.whom(known["upstreams"]) for one in health.values()}, ROOT, ANSWER_SECONDS)
        problems = []
        for one in health.values():
            before = one.well
            one.note(one.name in answered)
            if one.well != before:
                say(f"exit {one.name} is {'healthy' if one.well else 'unhealthy'}: {one.reason()}")
            try:
                one.record()
            except OSError as error:
                problems.append(f"the status does not know how exit {one.name} is: {error}")
            if one.failed and one.failed % RESTART_FAILS == 0:
                # Its name may lead elsewhere by now, or its process be stuck.
                say(f"exit {one.name}: {one.reason()}: restarting its tunnel")
                subprocess.run(["systemctl", "try-restart", "--no-block", f"wg-gateway-exit@{one.name}.service"], check=False)
        groups = {group["name"]: group for group in known["groups"]}
        choices = {**windows_now(), **{name: member(group, health) for name, group in groups.items()}}
        before = {name: selected(name) for name in choices}
        if read(f"{RUN}/open") is not None:
            try:
                for name in switch(choices):
                    why = reason(groups[name], before[name], health) if name in groups else "by its hours"
                    say(f"{name}: {before[name] or 'none'} -> {choices[name]}: {why}")
            except Fault as fault:
                say(f"{fault}\nthe rules stay as they were; trying again")
            except OSError as error:
                problems.append(f"windows and groups stay as they are: {error}; trying again")
        for line in problems if problems != told else []:
            say(line)
        told = problems
        pause = DOUBT_SECONDS if any(0 < one.failed <= FAILS for one in health.values()) else EVERY_SECONDS
        # Windows open and close at full minutes.
        time.sleep(min(max(0.1, pause - (time.monotonic() - began)), 60.05 - time.time() % 60))
