"""docs/behaviors.md cites tests that exist; whatever it might get wrong is found out, planted in a small tree."""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from evidence import PAGE, complaints

TREE = {
    "Tests/LicensingTests/SeatTests.swift": '''\
import Testing

@Suite("A seat")
struct SeatTests {
    @Test("is taken by the first call")
    func first() {}

    @Test(
        "of \\"one\\" is *.example.com",
        arguments: ["@Test(\\"in a string\\")"])
    func one(text: String) {}

    // @Test("is commented out")
    /* @Test("too") */
    @Test func untitled() {}
}
''',
    "Tests/System/test_story.py": """\
class Story:
    def test_a_story(self):
        pass

    def helper(self):
        pass
""",
    "Tests/LicenseTokenTests/Vectors/tokens.json": '{"now": 1, "cases": [{"name": "alg none", "token": "x"}]}',
    "Tests/LicensingTests/Tables/domains.txt": "# A table.\ninput | result\n\nExample.COM | example.com\n",
}

EVIDENCE = {
    "a Swift test": "`LicensingTests/SeatTests.swift`: `is taken by the first call`",
    "a title on a line of its own": "`LicensingTests/SeatTests.swift`: `of \"one\" is *.example.com`",
    "a Python test": "in words, `System/test_story.py`: `test_a_story`, `Story.test_a_story`",
    "a vector": "`LicenseTokenTests/Vectors/tokens.json`: `alg none`",
    "a row of a table": "`LicensingTests/Tables/domains.txt`: `Example.COM`",
    "a reason": "No test: it comes with billing.",
    "two files": "`System/test_story.py`: `test_a_story`<br>`LicenseTokenTests/Vectors/tokens.json`: `alg none`",
}

PLANTED = {
    "`LicensingTests/SeatTests.swift`: `is taken by the last call`": "has no test “is taken by the last call”",
    "`LicensingTests/SeatTests.swift`: `is taken by the first`": "has no test “is taken by the first”",
    "`LicensingTests/SeatTests.swift`: `is commented out`": "has no test “is commented out”",
    "`LicensingTests/SeatTests.swift`: `too`": "has no test “too”",
    "`LicensingTests/SeatTests.swift`: `in a string`": "has no test “in a string”",
    "`LicensingTests/SeatTests.swift`: `A seat`": "has no test “A seat”",
    "`LicensingTests/SeatTests.swift`: `first`": "has no test “first”",
    "`System/test_story.py`: `test_another_story`": "has no test “test_another_story”",
    "`System/test_story.py`: `Other.test_a_story`": "has no test “Other.test_a_story”",
    "`System/test_story.py`: `helper`": "has no test “helper”",
    "`System/test_story.py`: `test_a_story`, `alg none`": "has no test “alg none”",
    "`LicenseTokenTests/Vectors/tokens.json`: `alg some`": "has no test “alg some”",
    "`LicensingTests/Tables/domains.txt`: `example.com`": "has no test “example.com”",
    "`LicensingTests/NoTests.swift`: `is taken`": "there is no file Tests/LicensingTests/NoTests.swift",
    "`is taken by the first call`": "“is taken by the first call” stands before any file",
    "`LicensingTests/SeatTests.swift`": "no test of Tests/LicensingTests/SeatTests.swift is named",
    "`LicensingTests/SeatTests.swift`, `System/test_story.py`: `test_a_story`":
        "no test of Tests/LicensingTests/SeatTests.swift is named",
    "It works.": "neither evidence nor a reason",
    "No test: why?": "neither evidence nor a reason",
    "": "neither evidence nor a reason",
}


class EvidenceTests(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for path, text in TREE.items():
            self.write(path, text)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def complaints(self, *cells, numbers=None):
        """Of a page whose one table has these cells as evidence."""
        numbers = numbers or range(1, len(cells) + 1)
        rows = "".join(f"| {number} | a behavior | {cell} |\n" for number, cell in zip(numbers, cells))
        self.write(PAGE, f"# Behaviors\n\n| # | Behavior | Evidence |\n| --- | :--- | --- |\n{rows}\nThe end.\n")
        return list(complaints(self.root, rows=(len(cells),)))

    def test_the_page_of_this_repository_holds(self):
        self.assertEqual("\n".join(complaints(HERE.parents[1])), "")

    def test_evidence_of_every_kind_is_found(self):
        self.assertEqual(self.complaints(*EVIDENCE.values()), [])

    def test_whatever_is_not_there_is_named_with_its_line(self):
        for cell, complaint in PLANTED.items():
            with self.subTest(cell):
                [found] = self.complaints(EVIDENCE["a reason"], cell)
                self.assertTrue(found.startswith(f"{PAGE}:6: ") and found.endswith(complaint), found)

    def test_a_row_that_is_left_out_or_there_twice_is_named(self):
        reasons = [EVIDENCE["a reason"]] * 3
        for numbers in ([1, 3, 4], [1, 1, 2], [2, 1, 3], [0, 1, 2]):
            with self.subTest(numbers):
                [found] = self.complaints(*reasons, numbers=numbers)
                self.assertTrue(found.startswith(f"{PAGE}:5: the rows should be 1…3"), found)

    def test_a_table_that_is_missing_is_named(self):
        self.write(PAGE, "# Behaviors\n")
        self.assertEqual(list(complaints(self.root, rows=(1,))), [f"{PAGE}:1: 0 tables; there should be 1"])

    def test_a_row_with_a_cell_too_many_is_named(self):
        [found] = self.complaints(f"{EVIDENCE['a reason']} | more")
        self.assertIn("4 cells", found)


if __name__ == "__main__":
    unittest.main()
