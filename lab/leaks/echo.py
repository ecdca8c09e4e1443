"""
Answers probes: echo.py ADDRESS... On UDP and TCP port 4243 what came, with the address it came from; on TCP port 4242 whoever connects.
Standard library only.
"""
import select, socket, sys

SYN_PORT, ECHO_PORT = 4242, 4243


def listening(address, kind, port):
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.setblocking(False)
    if kind == socket.SOCK_STREAM:
        made.listen(1024)
    return made


# Bound to each address, so that the answer comes from the one that was asked.
datagrams, listeners, streams = {}, {}, {}
poller = select.epoll()
for address in sys.argv[1:]:
    datagram = listening(address, socket.SOCK_DGRAM, ECHO_PORT)
    datagrams[datagram.fileno()] = datagram
    for port in (SYN_PORT, ECHO_PORT):
        listener = listening(address, socket.SOCK_STREAM, port)
        listeners[listener.fileno()] = listener
for number in (*datagrams, *listeners):
    poller.register(number, select.EPOLLIN)


def seen_as(address):
    return b" " + address[0].encode()


def close(number):
    poller.unregister(number)
    streams.pop(number)[0].close()


while True:
    for number, _event in poller.poll():
        try:
            if number in datagrams:
                data, sender = datagrams[number].recvfrom(2048)
                datagrams[number].sendto(data + seen_as(sender), sender)
            elif number in streams:
                stream, sender = streams[number]
                data = stream.recv(65536)
                if not data:
                    close(number)
                    continue
                stream.sendall(data.replace(b"\n", seen_as(sender) + b"\n"))
            else:
                stream, sender = listeners[number].accept()
                stream.setblocking(False)
                streams[stream.fileno()] = stream, sender
                poller.register(stream, select.EPOLLIN)
        except OSError:
            if number in streams:
                close(number)
