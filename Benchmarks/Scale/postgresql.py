#!/usr/bin/env python3
"""What PostgreSQL does with the writes of Signet: transactions a second, bytes of WAL, bytes at rest.

A server of its own in a temporary directory, fsync on, reached over a Unix socket, with the tables that signet makes;
then the same with a synchronous standby on the same machine. docs/scale.md counts with these figures.
"""

import argparse
import contextlib
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "Tests" / name) for name in ("PostgreSQL", "System")]

from server import Server, binary  # noqa: E402
from signet import Installation  # noqa: E402

DURABLE = {"fsync": "on", "synchronous_commit": "on", "max_wal_size": "8GB", "checkpoint_timeout": "1h"}
CLIENTS = (1, 8, 32)
# Places in one flush of last use on a shared database, and licenses in one statement of a follower
# (LicensingService+LastSeen.swift, LicenseRows.swift).
FLUSH, FOLLOWED = 250, 64
# Of the first run; each run has its own, so that none takes the seats of another.
SEEDS = itertools.count(20261125)

# The statements of one claim of a seat, in the order of SeparateSettling and SeatStore.
ACTIVATION = r"""
\set license random(1, {licenses})
\set seat random(1, 9000000000000000000)
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
LOCK TABLE write_gate IN ROW SHARE MODE;
SELECT 1 FROM licenses WHERE id = :license FOR UPDATE;
SELECT l.*, p.* FROM licenses l JOIN products p ON p.id = l.product_id WHERE l.id = :license;
SELECT a.id, a.ordinal, a.first_seen, a.kind, s.place_key, s.last_seen
FROM activations a LEFT JOIN seat_addresses s ON s.activation_id = a.id
WHERE a.license_id = :license AND a.released_at IS NULL AND a.domain = 'host-' || :seat || '.example.org'
ORDER BY a.ordinal, s.first_seen;
SAVEPOINT attempt;
INSERT INTO activations (id, license_id, seat_key, domain, ordinal, kind, lease_minutes, first_seen, last_seen)
VALUES (:seat, :license, decode(md5('s' || :seat), 'hex'), 'host-' || :seat || '.example.org', 1, 'production', 0,
    1790000000000, 1790000000000);
UPDATE licenses SET used = used + 1, version = version + 1 WHERE id = :license AND state = 'active';
RELEASE SAVEPOINT attempt;
INSERT INTO journal (id, type, type_version, subject, subject_version, data, actor, request_id, at)
VALUES (:seat, 'activation.created', 1, 'lic_' || upper(substr(md5(:license::text), 1, 13)), 2,
    repeat('x', {data}), 'installation', substr(md5(:seat::text), 1, 26), 1790000000000);
INSERT INTO seat_addresses (place_key, activation_id, network, address, peer, first_seen, last_seen)
VALUES (decode(md5('p' || :seat), 'hex'), :seat, '203.0.113.7/32', '203.0.113.7', '203.0.113.7', 1790000000000,
    1790000000000)
ON CONFLICT (place_key) DO UPDATE SET last_seen = excluded.last_seen;
COMMIT;
"""

# One flush of last use, statement by statement as signet does it, and as three statements over all its places.
FLUSHES = """
CREATE TABLE spots AS SELECT a.id, a.license_id, s.place_key, row_number() OVER (ORDER BY a.license_id) AS number
FROM activations a JOIN seat_addresses s ON s.activation_id = a.id;
CREATE UNIQUE INDEX ON spots (number);
CREATE FUNCTION flush_singly(start bigint, size bigint, at bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE spot spots;
BEGIN
    LOCK TABLE write_gate IN ROW SHARE MODE;
    PERFORM 1 FROM licenses WHERE id IN (SELECT license_id FROM spots WHERE number >= start AND number < start + size)
        ORDER BY id FOR UPDATE;
    FOR spot IN SELECT * FROM spots WHERE number >= start AND number < start + size LOOP
        UPDATE seat_addresses SET last_seen = at WHERE place_key = spot.place_key AND last_seen < at;
        UPDATE activations SET last_seen = at WHERE id = spot.id AND last_seen < at;
        INSERT INTO seat_spread (activation_id, day, sketch) VALUES (spot.id, 20000, 1)
        ON CONFLICT (activation_id, day) DO UPDATE SET sketch = seat_spread.sketch | excluded.sketch;
    END LOOP;
END $$;
"""
FLUSH_SINGLY = r"""
\set start :client_id * {part} + random(1, {part} - {size})
\set at random(1800000000000, 1900000000000)
SELECT flush_singly(:start, {size}, :at);
"""
FLUSH_TOGETHER = r"""
\set start :client_id * {part} + random(1, {part} - {size})
\set at random(1800000000000, 1900000000000)
BEGIN;
UPDATE seat_addresses t SET last_seen = :at FROM spots
WHERE number >= :start AND number < :start + {size} AND t.place_key = spots.place_key;
UPDATE activations t SET last_seen = :at FROM spots
WHERE number >= :start AND number < :start + {size} AND t.id = spots.id;
COMMIT;
"""

