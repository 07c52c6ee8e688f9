"""docs/scale.md quotes what simulate.py prints, the models do what they say, and their numbers are the sources' own."""

import math
import pathlib
import random
import re
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(HERE))

import budget  # noqa: E402
import failover  # noqa: E402
import herd  # noqa: E402
import shards  # noqa: E402
import simulate  # noqa: E402
import staleness  # noqa: E402
import tables  # noqa: E402
import uses  # noqa: E402

PAGE = (REPOSITORY / "docs" / "scale.md").read_text()


class PageTests(unittest.TestCase):
    def test_the_page_holds_every_table_as_it_is_printed(self):
        for name in simulate.TABLES:
            with self.subTest(table=name):
                self.assertIn(f"\n{simulate.section(name)}\n", PAGE, f"make bench-scale ARGS={name} prints another")

    def test_the_page_holds_no_table_that_is_not_printed(self):
        self.assertEqual(set(re.findall(r"(?m)^`([a-z-]+)`(?:, seed \d+)?$", PAGE)), set(simulate.TABLES))

    def test_the_command_prints_the_named_tables_and_refuses_others(self):
        def run(*names):
            command = [sys.executable, str(HERE / "simulate.py"), *names]
            return subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        self.assertEqual(run("shards", "feed").stdout, f"{simulate.section('shards')}\n\n{simulate.section('feed')}\n")
        refused = run("weather")
        self.assertEqual(refused.returncode, 2)
        self.assertIn("no table is called weather", refused.stderr)


class SourceTests(unittest.TestCase):
    """What the models assume of the service and of its clients is what those do."""

    def assert_source(self, path, pattern, expected):
        found = re.search(pattern, (REPOSITORY / "Sources" / path).read_text())
        self.assertIsNotNone(found, f"{path} has no {pattern}")
        self.assertEqual(eval_number(found[1]), expected, f"{path}: {found[0]}")

    def test_checks(self):
        mint, limits = "Licensing/Validation/TokenMint.swift", "LicenseClient/Decisions/CheckLimits.swift"
        self.assert_source(mint, r"\bcheckIntervalSeconds: Int64 = ([\d_ *]+)", herd.DAY)
        self.assert_source(mint, r"jitterPercent: Int64 = (\d+)", herd.JITTER * 100)
        self.assert_source(mint, r"bucketSeconds: Int64 = (\d+)", uses.HOUR)
        self.assert_source(limits, r"backoffMinSeconds: Int64 = (\d+)", herd.BACKOFF_MIN)
        self.assert_source(limits, r"backoffMaxSeconds: Int64 = ([\d *]+)", herd.BACKOFF_MAX)
        self.assert_source(limits, r"in: 0\.\.\.base / (\d+)", 1 / herd.BACKOFF_JITTER)

    def test_nodes(self):
        self.assert_source("Licensing/Validation/TokenCache.swift", r"bytesMax = ([\d <]+)", uses.CACHE)
        self.assert_source("Licensing/Validation/TokenCache.swift", r"bytesMax / (\d+)", uses.STRIPES)
        self.assert_source("Licensing/LicensingService+LastSeen.swift", r"isShared \? (\d+)", uses.FLUSH)
        self.assert_source("SignetApp/FeedService.swift", r"period = Duration\.milliseconds\((\d+)\)",
                           round(staleness.SLEEP * 1000))
        self.assertEqual(budget.POLLS, 1 / staleness.SLEEP)
        self.assert_source("Licensing/Seats/SeatQueue.swift", r"depthMaxDefault = (\d+)", failover.CLAIMS.depth)
        self.assert_source("Licensing/Seats/SeatQueue.swift", r"waitMaxDefault = Duration\.seconds\((\d+)\)",
                           failover.CLAIMS.patience)
        self.assert_source("Licensing/Validation/MissConfirmation.swift", r"waitingMax = (\d+)", failover.MISSES.depth)
        self.assert_source("Database/Database.swift", r"claimPatience = Duration\.seconds\((\d+)\)",
                           failover.MISSES.patience)


def eval_number(text):
    """A Swift integer, a product, or a shift of two."""
    text = text.replace("_", "")
    if "<<" in text:
        value, shift = map(int, text.split("<<"))
        return value << shift
    return math.prod(int(factor) for factor in text.split("*"))


class HerdTests(unittest.TestCase):
    def test_back_off_doubles_from_a_quarter_of_an_hour_to_five(self):
        chance = random.Random(1)
        for failures, base in ((1, 900), (2, 1800), (5, 14_400), (6, 18_000), (60, 18_000)):
            waits = [herd.OURS.after_failure(failures, chance) for _ in range(200)]
            self.assertGreaterEqual(min(waits), base)
            self.assertLessEqual(max(waits), 1.2 * base)
            self.assertGreater(max(waits), 1.15 * base)

    def test_in_peace_each_calls_once_a_day(self):
        bins = herd.rates(herd.OURS, 0, None, seed=2, sample=5_000)
        self.assertAlmostEqual(sum(bins) / len(bins) / herd.MEAN, 1, delta=0.02)

    def test_nobody_is_lost_in_an_outage(self):
        chance = random.Random(3)
        for _ in range(300):
            instants = list(herd.calls(herd.OURS, 3600, None, chance))
            self.assertTrue(any(3600 <= instant < 3600 + 1.2 * herd.DAY for instant in instants))

    def test_settling_needs_an_hour_near_the_mean(self):
        self.assertEqual(herd.settled_after([9, 1, 9, 1, 1, 1, 1, 9], mean=1), 3 * herd.BIN / 3600)
        self.assertIsNone(herd.settled_after([9, 1, 1, 1, 9], mean=1))


