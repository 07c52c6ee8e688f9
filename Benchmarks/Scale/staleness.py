"""When a revocation is on every one of N nodes.

A node sleeps 200 ms, then reads in one view: four statements when nothing changed, seven when a license did
(MemoryFollower), one after another. A change is seen by the first reading that begins after its commit, once no older
transaction of the same PostgreSQL cluster is running.
"""

import bisect
import math
import random
import typing

from tables import Table, percentile

SEED = 20261103
SLEEP = 0.2
STATEMENTS_IDLE, STATEMENTS_CHANGED = 4, 7
# The least time after which Linux sends a lost segment again, doubled each time.
RESEND = 0.2
SPREAD = 0.3
SAMPLE = 40_000
REVOCATIONS = 20_000
NODES = (3, 44, 200)


class Network(typing.NamedTuple):
    """`trip`: seconds there and back, the median. `loss`: chance that a trip loses a segment. `lag`: seconds by which
    the server that is asked is behind the primary. `held`: seconds for which somebody else's transaction stays open,
    and `held_every`: seconds from one to the next."""

    trip: float
    loss: float = 0.0001
    lag: float = 0
    held: float = 0
    held_every: float = 60

    def statement(self, chance):
        seconds, resend = self.trip * math.exp(chance.gauss(0, SPREAD)), RESEND
        while chance.random() < self.loss:
            seconds += resend
            resend *= 2
        return seconds


SCENARIOS = (
    ("one region, 0.5 ms", Network(0.0005)),
    ("one region, 1 % of segments lost", Network(0.0005, loss=0.01)),
    ("80 ms away", Network(0.08)),
    ("80 ms away, beside a standby 40 ms behind", Network(0.0005, lag=0.04)),
    ("one region, a 3 s transaction each minute", Network(0.0005, held=3)),
)


def delay(network, chance):
    """Seconds from a commit, with no older transaction about, to one node's memory."""
    idle = SLEEP + sum(network.statement(chance) for _ in range(STATEMENTS_IDLE))
    changed = sum(network.statement(chance) for _ in range(STATEMENTS_CHANGED))
    return network.lag + chance.random() * idle + changed


def held_back(network, chance):
    """Seconds for which an older transaction still runs, the same for all nodes."""
    since = chance.random() * network.held_every
    return max(0.0, network.held - since)


def last_of(nodes, network, sample, chance):
    """Ordered seconds until the last of `nodes` knows, for many revocations; `sample`: ordered delays of one node.

    Nodes are alike and independent, so the slowest of n is drawn at once: the sample's value at U^(1/n).
    """
    return sorted(
        held_back(network, chance) + percentile(sample, chance.random() ** (1 / nodes)) for _ in range(REVOCATIONS))


def within(ordered, seconds):
    return bisect.bisect_right(ordered, seconds) / len(ordered)


def rows(name, network, seed):
    chance = random.Random(seed)
    sample = sorted(delay(network, chance) for _ in range(SAMPLE))
    for nodes in NODES:
        times = last_of(nodes, network, sample, chance)
        figures = [f"{percentile(times, share) * 1000:,.0f}" for share in (0.5, 0.99, 1)]
        yield name, nodes, *figures, f"{math.floor(within(times, 1) * 10_000) / 100:.2f} %"


def table(seed=SEED):
    header = ("network", "nodes", "median ms", "p99 ms", "most ms", "within 1 s")
    return Table("staleness", seed, header, [row for scenario in SCENARIOS for row in rows(*scenario, seed)])
