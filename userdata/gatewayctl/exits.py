"""What an exit has on the machine, and what of it differs from the release."""

import ipaddress
import os

from drift import Drift, command, link_drift, links, route_key, ruleset_drift, sysctl_drift, table_drift
from machine import CONFIG, LIB, RUN, read, run
from place import TABLE
from preflight import assignments
from ruleset import loaded

# What the kernel gives a veth.
VETH_MTU = 1500
NAMESPACE_SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.rp_filter": "2",
    "net.ipv4.conf.default.rp_filter": "2",
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
}


def variables(name):
    """An exit's names and numbers, as the scripts read them."""
    return assignments(read(f"{CONFIG}/exits/{name}/variables") or "")


def remotes(name):
    """The provider's addresses that the exit's tunnel may be brought up to, as exit-remotes.sh looked them up."""
    return [line.split()[1] for line in (read(f"{RUN}/exits/{name}/remotes.conf") or "").splitlines()]


def tunnel_is_up(name):
    """Whether a tunnel stands, and all else of the exit's namespace goes into it."""
    return bool(run("ip", "-n", variables(name).get("NAMESPACE", ""), "route", "show", "default", "dev", "tun0", check=False))


def findings(release, name, host_links, process):
    """
    What differs of an exit, a Drift each.
    host_links: links() of the host. process: the number of the tunnel's process as text, "0" for none.
    """
    values = assignments(release.files[f"{CONFIG}/exits/{name}/variables"])
    namespace, host_link, inner_link = (values[key] for key in ("NAMESPACE", "HOST_LINK", "NAMESPACE_LINK"))
    unit = f"wg-gateway-exit@{name}.service"
    again = command(f"{LIB}/exit-down.sh", name)
    if not os.path.exists(f"/run/netns/{namespace}"):
        yield Drift(f"exit {name}: the namespace {namespace} is missing", again)
        return
    inside = ("ip", "netns", "exec", namespace)
    inner_links = links("-n", namespace)
    if host_link not in host_links:
        yield Drift(f"exit {name}: {host_link} is missing", again)
    elif inner_link not in inner_links:
        yield Drift(f"exit {name}: {inner_link} is missing in {namespace}", again)
    if process != "0" and not same_file(f"/proc/{process}/ns/net", f"/run/netns/{namespace}"):
        yield Drift(f"exit {name}: its tunnel runs in another namespace than {namespace}", command("systemctl", "restart", "--no-block", unit))

    for where, link, ip, address in ((host_links, host_link, ("ip",), "HOST_ADDRESS"), (inner_links, inner_link, ("ip", "-n", namespace), "NAMESPACE_ADDRESS")):
        if link in where:
            wanted = f"{values[address]}/{values['PREFIX_LENGTH']}"
            yield from link_drift(f"exit {name}: {link}", ip, where[link], VETH_MTU, [wanted])
    if host_link in host_links:
        of_link = {
            f"net.ipv4.conf.{host_link}.rp_filter": "2",
            f"net.ipv4.conf.{host_link}.src_valid_mark": "1",
            f"net.ipv6.conf.{host_link}.disable_ipv6": "1",
        }
        yield from sysctl_drift(f"exit {name}: ", (), of_link)
    yield from sysctl_drift(f"exit {name}: {namespace}: ", inside, NAMESPACE_SYSCTLS)
    if "UP" not in inner_links.get("lo", {}).get("flags", []):
        yield Drift(f"exit {name}: lo of {namespace} is down", command("ip", "-n", namespace, "link", "set", "lo", "up"))

    released = f"cat {CONFIG}/exits/{name}/namespace.nft; cat {RUN}/exits/{name}/provider.nft 2>/dev/null || true"
    yield from ruleset_drift(f"exit {name}: nft table inet {TABLE} of {namespace}", loaded(prefix=inside), loaded(f"{{ {released}; }}"))
    yield from table_drift(f"exit {name}: ", release.files[f"{CONFIG}/exits/{name}/routes"])
    if inner_link in inner_links:
        yield from namespace_routes_drift(name, values, inner_links.get("tun0"))


def namespace_routes_drift(name, values, tunnel):
    """
    Of the main table in the exit's namespace: the ways back to the clients and to the provider by the veth, all else by the tunnel.
    tunnel: the link tun0 as `ip -j` has it, or None.
    """
    namespace, link, gateway = values["NAMESPACE"], values["NAMESPACE_LINK"], values["HOST_ADDRESS"]
    ip = ("ip", "-n", namespace)
    shown = [route_key(line) for line in run(*ip, "route", "show", check=False).splitlines()]
    for target in [values["CLIENTS"], *remotes(name)]:
        route = f"{target} via {gateway} dev {link}"
        if route not in shown:
            yield Drift(f"exit {name}: {namespace} lacks the route `{route}`", command(*ip, "route", "replace", *route.split()))
    if tunnel and "UP" not in tunnel["flags"]:
        yield Drift(f"exit {name}: tun0 is down", command("systemctl", "restart", "--no-block", f"wg-gateway-exit@{name}.service"))
    elif tunnel and "default dev tun0" not in shown:
        yield Drift(f"exit {name}: {namespace} lacks the route `default dev tun0`", command(*ip, "route", "replace", "default", "dev", "tun0"))
    own = ipaddress.ip_network(f"{values['NAMESPACE_ADDRESS']}/{values['PREFIX_LENGTH']}", strict=False)
    for route in shown:
        target = route.split()[0]
        # Routes to single addresses stay when a provider's name leads elsewhere; the rules let nothing to them.
        wide = target == "default" or "/" in target
        if wide and f" dev {link} " in f"{route} " and target not in (values["CLIENTS"], str(own)):
            yield Drift(f"exit {name}: {namespace} has the surplus route `{route}`", command(*ip, "route", "del", *route.split()))


def same_file(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:  # the process has ended meanwhile
        return True
