"""What a tunnel's program complained of in its log. The patterns are from the logs of OpenVPN 2.6.14 and 2.7.8 in test/machine/logs."""

import re

# Each line of a tunnel's log begins with the time: OpenVPN writes it, and the scripts do (`stamped` in common.sh).
STAMP = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ")
# The tunnel is up: whatever was wrong before is over.
UP = re.compile(r"Initialization Sequence Completed|^tunnel to .* is set up")
# Another attempt begins: the process itself, or one of its connections.
ATTEMPT = re.compile(r"^OpenVPN \d|^TCP/UDP: Preserving recently used remote address|^Restart pause")
# Notes about options that change nothing, some of which quote words of the patterns below.
HARMLESS = re.compile(r"^(Note|NOTE|DEPRECATED OPTION|Unsupported optional cipher)\b|^WARNING: (?!Failed)")
ENDED = "Exiting due to fatal error"
# From what says most to what says least: of one attempt the first line with the best of them counts.
TROUBLE = [
    re.compile(pattern)
    for pattern in (
        # Nothing else can help: the settings, the profile, the account or the machine have to be changed.
        r"AUTH_FAILED|VERIFY \S*\s?ERROR|Options error|OPTIONS ERROR|Enter Private Key Password|key material|key file|Footer text not found"
        r"|Cannot (load|open|allocate)|not found$|not supported$|too weak|key too small|values mismatch|^\S+\.sh: ",
        # What happened to a packet, or to the control channel.
        r"TLS [Ee]rror|Connection (refused|reset|timed out)|No route to host|Network (is )?unreachable|Operation not permitted|Cannot |[Ff]ailed"
        r"|RTNETLINK answers|tls-crypt unwrap error|ERROR:",
        # Nobody answered.
        r"Server poll timeout|Inactivity timeout",
    )
]


def weight(line):
    """The number of the first pattern that a line has; None for a line without trouble."""
    if HARMLESS.search(line):
        return None
    return next((number for number, pattern in enumerate(TROUBLE) if pattern.search(line)), None)


def last_error(text):
    """
    What a tunnel's program complained of in its last attempt that failed, with the time; None when the tunnel came up since, or nothing
    failed. That it ended ("Exiting due to fatal error") counts where nothing else was said.
    """
    found, best = None, None
    for stamped in text.splitlines()[-400:]:
        stamped = stamped.strip()
        line = STAMP.sub("", stamped)
        if UP.search(line):
            found, best = None, None
        elif line == ENDED:
            found = found or stamped
        elif ATTEMPT.search(line):
            # What is found stays until this attempt fails, too.
            best = None
        else:
            number = weight(line)
            if number is not None and (best is None or number < best):
                found, best = stamped[: len(stamped) - len(line)] + line[:200], number
    return found
