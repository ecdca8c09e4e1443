"""The gateway's units."""

import os

import systemd
from machine import CONFIG
from place import FIREWALL, METRICS, REPAIR, WATCH, WIREGUARD


def enabled():
    """Units that begin at boot by themselves."""
    return [FIREWALL, WIREGUARD, WATCH, *([METRICS] if os.path.exists(f"{CONFIG}/metrics") else [])]


def exit_unit(name):
    return f"wg-gateway-exit@{name}.service"


def resolver_unit(name):
    return f"wg-gateway-resolver@{name}.service"


def states(release):
    """{unit: {property: value}} of every unit that shall be active."""
    return systemd.states([*enabled(), REPAIR, *map(exit_unit, release.exits), *map(resolver_unit, release.resolvers())])
