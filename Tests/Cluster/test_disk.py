"""The disk of the primary's host is full: reliability goals, row 5.

`SIGNET_CLUSTER_FULL_SECONDS` is how long (15 in `make test`, 60 before a release).
"""

import os
import time
import unittest

from cases import BACK_WITHIN, ROOM_FELT_WITHIN, ClusterCase

import lab

FULL_SECONDS = int(os.environ.get("SIGNET_CLUSTER_FULL_SECONDS", "15"))
NORMAL_SECONDS = 5
# Part of the usual rate of validations.
RATE_AT_LEAST = 0.95


class DiskIsFull(ClusterCase):
    """Claims are answered 503 and nothing acknowledged is lost, known installations notice nothing, and it goes on as
    soon as there is room: by the same primary, or by another where that one fell."""

    def test_full_disk_stops_no_validation_and_loses_nothing(self):
        database = self.cluster.database
        with self.load("disk", writing=self.sell_for_load(hot_seats=30), known=self.known, validations=80) as load:
            lab.wait_until(lambda: load.granted > 20, "seats are taken")
            normal = self.validations_per_second(load, NORMAL_SECONDS)
            primary = database.wait_for_primary()
            primary.host.fill_disk()
            full_at, opens = time.monotonic(), load.opens
            lab.wait_until(lambda: load.opens > opens, "a claim meets the full disk")
            felt_after = time.monotonic() - full_at
            full = self.validations_per_second(load, FULL_SECONDS)
            primary.host.make_room()
            room_at = time.monotonic()
            back = lab.wait_until(lambda: load.first_grant_after(room_at), database.describe, seconds=120)
            has_fallen = database.wait_for_primary() is not primary
            lab.wait_until(lambda: load.refused > 0, "the hot license is full")
        findings = self.assert_sound(load)
        self.report(
            f"felt after {felt_after:.1f} s, {load.opens - opens} claims answered 503, seats again "
            f"{back - room_at:.1f} s after there was room{' by another primary' if has_fallen else ''}; "
            f"{full:.0f} validations a second, usually {normal:.0f}; {findings}")
        self.assert_validations_went_on(load)
        self.assertGreaterEqual(full, RATE_AT_LEAST * normal)
        self.assertLessEqual(back - room_at, BACK_WITHIN if has_fallen else ROOM_FELT_WITHIN)
        self.cluster.heal()
        self.assert_every_node_is_current(load)

    def validations_per_second(self, load, seconds):
        begun, count = time.monotonic(), load.validations
        lab.wait_until(lambda: time.monotonic() - begun > seconds, "time passes", seconds + lab.PATIENCE)
        return (load.validations - count) / (time.monotonic() - begun)


if __name__ == "__main__":
    unittest.main()
