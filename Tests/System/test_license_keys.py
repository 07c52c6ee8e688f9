"""The keys of licenses from the command line: replaced, told again, issued in numbers; docs/license-keys.md is run."""

import re
import shlex

from signet import NEGATIVE, REPOSITORY, USAGE, ServedCase


class LicenseKeyTests(ServedCase):
    def setUp(self):
        self.license = self.installation.license()
        self.key = self.license["license_key"]

    def rekey(self, *options):
        return self.installation.json("license", "rekey", self.key, *options)

    def test_a_replaced_key_works_and_warns_until_it_ends(self):
        self.assertEqual(self.server.validate(self.license).json["warnings"], [])
        new = self.rekey("--overlap", "36h", "--reason", "leaked")
        self.assertRegex(new["license_key"], r"^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$")
        answer = self.server.validate(self.license).json
        self.assertEqual([warning["code"] for warning in answer["warnings"]], ["KEY_ENDING"])
        self.assertEqual(answer["warnings"][0]["at"], new["keys"][-1]["valid_until"])
        self.assertEqual(self.server.validate(new).json["warnings"], [])
        text = self.installation.run("license", "show", self.key).stdout
        self.assertIn(f"…{self.key[-4:]} ends {new['keys'][-1]['valid_until']}", text)
        self.assertIn(f"…{new['last4']}", text)
        self.assertNotIn(new["license_key"], text)

    def test_without_an_overlap_the_old_key_is_unknown_now(self):
        self.assertTrue(self.server.validate(self.license).json["valid"])
        new = self.rekey("--overlap", "0")
        self.assertEqual(self.server.validate(self.license).json["code"], "NOT_FOUND")
        answer = self.server.validate(new).json
        self.assertEqual((answer["code"], answer["current_activations"]), ("VALID", 1))
        shown = self.installation.json("license", "show", self.key)
        self.assertEqual((shown["id"], shown["looked_up"]["state"]), (self.license["id"], "ended"))
        self.assertIn(f"…{self.key[-4:]} ended ", self.installation.run("license", "show", self.key).stdout)

    def test_a_try_tells_what_would_be_and_changes_nothing(self):
        tried = self.rekey("--overlap", "0", "--dry-run")
        self.assertEqual(self.server.validate(tried).json["code"], "NOT_FOUND")
        self.assertEqual(self.server.validate(self.license).json["code"], "VALID")

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

    def test_the_examples_of_the_documentation_run(self):
        text = (REPOSITORY / "docs/license-keys.md").read_text()
        blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        commands = [line[9:] for block in blocks for line in block.splitlines() if line.startswith("$ signet ")]
        self.assertEqual(len(commands), 3)
        for command in commands:
            arguments = [self.key if word == "KEY" else word for word in shlex.split(command)]
            self.assertNotEqual(self.installation.run(*arguments).stdout, "")
