"""The keys of licenses from the command line: replaced, told again, issued in numbers; docs/license-keys.md is run."""

import csv
import io
import re

from pages import Shell, follow
from signet import NEGATIVE, USAGE, ServedCase


class LicenseKeyTests(ServedCase):
    def setUp(self):
        self.license = self.installation.license()
        self.key = self.license["license_key"]

    def rekey(self, *options):
        return self.installation.json("license", "rekey", self.key, *options)

    def test_a_replaced_key_works_and_warns_until_it_ends(self):
        self.assertEqual(self.server.validate(self.license)["warnings"], [])
        new = self.rekey("--overlap", "36h", "--reason", "leaked")
        self.assertRegex(new["license_key"], r"^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$")
        answer = self.server.validate(self.license)
        self.assertEqual([warning["code"] for warning in answer["warnings"]], ["KEY_ENDING"])
        self.assertEqual(answer["warnings"][0]["at"], new["keys"][-1]["valid_until"])
        self.assertEqual(self.server.validate(new)["warnings"], [])
        text = self.installation.run("license", "show", self.key).stdout
        self.assertIn(f"…{self.key[-4:]} ends {new['keys'][-1]['valid_until']}", text)
        self.assertIn(f"…{new['last4']}", text)
        self.assertNotIn(new["license_key"], text)

    def test_without_an_overlap_the_old_key_is_unknown_now(self):
        self.assertTrue(self.server.validate(self.license)["valid"])
        new = self.rekey("--overlap", "0")
        self.assertEqual(self.server.validate(self.license)["code"], "NOT_FOUND")
        answer = self.server.validate(new)
        self.assertEqual((answer["code"], answer["current_activations"]), ("VALID", 1))
        shown = self.installation.json("license", "show", self.key)
        self.assertEqual((shown["id"], shown["looked_up"]["state"]), (self.license["id"], "ended"))
        self.assertIn(f"…{self.key[-4:]} ended ", self.installation.run("license", "show", self.key).stdout)

    def test_a_try_tells_what_would_be_and_changes_nothing(self):
        tried = self.rekey("--overlap", "0", "--dry-run")
        self.assertEqual(self.server.validate(tried)["code"], "NOT_FOUND")
        self.assertEqual(self.server.validate(self.license)["code"], "VALID")

    def test_what_is_no_overlap_is_refused(self):
        for text in ("soon", "367d", "-1d"):
            self.installation.run("license", "rekey", self.key, f"--overlap={text}", code=USAGE)
        self.installation.run("license", "rekey", "lic_0000000000000", code=NEGATIVE)

    def test_a_key_is_told_again_and_that_is_recorded(self):
        new = self.rekey()
        revealed = self.installation.json("license", "show", self.license["id"], "--reveal", "--reason", "lost")
        self.assertEqual({key["license_key"] for key in revealed["keys"]}, {self.key, new["license_key"]})
        text = self.installation.run("license", "show", self.key, "--reveal").stdout
        self.assertIn(new["license_key"], text)
        events = self.installation.json(
            "audit", "list", "--subject", self.license["id"], "--type", "license.key_revealed")["data"]
        self.assertEqual(len(events), 2)
        self.assertIn("lost", [event["data"].get("reason") for event in events])
        journal = self.installation.run("audit", "list", "--json").stdout
        self.assertNotIn(new["license_key"], journal)
        self.assertNotIn(new["license_key"], "\n".join(self.server.log))

    def test_many_are_issued_alike_and_listed_by_their_batch(self):
        order = ("license", "generate", "--customer", "123", "--product", "whm-panel", "--batch", "reseller-7")
        table = list(csv.DictReader(io.StringIO(self.installation.run(*order, "--count", "3", "--csv").stdout)))
        self.assertEqual([(row["product"], row["batch"], row["expires_at"]) for row in table],
                         [("whm-panel", "reseller-7", "")] * 3)
        for row in table:
            self.assertEqual(self.server.validate(row["license_key"])["code"], "VALID")
        listed = self.installation.json("license", "list", "--batch", "reseller-7")["data"]
        self.assertEqual({entry["id"] for entry in listed}, {row["id"] for row in table})
        issued = self.installation.json(*order, "--count", "2")
        self.assertEqual((issued["count"], len(issued["data"])), (2, 2))
        self.assertIn(issued["batch"], self.installation.run(*order, "--count", "2").stdout)
        self.assertEqual(len(self.installation.json("license", "list", "--batch", "reseller-7")["data"]), 7)
        tried = self.installation.run(*order, "--count", "2", "--csv", "--dry-run").stdout
        self.assertEqual(len(tried.splitlines()), 3)
        self.assertEqual(len(self.installation.json("license", "list", "--batch", "reseller-7")["data"]), 7)
        for options in (("--count", "0"), ("--count", "1001"), ("--batch", "No Name"),
                        ("--count", "2", "--format", "offline", "--unbound"), ("--count", "2", "--csv", "--json")):
            self.installation.run(*order, *options, code=USAGE)

    def test_a_key_comes_with_an_offline_key_or_a_file(self):
        order = ("license", "generate", "--customer", "123", "--product", "whm-panel")
        offline = self.installation.run(*order, "--format", "offline", "--domain", "shop.example.com").stdout
        key = re.search(r"LK1(-[0-9A-HJKMNP-TV-Z]{1,6}){31}", offline).group()
        self.assertEqual(self.server.validate(key, "shop.example.com")["code"], "VALID")
        self.assertEqual(self.server.validate(key, "other.example.com")["code"], "DOMAIN_NOT_ALLOWED")
        path = self.installation.folder / "generated.lic"
        options = ("--format", "file", "--domain", "shop.example.com", "--days", "30", "--output", str(path))
        card = self.installation.run(*order, *options).stdout
        self.assertTrue(path.read_text().startswith("-----BEGIN"), path)
        plain = re.search(r"([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}", card).group()
        self.assertEqual(self.server.validate(plain, "other.example.com")["code"], "DOMAIN_NOT_ALLOWED")
        self.assertEqual(self.installation.json("license", "show", plain)["current_activations"], 1)

    def test_the_examples_of_the_documentation_run(self):
        printed = follow(self, "license-keys.md", Shell(self.installation), {"KEY": self.key})
        self.assertEqual(len(printed), 4)
        self.assertNotIn("", printed)
