"""The Swift library passes whatever the four example clients pass, as the program Examples/swift.

SIGNET_LICENSE_CHECK, or .build/release/license-check, or .build/debug/license-check.
"""

import contextlib
import importlib
import os
import pathlib
import shutil
import sys
import unittest
import unittest.mock

from clients import ROOT, Client

HERE = pathlib.Path(__file__).resolve()
# Every module here with scenarios that are made into a class for each client.
MODULES = [
    importlib.import_module(path.stem) for path in sorted(HERE.parent.glob("test_*.py"))
    if path != HERE and "@per_client" in path.read_text()
]
# Foundation on Linux takes its authorities from the system alone (docs/decisions/0019): a test can bring none.
IMPOSSIBLE = {"Encrypted": ["test_a_trusted_certificate_is_accepted"]}


def binary():
    """The program under test. A missing one is a failure, never a skip."""
    candidates = [os.environ.get("SIGNET_LICENSE_CHECK")] if "SIGNET_LICENSE_CHECK" in os.environ else [
        ROOT / ".build/release/license-check", ROOT / ".build/debug/license-check",
    ]
    for candidate in candidates:
        if shutil.which(str(candidate)):
            return str(candidate)
    raise AssertionError(f"no license-check at {', '.join(map(str, candidates))}: build it with `make license-check`")


class OfSwift:
    """Puts the Swift client in the place of the four."""

    client_name = "swift"

    def setUp(self):
        swift = {"swift": Client("swift", [binary()], None)}
        with contextlib.ExitStack() as patches:
            for module in MODULES:
                if hasattr(module, "clients"):
                    patches.enter_context(unittest.mock.patch.object(module, "clients", lambda: swift))
            super().setUp()


def scenarios():
    """Every mixin of which there is a class for each client."""
    for module in MODULES:
        for name, mixin in list(vars(module).items()):
            if isinstance(mixin, type) and mixin.__module__ == module.__name__ and hasattr(module, f"Php{name}"):
                yield mixin


for _mixin in scenarios():
    _title = f"Swift{_mixin.__name__}"
    assert not hasattr(sys.modules[__name__], _title), f"two scenarios are named {_mixin.__name__}"
    _members = {"__module__": __name__, **dict.fromkeys(IMPOSSIBLE.get(_mixin.__name__, []))}
    setattr(sys.modules[__name__], _title, type(_title, (OfSwift, _mixin, unittest.TestCase), _members))


class EveryScenario(unittest.TestCase):
    def test_none_was_left_out(self):
        names = {mixin.__name__ for mixin in scenarios()}
        self.assertLessEqual({"Licensed", "Outage", "Verdicts", "FirstDays", "Damage", "Encrypted", "Live"}, names)

    def test_what_is_left_out_exists(self):
        mixins = {mixin.__name__: mixin for mixin in scenarios()}
        for name, tests in IMPOSSIBLE.items():
            for test in tests:
                self.assertTrue(callable(getattr(mixins[name], test)))


if __name__ == "__main__":
    unittest.main()
