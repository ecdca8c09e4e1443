"""Other firewalls of the machine that drop what they do not know, which no rule of ours can undo; and what each has to let pass."""

import dataclasses
import json
import re
import shutil

from machine import run

HOOKS = ("input", "forward", "output")


@dataclasses.dataclass(frozen=True)
class Need:
    """Packets that have to pass a hook: by an interface, or by any; of a protocol to a port, or all."""

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
    if by:
        return f"ufw allow{by} to any port {need.port} proto {need.protocol}"
    return f"ufw allow {need.port}/{need.protocol}"


def as_iptables(need, chain):
    by = [f"-i {need.iif}" if need.iif else "", f"-o {need.oif}" if need.oif else ""]
    what = f"-p {need.protocol} --dport {need.port}" if need.port else ""
    return " ".join(["iptables", "-I", chain, *filter(None, [*by, what]), "-j ACCEPT"])


def as_nft(need, chain):
    by = [f"""iifname '"{need.iif}"'""" if need.iif else "", f"""oifname '"{need.oif}"'""" if need.oif else ""]
    what = f"{need.protocol} dport {need.port}" if need.port else ""
    return " ".join(["nft insert rule", chain, *filter(None, [*by, what]), "accept"])


def in_words(need):
    by = f" in by {need.iif}" if need.iif else f" out by {need.oif}" if need.oif else ""
    return f"{need.hook}{by}{f' {need.protocol} port {need.port}' if need.port else ''}"


def objects(kind, *words):
    """What `nft -j list` has of a kind."""
    shown = run("nft", "-j", "list", *words, check=False)
    return [item[kind] for item in json.loads(shown)["nftables"] if kind in item] if shown else []


def rejects_last(chain):
    """Whether the last rule of a chain drops or rejects whatever comes to it, as firewalld's does."""
    rules = objects("rule", "chain", chain["family"], chain["table"], chain["name"])
    last = [part for part in rules[-1]["expr"] if "counter" not in part] if rules else []
    return len(last) == 1 and ("drop" in last[0] or "reject" in last[0])


def droppers(ours):
    """{(family, table): {hook: chain}} of the chains for IPv4, not in tables named `ours`, that drop what they do not know."""
    found = {}
    for chain in objects("chain", "chains"):
        foreign = chain["family"] in ("ip", "inet") and chain["table"] != ours and chain.get("hook") in HOOKS
        if foreign and (chain.get("policy") == "drop" or rejects_last(chain)):
            found.setdefault((chain["family"], chain["table"]), {})[chain["hook"]] = chain["name"]
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


def reachable(chain, rules):
    """The chains that packets may come to from one, itself among them."""
    there, new = set(), {chain}
    while new:
        there |= new
        targets = [re.findall(r"(?:-j|-g|jump|goto) (\S+)", rule) for name in new for rule in rules.get(name, [])]
        new = {target for some in targets for target in some} & set(rules) - there
    return there


# What else a rule may ask for: not all that is needed may have it.
MORE = re.compile(
    r"(^| )(-s|-d|saddr|daddr|sport|--sport|!|!=|mark|state|--ctstate|--state|icmp|--icmp-type|addrtype|-f)( |$)"
)


def accepts(rule, need):
    """Whether a rule accepts all that is needed; one that names neither an interface nor a port stands where others led."""
    if not re.search(r"(^| )(-j ACCEPT|accept)( |$)", rule) or MORE.search(rule):
        return False
    interfaces = re.findall(r"(?:-([io])|([io])ifname) (\S+)", rule)
    if not all(name == (need.iif if (short or long) == "i" else need.oif) for short, long, name in interfaces):
        return False
    protocol = re.search(r"(?:-p|(?<!ct )protocol|l4proto|^) ?(tcp|udp)\b", rule)
    ports = re.search(r"dports? (\{[^}]*\}|\S+)", rule)
    if (protocol and protocol[1] != need.protocol) or not (interfaces or ports):
        return False
    spans = [re.split("[:-]", span) for span in re.findall(r"\d+(?:[:-]\d+)?", ports[1])] if ports else []
    return not ports or any(int(span[0]) <= need.port <= int(span[-1]) for span in spans)


def passes(chain, rules, need):
    """Whether a rule that packets may come to from a chain accepts all that is needed. rules: by_chain()."""
    return any(accepts(rule, need) for name in reachable(chain, rules) for rule in rules.get(name, []))


def look(family, table):
    """(whose a table is: "ufw", "Docker", "firewalld", "iptables" or "nft"; its rules, as of by_chain())."""
    if (family, table) != ("ip", "filter") or not shutil.which("iptables-save"):
        shown = run("nft", "list", "table", family, table, check=False)
        return "firewalld" if table == "firewalld" else "nft", by_chain(shown)
    rules = by_chain(run("iptables-save", "-t", table, check=False))
    # One that was turned off leaves its chains.
    used = reachable("INPUT", rules) | reachable("FORWARD", rules)
    if any(name.startswith("ufw-user-") for name in used):
        return "ufw", rules
    return "Docker" if "DOCKER-USER" in used else "iptables", rules


def command(who, need, family, table, chain):
    """What lets something pass; of firewalld, whose zones say more than that, in words."""
    match who:
        case "ufw":
            return as_ufw(need)
        case "firewalld":
            return in_words(need)
        case "Docker" if need.hook == "forward":
            return as_iptables(need, "DOCKER-USER")
        case "nft":
            return as_nft(need, f"{family} {table} {chain}")
    return as_iptables(need, chain)


def notes(ours, needs):
    """
    For each other firewall that drops something needed, a text that says what has to be allowed and how.
    ours: the name of our own tables. needs: a list of Need.
    """
    for (family, table), by_hook in droppers(ours).items():
        who, rules = look(family, table)
        lacking = [need for need in needs if need.hook in by_hook and not passes(by_hook[need.hook], rules, need)]
        where = ", ".join(f"{family} {table} {by_hook[hook]}" for hook in HOOKS if hook in by_hook)
        lines = [f"  {command(who, need, family, table, by_hook[need.hook])}  # {need.why}" for need in lacking]
        if lines:
            head = f"note: {who} drops what it does not know ({where})."
            yield "\n".join([f"{head} Until it lets the following pass, the gateway does not work; allow:", *lines])
