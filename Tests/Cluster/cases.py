"""What the tests that break Signet's cluster have in common: one cluster for all of them, whole again after each."""

import atexit
import contextlib
import faulthandler
import functools
import unittest

import lab

lab.enter()

from cluster import Cluster

# Seconds (reliability goals, rows 5 and 10 to 12).
BACK_WITHIN = 45
STALE_WITHIN = 10
CAUGHT_UP_WITHIN = 5
ROOM_FELT_WITHIN = 5
# How much later the harness may notice it, on a busy machine.
NOTICED_WITHIN = 2

# Seconds after which a test that stands still ends the suite, and shows what each thread waits for: more than all the
# waits of a test together. Not an expectation.
TEST_SECONDS = 600


@functools.cache
def shared_cluster():
    """The cluster of this process, running; made once, ended with the process."""
    cluster = Cluster()
    atexit.register(cluster.close)
    try:
        cluster.start()
    except BaseException:
        print(cluster.last_words(), flush=True)
        raise
    return cluster


class ClusterCase(unittest.TestCase):
    """A test on the one cluster. When it fails, what the cluster's programs wrote last is shown."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = shared_cluster()
        cls.known = cls.cluster.install(cls.cluster.sell(10, seats=20), each=4)

    def setUp(self):
        self.limit_time()
        self.addCleanup(self.cluster.heal)

    def limit_time(self):
        """From now on; once more before a part that may take as long as a test."""
        faulthandler.dump_traceback_later(TEST_SECONDS, exit=True)

    def run(self, result=None):
        result = result or self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            print(self.cluster.last_words(), flush=True)
        return result

    def report(self, text):
        print(f"\n  {text}", flush=True)

    # Load

    @contextlib.contextmanager
    def load(self, name, **settings):
        """Load while the body runs; without its end being awaited when the body fails."""
        load = self.cluster.load(name, **settings)
        self.addCleanup(load.close)
        with load:
            yield load

    def sell_for_load(self, hot_seats):
        """Licenses to take seats of: every second claim is for one that has only `hot_seats`, so that it runs full."""
        [self.hot], roomy = self.cluster.sell(1, seats=hot_seats), self.cluster.sell(10, seats=400)
        return [license for each in roomy for license in (self.hot, each)]

    # What must hold

    def assert_sound(self, load):
        """Nothing acknowledged was lost, nothing is there twice, no seat is too many, and every count is right."""
        findings = self.cluster.findings(load)
        self.assertFalse(findings, str(findings))
        self.assertEqual(self.cluster.miscounted(), [])
        self.assertGreater(findings.acknowledged, 0)
        return findings

    def assert_validations_went_on(self, load):
        self.assertEqual(load.wrong, [])
        for reader in load.readers:
            self.assertGreater(reader.count, 0)

    def assert_every_node_is_current(self, load):
        """Each node takes seats, is not behind, and knows from its memory what was acknowledged last."""
        pair = load.acknowledged[-1]
        for node in self.cluster.nodes:
            client = node.client()
            self.addCleanup(client.close)

            def is_current():
                answer = client.validate(*pair)
                return answer.is_valid and not answer.is_stale and node.ready()[0] == 200

            lab.wait_until(is_current, lambda: f"{node.name} is current: {node.ready()}", BACK_WITHIN)
