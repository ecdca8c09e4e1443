"""Serves what metrics.py collects, by HTTP on the gateway's WireGuard address alone; a program of its own, without rights."""

import http.server
import os
import socket
import socketserver
import time

FILE = "/run/wg-gateway/metrics"
CONFIG = "/etc/wg-gateway/metrics"
# Older figures, in seconds, are not told: that they are missing is what Prometheus can alarm by.
STALE_SECONDS = 60


def fresh(path):
    """The collected text, or None when there is none, or an old one."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read() if time.time() - os.fstat(file.fileno()).st_mtime < STALE_SECONDS else None
    except FileNotFoundError:
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    # Seconds that a client may be silent.
    timeout = 10
    server_version, sys_version = "wg-gateway", ""

    def do_GET(self):
        text = fresh(FILE)
        if self.path.split("?")[0] != "/metrics":
            self.answer(404, "text/plain; charset=utf-8", "the figures are at /metrics\n")
        elif text is None:
            self.answer(503, "text/plain; charset=utf-8", "nothing was collected for a minute: see wg-gateway-watch\n")
        else:
            self.answer(200, "text/plain; version=0.0.4; charset=utf-8", text)

    def answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        """Who asks is not noted."""


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def server_bind(self):
        # The address is there when wg0 is up, which comes and goes.
        self.socket.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_FREEBIND", 15), 1)
        super().server_bind()


if __name__ == "__main__":
    with open(CONFIG, encoding="utf-8") as settings:
        values = dict(line.strip().split("=", 1) for line in settings)
    Server((values["ADDRESS"], int(values["PORT"])), Handler).serve_forever()
