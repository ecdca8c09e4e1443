"""Compares the machine with its release: every difference as one line, with what mends it."""

import ruleset
import systemd
import tunnel
from drift import Drift, file_drift, links, ruleset_drift
from iprules import shown_rules
from machine import CONFIG, LIB
from place import HEALTH, TABLE
from wireguard import interface_drift

# Whatever else stands here is nobody's.
OURS = (f"{CONFIG}/**", f"{LIB}/**", "/etc/systemd/system/wg-tunnel*", "/etc/systemd/system/wg-tunnel*/**")


def findings(release):
    """What differs from the release, a Drift each; an empty list when nothing does."""
    one = tunnel.of(release)
    unit = tunnel.unit(one)
    found = [*file_drift(release, OURS), *systemd.unit_drift(systemd.states([unit, HEALTH]), [unit])]
    found += ruleset_drift(f"nft table inet {TABLE}", ruleset.loaded(), ruleset.loaded(f"cat {tunnel.RULES}"))
    rules = shown_rules()
    found += [Drift(f"ip rule is missing: {rule}") for rule in one["rules"] if rule not in rules]
    names = {f"{peer['address']}/32": peer["name"] for peer in one["peers"]}
    found += interface_drift(one["interface"], unit, release.files[tunnel.conf(one)], links(), names)
    if tunnel.is_up(one):
        found += [Drift(f"route is missing: {' '.join(route)}") for route in tunnel.missing_routes(one)]
    return found
