"""Compares the machine with its release: every difference as one line."""

import json
import os

from iprules import shown_rules
from machine import CONFIG, LIB, active, read, run, succeeds
from place import FIREWALL, TABLE, WATCH, WIREGUARD


def table(path, *prefix):
    """A ruleset as nft itself prints it, less handles and what the scripts fill in; compared, so that the same rules are equal."""
    dynamic = {"uplinks", "provider"}
    if path is not None:
        # Loaded where nobody sees it: an empty network namespace of its own.
        source = f"{LIB}/firewall.sh show" if path == f"{CONFIG}/host.nft" else f"cat {path}"
        shown = run("unshare", "--net", "sh", "-c", f"{source} | nft -f - && nft -j list table inet {TABLE}", check=False)
    else:
        shown = run(*prefix, "nft", "-j", "list", "table", "inet", TABLE, check=False)
    if not shown:
        return None
    objects = json.loads(shown)["nftables"]
    for item in objects:
        for value in item.values():
            value.pop("handle", None)
            if value.get("name") in dynamic:
                value.pop("elem", None)
    return [item for item in objects if "metainfo" not in item]


def variables(name):
    """An exit's names and numbers, as the scripts read them."""
    text = read(f"{CONFIG}/exits/{name}/variables") or ""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def expected_peers():
    """{public key: allowed IPs} of wg0.conf."""
    peers, key = {}, None
    for line in (read("/etc/wireguard/wg0.conf") or "").splitlines():
        name, _, value = line.partition(" = ")
        if name == "PublicKey":
            key = value
        elif name == "AllowedIPs":
            peers[key] = value
    return peers


def findings(release):
    """What differs from the release, a line each; an empty list when nothing does."""
    found = [f"file {path} is not as released" for path in sorted(release.differing())]
    units = [FIREWALL, WIREGUARD, WATCH]
    units += [f"wg-gateway-exit@{name}.service" for name in release.exits]
    units += [f"wg-gateway-resolver@{name}.service" for name in release.resolvers()]
    found += [f"unit {unit} is not active" for unit in units if not active(unit)]

    if table(None) != table(f"{CONFIG}/host.nft"):
        found.append(f"nft table inet {TABLE} of the host is not as released")
    uplinks = {route["dev"] for route in json.loads(run("ip", "-4", "-j", "route", "show", "table", "main", "default") or "[]")}
    elements = run("nft", "-j", "list", "set", "inet", TABLE, "uplinks", check=False)
    known = set()
    for item in json.loads(elements)["nftables"] if elements else []:
        known |= set(item.get("set", {}).get("elem", []))
    if known != uplinks:
        found.append(f"uplinks known to the rules are {sorted(known)}, default routes lead to {sorted(uplinks)}")
    if run("sysctl", "-n", "net.ipv4.ip_forward").strip() != "1":
        found.append("net.ipv4.ip_forward is not 1")

    rules = shown_rules()
    files = [f"{CONFIG}/rules", *(f"{CONFIG}/exits/{name}/rules" for name in release.exits)]
    found += [f"ip rule is missing: {line}" for file in files for line in (read(file) or "").splitlines() if line not in rules]
    routes = (read(f"{CONFIG}/routes") or "").splitlines()
    found += [f"route is missing: {line}" for line in routes if not run("ip", "route", "show", *line.split(), check=False)]

    peers = {}
    for line in run("wg", "show", "wg0", "allowed-ips", check=False).splitlines():
        key, _, allowed = line.partition("\t")
        peers[key] = allowed.replace(" ", ", ")
    if peers != expected_peers():
        found.append("the peers of wg0 are not those of wg0.conf")

    for name in release.exits:
        found += exit_findings(name)
    return found


def exit_findings(name):
    values = variables(name)
    namespace, number = values.get("NAMESPACE", ""), values.get("TABLE", "")
    if not os.path.exists(f"/run/netns/{namespace}"):
        return [f"exit {name}: namespace {namespace} is missing"]
    found = []
    if table(None, "ip", "netns", "exec", namespace) != table(f"{CONFIG}/exits/{name}/namespace.nft"):
        found.append(f"exit {name}: nft table inet {TABLE} of {namespace} is not as released")
    if not succeeds("ip", "link", "show", values.get("HOST_LINK", ""), "up"):
        found.append(f"exit {name}: {values.get('HOST_LINK')} is missing or down")
    routes = run("ip", "route", "show", "table", number, check=False)
    for wanted in (f"default via {values.get('NAMESPACE_ADDRESS')} dev {values.get('HOST_LINK')}", "unreachable default"):
        if wanted not in routes:
            found.append(f"exit {name}: table {number} lacks `{wanted}`")
    return found
