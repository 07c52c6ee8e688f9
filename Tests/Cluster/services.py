"""Three service hosts, each one Signet node, and a host with haproxy before them."""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess

from lab import PATIENCE, LabError, run, wait_until
from load import REFUSED, GRANTED, OPEN

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
VALIDATE = "/api/v1/installer/validate"
PUBLIC, ADMIN = 8080, 8081
NODE_NUMBERS, PROXY_NUMBER = (11, 12, 13), 20
USER = "nobody"
GROUP = "nogroup"

# Seconds after which a client gives up on an answer.
ANSWERED_WITHIN = 10

# What no node took is sent again elsewhere, and so is what a node died over, where that is safe: a validation, and what
# only reads. Anything else that reached a node may have been done.
# What makes every node unready, as a database that is gone does, must not close the door on what they know by heart:
# then those that live are asked.
PROXY = """
global
    maxconn 1000
    log stderr format raw daemon notice
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 30s
    timeout http-request 5s
    timeout queue 5s
    retries 3
    retry-on conn-failure empty-response
    option http-buffer-request
    option redispatch 1
    option forwardfor
    option dontlognull
frontend public
    bind {address}:{public}
{inherited}
    http-response set-header Signet-Node %s
    http-request disable-l7-retry unless METH_GET or {{ path {validate} }}
    use_backend living if {{ nbsrv(nodes) eq 0 }}
    default_backend nodes
backend nodes
    balance roundrobin
    option httpchk GET /readyz
    http-check expect status 200
    default-server check port {admin} inter 500ms fall 2 rise 2
{servers}
backend living
    balance roundrobin
    option httpchk GET /healthz
    http-check expect status 200
    default-server check port {admin} inter 500ms fall 2 rise 2
{servers}
"""


def binary():
    """The program under test. There is always one: a suite without it fails."""
    path = pathlib.Path(os.environ.get("SIGNET_BINARY") or REPOSITORY / ".build/release/signet")
    if not path.is_file():
        raise LabError(f"no signet at {path}: make release")
    return path


def share_program(machines):
    """The program, where every host and user can start it. Before the hosts boot: their mounts are those of then."""
    program = machines.folder / "signet"
    program.touch()
    run("mount", "--bind", binary(), program)
    return program


class Node:
    """One Signet on a host of its own."""

    def __init__(self, host, program, settings):
        self.host, self._program, self._settings = host, program, settings
        self.keys, self.data = host.folder / "Keys", host.folder / "data"
        run("chown", f"{USER}:{GROUP}", host.folder)

    @property
    def name(self):
        return self.host.name

    @property
    def address(self):
        return self.host.address

    @property
    def log(self):
        path = self.host.folder / "signet.log"
        return path.read_text() if path.exists() else ""

    def environment(self):
        return {
            "PATH": os.environ["PATH"], "SIGNET_DATA": str(self.data), "SIGNET_KEYS": str(self.keys),
            "SIGNET_LISTEN": f"{self.address}:{PUBLIC}", "SIGNET_LISTEN_ADMIN": f"{self.address}:{ADMIN}",
            **self._settings,
        }

    def begin(self, *arguments):
        """Started, and perhaps not ready yet."""
        return self._launch("serve", *arguments)

    def start(self, *arguments):
        process = self.begin(*arguments)
        wait_until(
            lambda: self.ready()[0] == 200 or process.poll() is not None,
            lambda: f"{self.name} is ready: {self.ready()}\n{self.log[-2000:]}",
        )
        if process.poll() is not None:
            raise LabError(f"{self.name} ended with {process.returncode}:\n{self.log[-2000:]}")

    def _launch(self, *arguments):
        return self.host.start(self._program, *arguments, user=USER, group=GROUP, log="signet.log",
                               environment=self.environment())

    def kill(self):
        return self.host.kill("signet")

    def stop(self):
        """The end that an operator asks for: what is being answered is answered."""
        return self.host.kill("signet", how=15)

    def take_keys(self, other):
        """The key files of the installation, from the node that made them."""
        shutil.rmtree(self.keys, ignore_errors=True)
        shutil.copytree(other.keys, self.keys)
        run("chown", "--recursive", f"{USER}:{GROUP}", self.keys)
        run("chmod", "--recursive", "u=rwX,go=", self.keys)

    def command(self, *arguments, timeout=PATIENCE):
        """The JSON that a command of the command line prints on this host."""
        words = self.host.command(self._program, *arguments, "--json", user=USER, group=GROUP)
        result = subprocess.run(
            words, env=self.environment(), capture_output=True, text=True, timeout=timeout, check=False)
        if result.returncode != 0:
            raise LabError(f"signet {' '.join(arguments)}: exit {result.returncode}: {result.stderr}{result.stdout}")
        return json.loads(result.stdout)

    def ready(self):
        """Status and JSON of its readiness; status 0 while nothing answers."""
        status, body = self._admin("/readyz")
        try:
            return status, json.loads(body)
        except ValueError:
            return status, {}

    def metric(self, name):
        """The value of a metric without labels."""
        match = re.search(rf"^{name} (\S+)$", self._admin("/metrics")[1].decode(), re.MULTILINE)
        if match is None:
            raise LabError(f"{self.name} tells no {name}")
        return float(match.group(1))

    def _admin(self, path):
        wire = http.client.HTTPConnection(self.address, ADMIN, timeout=2)
        try:
            wire.request("GET", path)
            answer = wire.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""
        finally:
            wire.close()

    def client(self):
        return Client(self.address)


