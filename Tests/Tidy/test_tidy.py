"""Each rule of tidy.py catches its violation, planted alone in a tree that is clean without it."""

import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from swift_source import SwiftSource
from tidy import Manifest, findings


def target(name, *imports, kind="regular", path=None):
    return {"name": name, "type": kind, "path": path, "dependencies": [{"byName": [name, None]} for name in imports]}


TARGETS = [
    target("Primitives"),
    target("LicenseToken", "Primitives", "Crypto"),
    target("LicenseClient", "Primitives", "LicenseToken"),
    target("Licensing", "Primitives", "LicenseToken"),
    target("Billing", "Primitives"),
    target("signet", "Licensing", kind="executable"),
    target("LicensingTests", "Licensing", kind="test"),
]

CLEAN = {
    "Sources/Primitives/Clock.swift": """\
import Synchronization

/// Where time comes from: `Date()` is read in one place, and "try!" in text is not code.
package protocol Clock: Sendable {
    /// The present.
    func now() -> Int
}

/// Counts.
package struct Counter: Clock {
    package var count = 0
    package init() {}
    package func now() -> Int { count }
    package func next() -> Int {
        count + 1
    }
}
""",
    "Sources/Licensing/Rules.swift": """\
public import LicenseToken
import Primitives
import struct Foundation.Data

/// Groups share their summary.
package func days(_ count: Int) -> Int { count * 86_400 }
package func hours(_ count: Int) -> Int { count * 3_600 }

// Upheld by the lock beside it.
final class Box: @unchecked Sendable {}
""",
    "Sources/LicenseToken/Token.swift": "/// A refusal.\npublic struct Refusal: Sendable {}\n",
    "Sources/LicenseClient/Client.swift": "import FoundationNetworking\n\n/// A client.\npublic struct Client {}\n",
    "Sources/signet/main.swift": 'print("ok")\n',
    "Tests/LicensingTests/RulesTests.swift": "@testable import Licensing\nimport Testing\n",
    "Tests/LicensingTests/Vectors/raw.json": "no newline at the end, /// and\ttabs",
    "Keys/README.md": "Key files live here.\n",
    "Makefile": "all:\n\ttrue\n",
    "docs/URLS.md": "https://example.com/opt/tmp and data/tmp are no places on a machine.\n",
}

MACHINE = "/" + "work/main/data"

