#!/usr/bin/env python3
"""New activations through signet on PostgreSQL, beside pgbench running the statements of a claim on the same server.

Then CPU of a repeated validation on PostgreSQL and on SQLite, and how soon a revocation reaches the other node. Method,
and what the figures do not say: Benchmarks/README.md.
"""

import argparse
import contextlib
import itertools
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import postgresql
from postgresql import DURABLE, REPOSITORY, Standby, ask, binary, connection
from tables import Table, percentile

sys.path[:0] = [str(REPOSITORY / "Benchmarks")]
import validate  # noqa: E402
from signet import VALIDATE, Installation  # noqa: E402
from signet import Server as Signet  # noqa: E402

GOAL = 0.7
# Each run takes domains and identifiers that no other took.
RUNS = itertools.count(1)

# What signet sends for a claim of a new seat, as `log_statement = all` shows it, with a parameter where it has one
# that pgbench can make. What signet sends without waiting in between is a pipeline here too.
CLAIM = r"""
\set number random(1, {count})
\set license {license}
\set seat random(1, 9000000000000000000)
\startpipeline
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
LOCK TABLE write_gate IN ROW SHARE MODE;
SELECT 1 FROM licenses WHERE id = :license FOR UPDATE;
\endpipeline
SELECT l.id, l.customer_id, l.product_id, l.policy, l.max_activations, l.grace_days, p.policy, p.max_activations,
    p.grace_days, l.state, l.not_before, l.expires_at, l.payment_grace_until, l.over_limit_until, l.started_at,
    l.batch, l.used, l.status_index, l.version, l.created_at
FROM licenses l JOIN products p ON p.id = l.product_id WHERE l.id = :license;
DECLARE claim NO SCROLL CURSOR FOR SELECT a.id, a.ordinal, a.first_seen, a.kind, s.place_key, s.last_seen
    FROM activations a LEFT JOIN seat_addresses s ON s.activation_id = a.id
    WHERE a.license_id = :license AND a.released_at IS NULL
        AND a.domain IS NOT DISTINCT FROM 'host-' || :seat::bigint || '.example.org'
        AND a.network IS NOT DISTINCT FROM NULL AND a.installation_id IS NOT DISTINCT FROM NULL
    ORDER BY a.ordinal, s.first_seen;
FETCH 5000 FROM claim;
CLOSE claim;
SELECT release_kind FROM activations
WHERE license_id = :license AND domain IS NOT DISTINCT FROM 'host-' || :seat::bigint || '.example.org'
    AND network IS NOT DISTINCT FROM NULL AND installation_id IS NOT DISTINCT FROM NULL AND released_at > 1793034880639
ORDER BY released_at DESC, first_seen DESC LIMIT 1;
\startpipeline
SAVEPOINT attempt;
INSERT INTO activations (id, license_id, seat_key, domain, network, installation_id, carried_domain,
    carried_installation_id, ordinal, kind, held_until, lease_minutes, first_seen, last_seen)
VALUES (:seat, :license, decode(md5('s' || :seat::bigint), 'hex'), 'host-' || :seat::bigint || '.example.org', NULL,
    NULL, NULL, NULL, 1, 'production', NULL, 0, 1795626880639, 1795626880639);
\endpipeline
UPDATE licenses SET used = used + 1, version = version + 1, started_at = coalesce(started_at, NULL),
    expires_at = coalesce(expires_at, NULL)
WHERE id = :license AND state = 'active'
    AND (coalesce(max_activations, (SELECT p.max_activations FROM products p WHERE p.id = product_id)) = 0
    OR used < coalesce(max_activations, (SELECT p.max_activations FROM products p WHERE p.id = product_id)));
RELEASE SAVEPOINT attempt;
SELECT wrapped FROM customer_keys WHERE customer_id = 123;
INSERT INTO journal (id, type, type_version, subject, subject_version, data, actor, request_id, at)
VALUES (:seat, 'activation.created', 1, 'lic_' || upper(substr(md5(:license::text), 1, 13)), 2, repeat('x', {data}),
    'installation', md5(:seat::text), 1795626880639);
INSERT INTO seat_addresses (place_key, activation_id, network, address, peer, first_seen, last_seen)
VALUES (decode(md5('p' || :seat::bigint), 'hex'), :seat, '203.0.113.0/24', '203.0.113.7', '127.0.0.1', 1795626880639,
    1795626880639)
ON CONFLICT (place_key) DO UPDATE SET activation_id = excluded.activation_id, address = excluded.address,
    peer = excluded.peer, last_seen = excluded.last_seen;
\startpipeline
SELECT pg_current_xact_id_if_assigned()::text::bigint;
COMMIT;
\endpipeline
"""


