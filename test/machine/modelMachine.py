"""A machine without a kernel: gatewayctl's own steps on files in a root of their own, and what is loaded and runs as data.

data: {releases: [text]}. Everything that gatewayctl does passes `step`, which may end it there.
"""

import errno
import os
import re
import shutil
import signal
import sys
import tempfile

import apply
import bundle
import exits
import machine
import preflight
import removal
import selection
import systemd
import taken
import transaction
import wireguard
from place import FIREWALL, WATCH, WIREGUARD


# Those that wg0-up.sh and wg0-down.sh start and stop; the exits' own are theirs.
HOST_RESOLVERS = ("host", "local", "direct")


class Killed(BaseException):
    """No handler of gatewayctl's sees it, as none sees SIGKILL."""


class Machine:
    def __init__(self):
        self.units, self.exits, self.enabled, self.loaded, self.nft, self.wg0, self.rules = {}, {}, set(), {}, None, None, None
        self.done, self.at, self.how = 0, 0, None
        # Of somebody else: lines of `ip rule show`, of `ip route show` by the table, and UDP ports, as texts.
        self.foreign_rules, self.foreign_routes, self.foreign_ports = [], {}, []


m = Machine()


def step():
    """One thing that changes something; where it is the one chosen, it does not happen."""
    m.done += 1
    if m.how == "kill" and m.done == m.at:
        raise Killed
    if m.how == "fail" and m.done == m.at:
        raise machine.Fault("it fails")


def hook(event, arguments):
    inside = "/etc/", "/usr/local/", "/var/lib/"
    if m.how is None or event not in ("os.rename", "os.remove", "open") or not str(arguments[0]).startswith(inside):
        return
    if event == "open":
        if m.how == "full" and arguments[2] & os.O_CREAT and m.done >= m.at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    else:
        step()


def contents(*paths):
    return tuple(machine.read(path) for path in paths)


def of_exit(name):
    folder = f"/etc/wg-gateway/exits/{name}"
    return contents(*(f"{folder}/{file}" for file in ("openvpn.conf", "wireguard.conf", "credentials", "remotes"))) + contents(
        f"/etc/systemd/system/wg-gateway-exit@{name}.service.d/namespace.conf"
    )


def config_of(unit):
    name = unit.removesuffix(".service").partition("@")[2]
    if unit.startswith("wg-gateway-exit@"):
        return of_exit(name)
    if unit.startswith("wg-gateway-resolver@"):
        return contents(f"/etc/wg-gateway/resolvers/{name}.conf")
    return contents("/etc/wg-gateway/selectors.json") if unit == WATCH else ()


def begin(unit, again=False):
    if again or unit not in m.units:
        m.units[unit] = config_of(unit)


def exit_down(name):
    values = exits.variables(name)
    if not values:
        raise machine.Fault(f"no exit {name}")
    for unit in (f"wg-gateway-exit@{name}.service", f"wg-gateway-resolver@{name}.service"):
        m.units.pop(unit, None)
    m.exits.pop(values["NAMESPACE"], None)
    for path in standing(values):
        machine.remove(path)


def standing(values):
    """Where the kernel would show an exit's namespace and link."""
    return f"/run/netns/{values['NAMESPACE']}", f"/sys/class/net/{values['HOST_LINK']}"


