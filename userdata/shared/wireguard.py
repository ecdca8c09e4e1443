"""A WireGuard interface as its file has it: addresses, MTU, keys and peers (`man 8 wg`, `man 8 wg-quick`)."""

from drift import Drift, command, link_drift
from machine import run

# What a running interface and its file must have in common, and a peer, in words for people.
SETTINGS = {"ListenPort": "listens on another port", "PrivateKey": "has another key", "FwMark": "marks its packets otherwise"}
OF_PEERS = {"PresharedKey": "another preshared key", "PersistentKeepalive": "another keepalive"}


def interface_part(text):
    """Everything of wg-quick's file before the first peer: what makes the interface."""
    return (text or "").split("[Peer]")[0]


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


def differs(shown, peer):
    """Whether a running peer, or None, is another than wanted. A client's endpoint is not: it has none in the file, and moves."""
    settings = [*OF_PEERS, *(("Endpoint",) if "Endpoint" in peer else ())]
    return shown is None or networks(shown) != networks(peer) or any(shown.get(setting) != peer.get(setting) for setting in settings)


def synchronise(interface, text):
    """
    Makes a running interface what its file says. Peers that are right are not spoken of: `wg syncconf` takes the allowed IPs of each one
    away and gives them back, and what comes in between is lost.
    """
    wanted, wanted_peers = parse(text)
    running, peers = parse(run("wg", "showconf", interface))
    for key in sorted(peers.keys() - wanted_peers.keys()):
        run("wg", "set", interface, "peer", key, "remove")
    own = [f"{key} = {wanted.get(key, 'off')}\n" for key in SETTINGS if running.get(key) != wanted.get(key)]
    sections = [f"[Peer]{section}" for section in text.split("[Peer]")[1:]]
    others = [section for section in sections for key, peer in parse(section)[1].items() if differs(peers.get(key), peer)]
    if own or others:
        run("wg", "addconf", interface, "/dev/stdin", stdin="".join(["[Interface]\n", *own, *others]))


def interface_drift(interface, unit, text, shown_links, names):
    """
    Of a WireGuard interface that shall be there.
    unit: that brings it up. text: its file. shown_links: links() of the host. names: of its peers, by the first of their networks.
    """
    wanted, wanted_peers = parse(text)
    if interface not in shown_links:
        yield Drift(f"{interface} is missing", command("systemctl", "restart", unit))
        return
    yield from link_drift(interface, ("ip",), shown_links[interface], int(wanted.get("MTU", 0)) or None, [wanted.get("Address", "")])

    running, peers = parse(run("wg", "showconf", interface, check=False))
    for key, what in SETTINGS.items():
        if running.get(key) != wanted.get(key):
            yield Drift(f"{interface} {what} than released")
    for key, peer in wanted_peers.items():
        name = names.get(peer.get("AllowedIPs", "").split(",")[0], "")
        if key not in peers:
            yield Drift(f"{interface} lacks the peer {name} ({key})")
            continue
        if networks(peers[key]) != networks(peer):
            yield Drift(f"{interface}'s peer {name} has the addresses {', '.join(sorted(networks(peers[key])))}, not {peer['AllowedIPs']}")
        for setting, what in OF_PEERS.items():
            if peers[key].get(setting) != peer.get(setting):
                yield Drift(f"{interface}'s peer {name} has {what} than released")
    for key in peers:
        if key not in wanted_peers:
            yield Drift(f"{interface} has the surplus peer {key}")
