"""The arithmetic of docs/scale.md. Every input stands here once; the page says where each comes from."""

import math

import uses
from tables import Table, rough, whole

LICENSES = 100_000_000
CALLS_PEAK = 1_000_000
DAY = 86_400
GB = 1e9

# Measured here: inputs() names the command of each.
BYTES_IN_MEMORY = 132.2
VALIDATE = {"today": 52.02e-6, "as nginx": 7.82e-6}
START_CPU = 3.50 / 1_000_000
ECDSA_SIGN, X25519 = 1 / 73_276, 1 / 45_334
HANDSHAKE = ECDSA_SIGN + 2 * X25519
AT_REST = 2_136
SEATS, WAL_SEAT = 1_619, 2_600
USES_SINGLY, USES_TOGETHER, WAL_USE = 28_206, 32_093, 720
FOLLOWED = 50_165
ANSWER_BODY = 1_328
# Assumed.
BUSY = 0.6
SPARE_NODES = 2
CORES_OF_NODE = 8
BYTES_IN, BYTES_AROUND, BYTES_HANDSHAKE = 600, 320, 5_000
BYTES_OUT = ANSWER_BODY + BYTES_AROUND
LINK = 10e9 / 8
BYTES_OF_ROWS = 300
CHANGES_PEAK = 1_200
POLLS = 5
EVENT_BYTES = 100
# Prices, assumed on 2026-11-25: dollars for a core and a GB of memory for a month, and a GB sent to the Internet.
CORE_MONTH, MEMORY_MONTH, SENT = 30, 3, 0.05
MONTH = 30 * DAY
# While memory is read again both indexes are held (MemoryReload).
SECOND_COPY = 2


INDEX = "`make bench-index ARGS=10000000`, 2026-11-25 (decision 0010)"
START = "`make bench-start`, 2026-11-25 (decision 0010), SQLite"
BENCH = "`make bench ARGS=\"--seconds 2\"`, 2026-11-25, machine shared"
SPEED = "`openssl speed -seconds 2 ecdsap256 ecdhx25519`, 2026-11-25"
POSTGRESQL = "`make bench-postgresql`, 2026-11-25"


def inputs():
    """What is counted with, and where each comes from."""
    measured = (
        ("bytes in memory for a license with one activation, 10 M", BYTES_IN_MEMORY, INDEX),
        ("CPU µs of a warm validation today", VALIDATE["today"] * 1e6, BENCH),
        ("the same as nginx needs: the goal of issue 5", VALIDATE["as nginx"] * 1e6, BENCH),
        ("CPU µs of a TLS 1.3 handshake's signature and key exchange", HANDSHAKE * 1e6, SPEED),
        ("CPU µs to read a license at the start", START_CPU * 1e6, START),
        ("bytes of an answer, of which its token", f"{ANSWER_BODY:,}, {uses.TOKEN_BYTES}", POSTGRESQL),
        ("bytes at rest for a license with one activation and two events", AT_REST, POSTGRESQL),
        ("activations/s, 32 clients, synchronous standby", SEATS, POSTGRESQL),
        ("bytes of WAL for an activation, without page images", WAL_SEAT, POSTGRESQL),
        ("places/s of last use, each by itself, 8 clients, synchronous standby", USES_SINGLY, POSTGRESQL),
        ("the same, statements over 500 places", USES_TOGETHER, POSTGRESQL),
        ("bytes of WAL for a place, without page images", WAL_USE, POSTGRESQL),
        ("licenses/s that one connection reads for a follower", FOLLOWED, POSTGRESQL),
    )
    stated = (
        ("CPU µs to sign, to verify", f"{uses.SIGN * 1e6:g}, {uses.VERIFY * 1e6:g}", "DESIGN D6; not measured again"),
        ("cores of a node, busy at most", f"{CORES_OF_NODE}, {BUSY:.0%}", "a usual machine; the rest is for peaks"),
        ("nodes beyond those needed", SPARE_NODES, "one that fails, one that is replaced"),
        ("bytes of a request", BYTES_IN, "reliability notes §4.5"),
        ("bytes around an answer's body", BYTES_AROUND, "header lines and TCP/IP"),
        ("bytes that a TLS handshake sends", BYTES_HANDSHAKE, "two certificates, and the connection's segments"),
        ("bytes of a license's rows on the wire", BYTES_OF_ROWS, "the columns that a start reads, as text"),
        ("changes/s at the peak", f"{CHANGES_PEAK:,}", "1 % of licenses a day, times 100"),
    )
    prices = (
        ("$ a month for a core, for a GB of memory", f"{CORE_MONTH}, {MEMORY_MONTH}", "a public cloud's order of size"),
        ("$ for a GB sent to the Internet", SENT, "the same; flat-rate hosts ask a tenth or nothing"),
    )
    rows = [(name, shown(value), "measured here", where) for name, value, where in measured]
    rows += [(name, value, "assumed", why) for name, value, why in stated]
    rows += [(name, value, "price on 2026-11-25 (assumed)", why) for name, value, why in prices]
    return Table("inputs", None, ("input", "value", "kind", "from"), rows)


def shown(value):
    return value if isinstance(value, str) else f"{value:,.1f}".removesuffix(".0")


