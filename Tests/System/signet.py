"""The release binary seen from outside: its command line, its server and the bytes on its connections."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
VALIDATE = "/api/v1/installer/validate"
SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

# Exit codes (README, "Command line").
OK, NEGATIVE, USAGE, FAILED = 0, 1, 2, 3

# Seconds that a start, a command or an answer may take before it counts as hanging. Not expectations: limits.
PATIENCE = 30


def binary():
    """The program under test. There is always one: a suite without it fails."""
    named = os.environ.get("SIGNET_BINARY")
    candidates = [named] if named else [REPOSITORY / ".build" / build / "signet" for build in ("release", "debug")]
    for candidate in map(pathlib.Path, candidates):
        if candidate.is_file():
            return str(candidate)
    raise AssertionError(f"no signet at {' or '.join(map(str, candidates))}: make release")


def environment(**settings):
    """The environment without settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGNET_")}
    return {**kept, **settings}


class Result:
    """How one command ended."""

    def __init__(self, arguments, code, stdout, stderr):
        self.arguments, self.code, self.stdout, self.stderr = arguments, code, stdout, stderr

    def __str__(self):
        return f"$ signet {' '.join(self.arguments)}\n{self.stdout}--- stderr\n{self.stderr}--- exit {self.code}"


class Installation:
    """Data and keys of one vendor, in a folder of its own."""

    def __init__(self, folder=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="signet-test-"))
        self.data, self.keys = self.folder / "data", self.folder / "Keys"
        self.options = ["--data", str(self.data), "--keys", str(self.keys)]

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def database(self):
        return self.data / "signet.db"

    def start(self, *arguments, prefix=(), **settings):
        """One command, begun."""
        return subprocess.Popen(
            [*prefix, binary(), *arguments, *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=self.folder, env=environment(**{"SIGNET_LISTEN_ADMIN": "127.0.0.1:0", **settings}),
        )

    def run(self, *arguments, code=OK, prefix=(), timeout=PATIENCE, **settings):
        """One command, ended with exit code `code`, or with any if it is None."""
        with self.start(*arguments, prefix=prefix, **settings) as process:
            try:
                result = Result(arguments, None, *process.communicate(timeout=timeout))
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"signet {' '.join(arguments)} did not end in {timeout} s") from None
            result.code = process.returncode
        if code is not None and result.code != code:
            raise AssertionError(f"expected exit {code}\n{result}")
        return result

    def json(self, *arguments, code=OK, **settings):
        result = self.run(*arguments, "--json", code=code, **settings)
        try:
            return json.loads(result.stdout)
        except json.JSONDecodeError:
            raise AssertionError(f"no JSON on stdout\n{result}") from None

    def stock(self):
        """The guide's customer and product."""
        self.run("customer", "create", "--id", "123")
        features = "whm,billing,support"
        self.run("product", "create", "whm-panel", "--type", "professional", "--features", features)
        return self

    def license(self, *options, seats=1):
        """A new license of the guide's product, with its key."""
        return self.json(
            "license", "generate", "--customer", "123", "--product", "whm-panel", "--expires", "+365 days",
            "--max-activations", str(seats), *options,
        )

    def show(self, license):
        return self.json("license", "show", license["id"])


