"""
What packets cost the kernel on their way through a gateway's rules: reads set-ups as JSON, prints microseconds.

Namespaces that are seen by this process alone, and gone with it: client, gateway, exit (the namespace of an exit), internet, tunnel (what
is behind the exit's tunnel); devices of one machine's names, but veth pairs all, so that nothing encrypts. A packet is handled in the name
of the process that sends it, from its first device to its last, where it is dropped: so its processor time is what the way costs.
"""

import itertools
import json
import os
import subprocess
import sys

SEND = """
import os, socket, sys, time
source, source_port, destination, port, count, size = sys.argv[1:]
os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sender.bind((source, int(source_port)))
sender.connect((destination, int(port)))
data, count = bytes(int(size)), int(count)
for _ in range(count // 20):
    sender.send(data)
before = time.process_time_ns()
for _ in range(count):
    sender.send(data)
print((time.process_time_ns() - before) / 1000 / count)
"""

# A resolver that is asked and says nothing: its buffer is full at once, and what comes then is dropped and counted.
LISTEN = """
import signal, socket, sys
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
listener.bind((sys.argv[1], int(sys.argv[2])))
print("listens", flush=True)
signal.pause()
"""

LINKS = [
    ("client", "eth0", "gateway", "wg0"),
    ("gateway", "ens5", "internet", "eth0"),
    ("gateway", "veth-wg", "exit", "veth-vpn"),
    ("exit", "tun0", "tunnel", "eth0"),
]
WEB = "192.0.2.80"
# In the place of a device.
SOCKET = "a socket"
ADDRESSES = [
    ("client", "eth0", "10.4.0.50/24"),
    ("client", "eth0", "10.4.0.200/24"),
    ("gateway", "wg0", "10.4.0.1/24"),
    ("gateway", "ens5", "198.51.100.10/24"),
    ("gateway", "veth-wg", "10.200.1.1/24"),
    ("exit", "veth-vpn", "10.200.1.2/24"),
    ("exit", "tun0", "10.66.0.2/24"),
    ("internet", "eth0", "198.51.100.1/24"),
    ("internet", "lo", f"{WEB}/32"),
    ("tunnel", "eth0", "10.66.0.1/24"),
    ("tunnel", "lo", f"{WEB}/32"),
]
ROUTES = [
    ("client", "default via 10.4.0.1"),
    ("gateway", "default via 198.51.100.1"),
    ("exit", "10.4.0.0/24 via 10.200.1.1"),
    ("exit", "default via 10.66.0.1"),
]
# No answer is made to what arrives: at the ends of all ways, and behind the rules of the exit, whose own packets end there.
SINK = "table ip sink { chain prerouting { type filter hook prerouting priority -400; meta l4proto udp drop; }; }\n"
INNER_SINK = "table ip sink { chain input { type filter hook input priority 300; meta l4proto udp drop; }; }\n"


def must(*command, text=""):
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)[:200]}: {done.stderr}")
    return done.stdout


def inside(name, *command, text=""):
    return must("nsenter", f"--net=/run/netns/{name}", *command, text=text)


