"""What the gateway is doing now, for people and for programs."""

import json
import re
import time

import selection
import watch
from check import findings, variables
from machine import active, read, run


TROUBLE = re.compile(r"AUTH_FAILED|VERIFY ERROR|TLS [Ee]rror|[Cc]onnection refused|Cannot |[Ff]ailed|Inactivity timeout|not known to DNS")


def last_error(log):
    """What a tunnel's program complained of since it last came up; None when it did not, or is up."""
    found = None
    for line in (read(log) or "").splitlines()[-400:]:
        if "Initialization Sequence Completed" in line or "is set up" in line:
            found = None
        elif TROUBLE.search(line):
            found = line.strip()[:200]
    return found


def exit_report(name):
    """{name, namespace, running, well: it answers through the tunnel, resolver running, tunnelAddress and lastError or None, log}"""
    namespace = variables(name).get("NAMESPACE", "")
    shown = run("ip", "-n", namespace, "-j", "-4", "address", "show", "dev", "tun0", check=False)
    addresses = [entry["local"] for link in json.loads(shown or "[]") for entry in link.get("addr_info", [])]
    return {
        "name": name,
        "namespace": namespace,
        "running": active(f"wg-gateway-exit@{name}.service"),
        "well": (read(f"{watch.HEALTH}/{name}") or "").strip() == "well",
        "resolver": active(f"wg-gateway-resolver@{name}.service"),
        "tunnelAddress": addresses[0] if addresses else None,
        "lastError": last_error(variables(name).get("LOG", "")),
        "log": variables(name).get("LOG"),
    }


def client_reports():
    """[{publicKey, endpoint, address, name, ways, lastHandshake seconds ago or None, received, sent bytes}] from `wg show wg0 dump`"""
    reports = []
    known = {address: (name, ways) for address, name, ways in selection.clients()}
    for line in run("wg", "show", "wg0", "dump", check=False).splitlines()[1:]:
        key, _psk, endpoint, allowed, handshake, received, sent, _keepalive = line.split("\t")
        reports.append(
            {
                "publicKey": key,
                "address": allowed.split("/")[0],
                "name": known.get(allowed.split("/")[0], ("", ""))[0],
                "ways": known.get(allowed.split("/")[0], ("", ""))[1],
                "endpoint": None if endpoint == "(none)" else endpoint,
                "lastHandshake": int(time.time()) - int(handshake) if int(handshake) else None,
                "received": int(received),
                "sent": int(sent),
            }
        )
    return reports


def report(release):
    return {
        "release": release.digest[:12],
        "drift": findings(release),
        "resolver": active("wg-gateway-resolver@host.service"),
        "selected": {one["name"]: selection.selected(one["name"]) for kind in ("windows", "groups") for one in selection.selectors()[kind]},
        "exits": [exit_report(name) for name in release.exits],
        "clients": client_reports(),
    }


def text(shown):
    lines = [f"release   {shown['release']}, " + (f"{len(shown['drift'])} differences (gatewayctl check)" if shown["drift"] else "the machine is as it says")]
    lines.append(f"resolver  {'up' if shown['resolver'] else 'DOWN'}")
    for one in shown["exits"]:
        tunnel = one["tunnelAddress"] or "no tunnel"
        lines.append(f"exit      {one['name']}: {'well' if one['well'] else 'ILL' if one['running'] else 'DOWN'}, {tunnel}, resolver {'up' if one['resolver'] else 'DOWN'}, log {one['log']}")
        if one["lastError"]:
            lines.append(f"          last error: {one['lastError']}")
    for name, variant in shown["selected"].items():
        lines.append(f"selected  {name}: {variant}")
    for one in shown["clients"]:
        seen = "never seen" if one["lastHandshake"] is None else f"handshake {one['lastHandshake']} s ago"
        lines.append(f"client    {one['address']} {one['name']} ({one['ways']}): {seen}, received {one['received']} B, sent {one['sent']} B")
    return "\n".join(lines)
