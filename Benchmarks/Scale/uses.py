"""What a million checks a second write and sign.

A token is signed once for a place and hour *on each node that is asked*, as far as its cache holds it; a time of last
use is stored once for a place and window *by each node that is asked*. So both depend on who is asked.
"""

import random

from tables import Table, rough

SEED = 20261102
PLACES = 100_000_000
HOUR, DAY = 3600, 86_400
NODES = 44
# A node's token cache: 64 stripes, each emptied when it is full (TokenCache).
STRIPES = 64
CACHE = 64 << 20
GIB = 1 << 30
TOKEN_BYTES = 666
# Seconds of a core: Ed25519 and the check of what was signed (DESIGN D6, decision 0007).
SIGN, VERIFY = 16.6e-6, 75.8e-6
# Places in the stripe that is followed; its room shrinks with it.
STRIPE_SAMPLE = 3_000
CALLS_SAMPLE = 100_000
PLACES_SAMPLE = 60
# Places in a flush on a shared database (LicensingService+LastSeen.swift).
FLUSH = 250


def signed_share(interval, routed, cache, seed, nodes=NODES, calls=CALLS_SAMPLE):
    """Part of the calls to one stripe of one node that needs a signature, once its cache is as full as it gets."""
    chance = random.Random(seed)
    real = PLACES / STRIPES / (nodes if routed else 1)
    room = max(1, round(cache / STRIPES / TOKEN_BYTES * STRIPE_SAMPLE / real))
    # Without routing each node sees a place as often as its share of the calls.
    gap = interval * (1 if routed else nodes) / STRIPE_SAMPLE
    tokens, now, signed = {}, 0.0, 0
    for call in range(2 * calls):
        now += chance.expovariate(1 / gap)
        place = chance.randrange(STRIPE_SAMPLE)
        # Each place's hours begin at its own moment.
        hour = int(now + place * HOUR / STRIPE_SAMPLE) // HOUR
        if tokens.get(place) == hour:
            continue
        signed += call >= calls
        if place not in tokens and len(tokens) >= room:
            tokens.clear()
        tokens[place] = hour
    return signed / calls


def stored_rate(interval, routed, window, seed, nodes=NODES, sample=PLACES_SAMPLE):
    """Times of last use stored a second over all places."""
    chance = random.Random(seed)
    length = max(2 * DAY, 40 * interval)
    stored = 0
    for _ in range(sample):
        now, written = chance.random() * interval, {}
        while now < length:
            node = 0 if routed else chance.randrange(nodes)
            if now - written.get(node, -window) >= window:
                written[node] = now
                # The first day fills what nodes remember.
                stored += now >= length / 2
            now += interval * (0.8 + 0.4 * chance.random())
    return stored / sample / (length / 2) * PLACES


CASES = (
    (DAY, False, CACHE), (100, False, CACHE), (100, True, CACHE), (100, False, 2 * GIB), (100, True, 2 * GIB),
    (100, False, 72 * GIB),
)
WINDOWS = ((DAY, False, 5), (100, False, 5), (100, True, 5), (100, False, HOUR), (100, True, HOUR), (100, True, DAY))


def named(seconds):
    return {5: "5 s", 100: "100 s", HOUR: "1 h", DAY: "24 h"}[seconds]


def way(routed):
    return "by key hash" if routed else "any node"


def size(cache):
    return f"{cache / GIB:g} GiB" if cache >= GIB else f"{cache >> 20} MiB"


def signatures(seed=SEED):
    rows = []
    for interval, routed, cache in CASES:
        share = signed_share(interval, routed, cache, seed)
        rate = share * PLACES / interval
        rows.append((named(interval), rough(PLACES / interval), way(routed), size(cache), f"{share:.0%}", rough(rate),
                     rough(rate * (SIGN + VERIFY)), rough(rate * 2 * SIGN)))
    header = ("each place calls", "calls/s", "asked", "token cache of a node", "signed", "signatures/s",
              "cores, sign and verify", "cores, sign twice")
    return Table("signatures", seed, header, rows)


def last_use(seed=SEED):
    rows = []
    for interval, routed, window in WINDOWS:
        rate = stored_rate(interval, routed, window, seed)
        rows.append((named(interval), way(routed), named(window), rough(rate), rough(rate / FLUSH)))
    header = ("each place calls", "asked", "stored once in", "places stored/s", f"commits/s of {FLUSH}")
    return Table("last-use", seed, header, rows)
