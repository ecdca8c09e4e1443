"""The gateway's units, as systemd sees them (`man 1 systemctl`, show)."""

import os
import time

from machine import CONFIG, run
from place import FIREWALL, METRICS, REPAIR, WATCH, WIREGUARD

PROPERTIES = "Id,ActiveState,UnitFileState,NeedDaemonReload,MainPID,ActiveEnterTimestampMonotonic"


def enabled():
    """Units that begin at boot by themselves."""
    return [FIREWALL, WIREGUARD, WATCH, *([METRICS] if os.path.exists(f"{CONFIG}/metrics") else [])]


def exit_unit(name):
    return f"wg-gateway-exit@{name}.service"


def resolver_unit(name):
    return f"wg-gateway-resolver@{name}.service"


def parse(text):
    """{unit: {property: value}} of what `systemctl show` prints for several units."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def states(release):
    """{unit: {property: value}} of every unit that shall be active."""
    names = [*enabled(), REPAIR, *map(exit_unit, release.exits), *map(resolver_unit, release.resolvers())]
    found = parse(run("systemctl", "show", "-p", PROPERTIES, *names, check=False))
    return {name: found.get(name, {}) for name in names}


def is_active(state):
    return state.get("ActiveState") == "active"


def uptime(state):
    """Seconds since the unit became active; None when it is not."""
    return round(time.monotonic() - int(state["ActiveEnterTimestampMonotonic"]) / 1e6) if is_active(state) else None
