"""The ledger: what it makes of what a database holds. That a real loss is found, test_primary.py shows."""

import unittest

from load import compare


class Comparison(unittest.TestCase):
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


if __name__ == "__main__":
    unittest.main()
