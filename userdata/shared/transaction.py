"""Takes a machine from one release to the next, wholly or not at all: what fails goes back, and so does what was killed, by the next
deployment or repair."""

import glob
import os
import re
import signal
import time

from bundle import CURRENT, PENDING, Release, store, stored
from drift import Drift
from machine import STATE, Fault, beside, heard, read, remove, say
from packages import install
from place import CONTROL

SETTLE_SECONDS = 15
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Steps:
    """What a program does at each step; each takes releases."""

    # What the machine is without a release, for messages.
    without = "a machine with nothing of ours"

    def conflicts(self, new, ours):
        """Lines that say what on the machine is somebody else's and in the way of `new`; what the releases `ours` have is not."""

    def check(self, old, new):
        """Raises Fault when `new` cannot come after `old`; nothing was changed."""

    def prepare(self, new):
        """What must be known before anything is switched, with all packages installed."""

    def switch(self, old, new, touched):
        """Makes the machine what `new` says. `touched`: paths that an interrupted run may have changed without acting on them."""

    def findings(self, release):
        """What differs from a release, a line each."""

    def wait(self, old, new, since):
        """Waits, with a bound, for what comes up by itself; lines that warn of what did not, for which nothing goes back.
        since: when the deployment began, by the monotonic clock."""
        return []

    def mend(self, release):
        """Puts back what no file's change would."""

    def remove(self):
        """Takes the release away, and leaves the packages that came with it."""


def settled(look):
    """What still differs after a bounded while, by a function that looks: units come up asynchronously."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        left = look()
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


def between(old, new):
    """The paths whose content or mode differs between two releases, of which the first may be none."""
    before, after = ({} if one is None else {path: (one.modes[path], one.files[path]) for path in one.files} for one in (old, new))
    return {path for path in {*before, *after} if before.get(path) != after.get(path)}


def reached(steps, release, at_once):
    """What still differs from a release after it was switched to and, where something does, mended. at_once: mends without waiting for what
    may come by itself."""

    def look():
        return steps.findings(release)

    left = [] if at_once else settled(look)
    if at_once or left:
        # Somebody changed what this release does not: mend that too, before calling it a failure.
        steps.mend(release)
        left = settled(look)
    return left


def stop(number, _frame):
    raise Fault(f"stopped by {signal.Signals(number).name}")


def on_signals(handler):
    """What is done when somebody ends this. SIG_IGN goes on to the programs that are started: a group of processes is signalled as one."""
    for one in SIGNALS:
        signal.signal(one, handler)


# Where cloud-init notes which instance it runs on (its "data" folder); missing where there is no cloud-init.
INSTANCE_ID = "/var/lib/cloud/data/instance-id"
EC2_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")


def check_target(new, old):
    """Raises Fault for a release of another owner than the one before, or for another EC2 instance than this machine; nothing was changed."""
    if old and old.owner and new.owner != old.owner:
        raise Fault(
            f"this machine belongs to {old.owner}, and the release is {new.owner or 'nobody'}'s; nothing was changed\n"
            f"  allowed: a release of {old.owner}\n"
            f"  fix: choose another machine, or hand it over: sudo {CONTROL} handover {new.owner}"
        )
    instance = (read(INSTANCE_ID) or "").strip()
    if EC2_INSTANCE.fullmatch(new.machine) and new.machine != instance:
        raise Fault(f"the release is for {new.machine}, and this machine is {instance or 'no EC2 instance'}; nothing was changed; deploy again")


def accept(new, old, interrupted, steps):
    """Raises Fault when a release cannot be the machine's next; nothing was changed. interrupted: one that could not be gone back from."""
    try:
        steps.check(old, new)
        taken = list(steps.conflicts(new, [one for one in (old, interrupted) if one]))
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise Fault(f"the release is not whole ({type(error).__name__}: {error}); nothing was changed") from None
    if taken:
        raise Fault("the machine is not free; nothing was changed\n  " + "\n  ".join(taken))


def apply(text, steps):
    """Applies a release given as text. Raises Fault after going back to the release before."""
    new = Release(text)
    new.check_paths()
    recover(steps)
    old, interrupted = stored(CURRENT), stored(PENDING)
    check_target(new, old)
    accept(new, old, interrupted, steps)
    drifted = bool(old and steps.findings(old))
    if old and old.text == new.text and not interrupted and not drifted:
        say("the machine is as the release says; nothing to do")
        for line in steps.wait(old, new, time.monotonic()):
            say(line)
        return
    # What could not be gone back from is gone on from.
    touched = between(old, interrupted) if interrupted else set()
    began = time.monotonic()
    switching = bool(interrupted) or old is None
    on_signals(stop)
    try:
        store(PENDING, new)
        new.stage()
        install()
        steps.prepare(new)
        switching = True
        steps.switch(old, new, touched)
        left = reached(steps, new, drifted)
        if left:
            raise Fault("the machine is not as the release says:\n  " + "\n  ".join(left))
        # Not after the release is in place: a person who ends the deployment meanwhile has the release before.
        warnings = steps.wait(old, new, began)
        if not heard():
            raise Fault("the connection of whoever deploys was cut")
        on_signals(signal.SIG_IGN)
        os.replace(PENDING, CURRENT)
    except Exception as error:
        on_signals(signal.SIG_IGN)
        new.unstage()
        if switching:
            go_back(old, new, touched, steps)
        elif os.path.exists(PENDING):
            os.unlink(PENDING)
        fault = error if isinstance(error, Fault) else Fault(f"{type(error).__name__}: {error}")
        raise fault if switching else Fault(f"{fault}\nnothing was changed") from None
    say(f"release {new.digest[:12]} is in place after {time.monotonic() - began:.1f} s")
    for line in warnings:
        say(line)


def go_back(old, new, touched, steps):
    """After a failed or interrupted apply of `new`: the release before, or a machine without one. Until that is done `new` stays noted as
    pending, so that a later repair or deployment does what could not be done now."""
    say("going back to " + ("the release before" if old else steps.without))
    try:
        if old is None:
            steps.remove()
            return
        steps.switch(new, old, touched)
        left = reached(steps, old, False)
        if left:
            raise Fault("; ".join(left))
        os.unlink(PENDING)
    except Exception as error:  # the fault that led here is the one to report
        say(f"going back failed as well ({error}); `check --repair` tries again")


def recover(steps):
    """Goes back where a deployment was killed; with the lock held, so that none is at work."""
    # What it was writing of our own notes, this one among them.
    for partial in glob.glob(beside(f"{STATE}/*")):
        remove(partial)
    interrupted = stored(PENDING)
    if interrupted is None:
        return
    say("an earlier deployment was interrupted")
    old = stored(CURRENT)
    interrupted.unstage()
    go_back(old, interrupted, between(old, interrupted), steps)


def unfinished():
    """A Drift where a deployment was killed, and is not gone back from yet."""
    return [Drift("a deployment was interrupted and is not undone yet")] if os.path.exists(PENDING) else []


def owned_by_another(owner):
    """Whether the release on this machine has another owner than the given one, which may be "" for whoever asks; says so."""
    release = stored(CURRENT) or stored(PENDING)
    if not owner or release is None or release.owner in ("", owner):
        return False
    say(f"this machine belongs to {release.owner} now, not to {owner}; nothing was changed")
    return True
