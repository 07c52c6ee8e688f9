"""The sizes of a request, the framing of a message, the number of connections (field notes, reliability §3.1)."""

import json

from signet import VALIDATE, ServedCase, SignetCase, http_request

KEY = "0000-0000-0000-0000"
QUESTION = {"license_key": KEY, "domain": "example.com"}
BODY = json.dumps(QUESTION).encode()
KIB = 1024


class LimitsCase(ServedCase):
    def tearDown(self):
        self.assertTrue(self.server.is_alive())
        self.assertEqual(self.server.post(QUESTION).status, 200)

    def assert_refused_and_closed(self, data, *statuses):
        """One answer, of one of `statuses`, then the end, though more is waiting to be read."""
        with self.server.wire() as wire:
            wire.send(data)
            seconds = wire.read_until_closed(4)
            self.assertTrue(wire.is_closed, f"open after {seconds} s: {wire.received[:300]}")
            self.assertEqual(len(wire.answers), 1, wire.received[:600])
            self.assertIn(wire.answers[0].status, statuses, wire.answers)

    def assert_answered(self, data, status=200):
        with self.server.wire() as wire:
            wire.send(data)
            self.assertEqual([answer.status for answer in wire.read_answers(1)], [status])


class SizesTests(LimitsCase):
    def test_header(self):
        self.assert_answered(http_request(BODY, headers=[f"X-{n}: {'a' * KIB}" for n in range(15)]))
        self.assert_refused_and_closed(http_request(BODY, headers=[f"X-{n}: {'a' * KIB}" for n in range(17)]), 431)
        self.assert_refused_and_closed(http_request(BODY, headers=["X: " + "a" * 20 * KIB]), 431)
        self.assert_refused_and_closed(http_request(BODY, headers=["X" * 20 * KIB + ": a"]), 431)
        self.assert_refused_and_closed(f"POST {VALIDATE} HTTP/1.1\r\n" + "X: " + "a" * 40 * KIB, 431)

    def test_header_fields(self):
        self.assert_answered(http_request(BODY, headers=[f"X-{n}: a" for n in range(97)]))
        self.assert_refused_and_closed(http_request(BODY, headers=[f"X-{n}: a" for n in range(98)]), 431)
        self.assert_refused_and_closed(http_request(BODY, headers=["X:"] * 2000), 431)

    def test_request_line(self):
        around = len("GET  HTTP/1.1\r\n")
        fits = "/" + "a" * (8 * KIB - around - 1)
        self.assert_answered(http_request(method="GET", path=fits), 404)
        self.assert_refused_and_closed(http_request(method="GET", path=fits + "aaaa"), 431)
        self.assert_refused_and_closed("GET /" + "a" * 20 * KIB, 431)
        self.assert_refused_and_closed("A" * 20 * KIB, 400, 431)

    def test_body(self):
        padding = b" " * (16 * KIB - len(BODY))
        self.assert_answered(http_request(BODY + padding))
        self.assert_answered(http_request(BODY + padding + b" "), 413)
        self.assert_answered(http_request(b"a" * (1 << 20)), 413)

    def test_a_body_is_refused_by_its_announced_length(self):
        announced = http_request(b"", length=False, headers=["Content-Length: 1000000000000"])
        self.assert_answered(announced, 413)
        self.assert_refused_and_closed(announced.replace(b"1000000000000", b"9" * 30), 400, 413)

    def test_a_body_in_chunks(self):
        head = http_request(b"", length=False, headers=["Transfer-Encoding: chunked"])
        chunks = b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in BODY)
        self.assert_answered(head + chunks + b"0\r\n\r\n")
        self.assert_answered(head + b"%x\r\n" % (20 * KIB) + b" " * 20 * KIB + b"\r\n0\r\n\r\n", 413)
        self.assert_answered(head + (b"400\r\n" + b" " * KIB + b"\r\n") * 20 + b"0\r\n\r\n", 413)

    def test_a_request_in_single_bytes(self):
        with self.server.wire() as wire:
            for byte in http_request(BODY):
                wire.send(bytes([byte]))
            self.assertEqual(wire.read_answers(1)[0].status, 200)

    def test_requests_in_one_piece_are_answered_in_order(self):
        with self.server.wire() as wire:
            healthy = http_request(method="GET", path="/healthz")
            wire.send(http_request(BODY) + healthy + http_request(b"{}") + http_request(BODY) + healthy)
            self.assertEqual([answer.status for answer in wire.read_answers(5)], [200, 200, 400, 200, 200])

    def test_a_connection_ends_after_10_000_requests(self):
        with self.server.wire() as wire:
            healthy = http_request(method="GET", path="/healthz")
            sent = 0
            while sent < 10_000 and wire.send(healthy * 100):
                sent += 100
                wire.read_until_seen(b"HTTP/1.1 ", sent)
            wire.send(healthy)
            wire.read_until_closed(4)
            self.assertTrue(wire.is_closed)
            self.assertEqual(wire.received.count(b"HTTP/1.1 200"), 10_000)