class Answer:
    """One HTTP response."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, {name.lower(): value for name, value in headers}, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


class Server:
    """A running `signet serve` on a free port."""

    READY = re.compile(r"^signet: serving http://127\.0\.0\.1:(\d+)\s*$")
    METRICS = re.compile(r"^signet: metrics at http://127\.0\.0\.1:(\d+)/metrics\s*$")

    def __init__(self, installation, *arguments, **settings):
        self.installation, self.log, self.output = installation, [], []
        # Most tests try many wrong keys from one address; those of the limit set it themselves.
        settings = {"SIGNET_GUESSES_PER_CLIENT_MAX": "0", **settings}
        self.process = installation.start("serve", "--listen", "127.0.0.1:0", *arguments, **settings)
        self._ready = threading.Event()
        self._port = self.admin_port = None
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stderr, self.log), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stdout, self.output), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._ready.wait(PATIENCE)
        if self._port is None:
            self.kill()
            raise AssertionError("the server did not get ready:\n" + "".join(self.log))

    def _read(self, stream, lines):
        for line in stream:
            lines.append(line)
            if match := self.METRICS.match(line):
                self.admin_port = int(match.group(1))
            if match := self.READY.match(line):
                self._port = int(match.group(1))
                self._ready.set()
        if lines is self.log:
            self._ready.set()

    @property
    def port(self):
        return self._port

    @property
    def pid(self):
        return self.process.pid

    def is_alive(self):
        return self.process.poll() is None

    def open_sockets(self):
        count = 0
        for descriptor in pathlib.Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                count += os.readlink(descriptor).startswith("socket:")
        return count

    def stop(self):
        """Asks it to end and waits; its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self):
        """What a power loss is to a process."""
        return self._end(signal.SIGKILL)

    def _end(self, how):
        if self.is_alive():
            self.process.send_signal(how)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not end on {how.name}:\n" + "".join(self.log[-20:])) from None
        finally:
            for reader in self._readers:
                reader.join(5)
            self.process.stdout.close()
            self.process.stderr.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # HTTP

    def connection(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def request(self, method, path, body=None, headers=(), connection=None):
        wire = connection or self.connection()
        try:
            wire.request(method, path, body, dict(headers))
            response = wire.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            if connection is None:
                wire.close()

    def post(self, body, content_type="application/json", connection=None):
        """The validate endpoint's answer to `body`: bytes, text, or what becomes JSON."""
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        body = body.encode() if isinstance(body, str) else body
        headers = {} if content_type is None else {"Content-Type": content_type}
        return self.request("POST", VALIDATE, body, headers, connection)

    def validate(self, license, domain="example.com", connection=None, **members):
        """The verdict for `domain`."""
        key = license if isinstance(license, str) else license["license_key"]
        answer = self.post({"license_key": key, "domain": domain, **members}, connection=connection)
        if answer.status != 200:
            raise AssertionError(f"no verdict: {answer}")
        return answer.json

    def wire(self, source="127.0.0.1"):
        return Wire(self.port, source)


class Wire:
    """A connection as bytes."""

    def __init__(self, port, source="127.0.0.1", receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.bind((source, 0))
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.received = b""
        self.is_closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """Sends; false if the other side would not have it."""
        try:
            self.socket.sendall(data if isinstance(data, bytes) else data.encode())
            return True
        except (BrokenPipeError, ConnectionResetError):
            return False

    def read_until_closed(self, seconds):
        """Reads until the other side closes or `seconds` are over; the seconds that it took."""
        started = time.monotonic()
        while not self.is_closed:
            left = started + seconds - time.monotonic()
            if left <= 0:
                break
            self._receive(left)
        return time.monotonic() - started

    def read_answers(self, count, seconds=PATIENCE):
        """Reads until `count` answers are complete, or the other side closes; all answers so far."""
        deadline = time.monotonic() + seconds
        while len(self.answers) < count and not self.is_closed and time.monotonic() < deadline:
            self._receive(deadline - time.monotonic())
        return self.answers

    def read_until_seen(self, part, count, seconds=PATIENCE):
        """Reads until `part` was received `count` times, or the other side closes."""
        deadline = time.monotonic() + seconds
        while self.received.count(part) < count and not self.is_closed and time.monotonic() < deadline:
            self._receive(deadline - time.monotonic())

    def _receive(self, seconds):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(1 << 20)
        except TimeoutError:
            return
        except ConnectionResetError:
            data = b""
        self.is_closed = not data
        self.received += data

    @property
    def answers(self):
        return list(parse_answers(self.received))


def parse_answers(data):
    """The complete responses in `data`."""
    while b"\r\n\r\n" in data:
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        names = {name.lower(): value for name, value in fields}
        if names.get("transfer-encoding") == "chunked":
            body, rest = parse_chunks(rest)
        else:
            length = int(names.get("content-length", 0))
            body, rest = (rest[:length], rest[length:]) if len(rest) >= length else (None, b"")
        if body is None:
            return
        if status >= 200:
            yield Answer(status, fields, body)
        data = rest


def parse_chunks(data):
    body = b""
    while b"\r\n" in data:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if len(data) < length + 2:
            break
        body, data = body + data[:length], data[length + 2 :]
        if length == 0:
            return body, data
    return None, b""


def http_request(body=b"", method="POST", path=VALIDATE, headers=(), length=True):
    """The bytes of a well-formed request; `headers` are lines of their own."""
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


class SignetCase(unittest.TestCase):
    """A test with an installation of its own."""

    def setUp(self):
        self.installation = Installation()
        self.addCleanup(self.installation.remove)

    def serve(self, *arguments, **settings):
        """A server that ends with the test."""
        server = Server(self.installation, *arguments, **settings)
        self.addCleanup(lambda: server.kill() if server.is_alive() else None)
        return server


class ServedCase(unittest.TestCase):
    """Tests that share one server, each with licenses of its own."""

    ARGUMENTS = ()

    @classmethod
    def setUpClass(cls):
        cls.installation = Installation()
        cls.addClassCleanup(cls.installation.remove)
        cls.installation.stock()
        cls.server = Server(cls.installation, *cls.ARGUMENTS)
        cls.addClassCleanup(lambda: cls.server.kill() if cls.server.is_alive() else None)

    @classmethod
    def tearDownClass(cls):
        code = cls.server.stop()
        if code != OK:
            raise AssertionError(f"the server ended with {code}:\n" + "".join(cls.server.log[-40:]))