def plant(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w").close()


def exit_up(name):
    values = exits.variables(name)
    if not values:
        raise machine.Fault(f"no exit {name}")
    for path in standing(values):
        plant(path)
    # What stands is left alone, but for rules and routes.
    links = m.exits.get(values["NAMESPACE"], ((values["HOST_LINK"], values["TABLE"]),))[0]
    m.exits[values["NAMESPACE"]] = (links, *contents(*(f"/etc/wg-gateway/exits/{name}/{file}" for file in ("rules", "routes", "namespace.nft"))))
    begin(f"wg-gateway-exit@{name}.service")
    begin(f"wg-gateway-resolver@{name}.service")


def wg0_up():
    for name in sorted(os.listdir("/etc/wg-gateway/exits")) if os.path.isdir("/etc/wg-gateway/exits") else []:
        exit_up(name)
    m.rules = contents("/etc/wg-gateway/rules")
    for name in HOST_RESOLVERS:
        begin(f"wg-gateway-resolver@{name}.service")
    m.nft = ("open", *contents("/etc/wg-gateway/host.nft"))


def wg0_down():
    m.nft, m.rules = ("shut", *contents("/etc/wg-gateway/host.nft")), None
    for name in HOST_RESOLVERS:
        m.units.pop(f"wg-gateway-resolver@{name}.service", None)
    for name in sorted(os.listdir("/etc/wg-gateway/exits")) if os.path.isdir("/etc/wg-gateway/exits") else []:
        exit_down(name)


def script(name, *arguments):
    step()
    if name == "firewall.sh":
        m.nft = ("shut" if arguments[0] == "shut" or not m.nft else m.nft[0], *contents("/etc/wg-gateway/host.nft"))
    else:
        {"exit-up.sh": exit_up, "exit-down.sh": exit_down, "wg0-up.sh": wg0_up, "wg0-down.sh": wg0_down}[name](*arguments)


def peers():
    return sorted((machine.read("/etc/wireguard/wg0.conf") or "").split("[Peer]")[1:])


def key_of(peer):
    return re.search(r"PublicKey = (.+)", peer).group(1)


def start(*units, verb="start"):
    for unit in units:
        step()
        if unit == WIREGUARD and (verb == "restart" or unit not in m.units):
            if unit in m.units:
                wg0_down()
            m.wg0 = [apply.interface_part(machine.read("/etc/wireguard/wg0.conf")), peers()]
            plant("/sys/class/net/wg0")
            wg0_up()
        begin(unit, again=verb == "restart")


def ours_of(kind):
    """Of all exits and of the host, the lines of the files "rules" or "routes" that stand."""
    at = ("rules", "routes").index(kind)
    texts = [one[1 + at] for one in m.exits.values()] + ([m.rules[0]] if m.rules and kind == "rules" else [])
    return [line for text in texts for line in (text or "").splitlines()]


def shown(words):
    """What a command shows that only looks; None for another one."""
    if words == "ip -Numeric rule show":
        return "\n".join([line.replace("priority ", "", 1).replace(" ", ": ", 1) for line in ours_of("rules")] + m.foreign_rules)
    if words.startswith("ip route show table "):
        number = words.split()[-1]
        return "\n".join([line for line in ours_of("routes") if f" table {number} " in line] + m.foreign_routes.get(number, []))
    if words.startswith("ss "):
        port = words.split(":")[-1]
        held = [port == "53" and "wg-gateway-resolver@host.service" in m.units, m.wg0 and f"ListenPort = {port}\n" in m.wg0[0]]
        return f"UNCONN 0 0 0.0.0.0:{port} *\n" if any(held) or port in m.foreign_ports else ""
    return None


def run(*command, check=True, stdin=None, timeout=0):
    words = " ".join(command)
    if shown(words) is not None:
        return shown(words)
    if words.startswith("systemctl is-enabled "):
        return "".join("enabled\n" if unit in m.enabled else "disabled\n" for unit in command[2:])
    if words == "wg showconf wg0":
        return "[Peer]".join([m.wg0[0], *m.wg0[1]]) if m.wg0 else ""
    if words == "wg show wg0 dump":
        values = dict(line.split(" = ", 1) for line in m.wg0[0].splitlines() if " = " in line) if m.wg0 else {}
        return f"{values.get('PrivateKey')}\t\t{values.get('ListenPort')}\t\n"
    if words == "ip -j -4 address show dev wg0":
        values = dict(line.split(" = ", 1) for line in m.wg0[0].splitlines() if " = " in line)
        address, length = values["Address"].split("/")
        return f'[{{"mtu": {values["MTU"]}, "addr_info": [{{"local": "{address}", "prefixlen": {length}}}]}}]'
    if command[0] in ("conntrack", "wg-quick", "sh"):
        return ""
    step()
    if words.startswith("wg set wg0 peer ") and words.endswith(" remove"):
        m.wg0[1] = [peer for peer in m.wg0[1] if f"PublicKey = {command[4]}\n" not in peer]
    elif words.startswith("wg addconf wg0"):
        added = {key_of(peer): peer for peer in stdin.split("[Peer]")[1:]}
        m.wg0[1] = sorted([*added.values(), *(peer for peer in m.wg0[1] if key_of(peer) not in added)])
    elif words == "systemctl daemon-reload":
        folder = "/etc/systemd/system"
        m.loaded = {f"{at}/{name}": machine.read(f"{at}/{name}") for at, _, names in os.walk(folder) for name in names if not name.endswith("-new")}
    elif words.startswith("systemctl enable"):
        m.enabled |= {word for word in command[2:] if not word.startswith("-")}
    elif words.startswith("systemctl disable"):
        m.enabled -= set(command)
        if "--now" in command:
            m.units.pop(WATCH, None)
            if m.units.pop(WIREGUARD, None) is not None and m.wg0:
                wg0_down()
            m.wg0 = None
            machine.remove("/sys/class/net/wg0")
    elif words.startswith("systemctl stop"):
        for unit in command[2:]:
            m.units.pop(unit, None)
    elif words.startswith("systemctl restart --no-block"):
        begin(command[3], again=True)
    elif words.startswith("nft delete table"):
        m.nft = None
    return ""


def active(unit):
    return unit in m.units


def findings(release):
    """As little as may be: what a check finds must not be what makes it right."""
    units = [FIREWALL, WIREGUARD, WATCH, *(f"wg-gateway-exit@{name}.service" for name in release.exits)]
    return [f"file {path}" for path in release.differing()] + [f"unit {unit}" for unit in units if unit not in m.units]


fakes = {"script": script, "start": start, "run": run, "active": active, "succeeds": lambda *command: m.nft is not None}
for module in (apply, removal, selection, systemd, taken, wireguard):
    for name, fake in fakes.items():
        if hasattr(module, name):
            setattr(module, name, fake)
apply.findings = findings
apply.undo = lambda found: None
apply.notes = lambda ours, needs: []
apply.readiness.wait = lambda old, new, since: []
transaction.install = lambda: None
transaction.say = apply.say = removal.say = lambda text: None
shutil.which = lambda name: name
os.fsync = lambda handle: None
steps = apply.GatewaySteps()


def shot():
    """All that there is: files with modes, what is loaded and what runs with which configuration."""
    files = {}
    for top in ("/etc", "/usr/local", "/var/lib/wg-gateway"):
        for folder, _, names in os.walk(top):
            for name in names:
                files[f"{folder}/{name}"] = (os.stat(f"{folder}/{name}").st_mode & 0o777, machine.read(f"{folder}/{name}"))
    return [files, m.units, m.exits, sorted(m.enabled), m.loaded, m.nft, m.wg0, m.rules]


def differences(one, other):
    """Of two shots, in words."""
    found = []
    for index, (a, b) in enumerate(zip(one, other)):
        if isinstance(a, dict) and isinstance(b, dict):
            found += [f"{index}: {key}" for key in {*a, *b} if a.get(key) != b.get(key)]
        elif a != b:
            found.append(f"{index}: {str(a)[:80]} != {str(b)[:80]}")
    return found


def attempt(text, how=None, at=0):
    """Applies; ended in a way at a step. What came of it: "done", "failed" or "killed"."""
    m.done, m.how, m.at = 0, how, at
    try:
        transaction.apply(text, steps)
        return "done"
    except machine.Fault:
        return "failed"
    except Killed:
        return "killed"
    finally:
        m.how = None


def repair():
    transaction.recover(steps)


def wipe():
    """A machine as it was bought."""
    global m
    m = Machine()
    for top in ("/etc", "/usr", "/var", "/run", "/sys"):
        shutil.rmtree(top, ignore_errors=True)
        os.makedirs(top)


def fresh(text):
    """The machine that has had this release alone, or none."""
    wipe()
    if text is not None:
        assert attempt(text) == "done"
    return shot()


sys.stdout.fileno()
transaction.signal.signal = lambda *arguments: None
root = tempfile.mkdtemp(dir="/dev/shm")
home = os.open("/", os.O_RDONLY)
os.chroot(root)
os.chdir("/")
sys.addaudithook(hook)