class FramingTests(LimitsCase):
    """What two programs could read as different messages is read by neither."""

    # Would be answered if anything after the refused message were read.
    SMUGGLED = http_request(method="GET", path="/healthz")

    def refused(self, lines, body=BODY, statuses=(400,), start=f"POST {VALIDATE} HTTP/1.1"):
        for line in lines:
            with self.subTest(line):
                head = "\r\n".join([start, "Host: localhost", "Content-Type: application/json", line, "", ""])
                self.assert_refused_and_closed(head.encode("latin-1") + body + self.SMUGGLED, *statuses)

    def test_two_lengths(self):
        length = f"Content-Length: {len(BODY)}"
        self.refused(
            [
                f"{length}\r\nTransfer-Encoding: chunked", f"Transfer-Encoding: chunked\r\n{length}",
                f"{length}\r\nTransfer-Encoding: identity", f"{length}\r\n{length}", f"{length}\r\nContent-Length: 0",
                f"Content-Length: 0\r\n{length}", f"Content-Length: {len(BODY)}, {len(BODY)}",
                f"Content-Length: {len(BODY)}, 0",
            ]
        )

    def test_a_length_that_is_no_number(self):
        size = len(BODY)
        wrong = (f"+{size}", f"-{size}", f"{size}.0", hex(size), "", "a", f"{size} 1")
        self.refused([f"Content-Length: {text}" for text in wrong])

    def test_an_encoding_that_is_not_chunked_alone(self):
        self.refused(
            [
                "Transfer-Encoding: gzip", "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked, identity",
                "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                "Transfer-Encoding: \x0bchunked", "Transfer-Encoding: identity",
            ],
            body=b"0\r\n\r\n",
            statuses=(400, 501),
        )

    def test_fields_that_are_spelled_in_two_ways(self):
        length = f"Content-Length: {len(BODY)}"
        self.refused(
            [
                f"Content-Length : {len(BODY)}", f"{length}\r\nX : a", f"{length}\r\nX\t: a", f" X: a\r\n{length}",
                f"{length}\r\nX: a\r\n b", f"{length}\r\nX: a\r\n\tb", f"{length}\r\nX: a\rb", f"{length}\r\nX\r: a",
                f"{length}\r\nX: a\0b", f"{length}\r\nX", f"{length}\r\n: a", f"{length}\r\nX(: a",
                f"{length}\r\nX y: a", f"{length}\r\nX: a\r", f"X: a\rContent-Length: {len(BODY)}",
            ]
        )

    def test_chunks_that_are_none(self):
        head = http_request(b"", length=False, headers=["Transfer-Encoding: chunked"])
        size = b"%x" % len(BODY)
        for chunk in (
            b"zz\r\n", b"-1\r\n", b"+" + size + b"\r\n" + BODY + b"\r\n0\r\n\r\n", b"\r\n", b"0x10\r\n",
            b"FFFFFFFFFFFFFFFFF\r\n", size + b"\r\n" + BODY + b"XX0\r\n\r\n", size + b"\n" + BODY + b"\n0\n\n",
            size + b"\r\n" + BODY + b"0\r\n\r\n", b" " + size + b"\r\n" + BODY + b"\r\n0\r\n\r\n",
            size + b"\r\n" + BODY + b"\r\n0\r\nX : a\r\n\r\n",
        ):
            with self.subTest(chunk):
                self.assert_refused_and_closed(head + chunk + self.SMUGGLED, 400)

    def test_lines_that_start_no_request(self):
        for start in (
            f"POST {VALIDATE}", f"POST {VALIDATE} HTTP/1.1 x",
            f"POST {VALIDATE} HTTP/9.9",
            f"POST {VALIDATE} http/1.1", f" POST {VALIDATE} HTTP/1.1", f"PO ST {VALIDATE} HTTP/1.1", "POST HTTP/1.1",
            f"POST\t{VALIDATE}\tHTTP/1.1", f"POST {VALIDATE}\0 HTTP/1.1", f"P\x00ST {VALIDATE} HTTP/1.1",
            "PRI * HTTP/2.0", "\x16\x03\x01\x02\x00\x01",
        ):
            self.refused([f"Content-Length: {len(BODY)}"], start=start, statuses=(400, 501, 505))

    def test_a_host_that_is_missing_or_there_twice(self):
        tail = f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY + self.SMUGGLED
        for hosts in (b"", b"Host: a\r\nHost: b\r\n", b"Host: a\r\nHost: a\r\n"):
            with self.subTest(hosts):
                self.assert_refused_and_closed(f"POST {VALIDATE} HTTP/1.1\r\n".encode() + hosts + tail, 400)


