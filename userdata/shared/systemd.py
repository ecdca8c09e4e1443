"""Units as systemd sees them (`man 1 systemctl`, show), and what of them is not as it shall be."""

import time

from drift import Drift, command
from machine import run

PROPERTIES = "Id,ActiveState,UnitFileState,NeedDaemonReload,MainPID,ActiveEnterTimestampMonotonic,Job"


def parse(text):
    """{unit: {property: value}} of what `systemctl show` prints for several units."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def states(names):
    """{unit: {property: value}} of each of these."""
    found = parse(run("systemctl", "show", "-p", PROPERTIES, *names, check=False))
    return {name: found.get(name, {}) for name in names}


def enable(units, changed):
    """Makes units begin at boot by themselves. changed: whether files of units have. systemd reads all of them anew once at most, and only
    where it must: enabling alone would have it do so each time."""
    if changed:
        run("systemctl", "enable", "-q", "--no-reload", *units)
        run("systemctl", "daemon-reload")
    elif run("systemctl", "is-enabled", *units, check=False).split() != ["enabled"] * len(units):
        run("systemctl", "enable", "-q", *units)


def is_active(state):
    return state.get("ActiveState") == "active"


def uptime(state):
    """Seconds since the unit became active; None when it is not."""
    return round(time.monotonic() - int(state["ActiveEnterTimestampMonotonic"]) / 1e6) if is_active(state) else None


def unit_drift(shown, enabled):
    """Of units that shall be active. shown: their states. enabled: the names of those that begin at boot by themselves."""
    for name, state in shown.items():
        start = () if is_active(state) else (command("systemctl", "restart", "--no-block", name),)
        if state.get("UnitFileState", "").startswith("masked"):
            yield Drift(f"unit {name} is masked", command("systemctl", "unmask", name), command("systemctl", "unmask", "--runtime", name), *start)
        elif not is_active(state):
            yield Drift(f"unit {name} is not active ({state.get('ActiveState') or 'unknown'})")
        if name in enabled and state.get("UnitFileState") not in ("enabled", "masked"):
            yield Drift(f"unit {name} is not enabled: it does not start at boot")
    if any(state.get("NeedDaemonReload") == "yes" for state in shown.values()):
        yield Drift("units have changed on the disk since systemd read them", command("systemctl", "daemon-reload"))
