"""After a switch to a release: waits, with a bound, until what clients get out by answers, and says how to fix what does not."""

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

NO_TUNNEL = (
    "the provider does not answer: check its address, port and protocol in the profile, and that the network lets them out"
)
# A part of a tunnel's last error, in lower case -> what it means and what fixes it. The first that fits counts.
FIXES = (
    (
        "auth_failed",
        "the provider refuses the login: set credentials.{name}.username and credentials.{name}.password, and deploy again",
    ),
    (
        "verify error",
        "the provider's certificate is not the one that the profile expects: download the profile again, and deploy",
    ),
    (
        "known to dns",
        "the machine's own DNS does not know the provider's name: check the name in the profile, and the machine's resolver",
    ),
    (
        "tun-up.sh: the provider gave",
        "the tunnel's address is one of the gateway's own: choose another wireguard.subnet, or ask the provider for another address",
    ),
    ("tun/tap", "the machine has no /dev/net/tun: load the module tun, or let the container have the device"),
    ("operation not permitted", "the machine's own firewall holds the tunnel's packets: see the note about other firewalls"),
    ("options error", "OpenVPN does not take the profile: the line names the option"),
    ("not supported", "this machine's OpenVPN does not take what the profile asks for: ask the provider for a newer profile"),
    ("too weak", "the profile's certificate is too weak for this machine's OpenVPN: ask the provider for a newer profile"),
    *((words, NO_TUNNEL) for words in ("poll timeout", "refused", "timed out", "unreachable", "no route", "tls error")),
)
NO_ANSWER = (
    "the tunnel is up but none of dns.upstreams answers through it: "
    "the provider has no internet, does not know the key, or blocks other resolvers than its own"
)
NO_UPSTREAM = "none of dns.upstreams answers by the uplink: check them, and that the network lets UDP port 53 out"


class Exit:
    """An exit: healthy when an upstream answers a query from the address of its resolver, which goes through its tunnel."""

    def __init__(self, name, upstreams):
        self.name, self.upstreams, self.queries = name, upstreams, 0
        self.unit, self.title = units.exit_unit(name), f"exit {name}"

    def known(self):
        """What the watch daemon saw last: ("well" or "ill", since when by the monotonic clock), or None."""
        return recorded(self.name)

    def ready(self):
        return tunnel_is_up(self.name)

    def target(self):
        """As of questions.ask; each time the next upstream, for one that is silent says nothing about the exit."""
        self.queries += 1
        return variables(self.name)["HOST_ADDRESS"], self.upstreams[self.queries % len(self.upstreams)], 53

    def answered(self, _message):
        return True

    def trouble(self):
        log = variables(self.name)["LOG"]
        error = status.last_error(read(log) or "")
        unknown = NO_ANSWER if tunnel_is_up(self.name) else "see the log" if error else NO_TUNNEL
        fix = next((fix for part, fix in FIXES if part in (error or "").lower()), unknown)
        return f"last error: {error or 'none'}; {fix.format(name=self.name)} (log: {log})"


class Resolver:
    """The direct clients' resolver: healthy when one of its upstreams answers it."""

    def __init__(self, name, config):
        self.unit, self.title, self.address = units.resolver_unit(name), f"resolver {name}", status.asked_at(config)

    def known(self):
        """The watch daemon does not look at it: what is left alone counts as healthy."""
        return "well", 0

    def ready(self):
        return True

    def target(self):
        return "", *self.address

    def answered(self, message):
        return not questions.failed(message)

    def trouble(self):
        return f"{NO_UPSTREAM} (log: journalctl -u {self.unit})"


def upstreams(release):
    return json.loads(release.files[f"{CONFIG}/selectors.json"]).get("upstreams", [])


def changed(old, new, start):
    """Whether a release has other files than the one before at paths that start so."""

    def below(release):
        return {path: text for path, text in release.files.items() if path.startswith(start)}

    return old is None or below(old) != below(new)


def everything(old, new):
    """[(an Exit or a Resolver, whether the release changes it)] of all that clients get out by."""
    servers = upstreams(new)
    for name in new.exits:
        yield Exit(name, servers), changed(old, new, f"{CONFIG}/exits/{name}/") or upstreams(old) != servers
    path = f"{CONFIG}/resolvers/direct.conf"
    yield Resolver("direct", new.files[path]), changed(old, new, path)


def settled(state):
    """Whether a unit is active, and is not about to be restarted: the process that has still to end would answer."""
    return systemd.is_active(state) and not state.get("Job")


def left_alone(state, since):
    """Whether a unit is the one that ran at a moment of the monotonic clock."""
    return settled(state) and int(state["ActiveEnterTimestampMonotonic"]) / 1e6 <= since


def wait(old, new, since):
    """
    Waits until all is healthy, WAIT_SECONDS at most; not for what was left alone and of which it is known how it is.
    Lines that warn of what is not healthy. since: when the deployment began, by the monotonic clock.
    """
    try:
        looked_at = list(everything(old, new))
        states = systemd.states([part.unit for part, _ in looked_at])
        pending, unhealthy = [], []
        for part, is_changed in looked_at:
            word, begin = part.known() or (None, since)
            if word == "ill" and begin < since and not is_changed:
                unhealthy.append(part)
            elif is_changed or word != "well" or not left_alone(states[part.unit], since):
                pending.append(part)
        unhealthy += until_healthy(pending)
        return [f"warning: {part.title} is not healthy: {part.trouble()}" for part in unhealthy]
    except (OSError, LookupError, ValueError) as error:
        # What cannot be looked at is no reason to go back.
        return [f"warning: whether the exits are healthy is not known: {type(error).__name__}: {error}; see gatewayctl status"]


def until_healthy(pending):
    """Those that are not after WAIT_SECONDS, or when nobody listens any more."""
    began, told = time.monotonic(), False
    while pending:
        left = WAIT_SECONDS - (time.monotonic() - began)
        if left <= 0 or not heard():
            break
        states = systemd.states([part.unit for part in pending])
        ready = [part for part in pending if settled(states[part.unit]) and part.ready()]
        answers = {}
        for kind, question in ((Exit, questions.ROOT), (Resolver, questions.fresh("direct"))):
            targets = {part.title: part.target() for part in ready if isinstance(part, kind)}
            answers |= questions.ask(targets, question, min(ANSWER_SECONDS, left))
        pending = [part for part in pending if part.title not in answers or not part.answered(answers[part.title])]
        if pending and not told:
            say(f"waiting for {', '.join(part.title for part in pending)} to be healthy, {WAIT_SECONDS} s at most")
            told = True
        if pending:
            time.sleep(PAUSE_SECONDS)
    if told and not pending:
        say(f"healthy after {time.monotonic() - began:.1f} s")
    return pending
