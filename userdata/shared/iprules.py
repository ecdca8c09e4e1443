"""The routing policy database (`man 8 ip-rule`), in the words of our files."""

from machine import Fault, run


def shown_rules():
    """Every rule as the arguments that would add it. "[detached]" stands after an interface that is not there."""
    lines = run("ip", "rule", "show").replace(" [detached]", "").splitlines()
    return {"priority " + " ".join(line.replace(":", "", 1).split()).replace(" proto ", " protocol ") for line in lines}


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