class Services:
    """The nodes and what stands before them."""

    def __init__(self, machines, database_url, inherited=(), **settings):
        """`inherited` are listening sockets, made elsewhere, that haproxy takes connections from as well."""
        self.program = share_program(machines)
        self.proxy = machines.host("front", PROXY_NUMBER)
        self._inherited = list(inherited)
        settings = {"SIGNET_DATABASE": database_url, "SIGNET_TRUSTED_PROXIES": self.proxy.address, **settings}
        self.nodes = [
            Node(machines.host(f"node{index}", number), self.program, settings)
            for index, number in enumerate(NODE_NUMBERS, 1)
        ]

    def start(self, *arguments):
        """The first node makes the schema and the keys; the others get copies of the keys."""
        first, *others = self.nodes
        first.start(*arguments)
        for node in others:
            node.take_keys(first)
            node.begin()
        for node in others:
            wait_until(lambda: node.ready()[0] == 200, lambda: f"{node.name} is ready:\n{node.log[-2000:]}")
        self.start_proxy()

    def start_proxy(self):
        servers = "\n".join(f"    server {node.name} {node.address}:{PUBLIC}" for node in self.nodes)
        inherited = "\n".join(f"    bind fd@{listener.fileno()}" for listener in self._inherited)
        settings = self.proxy.folder / "haproxy.cfg"
        settings.write_text(PROXY.format(
            address=self.proxy.address, public=PUBLIC, admin=ADMIN, validate=VALIDATE, servers=servers,
            inherited=inherited))
        self.proxy.start("haproxy", "-db", "-f", settings, log="haproxy.log",
                         pass_fds=[listener.fileno() for listener in self._inherited])
        client = self.client()
        try:
            wait_until(lambda: client.get("/openapi.yaml").status == 200, "haproxy answers")
        finally:
            client.close()

    def client(self):
        return Client(self.proxy.address)


class Answer:
    """What came back for one request; status 0 is no answer."""

    def __init__(self, status, headers=None, body=b"", error=None):
        self.status, self.headers, self.error = status, headers or {}, error
        self._body = body
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = {}

    @property
    def is_valid(self):
        return self.status == 200 and self.json.get("valid") is True

    @property
    def is_stale(self):
        return self.json.get("stale") is True

    @property
    def code(self):
        return self.json.get("code")

    def __str__(self):
        return f"{self.status} {self.error or ''}{self._body[:300]!r} {self.headers}"


class Client:
    """An installation, or a million of them, over one connection that is made again when it breaks."""

    def __init__(self, address, port=PUBLIC, timeout=ANSWERED_WITHIN):
        self._address, self._port, self._timeout, self._wire = address, port, timeout, None

    def claim(self, license, domain):
        """Asks for a seat of `license` for `domain`, a domain that is new to it or was asked for before."""
        answer = self.validate(license, domain)
        if answer.is_valid and answer.json.get("activation"):
            return GRANTED
        if answer.status == 429 or (answer.status == 200 and answer.code == "ACTIVATION_LIMIT"):
            return REFUSED
        if answer.status in (0, 502, 503, 504):
            return OPEN
        raise AssertionError(f"no answer for a new installation: {answer}")

    def validate(self, license, domain):
        body = json.dumps({"license_key": license, "domain": domain})
        return self._request("POST", VALIDATE, body, {"Content-Type": "application/json"})

    def get(self, path):
        return self._request("GET", path)

    def _request(self, method, path, body=None, headers=None):
        is_new = self._wire is None
        if is_new:
            self._wire = http.client.HTTPConnection(self._address, self._port, timeout=self._timeout)
        try:
            self._wire.request(method, path, body, headers or {})
            answer = self._wire.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            # A kept connection may have been closed while it was idle; validating twice is validating once.
            return Answer(0, error=repr(error)) if is_new else self._request(method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            return Answer(0, error=repr(error))

    def close(self):
        if self._wire is not None:
            self._wire.close()
            self._wire = None
