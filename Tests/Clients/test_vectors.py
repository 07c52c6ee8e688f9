"""Every client gives the published answer to every published vector."""

import subprocess
import sys
import unittest

from clients import VECTORS, clients


class Vectors(unittest.TestCase):
    def test_the_files_are_what_the_generator_writes(self):
        for script in ("make-vectors.py", "make-key-set-vectors.py"):
            subprocess.run([sys.executable, VECTORS / script, "--check"], check=True)

    def test_every_client_agrees_with_the_vectors(self):
        for client in clients().values():
            with self.subTest(client=client.name):
                run = subprocess.run([*client.vectors, str(VECTORS)], capture_output=True, text=True)
                self.assertRegex(run.stdout, r"(?m)^[1-9]\d\d+ passed, 0 failed$", run.stderr)
                self.assertEqual(run.returncode, 0)


if __name__ == "__main__":
    unittest.main()