# What a follower reads of the licenses that changed.
FOLLOW = r"""
\set start random(1, {licenses} - {size})
SELECT id, product_id, policy, max_activations, grace_days, state, not_before, expires_at, payment_grace_until,
    over_limit_until, used, status_index, version FROM licenses WHERE id IN ({ids});
SELECT license_id, key_hash, valid_until FROM license_keys WHERE license_id IN ({ids}) AND revoked_at IS NULL;
SELECT s.place_key, a.id, a.first_seen, s.last_seen, a.kind, a.carried_domain, a.carried_installation_id, a.license_id
FROM activations a JOIN seat_addresses s ON s.activation_id = a.id
WHERE a.released_at IS NULL AND a.license_id IN ({ids}) ORDER BY a.id;
"""

# Copies of the only license with all that belongs to it.
FILL = """
CREATE TEMP TABLE template AS SELECT * FROM licenses;
INSERT INTO licenses SELECT r.* FROM template t, generate_series(1, {count}) n,
    LATERAL jsonb_populate_record(t::text::licenses, jsonb_build_object('id', n, 'status_index', n)) r;
INSERT INTO license_keys SELECT r.* FROM (SELECT * FROM license_keys LIMIT 1) t, generate_series(1, {count}) n,
    LATERAL jsonb_populate_record(t::text::license_keys,
        jsonb_build_object('license_id', n, 'key_hash', '\\x' || md5('k' || n))) r;
INSERT INTO activations SELECT r.* FROM (SELECT * FROM activations LIMIT 1) t, generate_series(1, {count}) n,
    LATERAL jsonb_populate_record(t::text::activations, jsonb_build_object('id', -n, 'license_id', n,
        'domain', 'host-' || n || '.example.org', 'seat_key', '\\x' || md5('s' || n))) r;
INSERT INTO seat_addresses SELECT r.* FROM (SELECT * FROM seat_addresses LIMIT 1) t, generate_series(1, {count}) n,
    LATERAL jsonb_populate_record(t::text::seat_addresses,
        jsonb_build_object('activation_id', -n, 'place_key', '\\x' || md5('p' || n))) r;
INSERT INTO journal (id, type, type_version, subject, subject_version, data, actor, request_id, at)
SELECT -n * 2 - length(j.type) % 2, type, type_version, 'lic_' || upper(substr(md5(n::text), 1, 13)),
    subject_version, data, actor, request_id, at
FROM journal j, generate_series(1, {count}) n WHERE j.type IN ('license.created', 'activation.created');
"""
STORED = ("licenses", "license_keys", "activations", "seat_addresses", "journal")


class Standby(Server):
    """A copy of `primary` that follows it; its commits wait for this one while the `with` block lasts."""

    def __init__(self, primary):
        super().__init__({**DURABLE})
        self.primary = primary

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="signet-standby-"))
        self.data = self.directory / "data"
        self._own()
        try:
            self._run("pg_basebackup", f"--pgdata={self.data}", "--write-recovery-conf", "--checkpoint=fast",
                      f"--host={self.primary.directory}", "--username=signet")
            self.start()
            set_up(self.primary, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'",
                   "SELECT pg_reload_conf()")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            set_up(self.primary, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)


def connection(server):
    return [f"--host={server.directory}", "--username=signet"]


def ask(server, sql):
    command = [binary("psql"), *connection(server), "--dbname=signet", "--no-psqlrc", "--tuples-only", "--no-align",
               "--set=ON_ERROR_STOP=1", "--quiet"]
    return subprocess.run(command, input=sql, text=True, check=True, stdout=subprocess.PIPE).stdout.strip()


def set_up(server, *statements):
    for statement in statements:
        ask(server, statement)


def stock(server, licenses, folder):
    """Makes signet's own tables with one license and its seat, and `licenses` copies of them."""
    installation = Installation(folder)
    database = {"SIGNET_DATABASE": server.address}
    installation.run("customer", "create", "--id", "123", **database)
    installation.run("product", "create", "panel", "--type", "professional", "--features", "whm,billing", **database)
    license = installation.json(
        "license", "generate", "--customer", "123", "--product", "panel", "--expires", "+365 days",
        "--max-activations", "0", **database)
    answer = installation.json(
        "license", "validate", license["license_key"], "--domain", "host-1.example.org", "--ip", "203.0.113.7",
        "--activate", **database)
    ask(server, FILL.format(count=licenses))
    ask(server, "VACUUM (ANALYZE)")
    return len(answer["token"]), len(json.dumps(answer, separators=(",", ":")))


