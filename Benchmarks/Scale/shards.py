"""How evenly shards by key hash are loaded when few licenses make most of the calls."""

import math
import random
import statistics

from tables import Table

SEED = 20261104
LICENSES = 100_000_000
# Licenses that are dealt out one by one; all others together are spread as evenly as their number says.
HOT = 3_000
DEALS = 20
EXPONENTS = (0.5, 0.8, 1.0, 1.2)
SHARDS = (4, 16, 64)


def shares(exponent):
    """Parts of the load of the hottest licenses, and of all others together: the k-th makes 1/k^exponent."""
    hot = [rank ** -exponent for rank in range(1, HOT + 1)]
    # The sum over the others, as an integral: its error is below the last term.
    if exponent == 1:
        rest = math.log(LICENSES / HOT)
    else:
        rest = (LICENSES ** (1 - exponent) - HOT ** (1 - exponent)) / (1 - exponent)
    whole = sum(hot) + rest
    return [weight / whole for weight in hot], rest / whole


def busiest(hot, rest, shards, chance):
    """Load of the busiest shard over the mean, for one deal."""
    load = [rest / shards] * shards
    for share in hot:
        load[chance.randrange(shards)] += share
    return max(load) * shards


def row(exponent, shards, seed):
    chance = random.Random(seed)
    hot, rest = shares(exponent)
    deals = [busiest(hot, rest, shards, chance) for _ in range(DEALS)]
    return (exponent, f"{hot[0]:.2%}", shards, f"{statistics.median(deals):.2f}", f"{max(deals):.2f}",
            f"{1 + hot[0] * (shards - 1):.2f}")


def table(seed=SEED):
    header = ("Zipf exponent", "the hottest license's part", "shards", "busiest ÷ mean, median", "worst of 20 deals",
              "the hottest alone")
    return Table("shards", seed, header, [row(exponent, shards, seed) for exponent in EXPONENTS for shards in SHARDS])