PLANTED = {
    "import": [
        ("Sources/Primitives/Planted.swift", "import Foundation\n"),
        ("Sources/Licensing/Planted.swift", "package import Crypto\n"),
        ("Sources/Licensing/Planted.swift", "@preconcurrency import struct GRDB.Row\n"),
        ("Sources/Licensing/Planted.swift", "import Testing\n"),
        ("Sources/Licensing/Planted.swift", "import FoundationNetworking\n"),
        ("Tests/LicensingTests/Planted.swift", "import XCTest\n"),
        ("Sources/Nowhere/Planted.swift", "let answer = 42\n"),
    ],
    "ambient-time": [("Sources/Licensing/Planted.swift", "let now = Date()\n")],
    "force": [
        ("Sources/Licensing/Planted.swift", "let value = try! read()\n"),
        ("Sources/Licensing/Planted.swift", 'let text = "\\(value as! String)"\n'),
    ],
    "output": [("Sources/Licensing/Planted.swift", 'print("here")\n')],
    "fatal": [
        ("Sources/Licensing/Planted.swift", 'fatalError("no")\n'),
        ("Sources/Licensing/Planted.swift", "preconditionFailure()\n"),
    ],
    "formatting": [("Sources/Licensing/Planted.swift", 'let text = String(format: "%d", 1)\n')],
    "error-confession": [("Sources/Licensing/Planted.swift", "let text = error.localizedDescription\n")],
    "silent-default": [("Sources/Licensing/Planted.swift", "let settings = try? load()\n")],
    "unchecked": [
        ("Sources/Licensing/Planted.swift", "final class Box: @unchecked Sendable {}\n"),
        ("Tests/LicensingTests/Planted.swift", "nonisolated(unsafe) var count = 0\n"),
        ("Sources/Licensing/Planted.swift", "// Too far.\n" + "let a = 0\n" * 6 + "class B: @unchecked Sendable {}\n"),
    ],
    "exported-import": [("Sources/Licensing/Planted.swift", "@_exported import Primitives\n")],
    "testable": [("Sources/Licensing/Planted.swift", "@testable import Primitives\n")],
    "waiting": [
        ("Tests/LicensingTests/Planted.swift", "Thread.sleep(forTimeInterval: 1)\n"),
        ("Tests/LicensingTests/Planted.swift", "try await Task.sleep(for: .seconds(1))\n"),
    ],
    "skipped-test": [
        ("Tests/LicensingTests/Planted.swift", '@Test(.disabled("flaky")) func flaky() {}\n'),
        ("Tests/System/test_planted.py", "def test(self):\n    self.skipTest('no server')\n"),
    ],
    "money": [("Sources/Billing/Planted.swift", "let price: Double = 9.99\n")],
    "public-enum": [
        ("Sources/LicenseToken/Planted.swift", "/// Codes.\npublic enum Code {\n    case bad\n}\n"),
        ("Sources/LicenseClient/Planted.swift", "/// Codes.\npublic enum Code {\n    case bad\n}\n"),
    ],
    "undocumented": [
        ("Sources/Licensing/Planted.swift", "package struct Plan {}\n"),
        ("Sources/Licensing/Planted.swift", "package func plan() -> Int {\n    1\n}\n"),
        ("Sources/Licensing/Planted.swift", "/// Above.\nlet a = 1\n\npackage func plan() -> Int {\n    1\n}\n"),
        ("Sources/LicenseToken/Planted.swift", "/// Seen.\npublic struct Plan {\n\n    public var name: String\n}\n"),
        # What customers see has a summary of its own: its neighbor's does not count, nor that of a protocol's member.
        (
            "Sources/LicenseClient/Planted.swift",
            "/// Seen.\npublic struct Plan {\n    /// Seen.\n    public var one: Int\n    public var two: Int\n}\n",
        ),
        (
            "Sources/LicenseToken/Planted.swift",
            "/// Seen.\npublic struct Plan {\n    public func now() -> Int { 1 }\n}\n",
        ),
    ],
    "unfinished": [
        ("Sources/Licensing/Planted.swift", "// TODO: later\n"),
        ("Tests/System/planted.py", "# FIXME\n"),
    ],
    "function-length": [
        ("Sources/Licensing/Planted.swift", "func long() {\n" + "    step()\n" * 60 + "}\n"),
        ("Sources/Licensing/Planted.swift", "struct Long {\n    init() {\n" + "        step()\n" * 60 + "    }\n}\n"),
        ("Tests/System/planted.py", "def long():\n" + "    step()\n" * 60),
    ],
    "file-length": [("Sources/Licensing/Planted.swift", "let a = 1\n" * 601)],
    "line-length": [("Sources/Licensing/Planted.swift", "// " + "é" * 118 + "\n")],
    "final-newline": [
        ("Config/planted.yaml", "listen: 127.0.0.1:8080"),
        ("Config/planted.yaml", "listen: 127.0.0.1:8080\n\n"),
    ],
    "line-ending": [("Config/planted.yaml", "listen: 127.0.0.1:8080\r\n")],
    "trailing-space": [("Config/planted.yaml", "listen: \n")],
    "tab": [("Sources/Licensing/Planted.swift", "\tlet a = 1\n")],
    "machine-path": [
        ("docs/PLANTED.md", f"See {MACHINE}.\n"),
        ("Tests/LicensingTests/Vectors/planted.json", f'{{"path": "{MACHINE}"}}'),
    ],
    "spelling": [("docs/PLANTED.md", "A licence is serialised.\n")],
    "binary": [
        ("docs/planted.bin", b"\x00\x01"),
        ("docs/planted.txt", b"caf\xe9\n"),
    ],
    "secret": [("Keys/pepper-1", "c2VjcmV0\n")],
}


