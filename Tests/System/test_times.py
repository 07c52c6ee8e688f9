"""How long a connection may take: header 5 s, body 10 s, idle 60 s, an answer that is not fetched 10 s.

Real time, so all of it is waited for at once, in threads that begin when the tests are loaded: the other suites run
meanwhile. Each test then collects what its thread saw.
"""

import concurrent.futures
import json
import time
import unittest

from signet import Installation, Server, Wire, http_request

BODY = json.dumps({"license_key": "0000-0000-0000-0000", "domain": "example.com"}).encode()
HEALTHY = http_request(method="GET", path="/healthz")

# A connection may be closed this much earlier (clocks) or later (a busy machine) than the limit says.
EARLY, LATE = 0.5, 4.0


class Watch:
    """A server and the connections that are being waited for."""

    shared = None

    @classmethod
    def begin(cls):
        if cls.shared is None:
            cls.shared = cls()
        return cls.shared

    def __init__(self):
        self.installation = Installation()
        self.server = Server(self.installation)
        self.threads = concurrent.futures.ThreadPoolExecutor(max_workers=16)
        self.seen = {
            probe.__name__: self.threads.submit(probe, self.server)
            for probe in (slow_header, dripping_header, slow_body, dripping_body, idle, busy, unread)
        }

    def end(self):
        self.threads.shutdown(wait=True, cancel_futures=True)
        if self.server.is_alive():
            self.server.stop()
        self.installation.remove()


def closing_time(wire, limit):
    """Seconds until the server closes."""
    seconds = wire.read_until_closed(limit + 2 * LATE)
    return seconds if wire.is_closed else float("inf")


def drip(server, head, data):
    """Sends a byte of `data` each half second; seconds until the server closes, and what it said."""
    with server.wire() as wire:
        wire.send(head)
        started = time.monotonic()
        for byte in data:
            wire.send(bytes([byte]))
            wire.read_until_closed(0.5)
            if wire.is_closed:
                return time.monotonic() - started, wire.answers
        return float("inf"), wire.answers


def slow_header(server):
    with server.wire() as wire:
        wire.send(HEALTHY[:-2])
        return closing_time(wire, 5), wire.answers


def dripping_header(server):
    return drip(server, b"GET /healthz HTTP/1.1\r\nHost: ", b"a" * 40)


def slow_body(server):
    with server.wire() as wire:
        wire.send(http_request(BODY)[:-1])
        return closing_time(wire, 10), wire.answers


def dripping_body(server):
    return drip(server, http_request(b" " * 100)[:-100], b" " * 60)


def idle(server):
    """A connection that was answered once and then says nothing."""
    with server.wire() as wire:
        wire.send(HEALTHY)
        wire.read_answers(1)
        return closing_time(wire, 60), wire.answers


def busy(server):
    """One that asks again every three seconds lives on."""
    with server.wire() as wire:
        answered = 0
        for _ in range(20):
            wire.send(http_request(BODY))
            answered = len(wire.read_answers(answered + 1))
            time.sleep(3)
        return answered, wire.is_closed


def unread(server):
    """Many answers asked for and none fetched; a server of its own, whose sockets are counted."""
    installation = Installation()
    other = Server(installation)
    try:
        before = other.open_sockets()
        with Wire(other.port, receive_buffer=4096) as wire:
            wire.socket.settimeout(3)
            request = http_request(method="GET", path="/openapi.yaml")
            try:
                for _ in range(5000):
                    wire.socket.sendall(request)
            except (TimeoutError, ConnectionError):
                pass
            started = time.monotonic()
            while other.open_sockets() > before:
                if time.monotonic() - started > 30:
                    return float("inf")
                time.sleep(0.1)
            return time.monotonic() - started
    finally:
        other.kill()
        installation.remove()


def load_tests(loader, tests, pattern):
    """Begins the waiting now."""
    Watch.begin()
    return tests


class TimesTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.watch = Watch.begin()
        cls.addClassCleanup(cls.watch.end)

    def seen(self, probe):
        return self.watch.seen[probe].result(timeout=100)

    def assert_closed_after(self, limit, seconds):
        self.assertGreaterEqual(seconds, limit - EARLY)
        self.assertLessEqual(seconds, limit + LATE)

    def test_a_header_that_is_not_completed(self):
        for probe in ("slow_header", "dripping_header"):
            with self.subTest(probe):
                seconds, answers = self.seen(probe)
                self.assert_closed_after(5, seconds)
                self.assertIn([answer.status for answer in answers], ([], [408]))

    def test_a_body_that_is_not_completed(self):
        for probe in ("slow_body", "dripping_body"):
            with self.subTest(probe):
                seconds, answers = self.seen(probe)
                self.assert_closed_after(10, seconds)
                self.assertIn([answer.status for answer in answers], ([], [408]))

    def test_answers_that_are_not_fetched(self):
        self.assertLessEqual(self.seen("unread"), 10 + LATE)

    def test_an_idle_connection(self):
        seconds, answers = self.seen("idle")
        self.assert_closed_after(60, seconds)
        self.assertEqual([answer.status for answer in answers], [200])

    def test_a_connection_in_use(self):
        self.assertEqual(self.seen("busy"), (20, False))

    def test_the_server_is_well_after_all_of_it(self):
        for future in self.watch.seen.values():
            future.result(timeout=100)
        self.assertEqual(self.watch.server.request("GET", "/readyz").status, 200)