def pgbench(server, script, clients, seconds):
    """Transactions a second and mean latency in ms."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        run = subprocess.run(
            [binary("pgbench"), *connection(server), "--no-vacuum", "--protocol=prepared", f"--client={clients}",
             f"--jobs={min(clients, 2)}", f"--time={seconds}", f"--random-seed={next(SEEDS)}", f"--file={file.name}",
             "signet"], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    done = run.stdout
    failed = re.search(r"number of failed transactions: (\d+)", done)
    if run.returncode != 0 or failed and int(failed[1]):
        sys.exit(f"bench: {failed[0] if failed else run.stderr}")
    count = int(re.search(r"number of transactions actually processed: (\d+)", done)[1])
    rate = float(re.search(r"tps = ([\d.]+)", done)[1])
    return count, rate, float(re.search(r"latency average = ([\d.]+)", done)[1])


def measured(server, name, script, clients, seconds, units=1):
    """Prints a row: a run with WAL counted, begun after a checkpoint."""
    ask(server, "CHECKPOINT")
    before = int(ask(server, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))
    count, rate, latency = pgbench(server, script, clients, seconds)
    wal = int(ask(server, "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")) - before
    load = os.getloadavg()[0]
    print(f"| {name} | {clients} | {rate:,.0f} | {latency:.2f} | {rate * units:,.0f} | {wal / count / units:,.0f} | "
          f"{load:.1f} |", flush=True)


def writes(server, options, data, label):
    activation = ACTIVATION.format(licenses=options.licenses, data=data)
    for clients in CLIENTS:
        measured(server, f"activation, {label}", activation, clients, options.seconds)
    # Each client has places of its own, as nodes do that are asked by key hash.
    part = options.licenses // CLIENTS[1]
    for clients in CLIENTS[:2]:
        singly = FLUSH_SINGLY.format(part=part, size=FLUSH)
        measured(server, f"last use of {FLUSH}, each by itself, {label}", singly, clients, options.seconds, FLUSH)
        together = FLUSH_TOGETHER.format(part=part, size=2 * FLUSH)
        measured(server, f"last use of {2 * FLUSH}, together, {label}", together, clients, options.seconds, 2 * FLUSH)


def sizes(server):
    parts = ", ".join(f"pg_total_relation_size('{name}')" for name in STORED)
    return [int(size) for size in ask(server, f"SELECT {parts}").split("|")]


def bench(options, folder):
    with Server(DURABLE) as server:
        token, answer = stock(server, options.licenses, folder)
        at_rest = sizes(server)
        data = int(ask(server, "SELECT max(length(data)) FROM journal WHERE type = 'activation.created'"))
        print(f"{options.licenses:,} licenses; bytes: answer {answer}, its token {token}, activation's event {data}")
        print("| at rest | bytes for each license |\n| --- | --- |")
        for name, size in zip(STORED, at_rest):
            print(f"| {name} | {size / options.licenses:,.0f} |")
        print(f"| all | {sum(at_rest) / options.licenses:,.0f} |")
        ask(server, FLUSHES)
        print("| what | clients | transactions/s | mean ms | places or seats/s | bytes of WAL for each | load |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        writes(server, options, data, "one server")
        # Images of whole pages after a checkpoint are most of a short run's WAL; without them the least it can be.
        set_up(server, "ALTER SYSTEM SET full_page_writes = off", "SELECT pg_reload_conf()")
        activation = ACTIVATION.format(licenses=options.licenses, data=data)
        measured(server, "activation, without page images", activation, 8, options.seconds)
        singly = FLUSH_SINGLY.format(part=options.licenses, size=FLUSH)
        measured(server, f"last use of {FLUSH}, without page images", singly, 1, options.seconds, FLUSH)
        set_up(server, "ALTER SYSTEM RESET full_page_writes", "SELECT pg_reload_conf()")
        ids = ", ".join(f":start + {n}" for n in range(FOLLOWED))
        follow = FOLLOW.format(licenses=options.licenses, size=FOLLOWED, ids=ids)
        measured(server, f"a follower reads {FOLLOWED} licenses", follow, 1, options.seconds, FOLLOWED)
        with Standby(server):
            writes(server, options, data, "synchronous standby")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--licenses", type=int, default=200_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--binary", default=str(REPOSITORY / ".build" / "release" / "signet"))
    options = parser.parse_args()
    os.environ["SIGNET_BINARY"] = options.binary
    with tempfile.TemporaryDirectory(prefix="signet-bench-") as folder:
        bench(options, folder)


if __name__ == "__main__":
    main()
