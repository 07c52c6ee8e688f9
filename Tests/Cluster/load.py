"""Load on a cluster, and a ledger of what the cluster acknowledged, kept outside of it.

A writer takes seats one after the other. What it was told it got is on its own disk before it asks for the next; what
was left open it asks for again, as an installation does, until it is told yes or no. A reader validates known licenses,
and notes each answer that was wrong or late.
"""

import dataclasses
import json
import os
import threading
import time

GRANTED, REFUSED, OPEN = "granted", "refused", "open"
# Seconds between two tries of what was left open.
TRY_AGAIN_SECONDS = 0.25
# Seconds a thread of load may take to end: longer than any answer is waited for.
JOINED_WITHIN = 60
# Seconds from which an answer is noted as slow.
SLOW_SECONDS = 1.0


class Ledger:
    """What one writer was told it got: a line for each (license, domain)."""

    def __init__(self, path):
        self._file = open(path, "a+b", buffering=0)

    def record(self, license, domain):
        """Kept on disk when this returns."""
        self._file.write(json.dumps([license, domain]).encode() + b"\n")
        os.fsync(self._file.fileno())

    def entries(self):
        """Read back from the disk."""
        self._file.seek(0)
        return [tuple(json.loads(line)) for line in self._file]

    def close(self):
        self._file.close()


@dataclasses.dataclass
class Findings:
    """What a database holds beside what was acknowledged and what is allowed."""

    lost: list
    duplicate: list
    over_issued: list
    acknowledged: int

    def __bool__(self):
        return bool(self.lost or self.duplicate or self.over_issued)

    def __str__(self):
        parts = [f"{self.acknowledged} acknowledged"]
        for name in ("lost", "duplicate", "over_issued"):
            found = getattr(self, name)
            parts.append(f"{len(found)} {name}" + (f" {found[:5]}" if found else ""))
        return ", ".join(parts)


def compare(acknowledged, held, seats):
    """`acknowledged` and `held` are lists of (license, domain); `seats` is how many each license allows."""
    counts, licenses = {}, {}
    for license, domain in held:
        counts[license, domain] = counts.get((license, domain), 0) + 1
        licenses[license] = licenses.get(license, 0) + 1
    return Findings(
        lost=sorted(set(acknowledged) - set(counts)),
        duplicate=sorted(pair for pair, count in counts.items() if count > 1),
        over_issued=sorted((license, count) for license, count in licenses.items() if count > seats[license]),
        acknowledged=len(acknowledged),
    )


class Worker(threading.Thread):
    """One thread of load, at a steady rate while it is answered."""

    def __init__(self, client, per_second):
        super().__init__(daemon=True)
        self.client, self._interval = client, 1 / per_second
        self._is_over = threading.Event()
        self.failure = None

    def run(self):
        next_at = time.monotonic()
        try:
            while not self._is_over.is_set():
                self.step()
                next_at = max(next_at + self._interval, time.monotonic() - self._interval)
                self._is_over.wait(max(0, next_at - time.monotonic()))
        except Exception as error:  # the test tells it
            self.failure = error
        finally:
            self.client.close()

    def stop(self):
        self._is_over.set()

    def pause_before_next_try(self):
        """False when it is told to stop."""
        return not self._is_over.wait(TRY_AGAIN_SECONDS)


class Writer(Worker):
    """Takes seats of `licenses` in turn, each for a domain that no other ever asks for."""

    def __init__(self, client, licenses, name, ledger, per_second):
        super().__init__(client, per_second)
        self._licenses, self._name, self.ledger = licenses, name, ledger
        self._count = 0
        # When each acknowledged request was first sent and when it was answered.
        self.grants, self.refusals, self.opens = [], 0, 0

    def step(self):
        license = self._licenses[self._count % len(self._licenses)]
        domain = f"{self._name}-{self._count}.com"
        self._count += 1
        while True:
            asked = time.monotonic()
            outcome = self.client.claim(license, domain)
            if outcome == GRANTED:
                self.ledger.record(license, domain)
                self.grants.append((asked, time.monotonic()))
            self.refusals += outcome == REFUSED
            self.opens += outcome == OPEN
            if outcome != OPEN or not self.pause_before_next_try():
                return

    def first_grant_after(self, instant):
        return next((answered for asked, answered in list(self.grants) if asked > instant), None)


class Reader(Worker):
    """Validates `known` pairs of license and domain in turn."""

    def __init__(self, client, known, per_second):
        super().__init__(client, per_second)
        self._known = known
        self.count, self.stale, self.wrong, self.slow = 0, 0, [], []

    def step(self):
        license, domain = self._known[self.count % len(self._known)]
        self.count += 1
        asked = time.monotonic()
        answer = self.client.validate(license, domain)
        seconds = time.monotonic() - asked
        self.stale += answer.is_stale
        if not answer.is_valid:
            self.wrong.append((asked, str(answer)))
        if seconds > SLOW_SECONDS:
            self.slow.append((asked, round(seconds, 2)))


class Load:
    """Writers and readers together, and what became of what they asked."""

    def __init__(self, folder, writers=(), readers=()):
        """`writers` are (client, licenses, per second), `readers` (client, known pairs, per second)."""
        folder.mkdir(parents=True, exist_ok=True)
        self.writers = [
            Writer(client, licenses, f"{folder.name}-w{index}", Ledger(folder / f"ledger-{index}"), rate)
            for index, (client, licenses, rate) in enumerate(writers)
        ]
        self.readers = [Reader(*reader) for reader in readers]

    def __enter__(self):
        for worker in [*self.writers, *self.readers]:
            worker.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it; `acknowledged` is complete then. What made a thread fail is raised here."""
        for worker in [*self.writers, *self.readers]:
            worker.stop()
        for worker in [*self.writers, *self.readers]:
            worker.join(JOINED_WITHIN)
            if worker.is_alive():
                raise TimeoutError(f"{worker.name} waits for an answer for more than {JOINED_WITHIN} s")
            if worker.failure is not None:
                raise worker.failure

    def close(self):
        for writer in self.writers:
            writer.ledger.close()

    @property
    def acknowledged(self):
        return [entry for writer in self.writers for entry in writer.ledger.entries()]

    @property
    def granted(self):
        return sum(len(writer.grants) for writer in self.writers)

    @property
    def refused(self):
        """Claims that were answered with no: the license is full."""
        return sum(writer.refusals for writer in self.writers)

    @property
    def opens(self):
        """Claims that nobody answered, or 503."""
        return sum(writer.opens for writer in self.writers)

    @property
    def validations(self):
        return sum(reader.count for reader in self.readers)

    @property
    def stale(self):
        return sum(reader.stale for reader in self.readers)

    @property
    def wrong(self):
        return [each for reader in self.readers for each in reader.wrong]

    @property
    def slow(self):
        return [each for reader in self.readers for each in reader.slow]

    def first_grant_after(self, instant):
        """When the first request that was sent after `instant` was granted, or nothing so far."""
        return min(filter(None, (writer.first_grant_after(instant) for writer in self.writers)), default=None)

    def first_grants_after(self, instant):
        """The same for each writer; nothing as long as one of them waits."""
        grants = [writer.first_grant_after(instant) for writer in self.writers]
        return grants if all(grants) else None