class Contender:
    """What claims seats, and its rounds: claims a second, median and 99th percentile of their latency in ms."""

    def __init__(self, name, run):
        self.name, self.run, self.rounds = name, run, []

    def column(self, number):
        return [each[number] for each in self.rounds]

    def shown(self, number, digits):
        values = self.column(number)
        middle = statistics.median(values)
        return f"{middle:,.{digits}f} ± {(max(values) - min(values)) / 2 / middle:.0%}"


def seats(server):
    return int(ask(server, "SELECT count(*) FROM activations"))


def through_signet(server, installation, keys, clients, seconds):
    """A node of its own for each round: newcomers of one license are limited by what a node has seen of them."""
    with Signet(installation, SIGNET_DATABASE=server.address) as node:
        post(server, node.port, keys, clients, 1)
        return post(server, node.port, keys, clients, seconds)


def post(server, port, keys, clients, seconds):
    before = seats(server)
    settings = {"BENCH_KEYS": " ".join(keys), "BENCH_RUN": f"{os.getpid()}-{next(RUNS)}"}
    output = subprocess.run(
        ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "10s",
         "--script", str(REPOSITORY / "Benchmarks" / "claims.lua"), f"http://127.0.0.1:{port}{VALIDATE}"],
        env={**os.environ, **settings}, stdout=subprocess.PIPE, text=True, check=True).stdout
    requests, microseconds, failed, median, most = map(int, output.rpartition("BENCH ")[2].split())
    taken = seats(server) - before
    # Those still under way at the end of a run are seats that wrk did not count, of the warm-up and of this one.
    if failed or not requests <= taken <= requests + 2 * clients:
        sys.exit(f"bench: {requests} requests, {failed} of them failed, took {taken} seats\n{output}")
    return requests / microseconds * 1e6, median / 1000, most / 1000


