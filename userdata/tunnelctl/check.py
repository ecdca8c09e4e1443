"""Compares the machine with its release: every difference as one line."""

import ruleset
import tunnel
from iprules import shown_rules
from machine import active
from place import HEALTH


def findings(release):
    """What differs from the release, a line each; an empty list when nothing does."""
    found = [f"file {path} is not as released" for path in sorted(release.differing())]
    one = tunnel.of(release)
    interface = one["interface"]
    found += [f"unit {unit} is not active" for unit in (tunnel.unit(one), HEALTH) if not active(unit)]
    if ruleset.loaded() != ruleset.loaded(f"cat {tunnel.RULES}"):
        found.append("the nft table of the tunnel is not as released")
    rules = shown_rules()
    found += [f"ip rule is missing: {rule}" for rule in one["rules"] if rule not in rules]
    if not tunnel.is_up(one):
        found.append(f"interface {interface} is missing or down")
    else:
        found += [f"route is missing: {' '.join(route)}" for route in tunnel.missing_routes(one)]
    known = set(tunnel.counters(one))
    found += [f"peer {peer['name']} is missing on {interface}" for peer in one["peers"] if peer["publicKey"] not in known]
    return found
