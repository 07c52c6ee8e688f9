#!/usr/bin/env python3
"""Three database hosts, three Signet nodes and haproxy on this machine: to watch, and to break by hand.

`serve` brings them up and answers at 127.0.0.1:8080 until Ctrl-C. The other words go to a running one: `status`,
`watch`, `kill-primary`, `stop-node`, `heal`.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import socket
import sys
import threading
import time

import lab

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CONTROL = REPOSITORY / ".build" / "cluster.sock"
# The number of the listening socket that was made before this program moved into its own network.
LISTENER = "SIGNET_CLUSTER_LISTENER"
PUBLIC_ADDRESS = "127.0.0.1"
WATCHED_DOMAIN = "example.com"
# Seconds a command to the running demonstration may take: `heal` waits until all is whole again.
CONTROL_PATIENCE = 180


def serve(port):
    with listener_at(port) as listener:
        lab.enter()
        from cluster import Cluster  # the network of its own first

        say("starting three database hosts, three nodes and haproxy; this takes half a minute")
        cluster = Cluster(inherited=[listener])
        try:
            cluster.start("--demo")
            demonstration = Demonstration(cluster, port)
            print(demonstration.introduction(), flush=True)
            demonstration.listen()
        except KeyboardInterrupt:
            say("ending")
        finally:
            cluster.close()
            CONTROL.unlink(missing_ok=True)


def say(text):
    print(f"cluster: {text}", file=sys.stderr, flush=True)


def listener_at(port):
    """The machine's own port, made at the first start of this program and inherited by the second."""
    if (number := os.environ.get(LISTENER)) and os.environ.get(lab.INSIDE) == "1":
        return socket.socket(fileno=int(number))
    try:
        listener = socket.create_server((PUBLIC_ADDRESS, port))
    except OSError as error:
        sys.exit(f"cluster: {PUBLIC_ADDRESS}:{port} cannot be had: {error.strerror}; another: make cluster PORT=9090")
    listener.set_inheritable(True)
    os.environ[LISTENER] = str(listener.fileno())
    return listener


class Demonstration:
    """A running cluster, and what can be asked of it."""

    def __init__(self, cluster, port):
        self._cluster, self._port = cluster, port
        self._key = re.search(r'"license_key": "([^"]+)"', cluster.nodes[0].log).group(1)
        self._commands = {
            "status": self.status, "key": lambda: self._key, "kill-primary": self.kill_primary,
            "stop-node": self.stop_node, "heal": self.heal,
        }

    def introduction(self):
        body = json.dumps({"license_key": self._key, "domain": WATCHED_DOMAIN})
        curl = f"curl -s http://{PUBLIC_ADDRESS}:{self._port}/api/v1/installer/validate"
        return "\n".join([
            "", self.status(), "", "Try:", "", f"{curl} -H 'Content-Type: application/json' -d '{body}'", "",
            "In other terminals, from this folder:", "",
            "  make cluster-watch           one validation a second: ok or not, by which node, stale or not",
            "  make cluster-kill-primary    kills PostgreSQL and Patroni on the host that leads",
            "  make cluster-stop-node       kills one Signet node",
            "  make cluster-status          who leads, who follows",
            "  make cluster-heal            starts again what was killed", "", "Ctrl-C ends all of it.", "",
        ])

    def status(self):
        rows = []
        for member in self._cluster.database.members:
            told = member.status()
            rows.append((member.name, member.address, f"{told.get('role', '-')} {told.get('state', 'no answer')}"))
        for node in self._cluster.nodes:
            code, told = node.ready()
            rows.append((node.name, node.address, f"{code or 'no answer'} {json.dumps(told) if told else ''}"))
        proxy = self._cluster.services.proxy
        rows.append((proxy.name, proxy.address, f"haproxy, also at {PUBLIC_ADDRESS}:{self._port}"))
        return "\n".join(f"  {name:6} {address:12} {text.strip()}" for name, address, text in rows)

    def kill_primary(self):
        primary = self._cluster.database.primary()
        if primary is None:
            return "nobody leads at the moment"
        return f"{primary.name} led: {primary.kill_database()} processes of PostgreSQL and Patroni killed"

    def stop_node(self):
        for node in self._cluster.nodes:
            if node.host.processes("signet"):
                return f"{node.name}: {node.kill()} process killed"
        return "no node runs"

    def heal(self):
        self._cluster.heal()
        return self.status()

    def listen(self):
        """Answers commands, one connection each, until the program is interrupted."""
        CONTROL.unlink(missing_ok=True)
        CONTROL.parent.mkdir(exist_ok=True)
        with socket.socket(socket.AF_UNIX) as control:
            control.bind(str(CONTROL))
            CONTROL.chmod(0o600)
            control.listen()
            while True:
                connection, _ = control.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        with connection, contextlib.suppress(OSError):
            word = connection.recv(64).decode().strip()
            try:
                text = self._commands[word]()
            except (lab.LabError, OSError) as error:
                text = f"failed: {error}"
            connection.sendall(text.encode())


def ask(word):
    """The running demonstration's answer to `word`."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(CONTROL_PATIENCE)
        try:
            control.connect(str(CONTROL))
        except OSError:
            sys.exit("cluster: no demonstration runs here, or it is another user's: make cluster")
        control.sendall(word.encode())
        return b"".join(iter(lambda: control.recv(65536), b"")).decode()


def watch(port):
    """A validation a second, a line each, until Ctrl-C; how many there were and how many went wrong."""
    body, count, wrong = json.dumps({"license_key": ask("key"), "domain": WATCHED_DOMAIN}), 0, 0
    try:
        while True:
            started = time.monotonic()
            is_ok, line = validate(port, body)
            count, wrong = count + 1, wrong + (not is_ok)
            print(f"{time.strftime('%H:%M:%S')} {line} {(time.monotonic() - started) * 1000:6.1f} ms", flush=True)
            time.sleep(max(0, started + 1 - time.monotonic()))
    except KeyboardInterrupt:
        print(f"\n{count} validations, {wrong} without a valid answer")


def validate(port, body):
    wire = http.client.HTTPConnection(PUBLIC_ADDRESS, port, timeout=10)
    try:
        wire.request("POST", "/api/v1/installer/validate", body, {"Content-Type": "application/json"})
        answer = wire.getresponse()
        node, told = answer.getheader("Signet-Node", "-"), json.loads(answer.read())
        is_ok = answer.status == 200 and told.get("valid") is True
        stale = "stale" if told.get("stale") else "current"
        return is_ok, f"{'ok ' if is_ok else 'ERR'} {answer.status} {told.get('code')} {node} {stale}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return False, f"ERR {error!r}"
    finally:
        wire.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    words = ["serve", "status", "watch", "kill-primary", "stop-node", "heal"]
    parser.add_argument("command", choices=words)
    parser.add_argument("--port", type=int, default=8080, help="where haproxy answers on this machine (8080)")
    arguments = parser.parse_args()
    if arguments.command == "serve":
        try:
            serve(arguments.port)
        except lab.LabError as error:
            sys.exit(f"cluster: {error}")
    elif arguments.command == "watch":
        watch(arguments.port)
    else:
        print(ask(arguments.command))


if __name__ == "__main__":
    main()
