#!/usr/bin/env python3
"""Start with a million licenses, beside the sqlite3 shell reading the same rows of the same file.

Method, and what the figures do not say: Benchmarks/README.md.
"""

import argparse
import contextlib
import http.client
import json
import pathlib
import random
import resource
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

from validate import PATIENCE, REPOSITORY, ask, free_port, places, prepare

# What a start reads into memory.
ROWS = """
SELECT id, product_id, policy, max_activations, grace_days, state, not_before, expires_at, payment_grace_until,
    over_limit_until, used, status_index, version
FROM licenses;
SELECT key_hash, license_id FROM license_keys WHERE revoked_at IS NULL;
SELECT s.place_key, a.id, a.first_seen, s.last_seen, a.kind, a.carried_domain, a.carried_installation_id
FROM activations a CROSS JOIN seat_addresses s ON s.activation_id = a.id
WHERE a.released_at IS NULL;
"""
START_PATIENCE = 300


class Used:
    """Wall-clock and CPU seconds of what ran inside."""

    def __enter__(self):
        self.began, self.children = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        return self

    def stop_clock(self):
        self.wall = time.monotonic() - self.began

    def __exit__(self, *_):
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.cpu = after.ru_utime + after.ru_stime - self.children.ru_utime - self.children.ru_stime


@contextlib.contextmanager
def serving(binary, folder, port):
    listen = ["--listen", f"127.0.0.1:{port}", "--listen-admin", "none"]
    command = [binary, "serve", *listen, *places(folder)]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.005)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)


def wait_until_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/readyz")
    status = connection.getresponse().status
    connection.close()
    if status != 200:
        sys.exit(f"bench: /readyz answered {status}")


def clone(database, table, changes, count):
    """Copies of the only row of a table, with some members different in each."""
    cursor = database.execute(f"SELECT * FROM {table}")
    names, template = [column[0] for column in cursor.description], cursor.fetchone()
    marks = ", ".join("?" for _ in names)

    def rows():
        for number in range(count):
            row = dict(zip(names, template), **changes(number))
            yield [row[name] for name in names]

    database.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows())


def fill(path, count):
    """Makes of one license with its activation `count` more, with identifiers as random as real ones."""
    chance = random.Random(1)
    licenses = [chance.randrange(-(2**63), 2**63) for _ in range(count)]
    seats = [chance.randrange(-(2**63), 2**63) for _ in range(count)]
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA cache_size = -1000000")
        clone(database, "licenses", lambda n: {"id": licenses[n], "status_index": n + 1}, count)
        clone(database, "license_keys", lambda n: {"key_hash": chance.randbytes(16), "license_id": licenses[n]}, count)
        clone(
            database, "activations",
            lambda n: {"id": seats[n], "license_id": licenses[n], "seat_key": chance.randbytes(16)}, count,
        )
        clone(
            database, "seat_addresses",
            lambda n: {"place_key": chance.randbytes(16), "activation_id": seats[n]}, count,
        )


def start(binary, folder):
    """Seconds until it answers, and of CPU, which its end is part of."""
    port = free_port()
    with Used() as used, serving(binary, folder, port):
        wait_until_ready(port)
        used.stop_clock()
    return used.wall, used.cpu


def read(path):
    with Used() as used:
        subprocess.run(["sqlite3", "-readonly", path, ROWS], stdout=subprocess.DEVNULL, check=True)
        used.stop_clock()
    return used.wall, used.cpu


def medians(rounds):
    return [statistics.median(each) for each in zip(*rounds)]


def bench(options, folder):
    body = prepare(options.binary, folder)
    port = free_port()
    with serving(options.binary, folder, port):
        _, answer = ask(port, body)
        if not json.loads(answer)["valid"]:
            sys.exit(f"bench: not a valid license: {answer}")
    path = folder / "data" / "signet.db"
    empty = medians([start(options.binary, folder) for _ in range(options.rounds)])
    fill(path, options.licenses)
    start(options.binary, folder)
    read(path)
    starts, reads = [], []
    for _ in range(options.rounds):
        starts.append(start(options.binary, folder))
        reads.append(read(path))
    full, shell = medians(starts), medians(reads)
    print(f"{options.licenses:,} licenses with one activation, medians of {options.rounds} rounds")
    print("| | wall s | CPU s |\n| --- | --- | --- |")
    print(f"| start with one license | {empty[0]:.2f} | {empty[1]:.2f} |")
    print(f"| start | {full[0]:.2f} | {full[1]:.2f} |")
    print(f"| sqlite3 shell, same rows | {shell[0]:.2f} | {shell[1]:.2f} |")
    wall, cpu = ((full[n] - empty[n]) / shell[n] for n in (0, 1))
    print(f"| ratio, without the start with one license | {wall:.2f} | {cpu:.2f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--licenses", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--binary", default=str(REPOSITORY / ".build" / "release" / "signet"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="signet-bench-") as folder:
        bench(options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
