"""The examples of docs/ are typed as they stand there, and every page of a concept has some that a test runs."""

import re
import time
import unittest

import pages
from pages import Shell, follow
from signet import REPOSITORY, SignetCase

PASSPHRASE = "an unusual passphrase"
# Requests that name the network that they come from, as those through a proxy do.
PROXY = {"SIGNET_TRUSTED_PROXIES": "127.0.0.0/8"}


class PageTests(SignetCase):
    def setUp(self):
        super().setUp()
        self.installation.stock()
        self.server = self.serve(**PROXY)
        self.license = self.installation.license(seats=3)
        self.key = self.license["license_key"]

    def follow(self, page, words=(), **settings):
        addresses = {
            "http://127.0.0.1:8080": f"http://127.0.0.1:{self.server.port}",
            "http://127.0.0.1:8081": f"http://127.0.0.1:{self.server.admin_port}",
        }
        given = {"KEY": self.key, "lic_0Q5SZ3MHT8V1D": self.license["id"], **addresses, **dict(words)}
        return follow(self, page, Shell(self.installation, **settings), given)

    def call(self, key, domain, address, network):
        """The verdict for an installation that claims `address` and is seen in `network`."""
        body = f'{{"license_key": "{key}", "domain": "{domain}", "ip_address": "{address}"}}'
        headers = {"Content-Type": "application/json", "X-Forwarded-For": network}
        return self.server.request("POST", "/api/v1/installer/validate", body, headers).json["code"]

    def secret(self, name):
        path = self.installation.folder / name
        path.write_text(PASSPHRASE)
        path.chmod(0o600)
        return str(path)

    def restart(self, **settings):
        """Ends the server, which stores what it still holds, and starts another."""
        self.server.stop()
        self.server = self.serve(**PROXY, **settings)

    def test_audit(self):
        self.installation.run("license", "suspend", self.license["id"], "--reason", "sends spam")
        anchor = self.installation.run("audit", "anchor").stdout.strip()
        end = time.monotonic() + 30
        while self.installation.json("audit", "verify")["unsealed"]:
            self.assertLess(time.monotonic(), end, "nothing was sealed")
            time.sleep(0.1)
        self.follow("audit.md", {"48213:5f1c9be5b0f1…": anchor})

    def test_backup(self):
        self.server.validate(self.license)
        backups = self.installation.folder / "backups"
        backups.mkdir()
        self.follow("backup.md", {
            "/backups": str(backups), "/etc/signet/recovery": self.secret("recovery"),
            "--data data --keys Keys": "--data restored/data --keys restored/Keys",
        })

    def test_keys(self):
        self.restart(SIGNET_KEYS_PASSPHRASE_FILE=self.secret("passphrase"))
        current, following = (key["kid"] for key in self.installation.json("keys", "list")["data"])
        words = {"kPrK_qmx": current, "iiDHHfFV": following, "/media/root/signet-root": "signet-root"}
        printed = self.follow("keys.md", words, SIGNET_ROOT_PASSPHRASE=PASSPHRASE)
        self.assertEqual(len(printed), 11)

    def test_monitoring(self):
        for _ in range(2):
            self.server.validate(self.license)
        self.assertEqual(len(self.follow("monitoring.md")), 3)

    def test_monitoring_lists_every_metric_and_no_other(self):
        served = Shell(self.installation).run(f"curl -s http://127.0.0.1:{self.server.admin_port}/metrics")[0]
        explained = re.findall(r"`((?:signet|process)_\w+)(?:\{code\})?`", pages.text("monitoring.md"))
        # Those of a node among others are looked at in test_nodes.py.
        alone = {name for name in explained if not name.startswith("signet_feed_")}
        self.assertEqual(alone, set(re.findall(r"(?m)^# TYPE (\w+) ", served)))

    def test_operating(self):
        self.assertEqual(len(self.follow("operating.md")), 3)

    def test_refusals(self):
        self.installation.run("license", "update", self.license["id"], "--max-activations", "1")
        for key, domain, address, network, code in (
            (self.key, "shop.example.com", "203.0.113.7", "198.51.100.7", "VALID"),
            (self.key, "blog.example.com", "203.0.113.8", "198.51.100.7", "ACTIVATION_LIMIT"),
            ("ABCD-EFGH-JKMN-PQRS", "shop.example.com", "203.0.113.9", "198.51.100.8", "KEY_MALFORMED"),
        ):
            self.assertEqual(self.call(key, domain, address, network), code)
        self.restart()
        self.assertEqual(len(self.follow("refusals.md")), 4)

    def test_seats(self):
        self.call(self.key, "shop.example.com", "203.0.113.7", "203.0.113.7")
        self.call(self.key, "blog.example.com", "203.0.113.8", "198.51.100.8")
        self.call(self.key, "shop.example.com", "203.0.113.7", "192.0.2.7")
        self.restart()
        self.assertEqual(len(self.follow("seats.md")), 7)


class CoverageTests(unittest.TestCase):
    """A page without examples, or with some that no test runs, is found."""

    # What the tests do with a block: typed, run as a script, run as a program, compiled.
    TESTED = {"", "sh", "python", "swift"}

    def test_each_page_of_a_concept_has_an_example_and_a_test_that_runs_it(self):
        tests = "\n".join(
            path.read_text() for kind in ("py", "swift") for path in sorted((REPOSITORY / "Tests").rglob(f"*.{kind}"))
        )
        self.assertIn("seats.md", pages.concepts())
        for page in pages.concepts():
            with self.subTest(page=page):
                self.assertTrue(self.TESTED & {language for language, _ in pages.blocks(page)}, "it has no example")
                self.assertRegex(tests, rf'["/]{re.escape(page)}"', "no test names it")

    def test_what_looks_typed_is_in_a_block_that_a_test_runs(self):
        for page in pages.concepts():
            with self.subTest(page=page):
                pages.examples(page)
                self.assertNotRegex(pages.text(page), r"(?m)^ {4}(\$|signet|curl|php|python3) ")


if __name__ == "__main__":
    unittest.main()
