"""Looks at nodes from outside, several times a second, while a cluster is broken."""

import threading
import time

import lab

EVERY_SECONDS = 0.2


class ReadinessWatch:
    """When each of `nodes` became ready for good, as a load balancer sees it."""

    def __init__(self, nodes):
        self._nodes = nodes
        self._is_over = threading.Event()
        self._seen = [(False, time.monotonic())] * len(nodes)
        self._threads = [
            threading.Thread(target=self._look, args=(place,), daemon=True) for place in range(len(nodes))
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        for thread in self._threads:
            thread.join(lab.PATIENCE)

    def _look(self, place):
        while not self._is_over.wait(EVERY_SECONDS):
            is_ready = self._nodes[place].ready()[0] == 200
            was_ready, _ = self._seen[place]
            if is_ready != was_ready:
                self._seen[place] = is_ready, time.monotonic()

    @property
    def ready_since(self):
        """For each node the instant since which it has been ready without a break."""
        return [since for _, since in self._seen]

    def wait_until_all_are_ready(self):
        lab.wait_until(
            lambda: all(is_ready for is_ready, _ in self._seen),
            lambda: f"nodes are ready: {[node.ready() for node in self._nodes]}")
