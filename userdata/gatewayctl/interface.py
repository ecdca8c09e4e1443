"""wg0 as its file has it: addresses, MTU, keys and peers (`man 8 wg`, `man 8 wg-quick`)."""

import selection
from drift import Drift, command, link_drift
from machine import run
from place import WIREGUARD

# What a running interface and its file must have in common, in words for people.
SETTINGS = {"ListenPort": "listens on another port", "PrivateKey": "has another key"}


def parse(text):
    """(settings of the interface, {public key: settings of the peer}) of wg-quick's file, or of what `wg showconf` prints."""
    interface, peers, into = {}, {}, {}
    for line in text.splitlines():
        name, _, value = (part.strip() for part in line.partition("="))
        if line.strip() in ("[Interface]", "[Peer]"):
            into = interface if line.strip() == "[Interface]" else {}
        elif name == "PublicKey":
            peers[value] = into
        elif value:
            into[name] = value
    return interface, peers


def networks(peer):
    return {network.strip() for network in peer.get("AllowedIPs", "").split(",")}


def findings(release, links):
    """What differs of wg0, a Drift each. links: exits.links() of the host."""
    wanted, wanted_peers = parse(release.files["/etc/wireguard/wg0.conf"])
    if "wg0" not in links:
        yield Drift("wg0 is missing", command("systemctl", "restart", WIREGUARD))
        return
    yield from link_drift("wg0", ("ip",), links["wg0"], int(wanted.get("MTU", 0)) or None, [wanted.get("Address", "")])

    running, peers = parse(run("wg", "showconf", "wg0", check=False))
    for key, what in SETTINGS.items():
        if running.get(key) != wanted.get(key):
            yield Drift(f"wg0 {what} than released")
    names = {f"{address}/32": name for address, name, _ways in selection.clients()}
    for key, peer in wanted_peers.items():
        name = names.get(peer.get("AllowedIPs"), "")
        if key not in peers:
            yield Drift(f"wg0 lacks the peer {name} ({key})")
        elif networks(peers[key]) != networks(peer):
            yield Drift(f"wg0's peer {name} has the addresses {', '.join(sorted(networks(peers[key])))}, not {peer['AllowedIPs']}")
        elif peers[key].get("PresharedKey") != peer.get("PresharedKey"):
            yield Drift(f"wg0's peer {name} has another preshared key than released")
    for key in peers:
        if key not in wanted_peers:
            yield Drift(f"wg0 has the surplus peer {key}")