def memory():
    rows = []
    for licenses in (1_000_000, 10_000_000, LICENSES, 1_000_000_000):
        held = licenses * BYTES_IN_MEMORY
        shards = math.ceil(held * SECOND_COPY / (48 * GB))
        rows.append((whole(licenses), f"{held / GB:.2f}", f"{held * SECOND_COPY / GB:.2f}",
                     f"{licenses * AT_REST / GB:,.0f}", whole(shards)))
    return Table("memory", None, ("licenses", "index GB", "while it is read again GB", "PostgreSQL at rest GB",
                               "shards so that a 64 GB node holds its part twice"), rows)


def nodes_for(cores):
    return math.ceil(cores / (CORES_OF_NODE * BUSY)) + SPARE_NODES


def processors():
    rows = []
    for rate, label in ((LICENSES / DAY, "each license once a day"), (10 * LICENSES / DAY, "ten times that"),
                        (CALLS_PEAK, "1 M/s")):
        for name, cost in VALIDATE.items():
            plain, secured = rate * cost, rate * (cost + HANDSHAKE)
            rows.append((label, rough(rate), name, rough(plain), nodes_for(plain), rough(secured), nodes_for(secured)))
    header = ("calls", "calls/s", "validation", "cores busy", f"nodes of {CORES_OF_NODE} cores",
              "cores with a TLS handshake for each", "nodes then")
    return Table("processors", None, header, rows)


def network():
    rows = []
    for rate in (10 * LICENSES / DAY, CALLS_PEAK):
        for name, extra in (("kept connections", 0), ("a handshake for each", BYTES_HANDSHAKE)):
            inward, outward = rate * BYTES_IN, rate * (BYTES_OUT + extra)
            rows.append((rough(rate), name, rough(inward * 8 / GB), rough(outward * 8 / GB),
                         math.ceil(outward / LINK / BUSY) + 1, rough(outward * DAY / 1e12)))
    header = ("calls/s", "connections", "Gbit/s in", "Gbit/s out", "links of 10 Gbit/s, one spare", "TB out in a day")
    return Table("network", None, header, rows)


def primary():
    """What the writes ask for, as parts of one primary as measured."""
    changes = (("activations, 1 % of licenses a day", LICENSES / 100 / DAY, SEATS, WAL_SEAT),
               ("activations, 100 times that", LICENSES / DAY, SEATS, WAL_SEAT),
               ("last use, each license once a day", LICENSES / DAY, USES_SINGLY, WAL_USE),
               ("last use, 1 M/s, as it is written today", CALLS_PEAK, USES_SINGLY, WAL_USE),
               ("the same, statements over many places", CALLS_PEAK, USES_TOGETHER, WAL_USE),
               ("the same, once an hour, by key hash", LICENSES / 3600, USES_TOGETHER, WAL_USE))
    rows = [(name, rough(rate), whole(able), rough(rate / able), rough(rate * wal / 1e6))
            for name, rate, able, wal in changes]
    return Table("primary", None, ("what", "rows/s", "measured at most", "primaries of 2 cores", "MB/s of WAL"), rows)


def feed():
    rows = []
    for nodes in (3, 44, 200):
        rows.append((nodes, nodes * POLLS, rough(nodes * CHANGES_PEAK), rough(nodes * CHANGES_PEAK / FOLLOWED),
                     rough(nodes * CHANGES_PEAK * (EVENT_BYTES + BYTES_OF_ROWS) / 1e6)))
    header = ("nodes", "polls/s", f"licenses read/s at {CHANGES_PEAK:,} changes/s", "connections busy with it", "MB/s")
    return Table("feed", None, header, rows)


def start():
    rows = []
    for licenses in (1_000_000, 10_000_000, LICENSES):
        sent = licenses * BYTES_OF_ROWS
        rows.append((whole(licenses), rough(licenses * START_CPU), rough(sent / GB), rough(sent / LINK),
                     rough(44 * sent / LINK), rough(licenses * BYTES_IN_MEMORY / LINK)))
    header = ("licenses", "CPU s on one core", "GB of rows", "s on a 10 Gbit/s link", "s, 44 nodes from one server",
              "s, a file of the index over the link")
    return Table("start", None, header, rows)


def cost():
    rows = []
    for label, rate, validate, handshake in (
        ("each license once a day", LICENSES / DAY, "today", True),
        ("1 M/s, kept connections", CALLS_PEAK, "today", False),
        ("1 M/s, kept connections", CALLS_PEAK, "as nginx", False),
        ("1 M/s, a handshake for each", CALLS_PEAK, "as nginx", True),
    ):
        nodes = max(3, nodes_for(rate * (VALIDATE[validate] + (HANDSHAKE if handshake else 0))))
        machines = nodes * (CORES_OF_NODE * CORE_MONTH + 64 * MEMORY_MONTH)
        sent = rate * (BYTES_OUT + (BYTES_HANDSHAKE if handshake else 0)) * MONTH / GB * SENT
        rows.append((label, validate, nodes, rough(machines), rough(sent), f"{sent / (sent + machines):.0%}",
                     f"{(sent + machines) / (rate * MONTH) * 1e6:.2f}"))
    header = ("calls", "validation", "nodes", "$ a month for nodes", "$ a month for traffic", "traffic's part",
              "$ for a million calls")
    return Table("cost", None, header, rows)


TABLES = {each.__name__: each for each in (inputs, memory, processors, network, primary, feed, start, cost)}
