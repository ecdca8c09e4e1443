"""The status as a text for people: sections of aligned columns, with colours where a terminal shows them."""

from place import TABLE

COLOURS = {"good": "\033[32m", "bad": "\033[31m", "dim": "\033[2m"}
GOOD, BAD = ("well", "answers", "open"), ("ILL", "DOWN", "SILENT", "UNKNOWN", "block")

# Who looks with iptables finds empty chains that accept everything, and fears the worst.
RULES = f"rules: `nft list table inet {TABLE}`; `iptables -L` shows none of them"


def duration(seconds):
    """In the two largest units that it has: `3 d 4 h`, `12 min`, `5 s`."""
    if seconds is None:
        return "-"
    rest, words = max(0, int(seconds)), []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if rest >= size or (name == "s" and not words):
            words.append(f"{rest // size} {name}")
            rest %= size
        elif words:
            break
    return " ".join(words[:2])


def size(count):
    """Bytes as `1.4 GiB`."""
    if count is None:
        return "-"
    value, unit = float(count), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def colour(text, kind, on):
    return f"{COLOURS[kind]}{text}\033[0m" if on and kind else text


def columns(head, rows, on):
    """Rows of texts below their heads, each column as wide as its widest text."""
    lines = [head, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    shown = []
    for line in lines:
        cells = []
        for at, (cell, width) in enumerate(zip(line, widths)):
            word = cell.split(" ")[0]
            kind = "dim" if line is head else "good" if word in GOOD else "bad" if word in BAD else None
            cells.append(colour(cell, kind, on) + " " * (width - len(cell) if at < len(line) - 1 else 0))
        shown.append("  ".join(cells).rstrip())
    return shown


def exit_row(one):
    state = "DOWN" if not one["running"] else {"well": "well", "ill": "ILL"}.get(one["health"], "UNKNOWN")
    since = f" {duration(one['healthFor'])}" if one["running"] and one["healthFor"] is not None else ""
    return [
        one["name"],
        state + since,
        duration(one["uptime"]),
        one["tunnelAddress"] or "no tunnel",
        one["publicAddress"] or "not told",
        size(one["receivedBytes"]),
        size(one["sentBytes"]),
    ]


def text(shown, on=False):
    """The report of status.report(). on: with colours."""
    drift = shown["drift"]
    differs = f"{len(drift)} difference{'' if len(drift) == 1 else 's'} (gatewayctl check)" if drift else "the machine is as it says"
    up = f"up {duration(shown['uptime'])}" if shown["open"] else "SHUT: no client gets out"
    differs, up = colour(differs, "bad" if drift else None, on), colour(up, None if shown["open"] else "bad", on)
    gateway = [f"release {shown['release']}: {differs}; {up}", RULES]

    exits = columns(["EXIT", "HEALTH", "UP", "TUNNEL ADDRESS", "PUBLIC ADDRESS", "RECEIVED", "SENT"], [exit_row(one) for one in shown["exits"]], on)
    exits += [f"last error of {one['name']}: {one['lastError']} ({one['log']})" for one in shown["exits"] if one["lastError"]]
    resolvers = columns(
        ["RESOLVER", "STATE", "UP", "LISTENS ON"],
        [
            [one["name"], "answers" if one["answers"] else "SILENT" if one["running"] else "DOWN", duration(one["uptime"]), " ".join(one["listens"])]
            for one in shown["resolvers"]
        ],
        on,
    )
    selected = columns(["SELECTED", "NOW"], [[name, "block" if variant in (None, "none") else variant] for name, variant in shown["selected"].items()], on)
    clients = columns(
        ["CLIENT", "ADDRESS", "EXIT NOW", "HANDSHAKE", "RECEIVED", "SENT", "FROM"],
        [
            [
                one["name"] or one["publicKey"],
                one["address"],
                one["exit"] or "-",
                "never" if one["lastHandshake"] is None else f"{duration(one['lastHandshake'])} ago",
                size(one["received"]),
                size(one["sent"]),
                one["endpoint"] or "-",
            ]
            for one in shown["clients"]
        ],
        on,
    )
    sections = [gateway, exits if shown["exits"] else [], resolvers, selected if shown["selected"] else [], clients if shown["clients"] else []]
    return "\n\n".join("\n".join(section) for section in sections if section)
