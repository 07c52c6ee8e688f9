"""How many installations call in each second, in peace and after an outage.

Each installation is a clock of its own: after an answer it calls again when `next_check_at` says (TokenMint), after a
failure when its client's back-off says (CheckLimits). Nothing couples them but the outage, so each is followed alone.
"""

import random
import typing

from tables import Table, rough

SEED = 20261101
INSTALLATIONS = 100_000_000
# Followed ones; each stands for as many as there are of it.
SAMPLE = 40_000
DAY = 86_400
JITTER = 0.2
BACKOFF_MIN, BACKOFF_MAX, BACKOFF_JITTER = 900, 5 * 3600, 0.2
# Long enough that a bin holds some 420 calls of the sample: 5 % of noise.
BIN = 900
DAYS = 3
MEAN = INSTALLATIONS / DAY


class Client(typing.NamedTuple):
    """How an installation chooses its next call."""

    jitter: float = JITTER
    backs_off: bool = True

    def after_answer(self, chance):
        return DAY * (1 - self.jitter + 2 * self.jitter * chance.random())

    def after_failure(self, failures, chance):
        if not self.backs_off:
            return 60
        base = min(BACKOFF_MIN * 2 ** (failures - 1), BACKOFF_MAX)
        return base * (1 + BACKOFF_JITTER * chance.random())


OURS, STUBBORN, REGULAR = Client(), Client(backs_off=False), Client(jitter=0)
SCENARIOS = (
    ("no outage", OURS, 0, None),
    ("1 h without the service", OURS, 3600, None),
    ("8 h without the service", OURS, 8 * 3600, None),
    ("24 h without the service", OURS, DAY, None),
    ("1 h, clients that try again each minute", STUBBORN, 3600, None),
    ("1 h, clients that call each 24 h exactly", REGULAR, 3600, None),
    ("all installed within ten minutes", OURS, 0, 600),
)


def calls(client, outage, burst, chance):
    """Instants at which one installation calls, from the outage's begin (0) on."""
    now, failures = (chance.random() * burst, 0) if burst else (-DAY * (1 + chance.random()), 0)
    end = outage + DAYS * DAY
    while now < end:
        if now >= 0:
            yield now
        if 0 <= now < outage:
            failures += 1
            now += client.after_failure(failures, chance)
        else:
            failures = 0
            now += client.after_answer(chance)


def rates(client, outage, burst, seed, sample=SAMPLE):
    """Calls a second of all installations in each bin from the outage's begin on."""
    chance = random.Random(seed)
    bins = [0] * ((outage + DAYS * DAY) // BIN)
    for _ in range(sample):
        for instant in calls(client, outage, burst, chance):
            bins[int(instant // BIN)] += 1
    return [count * (INSTALLATIONS / sample) / BIN for count in bins]


def settled_after(bins, mean=MEAN, near=0.25, run=4):
    """Hours until an hour's bins are all near the mean; None when that does not come."""
    for first in range(len(bins) - run + 1):
        if all(abs(rate - mean) <= near * mean for rate in bins[first:first + run]):
            return first * BIN / 3600
    return None


def row(name, client, outage, burst, seed):
    bins = rates(client, outage, burst, seed)
    during, after = bins[:outage // BIN], bins[outage // BIN:]
    first, second = (after[day * DAY // BIN:(day + 1) * DAY // BIN] for day in (0, 1))
    # The first half day is the return of those that failed; a day later they come back as their answers told them.
    half = len(first) // 2
    hours = settled_after(after)
    return (
        name, rough(max(during)) if during else "–", rough(max(first[:half])), f"{max(first[:half]) / MEAN:.1f}",
        rough(max(first[half:] + second[:half])), "over 72" if hours is None else f"{hours:g}",
    )


def table(seed=SEED):
    header = ("clients and outage", "failing calls/s, most", "calls/s after it, most", "× mean",
              "calls/s a day later, most", "h until near the mean")
    return Table("herd", seed, header, [row(*scenario, seed) for scenario in SCENARIOS])
