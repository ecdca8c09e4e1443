"""What the gateway is doing now, for people and for programs."""

import json
import time

from check import findings, variables
from machine import active, run


def exit_report(name):
    """{name, unit, namespace, OpenVPN and resolver running, tunnelAddress or None, log}"""
    namespace = variables(name).get("NAMESPACE", "")
    shown = run("ip", "-n", namespace, "-j", "-4", "address", "show", "dev", "tun0", check=False)
    addresses = [entry["local"] for link in json.loads(shown or "[]") for entry in link.get("addr_info", [])]
    return {
        "name": name,
        "namespace": namespace,
        "openvpn": active(f"wg-gateway-exit@{name}.service"),
        "resolver": active(f"wg-gateway-resolver@{name}.service"),
        "tunnelAddress": addresses[0] if addresses else None,
        "log": variables(name).get("LOG"),
    }


def client_reports():
    """[{publicKey, endpoint, address, lastHandshake seconds ago or None, received, sent bytes}] from `wg show wg0 dump`"""
    reports = []
    for line in run("wg", "show", "wg0", "dump", check=False).splitlines()[1:]:
        key, _psk, endpoint, allowed, handshake, received, sent, _keepalive = line.split("\t")
        reports.append(
            {
                "publicKey": key,
                "address": allowed.split("/")[0],
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
        "exits": [exit_report(name) for name in release.exits],
        "clients": client_reports(),
    }


def text(shown):
    lines = [f"release   {shown['release']}, " + (f"{len(shown['drift'])} differences (gatewayctl check)" if shown["drift"] else "the machine is as it says")]
    lines.append(f"resolver  {'up' if shown['resolver'] else 'DOWN'}")
    for one in shown["exits"]:
        tunnel = one["tunnelAddress"] or "no tunnel"
        lines.append(f"exit      {one['name']}: OpenVPN {'up' if one['openvpn'] else 'DOWN'}, {tunnel}, resolver {'up' if one['resolver'] else 'DOWN'}, log {one['log']}")
    for one in shown["clients"]:
        seen = "never seen" if one["lastHandshake"] is None else f"handshake {one['lastHandshake']} s ago"
        lines.append(f"client    {one['address']}: {seen}, received {one['received']} B, sent {one['sent']} B")
    return "\n".join(lines)
