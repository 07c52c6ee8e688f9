"""How licenses change state, from the command line. The examples of docs/states.md are run as they stand there."""

from pages import Shell, commands, follow
from signet import NEGATIVE, OK, USAGE, ServedCase


class StateTests(ServedCase):
    def setUp(self):
        self.license = self.installation.license(seats=3)

    def code(self, domain="example.com"):
        return self.server.validate(self.license, domain)["code"]

    def change(self, verb, *options, code=OK):
        return self.installation.json("license", verb, self.license["id"], *options, code=code)

    def events(self):
        listed = self.installation.json("audit", "list", "--subject", self.license["id"])["data"]
        return [event["type"] for event in reversed(listed)]

    def test_the_examples_of_the_documentation_run_and_print_what_it_shows(self):
        self.installation.run("customer", "create", "--id", "456", code=None)
        for domain in ("old.example.com", "example.com"):
            self.assertEqual(self.code(domain), "VALID")
        verbs = {arguments[1] for arguments in commands("states.md")}
        self.assertEqual(verbs, {"suspend", "reinstate", "renew", "transfer", "merge", "revoke"})
        follow(self, "states.md", Shell(self.installation), {"KEY": self.license["license_key"]})
        self.assertEqual(self.code(), "REVOKED")

    def test_a_license_goes_through_its_states_and_every_check_sees_it(self):
        self.assertEqual(self.code(), "VALID")
        held = self.change("suspend", "--reason", "sends spam")
        self.assertEqual((held["changed"], held["before"]["status"], held["status"]), (True, "active", "suspended"))
        self.assertEqual([(hold["by"], hold["reason"]) for hold in held["suspension"]], [("operator", "sends spam")])
        self.assertEqual(self.code(), "SUSPENDED")
        self.assertFalse(self.change("suspend")["changed"])
        self.assertEqual(self.installation.show(self.license)["suspension"], held["suspension"])
        listed = self.installation.json("license", "list", "--status", "suspended")["data"]
        self.assertIn(
            (self.license["id"], held["suspension"]), [(entry["id"], entry["suspension"]) for entry in listed]
        )
        self.assertEqual(self.change("reinstate")["suspension"], [])
        self.assertEqual(self.code(), "VALID")
        renewed = self.change("renew", "--by", "30d")
        self.assertGreater(renewed["expires_at"], renewed["before"]["expires_at"])
        self.assertEqual(self.server.validate(self.license, "example.com")["expires_at"], renewed["expires_at"])
        revoked = self.change("revoke", "--reason", "refunded")
        self.assertEqual((revoked["status"], revoked["revocation"]["reason"]), ("revoked", "refunded"))
        self.assertEqual(revoked["ends"]["activations"], 1)
        self.assertEqual(self.code(), "REVOKED")
        for verb, options in (("suspend", []), ("reinstate", []), ("renew", ["--by", "1d"])):
            refused = self.installation.run("license", verb, self.license["id"], *options, code=NEGATIVE)
            self.assertIn("Possible now: transfer.", refused.stderr)
        self.assertEqual(
            self.events(),
            ["license.created", "activation.created", "license.suspended", "license.reinstated", "license.renewed",
             "license.revoked"],
        )

    def test_the_reason_of_a_change_is_sealed_and_shown_to_who_may_see_it(self):
        self.change("suspend", "--reason", "Jane Doe sends spam")
        event = self.installation.json("audit", "list", "--type", "license.suspended", "--subject", self.license["id"])
        self.assertEqual(
            [(entry["data"].get("reason"), entry["personal"]) for entry in event["data"]],
            [(None, {"reason": "Jane Doe sends spam"})],
        )
        table = self.installation.run("audit", "list", "--subject", self.license["id"]).stdout
        self.assertIn("Jane Doe sends spam", table)

    def test_a_dry_run_says_what_would_end_and_ends_nothing(self):
        self.assertEqual(self.code(), "VALID")
        tried = self.installation.run("license", "revoke", self.license["license_key"], "--dry-run")
        self.assertIn("Status       active → revoked", tried.stdout)
        self.assertIn("Ends         1 installation, at the next check", tried.stdout)
        self.assertIn("dry run: nothing was changed", tried.stderr)
        self.assertEqual(self.code(), "VALID")

    def test_wrong_usage_names_the_option(self):
        for options, named in (
            (["renew"], "--by"), (["renew", "--by", "1d", "--expires", "never"], "--expires"),
            (["renew", "--from", "now"], "--by"), (["renew", "--by", "1y"], "--by"),
            (["renew", "--by", "1d", "--from", "birth"], "--from"), (["renew", "--expires", "2001-01-01"], "past"),
            (["transfer"], "--to"), (["transfer", "--to", "0"], "--customer"),
            (["merge", "--from", "example.com", "--into", "EXAMPLE.com"], "--into"),
        ):
            verb, *rest = options
            result = self.installation.run("license", verb, self.license["id"], *rest, code=USAGE)
            self.assertIn(named, result.stderr, str(result))
        absent = ["license", "merge", self.license["id"], "--from", "a.example.com", "--into", "b.example.com"]
        self.installation.run(*absent, code=NEGATIVE)
        self.installation.run("license", "transfer", self.license["id"], "--to", "999999", code=NEGATIVE)
        self.installation.run("license", "suspend", "lic_0000000000000", code=NEGATIVE)
        self.assertEqual(self.events(), ["license.created"])
