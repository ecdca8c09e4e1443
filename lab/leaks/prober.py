"""
Sends numbered probes without end: prober.py NAME TARGET TARGET6 RATE GATEWAY RESOLVER...
  NAME    a-z, stands in every probe as wgprobe-NAME-NUMBER, where the number has 7 digits; its kind is KINDS[number % len(KINDS)]
  TARGET, TARGET6   where echo.py answers     RATE   a second, over all kinds
Writes a line every 50 ms: seconds since the epoch, the number of the next probe, the numbers answered since, and with = the address that
the echo server saw; !cut for a running TCP connection that was reset or ended, !unheard for one that this side gave up. Ends when nobody
reads. Standard library only.
"""
import re, select, socket, struct, sys, time

NAME, TARGET, TARGET6, RATE, GATEWAY, *RESOLVERS = sys.argv[1:]
KINDS = ["tcp", "tcp running", "udp", "udp running", "icmp", "dns gateway", "dns resolver", "ipv6"]
SYN_PORT, ECHO_PORT = 4242, 4243
MARK = re.compile(rb"wgprobe-%s-(\d{7})(?: (\S+))?" % NAME.encode())
# Connections that are new for each probe, the newest. On a busy machine answers wait in queues for seconds: where nobody waits for them any
# more, they would pass for lost.
KEPT = 512
# Milliseconds without an acknowledgement after which a running TCP connection is given up, and seconds for it to be made.
UNHEARD, CONNECTING = 10000, 2

poller = select.epoll()
opened = {}


def open_socket(kind, protocol=0, family=socket.AF_INET):
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    poller.register(made, select.EPOLLIN)
    opened[made.fileno()] = made
    return made


def close(one):
    del opened[one.fileno()]
    one.close()


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data if len(data) % 2 == 0 else data[:-1]))
    total += data[-1] << 8 if len(data) % 2 else 0
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def summed(header, at, data, before=b""):
    """A header with the checksum at an offset, over what stands before it in the sum and the data."""
    value = checksum(before + header + data)
    return header[:at] + struct.pack("!H", value) + header[at + 2 :] + data


def query(number, name):
    labels = b"".join(bytes([len(part)]) + part for part in name.split(b"."))
    return struct.pack("!HHHHHH", number & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


syn = open_socket(socket.SOCK_RAW, socket.IPPROTO_TCP)
icmp = open_socket(socket.SOCK_RAW, socket.IPPROTO_ICMP)
running, dns = open_socket(socket.SOCK_DGRAM), open_socket(socket.SOCK_DGRAM)
six = open_socket(socket.SOCK_DGRAM, family=socket.AF_INET6)
running.connect((TARGET, ECHO_PORT))
OWN = running.getsockname()[0]
fresh, stream, stream_since, stood, cut, ends = [], None, 0.0, False, b"", []


def connection():
    """The running TCP connection; another one when it has ended, at most five a second. None for now."""
    global stream, stream_since, stood, cut
    if stream is not None and not stood and time.monotonic() - stream_since > CONNECTING:
        ended("unheard")
    if stream is None and time.monotonic() - stream_since > 0.2:
        stream, stream_since, stood, cut = open_socket(socket.SOCK_STREAM), time.monotonic(), False, b""
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNHEARD)
        stream.connect_ex((TARGET, ECHO_PORT))
    return stream


def ended(why):
    """The running TCP connection: told, unless it never stood."""
    global stream
    if stood:
        ends.append(why)
    close(stream)
    stream = None


def failed(error):
    ended("cut" if isinstance(error, (ConnectionResetError, BrokenPipeError)) else "unheard")


def send(number):
    kind, text = KINDS[number % len(KINDS)], b"wgprobe-%s-%07d" % (NAME.encode(), number)
    if kind == "tcp":
        # A SYN that carries data: its number is seen outside, too.
        header = struct.pack("!HHIIBBHHH", 10000 + number // len(KINDS) % 50000, SYN_PORT, number, 0, 5 << 4, 2, 65535, 0, 0)
        pseudo = socket.inet_aton(OWN) + socket.inet_aton(TARGET) + struct.pack("!BBH", 0, 6, len(header) + len(text))
        syn.sendto(summed(header, 16, text, pseudo), (TARGET, 0))
    elif kind == "tcp running":
        if connection() is not None:
            try:
                stream.send(text + b"\n")
            except BlockingIOError:
                pass
            except OSError as error:
                failed(error)
    elif kind == "udp":
        fresh.append(open_socket(socket.SOCK_DGRAM))
        if len(fresh) > KEPT:
            close(fresh.pop(0))
        fresh[-1].sendto(text, (TARGET, ECHO_PORT))
    elif kind == "udp running":
        running.send(text)
    elif kind == "icmp":
        # Another identifier, so another connection, every 1,024 probes.
        icmp.sendto(summed(struct.pack("!BBHHH", 8, 0, 0, number >> 10 & 0xFFFF, number & 0xFFFF), 2, text + b"."), (TARGET, 0))
    elif kind == "dns gateway":
        dns.sendto(query(number, text + b".example"), (GATEWAY, 53))
    elif kind == "dns resolver":
        dns.sendto(query(number, text + b".example"), (RESOLVERS[number // len(KINDS) % len(RESOLVERS)], 53))
    else:
        six.sendto(text, (TARGET6, ECHO_PORT))


def answers(of):
    """The numbers that a packet, or what has come of the stream, answers."""
    global cut, stood
    data = of.recv(65536)
    if of is stream and not data:
        ended("cut")
        return []
    if of is syn:
        header = (data[0] & 15) * 4
        port, _, _, ack, _, flags = struct.unpack("!HHIIBB", data[header : header + 14])
        return [(ack - 1, None)] if port == SYN_PORT and flags & 0x12 == 0x12 else []
    if of is icmp and data[(data[0] & 15) * 4] != 0:
        return []
    if of is dns and (data[3] & 15 or data[6:8] == b"\0\0"):
        return []
    if of is stream:
        stood = True
        data, _, cut = (cut + data).rpartition(b"\n")
    return [(int(number), seen) for number, seen in MARK.findall(data)]


def receive(wait):
    for number, _event in poller.poll(wait):
        one = opened[number]
        for _ in range(64):
            try:
                answered.update(answers(one))
            except BlockingIOError:
                break
            except OSError as error:  # an ICMP error, a reset
                if one is stream:
                    failed(error)
                break
            if one.fileno() < 0:
                break


answered = {}
began, told, number = time.monotonic(), 0.0, 0
while True:
    due = (time.monotonic() - began) * float(RATE)
    if due - number > 50:  # was not let run: no burst, which would lose by itself
        began, due = began + (due - number - 50) / float(RATE), number + 50
    while number < due:
        try:
            send(number)
        except OSError:  # no route, refused, full
            pass
        number += 1
    receive(0.002)
    if time.monotonic() - told >= 0.05:
        told = time.monotonic()
        words = [f"{one}={seen.decode()}" if seen else str(one) for one, seen in answered.items()]
        try:
            print(f"{time.time():.3f} {number}", *words, *(f"!{why}" for why in ends), flush=True)
        except BrokenPipeError:
            break
        answered.clear()
        ends.clear()