def build(given):
    os.makedirs("/run/netns", exist_ok=True)
    must("mount", "-t", "tmpfs", "none", "/run/netns")
    for name in {name for a, _, b, _ in LINKS for name in (a, b)}:
        must("ip", "netns", "add", name)
        inside(name, "ip", "link", "set", "lo", "up")
        inside(name, "sh", "-c", "cd /proc/sys/net/ipv4; echo 1 >ip_forward; echo 2 >conf/all/rp_filter")
    for a, device, b, other in LINKS:
        inside(a, "ip", "link", "add", device, "type", "veth", "peer", "name", other, "netns", b)
    for name, device, address in ADDRESSES:
        inside(name, "ip", "address", "add", address, "dev", device)
        inside(name, "ip", "link", "set", device, "up")
    for name, route in ROUTES:
        inside(name, "ip", "route", "add", *route.split())
    inside("exit", "ip", "route", "add", f"{given['provider'][0]}/32", "via", "10.200.1.1")
    inside("internet", "ip", "address", "add", f"{given['provider'][0]}/32", "dev", "lo")
    inside("gateway", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/veth-wg/src_valid_mark")
    for route in given["routes"]:
        inside("gateway", "ip", "route", "replace", *route.split())
    for name in ("client", "internet", "tunnel"):
        inside(name, "nft", "-f", "-", text=SINK)


def listen(address, port):
    listener = subprocess.Popen(
        ["nsenter", "--net=/run/netns/gateway", "python3", "-c", LISTEN, address, str(port)], stdout=subprocess.PIPE
    )
    if not listener.stdout.readline():
        sys.exit(f"nothing listens on {address}, port {port}")
    return listener


def arrived(name, device):
    """How many came by a device, or to a socket whose buffer is full."""
    if device == SOCKET:
        names, values = (line.split() for line in inside(name, "grep", "^Udp:", "/proc/net/snmp").splitlines())
        return int(values[names.index("RcvbufErrors")])
    [link] = json.loads(inside(name, "ip", "-json", "-s", "link", "show", "dev", device))
    return link["stats64"]["rx"]["packets"]


PORTS = itertools.cycle(range(20000, 60000))


def sent(way, count, size):
    name, source, source_port, destination, port = way
    return float(inside(name, "python3", "-c", SEND, source, str(source_port), destination, str(port), str(count), str(size)))


def measured(way, to, count, size):
    """@param way: from where, source, port, destination, port @param to: where it arrives, and by which device or SOCKET"""
    before = arrived(*to)
    found = sent(way, count, size)
    if arrived(*to) - before < count:
        sys.exit(f"from {way[1]} to {way[3]}: not all arrived")
    return found


def ways(given, side):
    """Of a connection each, a packet and what comes back: [name, the way, where it arrives, its bytes], twice."""
    size, asked = given["size"], given["question"]
    for name, source, far, mapped in (
        ("direct", "10.4.0.50", "internet", "198.51.100.10"),
        ("vpn", "10.4.0.200", "tunnel", "10.66.0.2"),
    ):
        port = next(PORTS)
        yield (
            (f"{name}Out", ("client", source, port, WEB, 9), (far, "eth0"), size),
            (f"{name}Back", (far, WEB, 9, mapped, port), ("client", "eth0"), size),
        )
        port, resolver = next(PORTS), given["sides"][side]["resolvers"][name]
        yield (
            (f"{name}Question", ("client", source, port, *resolver["asked"]), ("gateway", SOCKET), asked),
            (f"{name}Answer", ("gateway", *resolver["listens"], source, port), ("client", "eth0"), asked),
        )
    port, (address, remote) = next(PORTS), given["provider"]
    yield (
        ("outerOut", ("exit", "10.200.1.2", port, address, remote), ("internet", "eth0"), size),
        ("outerBack", ("internet", address, remote, "198.51.100.10", port), ("exit", "veth-vpn"), size),
    )


def costs(given, side):
    """Microseconds of each way, of connections that are known: something has come back."""
    found = {}
    for both in ways(given, side):
        for _name, way, _to, size in both:
            sent(way, 20, size)
        found |= {name: measured(way, to, given["packets"], size) for name, way, to, size in both}
    return found


def turn(side):
    inside("gateway", "ip", "rule", "flush")
    rules = ["priority 32766 lookup main", *side["rules"]]
    inside("gateway", "ip", "-batch", "-", text="".join(f"rule add {rule}\n" for rule in rules))
    for name, sink in (("gateway", ""), ("exit", INNER_SINK)):
        inside(name, "nft", "-f", "-", text=f"flush ruleset\n{side[name]}\n{sink}")


def compare(given):
    found = {side: [] for side in given["sides"]}
    for number in range(given["rounds"]):
        # In turn, and each as often first as the other.
        for side in sorted(given["sides"], reverse=number % 2 == 1):
            turn(given["sides"][side])
            found[side].append(costs(given, side))
    return found


def main():
    given = json.load(sys.stdin)
    build(given)
    wanted = {tuple(one["listens"]) for side in given["sides"].values() for one in side["resolvers"].values()}
    listeners = [listen(*one) for one in wanted]
    try:
        print(json.dumps(compare(given)))
    finally:
        for listener in listeners:
            listener.kill()


main()
