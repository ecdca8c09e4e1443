"""The status as figures for Prometheus, in its text format 0.0.4: collected here as root, served by exporter.py, which may do nothing else."""

import os
import time

import selection
import status
from bundle import CURRENT, stored
from machine import CONFIG, RUN, read, say, write

FILE = f"{RUN}/metrics"
CHECKED = f"{RUN}/checked"
# Seconds between two collections, about as often as Prometheus asks.
EVERY_SECONDS = 15


def family(name, kind, text, samples):
    """The lines of one metric; samples: [(labels as a dictionary, value)]. Nothing without samples."""
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    for labels, value in samples:
        escaped = (f'{key}="{escape(one)}"' for key, one in labels.items())
        lines.append(f"{name}{{{','.join(escaped)}}} {value}" if labels else f"{name} {value}")
    return lines if samples else []


def escape(value):
    return str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def exposition(shown, groups, checked):
    """
    The text. shown: status.observed(). groups: {group: names of its members}. checked: (differences found, when: seconds since the epoch), or
    None before the first check.
    """
    exits, clients, selected = shown["exits"], shown["clients"], shown["selected"]

    def of_exits(key):
        return [({"exit": one["name"]}, int(one[key])) for one in exits if one[key] is not None]

    def of_clients(key):
        return [({"client": one["name"], "address": one["address"]}, one[key]) for one in clients]

    members = [
        ({"group": name, "member": member}, int((selected.get(f"group-{name}") or "none") == member))
        for name, all_members in groups.items()
        for member in [*all_members, "none"]
    ]
    windows = [({"window": name}, int(variant == "open")) for name, variant in selected.items() if name.startswith("window-")]
    lines = [
        *family("wg_gateway_info", "gauge", "The release that was deployed; always 1.", [({"release": shown["release"]}, 1)]),
        *family("wg_gateway_open", "gauge", "Whether clients are let out: 1, or 0 while the rules are shut.", [({}, int(shown["open"]))]),
        *family("wg_gateway_exit_up", "gauge", "Whether the exit answers through its tunnel.", of_exits("well")),
        *family("wg_gateway_exit_running", "gauge", "Whether the unit of the exit's tunnel runs.", of_exits("running")),
        *family("wg_gateway_exit_receive_bytes_total", "counter", "What came in by the exit's tunnel, since that came up.", of_exits("receivedBytes")),
        *family("wg_gateway_exit_transmit_bytes_total", "counter", "What went out by the exit's tunnel, since that came up.", of_exits("sentBytes")),
        *family(
            "wg_gateway_resolver_running",
            "gauge",
            "Whether the resolver's unit runs.",
            [({"resolver": one["name"]}, int(one["running"])) for one in shown["resolvers"]],
        ),
        *family("wg_gateway_group_member", "gauge", "1 for the member that the group's clients are on; none is blocked.", members),
        *family("wg_gateway_window_open", "gauge", "Whether the hours of a rule are now.", windows),
        *family("wg_gateway_client_receive_bytes_total", "counter", "What came from the client, since wg0 came up.", of_clients("received")),
        *family("wg_gateway_client_transmit_bytes_total", "counter", "What went to the client, since wg0 came up.", of_clients("sent")),
        *family(
            "wg_gateway_client_last_handshake_timestamp_seconds",
            "gauge",
            "When the client was last heard of by WireGuard; 0 for never.",
            of_clients("lastHandshakeTime"),
        ),
        *family("wg_gateway_drift", "gauge", "Differences from the release that the last check left.", [({}, checked[0])] if checked else []),
        *family("wg_gateway_check_timestamp_seconds", "gauge", "When the machine was last checked.", [({}, checked[1])] if checked else []),
    ]
    return "".join(f"{line}\n" for line in lines)


def note_check(left):
    """For the next collection: what a check left. Where it cannot be noted the check is worth as much."""
    try:
        write(CHECKED, f"{len(left)} {int(time.time())}\n", 0o644)
    except OSError as error:
        say(f"the metrics miss this check: {error}")


def collect():
    """Once, where metrics are wanted and there is a release."""
    release = stored(CURRENT) if os.path.exists(f"{CONFIG}/metrics") else None
    if release is not None:
        groups = {one["name"].removeprefix("group-"): one["members"] for one in selection.selectors()["groups"]}
        checked = tuple(map(int, (read(CHECKED) or "").split())) or None
        write(FILE, exposition(status.observed(release), groups, checked), 0o644)


def keep():
    """For ever. What fails is told and tried again; meanwhile exporter.py says that it has nothing fresh."""
    while True:
        try:
            collect()
        except Exception as error:
            say(f"metrics: {type(error).__name__}: {error}")
        time.sleep(EVERY_SECONDS)
