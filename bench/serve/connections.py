#!/usr/bin/env python3
"""usage: connections.py BANTAM [--idle N] [--slow N] [--seconds N] [--tls]
Many connections that rest and some that send a byte a second: what each takes of memory, and how fast /health is
meanwhile. The server drops those that take longer than 10 s for a head: that is counted, and they come back."""
import argparse
import os
import resource
import socket
import ssl
import subprocess
import time

from report import Report, percentile
from server import Server

HEAD = b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Slow: "
MOST_KIB = 32
MOST_HEALTH_MS = 50


class Crowd:
    def __init__(self, port, tls):
        self.port, self.tls = port, tls
        self.idle, self.slow, self.dropped = [], [], 0

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port))
        return self.tls.wrap_socket(plain, server_hostname="localhost") if self.tls else plain

    def health_ms(self, connection):
        """On a connection of its own, kept open."""
        begun = time.perf_counter()
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        return 1000 * (time.perf_counter() - begun)

    def send_a_byte_each(self, turn):
        for i, connection in enumerate(self.slow):
            byte = HEAD[turn % len(HEAD):][:1] if turn < len(HEAD) else b"x"
            try:
                connection.sendall(byte)
            except OSError:
                self.dropped += 1
                self.slow[i] = self.connect()

    def close(self):
        for connection in self.idle + self.slow:
            connection.close()


def certificate(folder):
    """Makes one that signs itself; (chain, key)."""
    chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=localhost", "-days", "2", "-out", chain, "-keyout", key], check=True,
                   stderr=subprocess.DEVNULL)
    return chain, key


def measure(report, server, crowd, options):
    probe = crowd.connect()
    for _ in range(200):
        crowd.health_ms(probe)
    empty = server.rss_kib()
    begun = time.monotonic()
    for i in range(options.idle):
        crowd.idle.append(crowd.connect())
        if i % 10 == 0:  # some of them have asked something before
            crowd.health_ms(crowd.idle[-1])
    report.say("connections opened a second", f"{options.idle / (time.monotonic() - begun):.0f}")
    rested = server.rss_kib()
    probe = crowd.connect()  # the first one may have rested too long
    crowd.slow = [crowd.connect() for _ in range(options.slow)]
    times, most = [], 0
    begun = time.monotonic()
    for turn in range(options.seconds):
        crowd.send_a_byte_each(turn)
        while time.monotonic() < begun + turn + 1:
            times.append(crowd.health_ms(probe))
            time.sleep(0.005)
        most = max(most, server.rss_kib())
    if not crowd.tls:
        report.say("connections the server counts", f"{server.metrics()['bantam_connections']:.0f}")
    report.say("slow ones dropped and come back", crowd.dropped)
    for name, kib in (("idle", (rested - empty) / max(1, options.idle)),
                      ("idle and slow", (most - empty) / max(1, options.idle + options.slow))):
        report.hold(f"KiB of memory for each connection, {name}", f"{kib:.1f}", f"at most {MOST_KIB}", kib <= MOST_KIB)
    worst = percentile(times, 0.99)
    report.hold("/health ms p50, p99, most", f"{percentile(times, 0.5):.1f} {worst:.1f} {max(times):.1f}",
                f"p99 at most {MOST_HEALTH_MS}", worst <= MOST_HEALTH_MS)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("bantam")
    options.add_argument("--idle", type=int, default=5000)
    options.add_argument("--slow", type=int, default=500)
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--tls", action="store_true")
    options = options.parse_args()
    wanted = options.idle + options.slow + 200
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(f"{wanted} open files are needed, the system allows {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))  # of the server too, which inherits it
    report = Report()
    server = Server(options.bantam)
    tls = None
    if options.tls:
        chain, key = certificate(server.folder.name)
        server.arguments = ("--tls-cert", chain, "--tls-key", key)
        tls = ssl.create_default_context(cafile=chain)
    with server:
        crowd = Crowd(server.port, tls)
        measure(report, server, crowd, options)
        crowd.close()
    report.finish()


if __name__ == "__main__":
    main()
