"""Our nft table as nft itself prints it, so that the same rules are equal however they were written."""

import json

from machine import run
from place import TABLE


def loaded(source=None, prefix=(), dynamic=()):
    """
    The table, less handles and what is in the sets and chains named in `dynamic`; None where there is none.
    source: a shell command that prints a ruleset, which is loaded where nobody sees it, in a network namespace of its own; default: what
    stands, where the command `prefix` leads.
    """
    if source is not None:
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
    return [item for item in objects if "metainfo" not in item and item.get("rule", {}).get("chain") not in dynamic]