class UsesTests(unittest.TestCase):
    def test_a_cache_that_holds_all_signs_once_an_hour(self):
        share = uses.signed_share(100, True, 1 << 50, seed=4, calls=54_000)
        self.assertAlmostEqual(share, 100 / uses.HOUR, delta=0.002)

    def test_a_cache_of_one_token_signs_nearly_always(self):
        self.assertGreater(uses.signed_share(100, True, 1, seed=5, calls=10_000), 0.99)

    def test_a_window_shorter_than_the_interval_stores_each_call(self):
        self.assertAlmostEqual(uses.stored_rate(100, True, 5, seed=6, sample=5) / 1e6, 1, delta=0.01)

    def test_nodes_that_do_not_know_of_each_other_store_more(self):
        one, many = (uses.stored_rate(100, False, uses.HOUR, seed=7, nodes=nodes, sample=10) for nodes in (1, 44))
        self.assertAlmostEqual(one / (uses.PLACES / uses.HOUR), 1, delta=0.05)
        self.assertGreater(many, 15 * one)


class StalenessTests(unittest.TestCase):
    def test_one_node_waits_for_its_turn_and_seven_answers(self):
        network, chance = staleness.Network(0, loss=0), random.Random(8)
        delays = [staleness.delay(network, chance) for _ in range(20_000)]
        self.assertLess(max(delays), staleness.SLEEP)
        self.assertAlmostEqual(sum(delays) / len(delays), staleness.SLEEP / 2, delta=0.003)

    def test_the_last_of_many_is_drawn_as_the_slowest_of_so_many(self):
        sample, chance = [float(n) for n in range(10_000)], random.Random(9)
        drawn = staleness.last_of(44, staleness.Network(0), sample, chance)
        self.assertAlmostEqual(sum(drawn) / len(drawn) / 10_000, 44 / 45, delta=0.002)

    def test_what_holds_back_holds_all(self):
        network, chance = staleness.Network(0, held=3, held_every=3), random.Random(10)
        times = staleness.last_of(3, network, [0.0], chance)
        self.assertAlmostEqual(tables.percentile(times, 0.5), 1.5, delta=0.05)


class ShardsTests(unittest.TestCase):
    def test_the_shares_are_all_there_is(self):
        for exponent in shards.EXPONENTS:
            hot, rest = shards.shares(exponent)
            self.assertAlmostEqual(sum(hot) + rest, 1)

    def test_a_harmonic_sum_is_what_the_hottest_has_its_part_of(self):
        hot, _ = shards.shares(1.0)
        self.assertAlmostEqual(1 / hot[0], math.log(shards.LICENSES) + 0.5772, delta=0.001)

    def test_load_is_neither_lost_nor_made(self):
        self.assertAlmostEqual(shards.busiest([0.25, 0.25], 0.5, 1, random.Random(11)), 1)
        self.assertAlmostEqual(shards.busiest([0.5], 0.5, 4, random.Random(11)), 4 * (0.5 + 0.125))


class FailoverTests(unittest.TestCase):
    def run_node(self, arrivals=20, capacity=100, line=failover.CLAIMS, comes_back=failover.PERSON, away=45):
        return failover.run(arrivals, capacity, line, comes_back, seed=12, away=away)

    def test_with_its_primary_nobody_is_refused(self):
        node, calm = self.run_node(away=0)
        self.assertEqual((node.refused, calm), (0, 0))

    def test_who_waits_is_told_within_the_time_that_waiting_may_take(self):
        node, _ = self.run_node(comes_back=(10_000, 10_001))
        # The most of a number whose mean is 40 and whose deviation is the root of it.
        self.assertTrue(35 < node.longest < 70, node.longest)
        self.assertAlmostEqual(node.refused, 20 * 45, delta=110)

    def test_the_line_is_never_longer_than_it_may_be(self):
        node, _ = self.run_node(arrivals=5_000, capacity=10_000, comes_back=(10_000, 10_001), away=3)
        self.assertEqual(node.longest, failover.CLAIMS.depth)

    def test_a_primary_without_a_reserve_never_catches_up(self):
        _, calm = self.run_node(arrivals=20, capacity=20, comes_back=failover.PERSON)
        self.assertGreater(calm, 1_000)


class BudgetTests(unittest.TestCase):
    def test_nodes_have_a_reserve(self):
        self.assertEqual(budget.nodes_for(4.7), 3)
        self.assertEqual(budget.nodes_for(4.9), 4)

    def test_figures_keep_two_digits(self):
        self.assertEqual([tables.rough(value) for value in (0, 0.0123, 1.26, 99.6, 1234, 987_654)],
                         ["0", "0.012", "1.3", "100", "1,200", "990,000"])


if __name__ == "__main__":
    unittest.main()
