"""The routing policy database (`man 8 ip-rule`), in the words of our files."""

from machine import Fault, run

# What `ip -Numeric rule show` writes in another way than our files.
OTHERWISE = {" [detached] ": " ", " lookup 254 ": " lookup main ", " ipproto ipproto-17 ": " ipproto udp ", " ipproto 17 ": " ipproto udp ", " proto ": " protocol "}


def shown_rules():
    """
    Every rule as the arguments that would add it. By numbers, for whoever likes may give a table or a protocol a name (`man 8 ip`).
    "[detached]" stands after an interface that is not there.
    """
    return {in_our_words(line) for line in run("ip", "-Numeric", "rule", "show").splitlines()}


def in_our_words(line):
    """A line of `ip -Numeric rule show` as the arguments of `ip rule add`."""
    words = f"priority {' '.join(line.replace(':', '', 1).split())} "
    for shown, ours in OTHERWISE.items():
        words = words.replace(shown, ours)
    return words.strip()


def add_rules(rules):
    """Those of these that are not there yet."""
    there = shown_rules()
    for rule in rules:
        if rule not in there:
            try:
                run("ip", "rule", "add", *rule.split())
            except Fault:
                # Another of our programs may have been quicker.
                if rule not in shown_rules():
                    raise


def delete_rules(rules):
    """Those of these that are there."""
    there = shown_rules()
    for rule in rules:
        if rule in there:
            run("ip", "rule", "del", *rule.split(), check=False)
