"""Takes a machine from one release to the next, wholly or not at all: what fails goes back, what was interrupted is finished by the next run."""

import os
import time

from bundle import CURRENT, PENDING, Release, store, stored
from machine import Fault, say
from packages import install

SETTLE_SECONDS = 15


class Steps:
    """What a program does at each step; each takes releases."""

    # What the machine is without a release, for messages.
    without = "a machine with nothing of ours"

    def conflicts(self, new):
        """Lines that say what on the machine is somebody else's and in the way of a first release."""

    def check(self, old, new):
        """Raises Fault when `new` cannot come after `old`; nothing was changed."""

    def prepare(self, new):
        """What must be known before anything is switched, with all packages installed."""

    def switch(self, old, new, touched):
        """Makes the machine what `new` says. `touched`: paths that an interrupted run may have changed without acting on them."""

    def findings(self, release):
        """What differs from a release, a line each."""

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


def apply(text, steps):
    """Applies a release given as text. Raises Fault after going back to the release before."""
    new = Release(text)
    old = stored(CURRENT)
    if old is None and not os.path.exists(PENDING):
        taken = list(steps.conflicts(new))
        if taken:
            raise Fault("the machine is not free; nothing was changed\n  " + "\n  ".join(taken))
    steps.check(old, new)
    interrupted = stored(PENDING)
    touched = set()
    if interrupted:
        say("an earlier deployment was interrupted: finishing what it began")
        before = old.files if old else {}
        touched = {path for path in {*before, *interrupted.files} if before.get(path) != interrupted.files.get(path)}
    elif old and old.text == new.text and not steps.findings(old):
        say("the machine is as the release says; nothing to do")
        return
    store(PENDING, new)
    began = time.monotonic()
    try:
        install()
        steps.prepare(new)
        steps.switch(old, new, touched)
        left = settled(lambda: steps.findings(new))
        if left:
            # Somebody changed what this release does not: mend that too, before calling it a failure.
            steps.mend(new)
            left = settled(lambda: steps.findings(new))
        if left:
            raise Fault("the machine is not as the release says:\n  " + "\n  ".join(left))
    except Exception as error:
        go_back(old, new, steps)
        raise error if isinstance(error, Fault) else Fault(f"{type(error).__name__}: {error}")
    os.replace(PENDING, CURRENT)
    say(f"release {new.digest[:12]} is in place after {time.monotonic() - began:.1f} s")


def go_back(old, new, steps):
    """After a failed apply: the release before, or a machine without one."""
    say("going back to " + ("the release before" if old else steps.without))
    try:
        if old is None:
            steps.remove()
            return
        store(PENDING, old)
        steps.switch(new, old, set())
        os.replace(PENDING, CURRENT)
    except Exception as error:  # the fault that led here is the one to report
        say(f"going back failed as well ({error}); its `check` shows what is left")
