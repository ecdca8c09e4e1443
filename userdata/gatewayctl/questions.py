"""Questions of DNS (RFC 1035, section 4), asked all at once: whether somebody answers, and what address a resolver sees."""

import ipaddress
import random
import select
import socket
import struct
import time

# What every resolver answers: the name servers of the root.
ROOT = ("", 2, 1)
# Cloudflare's resolvers answer this (TXT, class CHAOS) with the address that the question came from; others refuse it.
WHOAMI = ("whoami.cloudflare", 16, 3)


def fresh(label=""):
    """
    A question that nobody has asked yet; a label stands in its name. The same one again tells nothing after a silence: a dnsmasq that waits for an answer
    does not ask again for others, for up to 40 s (forward.c: TIMEOUT), and passes a refusal on when every upstream has refused.
    RFC 6761 has upstreams answer this without asking anybody.
    """
    return (f"{random.randrange(2**48):012x}.{label and label + '.'}wg-gateway.invalid", 1, 1)


def packet(asked):
    """A recursive query for (name, type, class)."""
    name, kind, group = asked
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return struct.pack("!HHHHHH", random.randrange(65536), 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, group)


def ask(whom, asked, seconds):
    """
    {key: answer} of those who answer in time, of {key: (address to ask from, server, port)}: a question from the address of an exit's
    resolver takes the way of its questions.
    """
    waiting, answers = {}, {}
    for key, (source, server, port) in whom.items():
        query = packet(asked)
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            asking.bind((source, 0))
            asking.connect((server, port))
            asking.send(query)
            waiting[asking] = (key, query[:2])
        except OSError:
            asking.close()
    deadline = time.monotonic() + seconds
    while waiting and (left := deadline - time.monotonic()) > 0:
        for asking in select.select(list(waiting), [], [], left)[0]:
            key, number = waiting[asking]
            try:
                answer = asking.recv(1232)
                if answer[:2] != number or len(answer) < 12:
                    continue
                answers[key] = answer
            except OSError:  # an ICMP error: no answer
                pass
            del waiting[asking]
            asking.close()
    for asking in waiting:
        asking.close()
    return answers


def after_name(message, at):
    """Where the name ends that begins at an offset."""
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += 1 + message[at]
    return at + 1


def address_seen(message):
    """The IPv4 address in an answer to WHOAMI; None when it holds none."""
    try:
        at = after_name(message, 12) + 4
        at = after_name(message, at)
        kind, _group, _ttl, _length, size = struct.unpack_from("!HHIHB", message, at)
        return str(ipaddress.IPv4Address(message[at + 11 : at + 11 + size].decode("ascii"))) if kind == 16 else None
    except (IndexError, struct.error, ValueError):
        return None


def failed(message):
    """Whether an answer says that the server failed: it reached nobody who knows."""
    return message[3] & 15 == 2