class ConnectionsTests(SignetCase):
    def test_a_client_has_256_connections_and_another_one_still_has_its_own(self):
        server = self.serve()
        wires = []
        self.addCleanup(lambda: [wire.socket.close() for wire in wires])
        for _ in range(256):
            wires.append(server.wire())
        healthy = http_request(method="GET", path="/healthz")
        for wire in wires:
            wire.send(healthy)
        for wire in wires:
            self.assertEqual(len(wire.read_answers(1)), 1)
        with server.wire() as one_too_many:
            one_too_many.send(healthy)
            one_too_many.read_until_closed(4)
            self.assertTrue(one_too_many.is_closed)
            self.assertNotIn(b" 200 ", one_too_many.received)
        with server.wire(source="127.0.0.2") as another:
            another.send(healthy)
            self.assertEqual(another.read_answers(1)[0].status, 200)
        wires.pop().socket.close()
        self.assert_served_soon(server, healthy)

    def test_beyond_the_limit_of_all_connections_newcomers_wait(self):
        config = self.installation.folder / "signet.yaml"
        config.write_text("connections-max: 8\nconnections-per-client-max: 8\nconnections-per-proxy-max: 8\n")
        server = self.serve("--config", str(config))
        healthy = http_request(method="GET", path="/healthz")
        wires = [server.wire(source=f"127.0.0.{n + 2}") for n in range(8)]
        self.addCleanup(lambda: [wire.socket.close() for wire in wires])
        for wire in wires:
            wire.send(healthy)
            self.assertEqual(len(wire.read_answers(1)), 1)
        with server.wire(source="127.0.0.100") as waiting:
            waiting.send(healthy)
            waiting.read_until_closed(0.5)
            self.assertEqual(waiting.answers, [])
            wires[0].socket.close()
            self.assertEqual([answer.status for answer in waiting.read_answers(1)], [200])

    def assert_served_soon(self, server, request):
        for _ in range(50):
            with server.wire() as wire:
                wire.send(request)
                if wire.read_answers(1, 1):
                    return
        self.fail("no connection after one was given back")
