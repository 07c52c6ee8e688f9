"""The harness itself: the cluster, its faults and the ledger, with seats taken by plain SQL.

A test of failover is worth something only if it would see a loss. So the cluster is also run with commits that wait for
no second disk, and the ledger must find what that lost.
"""

import time
import unittest

import lab

lab.enter()

import plain_sql
from database import DatabaseCluster
from load import Load, compare

# Seconds from the death of a primary until seats can be taken again (reliability goals, row 10).
BACK_WITHIN = 45


class Comparison(unittest.TestCase):
    """What the ledger makes of what a database holds."""

    def test_each_finding_is_told_from_the_others(self):
        acknowledged = [("a", "1"), ("a", "2"), ("b", "3")]
        held = [("a", "1"), ("b", "3"), ("b", "3"), ("c", "4"), ("c", "5")]
        found = compare(acknowledged, held, {"a": 2, "b": 2, "c": 1})
        self.assertEqual(found.lost, [("a", "2")])
        self.assertEqual(found.duplicate, [("b", "3")])
        self.assertEqual(found.over_issued, [("c", 2)])
        self.assertTrue(found)

    def test_what_was_not_acknowledged_may_be_there(self):
        self.assertFalse(compare([("a", "1")], [("a", "1"), ("a", "2")], {"a": 2}))


class PrimaryCutOffAndKilled(unittest.TestCase):
    """A primary that cannot reach its standbys, is asked for seats all the same, and dies."""

    SEATS = {"roomy": 100_000, "hot": 60}

    def fail_over(self, commits):
        """The findings, what was granted while the primary was cut off, and the seconds until it was granted again."""
        with lab.Lab() as machines:
            database = DatabaseCluster(machines, commits)
            database.start()
            plain_sql.prepare(database, self.SEATS)
            clients = [(plain_sql.Client(database), list(self.SEATS), 10) for _ in range(3)]
            load = Load(machines.folder / "load", writers=clients)
            self.addCleanup(load.close)
            with load:
                lab.wait_until(lambda: load.granted > 30, "seats are taken")
                primary = database.wait_for_primary()
                others = [each.host for each in database.members if each is not primary]
                primary.host.cut(*others, port=5432)
                cut_at, before = time.monotonic(), load.granted
                opens = sum(writer.opens for writer in load.writers)
                lab.wait_until(
                    lambda: load.granted > before + 10 or sum(writer.opens for writer in load.writers) > opens + 2,
                    "writers are answered, or give up",
                )
                alone = load.granted - before
                killed_at = time.monotonic()
                primary.host.stop()
                database.wait_for_primary(other_than=primary)
                back = lab.wait_until(lambda: load.first_grant_after(killed_at), database.describe, seconds=90)
                lab.wait_until(lambda: load.first_grant_after(back + 1), "seats are given")
            self.assertGreater(killed_at, cut_at)
            findings = compare(load.acknowledged, plain_sql.held(database), self.SEATS)
            return findings, alone, back - killed_at

    def test_nothing_is_lost_where_commits_wait_for_a_second_disk(self):
        findings, alone, seconds = self.fail_over(DatabaseCluster.SAFE)
        print(f"\n  synchronous: {findings}; {alone} granted alone; back after {seconds:.1f} s", flush=True)
        self.assertFalse(findings, findings)
        self.assertLessEqual(seconds, BACK_WITHIN)

    def test_planted_bug_loss_is_found_where_commits_wait_for_none(self):
        findings, alone, seconds = self.fail_over(DatabaseCluster.UNSAFE)
        print(f"\n  asynchronous: {findings}; {alone} granted alone; back after {seconds:.1f} s", flush=True)
        self.assertGreater(len(findings.lost), 5, findings)


if __name__ == "__main__":
    unittest.main()