class TidyTests(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for path, text in CLEAN.items():
            self.write(path, text)

    def write(self, path, content):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def findings(self, targets=TARGETS):
        return findings(self.root, Manifest({"targets": targets}))

    def test_a_clean_tree_has_no_findings(self):
        self.assertEqual([str(finding) for finding in self.findings()], [])

    def test_every_planted_violation_is_found_where_it_is_and_nothing_else(self):
        for rule, plants in PLANTED.items():
            for path, content in plants:
                with self.subTest(rule=rule, content=content[:60]):
                    self.write(path, content)
                    found = self.findings()
                    (self.root / path).unlink()
                    self.assertEqual({(finding.path, finding.rule) for finding in found}, {(path, rule)})

    def test_a_finding_names_its_line(self):
        self.write("Sources/Licensing/Planted.swift", "let a = 1\nlet b = try! c()\n")
        self.assertTrue(str(self.findings()[0]).startswith("Sources/Licensing/Planted.swift:2: force: try!"))

    def test_a_reason_beside_it_allows_a_finding_and_a_bare_mark_does_not(self):
        long = "func long() {\n" + "    step()\n" * 60 + "}\n"
        self.write("Sources/Licensing/Planted.swift", "// tidy:allow function-length one row per state\n" + long)
        self.assertEqual(self.findings(), [])
        self.write("Sources/Licensing/Planted.swift", "// tidy:allow function-length\n" + long)
        self.assertEqual([finding.rule for finding in self.findings()], ["function-length"])
        self.write("Sources/Licensing/Planted.swift", "// tidy:allow file-length one row per state\n" + long)
        self.assertEqual([finding.rule for finding in self.findings()], ["function-length"])

    def test_imports_point_toward_primitives(self):
        for planted in (
            target("Primitives", "Licensing"),
            target("LicenseToken", "Licensing"),
            target("Billing", "Licensing"),
            target("Unheard"),
        ):
            with self.subTest(planted["name"]):
                targets = [planted if planted["name"] == each["name"] else each for each in TARGETS]
                found = self.findings(targets if planted in targets else [*TARGETS, planted])
                self.assertIn(("Package.swift", "direction"), {(each.path, each.rule) for each in found})


class SwiftSourceTests(unittest.TestCase):
    def test_strings_and_comments_are_not_code(self):
        source = SwiftSource('let a = "b // c" /* d /* e */ f */ + #"g"h"# // i\nlet j = """\n  k "l"\n  """')
        self.assertEqual("".join(source.code.split()), 'leta=""+#""#letj=""""""')

    def test_interpolations_are_code(self):
        self.assertIn("m[", SwiftSource('let a = "b \\(m["c", default: (1, ")")]) d" + e').code)
        self.assertIn("+ e", SwiftSource('let a = "b \\(m["c"]) d" + e').code)

    def test_functions_with_bodies_are_measured_and_requirements_are_not(self):
        source = SwiftSource(
            "protocol P {\n  func none(_ a: () -> Void)\n  init()\n}\n"
            "struct S {\n  init?(a: Int) {\n    self.init()\n  }\n"
            "  func closure(_ b: () -> Void = { }) -> [Int]\n  where A: B {\n    [1].map { $0 }\n  }\n"
            "  static func == (a: S, b: S) -> Bool { true }\n  subscript(a: Int) -> Int { a }\n}\n"
        )
        self.assertEqual(
            list(source.functions()),
            [("init", 6, 8), ("closure", 9, 12), ("==", 13, 13), ("subscript", 14, 14)],
        )


if __name__ == "__main__":
    unittest.main()
