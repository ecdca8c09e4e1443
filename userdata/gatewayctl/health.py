"""What the watch daemon has seen of the exits."""

import datetime
import time

from exits import variables
from machine import RUN, read, write

HEALTH = f"{RUN}/health"
# After so many questions in a row without an answer an exit is ill.
FAILS = 3
# Seconds after which what was seen last says nothing any more.
STALE_SECONDS = 30


def recorded(name):
    """What was just seen of an exit: ("well" or "ill", since when in seconds of the monotonic clock); None when it was not asked for a while."""
    words = (read(f"{HEALTH}/{name}") or "").split()
    # The last word says when it was asked.
    if len(words) != 3 or time.monotonic() - float(words[2]) > STALE_SECONDS:
        return None
    return words[0], float(words[1])


def at(seconds):
    """A moment, in seconds since the epoch, as the tunnel's log has it: `2026-11-29 10:22:06`."""
    return datetime.datetime.fromtimestamp(seconds).strftime("%F %T")


class Health:
    """Of one exit: well once it answers, ill after FAILS questions in a row without an answer, neither (None) until one of the two."""

    def __init__(self, name):
        self.name, self.since, self.failed, self.well = name, None, 0, None
        # Of the queries in a row without an answer: when the first was sent, seconds since the epoch, and whom they asked.
        self.failing, self.asked, self.last = None, [], None
        # What the daemon before this one saw: being started anew is no reason to begin counting anew.
        self.before = recorded(name)

    def whom(self, upstreams):
        """The address to ask from and the upstream to ask; after a silence the next one, for it may be the upstream that is ill."""
        upstream = upstreams[self.failed % len(upstreams)]
        if self.failed == 0:
            self.failing, self.asked = time.time(), []
        # Each once: an exit may be silent for months.
        if upstream not in self.asked:
            self.asked.append(upstream)
        self.last = upstream
        return variables(self.name).get("HOST_ADDRESS", ""), upstream, 53

    def reason(self):
        """Why it is what it is."""
        if self.failed:
            return f"no answer through its tunnel since {at(self.failing)}, to {self.failed} queries in a row, from {', '.join(self.asked)}"
        return f"{self.last} answers through its tunnel"

    def note(self, answered):
        self.failed = 0 if answered else self.failed + 1
        well = True if answered else False if self.failed >= FAILS else self.well
        if well != self.well:
            self.well = well
            word, since = self.before or ("", 0)
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
