"""Other firewalls of the machine that drop what they do not know, which no rule of ours can take back; and what each has to let pass."""

import dataclasses
import json
import re
import shutil

from machine import run

HOOKS = ("input", "forward", "output")


@dataclasses.dataclass(frozen=True)
class Need:
    """Packets that have to pass a hook: those that come or go by an interface, or all; of a protocol to a port, or all."""

    hook: str
    why: str
    iif: str = ""
    oif: str = ""
    protocol: str = ""
    port: int = 0


def as_ufw(need):
    by = f" in on {need.iif}" if need.iif else f" out on {need.oif}" if need.oif else ""
    if need.hook == "forward":
        return f"ufw route allow{by}"
    return f"ufw allow{by} to any port {need.port} proto {need.protocol}" if by else f"ufw allow {need.port}/{need.protocol}"


def as_iptables(need, chain):
    by = [f"-i {need.iif}" if need.iif else "", f"-o {need.oif}" if need.oif else ""]
    what = f"-p {need.protocol} --dport {need.port}" if need.port else ""
    return " ".join(["iptables", "-I", chain, *filter(None, [*by, what]), "-j ACCEPT"])


def as_nft(need, chain):
    by = [f"""iifname '"{need.iif}"'""" if need.iif else "", f"""oifname '"{need.oif}"'""" if need.oif else ""]
    what = f"{need.protocol} dport {need.port}" if need.port else ""
    return " ".join(["nft insert rule", chain, *filter(None, [*by, what]), "accept"])


def chains():
    """Those that are asked for each packet of a hook and of those that they lead to, as `nft -j` has them; of IPv4."""
    shown = run("nft", "-j", "list", "chains", check=False)
    every = [item["chain"] for item in json.loads(shown)["nftables"] if "chain" in item] if shown else []
    return [one for one in every if one["family"] in ("ip", "inet")]


def rejects_last(one):
    """Whether the last rule of a chain drops or rejects whatever comes to it, as firewalld's does."""
    shown = run("nft", "-j", "list", "chain", one["family"], one["table"], one["name"], check=False)
    rules = [item["rule"]["expr"] for item in json.loads(shown)["nftables"] if "rule" in item] if shown else []
    verdicts = [part for part in rules[-1] if "counter" not in part] if rules else []
    return len(verdicts) == 1 and ("drop" in verdicts[0] or "reject" in verdicts[0])


def droppers(ours):
    """{(family, table): {hook: chain}} of the chains of other tables than `ours` that drop what they do not know."""
    found = {}
    for one in chains():
        if one["table"] != ours and one.get("hook") in HOOKS and (one.get("policy") == "drop" or rejects_last(one)):
            found.setdefault((one["family"], one["table"]), {})[one["hook"]] = one["name"]
    return found


def by_chain(text):
    """{chain: its rules} of what `iptables-save` or `nft list table` prints."""
    found, inside = {}, None
    for line in text.splitlines():
        words = line.replace('"', "").split()
        if words[:1] == ["chain"]:
            inside = words[1]
        elif words[:1] == ["-A"]:
            found.setdefault(words[1], []).append(" ".join(words[2:]))
        elif inside and words:
            found.setdefault(inside, []).append(" ".join(words))
    return found


def led_to(chain, rules):
    """The chains that packets may come to from one, itself among them."""
    there, new = set(), {chain}
    while new:
        there |= new
        new = {target for one in new for rule in rules.get(one, []) for target in re.findall(r"(?:-j|-g|jump|goto) (\S+)", rule)} & set(rules) - there
    return there


def passes(chain, rules, need):
    """Whether a rule that packets may come to from a chain accepts all that is needed. rules: by_chain()."""
    return any(accepts(rule, need) for one in led_to(chain, rules) for rule in rules.get(one, []))


def accepts(rule, need):
    """Whether a rule accepts all that is needed, by an interface or a port that it names: one that names neither stands where others led."""
    if not re.search(r"(^| )(-j ACCEPT|accept)( |$)", rule):
        return False
    interfaces = re.findall(r"(?:-([io])|([io])ifname) (\S+)", rule)
    if not all(name == (need.iif if (short or long) == "i" else need.oif) for short, long, name in interfaces):
        return False
    # Whatever else it asks for, not all that is needed may have.
    if re.search(r"(^| )(-s|-d|saddr|daddr|sport|--sport|!|!=|mark|state|--ctstate|--state|icmp|--icmp-type|addrtype|-f)( |$)", rule):
        return False
    protocol = re.search(r"(?:-p|(?<!ct )protocol|l4proto|^) ?(tcp|udp)\b", rule)
    ports = re.search(r"dports? (\{[^}]*\}|\S+)", rule)
    if (protocol and protocol[1] != need.protocol) or not (interfaces or ports):
        return False
    spans = [re.split("[:-]", span) for span in re.findall(r"\d+(?:[:-]\d+)?", ports[1])] if ports else []
    return not ports or any(int(span[0]) <= need.port <= int(span[-1]) for span in spans)


def commands(who, family, table, by_hook, needs):
    """What to run, a line each; of firewalld, whose words say less than needed, in words."""
    for need in needs:
        chain = by_hook[need.hook]
        if who == "ufw":
            yield as_ufw(need)
        elif who == "firewalld":
            by = f" in by {need.iif}" if need.iif else f" out by {need.oif}" if need.oif else ""
            yield f"{need.hook}{by}{f' {need.protocol} port {need.port}' if need.port else ''}"
        elif who in ("Docker", "iptables"):
            yield as_iptables(need, "DOCKER-USER" if who == "Docker" and need.hook == "forward" else chain)
        else:
            yield as_nft(need, f"{family} {table} {chain}")


def look(family, table):
    """(whose a table is: "ufw", "Docker", "firewalld", "iptables" or "nft"; its rules, as of by_chain())."""
    if (family, table) != ("ip", "filter") or not shutil.which("iptables-save"):
        return "firewalld" if table == "firewalld" else "nft", by_chain(run("nft", "list", "table", family, table, check=False))
    rules = by_chain(run("iptables-save", "-t", table, check=False))
    # One that was turned off leaves its chains.
    if any(one.startswith("ufw-user-") for chain in ("INPUT", "FORWARD") for one in led_to(chain, rules)):
        return "ufw", rules
    return "Docker" if "DOCKER-USER" in led_to("FORWARD", rules) else "iptables", rules


def notes(ours, needs):
    """
    For each other firewall that drops something needed, a text that says what has to be allowed and how.
    ours: the name of our own tables. needs: a list of Need.
    """
    for (family, table), by_hook in droppers(ours).items():
        who, rules = look(family, table)
        lacking = [need for need in needs if need.hook in by_hook and not passes(by_hook[need.hook], rules, need)]
        if lacking:
            where = ", ".join(f"{family} {table} {by_hook[hook]}" for hook in HOOKS if hook in by_hook)
            how = dict.fromkeys(zip(commands(who, family, table, by_hook, lacking), (need.why for need in lacking)))
            lines = [f"  {command}  # {why}" for command, why in how]
            yield "\n".join([f"note: {who} drops what it does not know ({where}). Until it lets the following pass, the gateway does not work; allow:", *lines])
