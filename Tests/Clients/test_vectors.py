"""Every client gives the published answer to every published vector."""

import json
import re
import subprocess
import sys
import unittest

from clients import VECTORS, clients


def published():
    """How many cases there are of what every client implements."""
    files = {name: json.loads((VECTORS / f"{name}.json").read_text()) for name in (
        "tokens", "key-sets", "signed-key-sets", "status-lists", "ed25519")}
    cases = sum(len(file["cases"]) for file in files.values())
    return cases + len(files["signed-key-sets"]["tokens"]["cases"]) + len(files["status-lists"]["tokens"])


class Vectors(unittest.TestCase):
    def test_the_files_are_what_the_generator_writes(self):
        for script in ("make-vectors.py", "make-key-set-vectors.py"):
            subprocess.run([sys.executable, VECTORS / script, "--check"], check=True)

    def test_every_client_agrees_with_the_vectors(self):
        for client in clients().values():
            with self.subTest(client=client.name):
                run = subprocess.run([*client.vectors, str(VECTORS)], capture_output=True, text=True)
                passed = re.search(r"(?m)^(\d+) passed, 0 failed$", run.stdout)
                self.assertIsNotNone(passed, run.stdout + run.stderr)
                self.assertGreater(int(passed[1]), published())
                self.assertEqual(run.returncode, 0)


if __name__ == "__main__":
    unittest.main()
