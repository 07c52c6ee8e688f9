"""The primary dies under load, in one way after the other: reliability goals, rows 10 and 11.

`SIGNET_CLUSTER_KILLS` is how often (once each way in `make test`, 50 before a release), `SIGNET_CLUSTER_DEATHS` in
which ways: `unreachable,paused`.
"""

import os
import time
import unittest

from cases import BACK_WITHIN, ClusterCase
from database import POSTGRES, DatabaseCluster
from watch import ReadinessWatch

import lab

# Seconds between the first node that gives seats again and the last.
ALL_BACK_WITHIN = 6
# Seats that the planted bug must at least lose to be seen: more than writers have on their way at once.
LOST_AT_LEAST = 5


def cut_off_from_standbys(cluster, primary):
    """No standby gets what `primary` writes from now on; its lease it keeps."""
    primary.host.cut(*[member.host for member in cluster.database.members if member is not primary], port=POSTGRES)


class PrimaryDies(ClusterCase):
    """No acknowledged seat is lost and none is given beyond a limit, known installations notice nothing, and seats are
    given again in time by every node."""

    def test_primary_dies_under_load(self):
        names = os.environ.get("SIGNET_CLUSTER_DEATHS", "killed,off,unreachable,cut_off_from_its_peers,paused")
        deaths = [getattr(self, name) for name in names.split(",")]
        for number in range(int(os.environ.get("SIGNET_CLUSTER_KILLS", len(deaths)))):
            die = deaths[number % len(deaths)]
            with self.subTest(number=number, death=die.__name__), self.cluster.healed_afterwards():
                self.primary_dies(f"death-{number}", die)

    # How it dies. Each is called with load on it.

    def killed(self, primary, load):
        primary.kill_database()

    def off(self, primary, load):
        """Cut off from its standbys at first: what it is asked for then, it must not acknowledge."""
        cut_off_from_standbys(self.cluster, primary)
        opens = load.opens
        lab.wait_until(lambda: load.opens > opens + 2, "writers are told that nobody knows")
        primary.host.stop()

    def unreachable(self, primary, load):
        primary.host.cut(*[each for each in self.cluster.machines.hosts.values() if each is not primary.host])

    def cut_off_from_its_peers(self, primary, load):
        """The nodes reach it still, and it believes for a while that it leads."""
        primary.host.cut(*[member.host for member in self.cluster.database.members if member is not primary])

    def paused(self, primary, load):
        """Its connections stay open, and its system answers for them."""
        primary.host.pause()

    # What holds

    def primary_dies(self, label, die):
        self.limit_time()
        settings = {"writing": self.sell_for_load(hot_seats=30), "known": self.known, "is_direct": True}
        with self.load(label, **settings) as load:
            lab.wait_until(lambda: load.granted > 20, "seats are taken")
            primary = self.cluster.database.wait_for_primary()
            with ReadinessWatch(self.cluster.nodes) as watch:
                died_at = time.monotonic()
                die(primary, load)
                back = lab.wait_until(
                    lambda: load.first_grants_after(died_at + 1), self.cluster.database.describe, seconds=120)
                lab.wait_until(lambda: load.first_grants_after(max(back) + 1), "seats are taken again")
                watch.wait_until_all_are_ready()
            # With the old one back, which must not lead again with what it has.
            self.cluster.heal()
            healed = time.monotonic()
            lab.wait_until(lambda: load.first_grants_after(healed), self.cluster.database.describe)
            lab.wait_until(lambda: load.refused > 0, "the hot license is full")
        findings = self.assert_sound(load)
        seats, ready = ([round(each - died_at, 1) for each in instants] for instants in (back, watch.ready_since))
        self.report(
            f"primary {die.__name__}: seats from each node after {seats} s, ready after {ready} s; {findings}; "
            f"{load.validations} validations, {load.stale} stale, {len(load.wrong)} wrong, {len(load.slow)} over 1 s")
        self.assert_validations_went_on(load)
        self.assert_every_node_is_current(load)
        self.assertLessEqual(max(seats), BACK_WITHIN)
        self.assertLessEqual(max(seats + ready) - min(seats), ALL_BACK_WITHIN)


class PlantedBug(ClusterCase):
    """A test of failover is worth something only if it would see a loss: with commits that wait for no second disk, the
    ledger must find what that lost."""

    def test_loss_is_found_where_commits_wait_for_no_standby(self):
        self.addCleanup(self.make_safe_again)
        self.cluster.database.reconfigure(**DatabaseCluster.UNSAFE)
        with self.load("planted", writing=self.sell_for_load(hot_seats=1_000)) as load:
            lab.wait_until(lambda: load.granted > 10, "seats are taken")
            primary = self.cluster.database.wait_for_primary()
            cut_off_from_standbys(self.cluster, primary)
            before = load.granted
            lab.wait_until(lambda: load.granted > before + 2 * LOST_AT_LEAST, "seats are taken, on one disk only")
            primary.host.stop()
            stopped = time.monotonic()
            lab.wait_until(lambda: load.first_grant_after(stopped + 1), self.cluster.database.describe, seconds=120)
        findings = self.cluster.findings(load)
        self.report(f"planted bug: {findings}")
        self.assertGreater(len(findings.lost), LOST_AT_LEAST, findings)

    def make_safe_again(self):
        """Nodes remember what the database lost, so they begin anew."""
        self.cluster.heal()
        self.cluster.database.reconfigure(**DatabaseCluster.SAFE)
        for node in self.cluster.nodes:
            node.kill()
            node.begin()


if __name__ == "__main__":
    unittest.main()
