"""What the gateway is doing now, as data; layout.py makes it a text."""

import ipaddress
import json
import os
import time

import check
import exits
import questions
import selection
import systemd
import units
from health import recorded
from logs import last_error
from machine import CONFIG, RUN, read, run
from preflight import listens_on

# Seconds to wait for the answers to a question.
ANSWER_SECONDS = 1.5


def exit_report(name, state):
    """
    {name, namespace, health, healthFor, well, running, uptime, tunnelAddress, publicAddress, receivedBytes, sentBytes, lastError, log}.
    healthFor and uptime in seconds; None for what there is not. publicAddress is for report() to fill in. state: of its unit.
    """
    values = exits.variables(name)
    shown = json.loads(run("ip", "-n", values.get("NAMESPACE", ""), "-j", "-s", "address", "show", "dev", "tun0", check=False) or "[]")
    links = [link for link in shown if link]
    addresses = [entry["local"] for link in links for entry in link["addr_info"] if entry["family"] == "inet"]
    counted = links[0]["stats64"] if links else {}
    seen = recorded(name)
    word, seconds = (seen[0], round(time.monotonic() - seen[1])) if seen else ("unknown", None)
    return {
        "name": name,
        "namespace": values.get("NAMESPACE"),
        "health": word,
        "healthFor": seconds,
        "well": word == "well",
        "running": systemd.is_active(state),
        "uptime": systemd.uptime(state),
        "tunnelAddress": addresses[0] if addresses else None,
        "publicAddress": None,
        "receivedBytes": counted.get("rx", {}).get("bytes"),
        "sentBytes": counted.get("tx", {}).get("bytes"),
        "lastError": last_error(read(values.get("LOG", "")) or ""),
        "log": values.get("LOG"),
    }


def ways_now(ways, selected):
    """
    Of a client's ways `CONDITION=EXIT;...;EXIT` those that count now: without those of closed windows and of rules that come too late, and
    with the group's member in the place of a group. selected: {name of a selector: what is selected}.
    """
    left = []
    for way in ways.split(";"):
        condition, _, leads_to = way.rpartition("=")
        parts = condition.split("@")
        traffic = "" if parts[0].startswith("window-") else parts[0]
        if any(selected.get(part) != "open" for part in parts if part.startswith("window-")):
            continue
        if f"group-{leads_to}" in selected:
            member = selected[f"group-{leads_to}"] or "none"
            leads_to = "block" if member == "none" else member
        left.append(f"{traffic}={leads_to}" if traffic else leads_to)
        if not traffic:
            break
    return ";".join(left)


def in_order(address):
    """A key to sort addresses by; what is none (`wg` has "(none)") comes last."""
    try:
        parsed = ipaddress.ip_address(address)
        return parsed.version, int(parsed)
    except ValueError:
        return 9, 0


def client_reports(selected):
    """
    [{publicKey, endpoint, address, name, ways, exit: the ways that count now, lastHandshake seconds ago or None, lastHandshakeTime seconds
    since the epoch or 0, received, sent bytes}] from `wg show wg0 dump`
    """
    reports = []
    known = {address: (name, ways) for address, name, ways in selection.clients()}
    for line in run("wg", "show", "wg0", "dump", check=False).splitlines()[1:]:
        key, _psk, endpoint, allowed, handshake, received, sent, _keepalive = line.split("\t")
        address = allowed.split("/")[0]
        name, ways = known.get(address, ("", ""))
        reports.append(
            {
                "publicKey": key,
                "address": address,
                "name": name,
                "ways": ways,
                "exit": ways_now(ways, selected),
                "endpoint": None if endpoint == "(none)" else endpoint,
                "lastHandshake": int(time.time()) - int(handshake) if int(handshake) else None,
                "lastHandshakeTime": int(handshake),
                "received": int(received),
                "sent": int(sent),
            }
        )
    # `wg` has the one first that was added last.
    return sorted(reports, key=lambda one: in_order(one["address"]))


def resolver_report(name, config, state):
    """{name, listens: ["ADDRESS:PORT"], running, answers, uptime}; answers is for report() to fill in."""
    listens = listens_on(config)
    return {
        "name": name,
        "listens": [f"{address}:{port}" for address, port in listens],
        "running": systemd.is_active(state),
        "answers": False,
        "uptime": systemd.uptime(state),
    }


def observed(release):
    """What can be seen without asking anybody and without comparing."""
    states = units.states(release)
    known = selection.selectors()
    selected = {one["name"]: selection.selected(one["name"]) for kind in ("windows", "groups") for one in known[kind]}
    return {
        "release": release.digest[:12],
        "open": os.path.exists(f"{RUN}/open"),
        "uptime": systemd.uptime(states["wg-quick@wg0.service"]),
        "selected": selected,
        "exits": [exit_report(name, states[units.exit_unit(name)]) for name in release.exits],
        "resolvers": [
            resolver_report(name, release.files[f"{CONFIG}/resolvers/{name}.conf"], states[units.resolver_unit(name)]) for name in release.resolvers()
        ],
        "clients": client_reports(selected),
    }


def report(release):
    """observed(), and what is asked and compared: the resolvers, the exits' public addresses, the drift."""
    shown = {"drift": check.findings(release), **observed(release)}
    upstreams = selection.selectors()["upstreams"]
    running = [resolver["name"] for resolver in shown["resolvers"] if resolver["running"]]
    whom = {name: ("", *asked_at(release.files[f"{CONFIG}/resolvers/{name}.conf"])) for name in running}
    answers = questions.ask(whom, questions.fresh(), ANSWER_SECONDS)
    for one in shown["resolvers"]:
        one["answers"] = one["name"] in answers and not questions.failed(answers[one["name"]])
    # Through each exit, and of nobody but those who are asked for names anyway.
    up = [one for one in shown["exits"] if one["tunnelAddress"]]
    whom = {(one["name"], upstream): (exits.variables(one["name"])["HOST_ADDRESS"], upstream, 53) for one in up for upstream in upstreams}
    answers = questions.ask(whom, questions.WHOAMI, ANSWER_SECONDS)
    for one in up:
        seen = [questions.address_seen(answers[one["name"], upstream]) for upstream in upstreams if (one["name"], upstream) in answers]
        one["publicAddress"] = next((address for address in seen if address), None)
    return {"state": state(shown), **shown}


def state(shown):
    """The whole of a report in a word: "shut", "degraded" or "running"."""
    if not shown["open"]:
        return "shut"
    healthy = [
        *(one["running"] and one["well"] for one in shown["exits"]),
        *(one["answers"] for one in shown["resolvers"]),
        *(variant not in (None, "none") for variant in shown["selected"].values()),
        not shown["drift"],
    ]
    return "running" if all(healthy) else "degraded"


def asked_at(config):
    """(address, port) at which clients ask a resolver: the last of those it listens on."""
    return listens_on(config)[-1]
