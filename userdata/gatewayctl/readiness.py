"""After a release was switched to: waits, with a bound, until what carries clients answers, and says what to do about what does not."""

import json
import time

import questions
import status
import systemd
import units
from exits import tunnel_is_up, variables
from health import recorded
from machine import CONFIG, heard, read, say

# Seconds, for everything together.
WAIT_SECONDS = 20
# Seconds between two rounds, and in a round for the answers, as the watch daemon waits for them.
PAUSE_SECONDS = 0.2
ANSWER_SECONDS = 1.5

# What a tunnel's log says (a part of it, in lower case) -> what it means and what fixes it. The first that fits counts.
FIXES = (
    ("auth_failed", "the provider refuses the login: set credentials.{name}.username and credentials.{name}.password, and deploy again"),
    ("verify error", "the provider's certificate is not the one that the profile expects: download the profile again, and deploy"),
    ("cannot ", "the profile does not fit this machine's OpenVPN: download it again, and deploy"),
)
NO_TUNNEL = "the provider does not answer: check its address, port and protocol in the profile, and that the network lets them out"
NO_ANSWER = "the tunnel is up but none of dns.upstreams answers through it: the provider has no internet, does not know the key, or blocks other resolvers than its own"
NO_UPSTREAM = "none of dns.upstreams answers by the uplink: check them, and that the network lets UDP port 53 out"


class Exit:
    """An exit: healthy when an upstream answers a query that was sent through its tunnel by the address of its resolver."""

    def __init__(self, name, upstreams):
        self.name, self.upstreams, self.asked = name, upstreams, 0
        self.unit, self.title = units.exit_unit(name), f"exit {name}"

    def known(self):
        """What the watch daemon saw last: ("well" or "ill", since when in seconds of the monotonic clock), or None."""
        return recorded(self.name)

    def ready(self):
        return tunnel_is_up(self.name)

    def whom(self):
        """As of questions.ask; each time the next upstream, for one that does not answer says nothing about the exit."""
        self.asked += 1
        return variables(self.name)["HOST_ADDRESS"], self.upstreams[self.asked % len(self.upstreams)], 53

    def answered(self, _message):
        return True

    def trouble(self):
        log = variables(self.name)["LOG"]
        error = status.last_error(read(log) or "")
        fix = next((fix for part, fix in FIXES if part in (error or "").lower()), NO_ANSWER if tunnel_is_up(self.name) else NO_TUNNEL)
        return f"last error: {error or 'none'}; {fix.format(name=self.name)} (log: {log})"


class Resolver:
    """The direct clients' resolver: healthy when one of its upstreams answers it."""

    def __init__(self, name, config):
        address, port = status.asked_at(config)
        self.unit, self.title, self.at = units.resolver_unit(name), f"resolver {name}", ("", address, port)

    def known(self):
        """The watch daemon does not look at it: what is left alone counts as healthy."""
        return "well", 0

    def ready(self):
        return True

    def whom(self):
        return self.at

    def answered(self, message):
        return not questions.failed(message)

    def trouble(self):
        return f"{NO_UPSTREAM} (log: journalctl -u {self.unit})"


def upstreams(release):
    return json.loads(release.files[f"{CONFIG}/selectors.json"])["upstreams"]


def changed(old, new, start):
    """Whether a release has other files than the one before at paths that start so."""

    def of(release):
        return {path: text for path, text in release.files.items() if path.startswith(start)}

    return old is None or of(old) != of(new)


def awaited(old, new):
    """[(what, whether the release changes it)] of everything that clients get out by."""
    servers = upstreams(new)
    for name in new.exits:
        yield Exit(name, servers), changed(old, new, f"{CONFIG}/exits/{name}/") or upstreams(old) != servers
    path = f"{CONFIG}/resolvers/direct.conf"
    yield Resolver("direct", new.files[path]), changed(old, new, path)


def began_anew(state, since):
    """Whether a unit starts, or has started since a moment of the monotonic clock."""
    return bool(state.get("Job")) or not systemd.is_active(state) or int(state["ActiveEnterTimestampMonotonic"]) / 1e6 > since


def wait(old, new, since):
    """
    Waits until all of it is healthy, WAIT_SECONDS at most, and not for what was healthy or unhealthy before and was left alone: that is
    known. Lines that warn of what is not healthy. since: when the deployment began, of the monotonic clock.
    """
    everything = list(awaited(old, new))
    states = systemd.states([one.unit for one, _ in everything])
    pending, unhealthy = [], []
    for one, is_changed in everything:
        word, at = one.known() or (None, since)
        if word == "ill" and at < since and not is_changed:
            unhealthy.append(one)
        elif is_changed or began_anew(states[one.unit], since) or word != "well":
            pending.append(one)
    return [f"warning: {one.title} is not healthy: {one.trouble()}" for one in [*unhealthy, *until_healthy(pending)]]


def until_healthy(pending):
    """Those that are not after WAIT_SECONDS, or when nobody listens any more."""
    began, told = time.monotonic(), False
    while pending:
        left = WAIT_SECONDS - (time.monotonic() - began)
        if left <= 0 or not heard():
            break
        states = systemd.states([one.unit for one in pending])
        # What a restart has still to end would answer for its successor.
        ready = [one for one in pending if systemd.is_active(states[one.unit]) and not states[one.unit].get("Job") and one.ready()]
        answers = questions.ask({one.title: one.whom() for one in ready}, questions.fresh(), min(ANSWER_SECONDS, left))
        pending = [one for one in pending if not (one.title in answers and one.answered(answers[one.title]))]
        if pending and not told:
            say(f"waiting for {', '.join(one.title for one in pending)} to be healthy, {WAIT_SECONDS} s at most")
            told = True
        if pending:
            time.sleep(PAUSE_SECONDS)
    if told and not pending:
        say(f"healthy after {time.monotonic() - began:.1f} s")
    return pending