def through_pgbench(server, script, clients, seconds):
    with tempfile.TemporaryDirectory(prefix="signet-pgbench-") as folder:
        file = pathlib.Path(folder, "claim.sql")
        file.write_text(script)
        run = subprocess.run(
            [binary("pgbench"), *connection(server), "--no-vacuum", "--protocol=prepared", f"--client={clients}",
             f"--time={seconds}", f"--random-seed={next(postgresql.SEEDS)}", "--log",
             f"--log-prefix={folder}/log", f"--file={file}", "signet"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        rate = re.search(r"tps = ([\d.]+)", run.stdout)
        failed = re.search(r"number of failed transactions: (\d+)", run.stdout)
        if run.returncode or not rate or failed and int(failed[1]):
            sys.exit(f"bench: {run.stdout}{run.stderr}")
        # Client, its transaction, microseconds, …
        lines = [line for log in pathlib.Path(folder).glob("log.*") for line in log.read_text().splitlines()]
    latencies = sorted(int(line.split()[2]) / 1000 for line in lines)
    return float(rate[1]), percentile(latencies, 0.5), percentile(latencies, 0.99)


def sell(installation, count, **settings):
    installation.run("customer", "create", "--id", "123", **settings)
    installation.run("product", "create", "panel", "--type", "professional", "--features", "whm,billing", **settings)
    return [installation.json("license", "generate", "--customer", "123", "--product", "panel", "--expires",
                              "+365 days", "--max-activations", "0", **settings) for _ in range(count)]


def choice(ids, first=1):
    """What pgbench has instead of a list: `:number` of `ids`, by halves."""
    if len(ids) == 1:
        return ids[0]
    half = len(ids) // 2
    low, high = choice(ids[:half], first), choice(ids[half:], first + half)
    return f"case when :number < {first + half} then {low} else {high} end"


def claim_script(server):
    """The claim, over the licenses that signet's clients have."""
    ids = ask(server, "SELECT id FROM licenses").split()
    data = int(ask(server, "SELECT coalesce(max(length(data)), 320) FROM journal WHERE type = 'activation.created'"))
    return CLAIM.format(count=len(ids), license=choice(ids), data=data)


def claims(server, label, installation, keys, options):
    """Rows of both, in turns, for each number of clients."""
    script, rows = claim_script(server), []
    for clients in options.clients:
        both = (
            Contender("signet", lambda: through_signet(server, installation, keys, clients, options.seconds)),
            Contender("pgbench", lambda: through_pgbench(server, script, clients, options.seconds)))
        for _ in range(options.rounds):
            for contender in both:
                contender.rounds.append(contender.run())
        signet, pgbench = (statistics.median(each.column(0)) for each in both)
        for each in both:
            ratio = f"{signet / pgbench:.2f}" if each is both[0] else ""
            rows.append((label, clients, each.name, each.shown(0, 0), each.shown(1, 2), each.shown(2, 2), ratio,
                         f"{os.getloadavg()[0]:.1f}"))
            print(*rows[-1], sep=" | ", file=sys.stderr, flush=True)
    return rows


def warm(folder, server, installation, key, options):
    """CPU µs of a repeated validation on both databases, in turns."""
    alone = Installation(pathlib.Path(folder, "alone"))
    alone.folder.mkdir()
    license = sell(alone, 1)[0]["license_key"]
    pinned = {"prefix": ("taskset", "--cpu-list", validate.SERVER_CORE)}
    with Signet(installation, SIGNET_DATABASE=server.address, **pinned) as many, Signet(alone, **pinned) as single:
        both = []
        for name, node, which in (("PostgreSQL", many, key), ("SQLite", single, license)):
            body = f'{{"license_key":"{which}","domain":"warm.example.org","ip":"203.0.113.7"}}'
            if not node.post(body).json["valid"]:
                sys.exit(f"bench: not a valid license on {name}")
            both.append((validate.Contender(name, node.port, node.process), body))
            validate.load(*both[-1], 1, 64)
        for _ in range(options.rounds):
            for contender, body in both:
                contender.rounds.append(validate.load(contender, body, options.seconds, 64))
    return [(each.name, f"{each.median('cpu_us'):.2f} ± {each.spread('cpu_us'):.0%}",
             f"{each.median('rate'):,.0f} ± {each.spread('rate'):.0%}") for each, _ in both]


def reach(folder, server, installation, options):
    """Milliseconds from the end of `license revoke` on one node until the other refuses: ordered."""
    other = Installation(pathlib.Path(folder, "other"))
    other.folder.mkdir()
    other.options = ["--data", str(other.data), "--keys", str(installation.keys)]
    database, milliseconds = {"SIGNET_DATABASE": server.address}, []
    licenses = [installation.json("license", "generate", "--customer", "123", "--product", "panel", **database)
                for _ in range(options.revocations)]
    with Signet(installation, **database), Signet(other, **database) as second:
        wire = second.connection()
        for license in licenses:
            second.validate(license, connection=wire)
            installation.run("license", "revoke", license["id"], "--reason", "benchmark", **database)
            began = time.monotonic()
            while second.validate(license, connection=wire)["code"] != "REVOKED":
                if time.monotonic() - began > validate.PATIENCE:
                    sys.exit("bench: a revocation never reached the other node")
            milliseconds.append((time.monotonic() - began) * 1000)
        wire.close()
    return sorted(milliseconds)


def bench(options, folder):
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(postgresql.Server(DURABLE))
        database, installation = {"SIGNET_DATABASE": server.address}, Installation(folder)
        keys = [each["license_key"] for each in sell(installation, options.licenses, **database)]
        rows = claims(server, "one server", installation, keys, options)
        with Standby(server):
            rows += claims(server, "synchronous standby", installation, keys, options)
        header = ("server", "clients", "by", "claims/s", "p50 ms", "p99 ms", "signet ÷ pgbench", "load")
        print(Table("claims", None, header, rows).markdown(), end="\n\n", flush=True)
        rows = warm(folder, server, installation, keys[0], options)
        print(Table("warm", None, ("database", "CPU µs", "requests/s"), rows).markdown(), end="\n\n", flush=True)
        found = reach(folder, server, installation, options)
        print(f"{len(found)} revocations reached the other node: median {percentile(found, 0.5):.0f} ms, "
              f"p99 {percentile(found, 0.99):.0f} ms, max {found[-1]:.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--licenses", type=int, default=256, help="whose seats are claimed, by all clients")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each round of each contender")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32, 64])
    parser.add_argument("--revocations", type=int, default=100)
    parser.add_argument("--binary", default=str(REPOSITORY / ".build" / "release" / "signet"))
    options = parser.parse_args()
    os.environ["SIGNET_BINARY"] = options.binary
    with tempfile.TemporaryDirectory(prefix="signet-bench-") as folder:
        bench(options, folder)


if __name__ == "__main__":
    main()
