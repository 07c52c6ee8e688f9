"""What waits, what is refused, and what comes back when the primary is away.

One node of many is followed, in steps of 0.1 s. Nothing is served while the primary is away: its host answers nobody,
which is the worst case (a refused connection would be told at once). Claims wait 2 s in a line of 4,096, confirmations
of unknown keys 5 s among 1,024; whoever is refused asks again as his kind does.
"""

import collections
import math
import random
import typing

from tables import Table, rough, whole

SEED = 20261105
AWAY = 45
STEP = 0.1
# Seconds of calls before the primary goes, and after it came back.
BEFORE, AFTER = 5, 1800


class Line(typing.NamedTuple):
    """A bounded line of a node (SeatQueue, MissConfirmation)."""

    depth: int
    patience: float


CLAIMS, MISSES = Line(4096, 2.0), Line(1024, 5.0)
# Seconds until somebody who was refused asks again: a person at a setup page heeds Retry-After and chance; an installed
# client takes the first step of its back-off.
PERSON, CLIENT = (1.0, 2.0), (900.0, 1080.0)


class Node:
    """One node's line, by the step in which each of those who wait came."""

    def __init__(self, line, comes_back, capacity, chance):
        self.line, self.comes_back, self.capacity, self.chance = line, comes_back, capacity, chance
        self.waiting, self.length = collections.deque(), 0
        self.again = collections.Counter()
        self.refused = self.longest = self.most = 0
        self.spare = 0.0

    def refuse(self, step, count):
        self.refused += count
        for _ in range(count):
            delay = self.chance.uniform(*self.comes_back)
            self.again[step + max(1, round(delay / STEP))] += 1

    def arrive(self, step, count):
        count += self.again.pop(step, 0)
        self.most = max(self.most, count)
        room = min(count, self.line.depth - self.length)
        self.waiting.append((step, room))
        self.length += room
        self.refuse(step, count - room)

    def give_up(self, step):
        """Whoever waited too long is refused."""
        while self.waiting and (step - self.waiting[0][0]) * STEP >= self.line.patience:
            count = self.waiting.popleft()[1]
            self.length -= count
            self.refuse(step, count)

    def serve(self):
        self.spare = min(self.spare + self.capacity * STEP, max(1.0, self.capacity * STEP))
        while self.waiting and self.spare >= 1:
            step, count = self.waiting.popleft()
            served = min(count, int(self.spare))
            self.spare -= served
            self.length -= served
            if count > served:
                self.waiting.appendleft((step, count - served))
                return


def poisson(mean, chance):
    """Arrivals in a step; for many, the normal distribution near it."""
    if mean > 50:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, chance.random()
    while product > limit:
        count += 1
        product *= chance.random()
    return count


def run(arrivals, capacity, line, comes_back, seed, away=AWAY):
    """One node at `arrivals` a second, whose part of the primary serves `capacity` a second. The node, and seconds from
    the primary's return until nobody is refused any more."""
    chance = random.Random(seed)
    node, calm = Node(line, comes_back, capacity, chance), 0
    gone, back = round(BEFORE / STEP), round((BEFORE + away) / STEP)
    for step in range(back + round(AFTER / STEP)):
        before = node.refused
        node.arrive(step, poisson(arrivals * STEP, chance))
        if not gone <= step < back:
            node.serve()
        node.give_up(step)
        node.longest = max(node.longest, node.length)
        if node.refused > before:
            calm = step
    return node, max(0.0, (calm - back) * STEP)


# Over all nodes: requests that need the primary each second, and what the primary settles (docs/scale.md).
SCENARIOS = (
    ("1 % of 100 M a day, clients", 12, 600, 44, CLAIMS, CLIENT),
    ("a hundred times that, clients", 1_200, 3_000, 44, CLAIMS, CLIENT),
    ("the same, people", 1_200, 3_000, 44, CLAIMS, PERSON),
    ("the same on 6 nodes, people", 1_200, 3_000, 6, CLAIMS, PERSON),
    ("the same, 6 nodes, a primary with little to spare", 1_200, 1_300, 6, CLAIMS, PERSON),
    ("unknown keys, 1 % of 1 M/s", 10_000, 400_000, 44, MISSES, PERSON),
    ("unknown keys, 3 % of 1 M/s", 30_000, 400_000, 44, MISSES, PERSON),
)


def row(name, arrivals, capacity, nodes, line, comes_back, seed):
    node, calm = run(arrivals / nodes, capacity / nodes, line, comes_back, seed)
    return (name, whole(arrivals), nodes, whole(capacity), f"{whole(node.longest)} of {whole(line.depth)}",
            rough(node.refused * nodes), rough(node.most / STEP), f"{calm:.0f}")


def table(seed=SEED):
    header = ("what needs the primary", "each second", "nodes", "primary settles/s", "longest line of a node",
              "refused, all nodes", "most calls/s at a node", "s until none is refused")
    return Table("failover", seed, header, [row(*scenario, seed) for scenario in SCENARIOS])
