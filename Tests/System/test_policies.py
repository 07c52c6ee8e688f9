"""What products and licenses allow, changed through the command line: each choice, and what installations see of it."""

import re

from pages import Shell, script, text
from signet import NEGATIVE, OK, USAGE, SignetCase

# A value for every choice, as it is given on the command line and as it is told.
VALUES = {
    "license_type": ("pro", "pro"),
    "features": ("whm,billing", ["whm", "billing"]),
    "max_activations": ("0", 0),
    "counted_by": ("ip", "ip"),
    "addresses_per_seat": ("5", 5),
    "ipv6_prefix": ("48", 48),
    "moves_max": ("3", 3),
    "counts_development": (None, True),
    "staging_hosts": ("preview.*,*.qa.example.com", ["preview.*", "*.qa.example.com"]),
    "staging_max": ("7", 7),
    "allowed_domains": ("example.com,*.example.com", ["example.com", "*.example.com"]),
    "allowed_networks": ("203.0.113.0/24", ["203.0.113.0/24"]),
    "checks_peer": (None, True),
    "activation": ("explicit", "explicit"),
    "lease_minutes": ("90", 90),
    "grace_days": ("14", 14),
    "token_days": ("30", 30),
    "duration_days": ("365d", 365),
    "maintenance_until": ("2099-12-31", "2099-12-31"),
    "max_version": ("2.10", "2.10"),
}


def options():
    """The option of every choice, as the documentation has it."""
    return dict(re.findall(r"^\| `(\w+)` \| `--(?:\[no-\])?([\w-]+)` \|", text("policies.md"), re.MULTILINE))


def given(name, option):
    text, _ = VALUES[name]
    return [f"--{option}"] if text is None else [f"--{option}", text]


class PolicyTests(SignetCase):
    def setUp(self):
        super().setUp()
        self.installation.stock()

    def test_every_choice_has_an_option_of_every_command_that_makes_choices(self):
        self.assertEqual(set(options()), set(VALUES))
        everything = [word for name, option in options().items() for word in given(name, option)]
        product = self.installation.json("product", "create", "all", *everything)
        generate = ["license", "generate", "--customer", "123", "--product"]
        license = self.installation.json(*generate, "whm-panel", *everything)
        updated = self.installation.json("product", "update", "whm-panel", *everything)
        for name, (_, value) in VALUES.items():
            for record in (product, license, updated):
                self.assertEqual(record[name], value, name)
        self.assertEqual(set(license["overrides"]), set(VALUES))
        plain = self.installation.json(*generate, "all")
        changed = self.installation.json("license", "update", plain["id"], *everything)
        self.assertEqual({change["member"] for change in changed["changes"]}, set(VALUES))
        inherit = [word for option in options().values() for word in ("--inherit", option)]
        opened = self.installation.json("license", "update", plain["id"], *inherit)
        self.assertEqual(opened["overrides"], {})
        self.assertEqual({change["to"] for change in opened["changes"]}, {None})
        by_json_name = self.installation.json("license", "update", license["id"], "--inherit", "license_type")
        self.assertNotIn("license_type", by_json_name["overrides"])

    def test_flags_are_turned_off_and_lists_emptied(self):
        self.installation.run("product", "update", "whm-panel", "--check-peer", "--features", "a", "--features", "b,c")
        self.assertEqual(self.installation.json("product", "show", "whm-panel")["features"], ["a", "b", "c"])
        product = self.installation.json("product", "update", "whm-panel", "--no-check-peer", "--features", "")
        self.assertEqual((product["checks_peer"], product["features"]), (False, []))

    def test_a_changed_product_changes_its_licenses_at_once(self):
        license = self.installation.json("license", "generate", "--customer", "123", "--product", "whm-panel")
        own = self.installation.license(seats=1)
        server = self.serve()
        self.assertEqual(server.validate(license, "a.example.com")["code"], "VALID")
        self.assertEqual(server.validate(license, "b.example.com")["code"], "ACTIVATION_LIMIT")
        tried = self.installation.json(
            "product", "update", "whm-panel", "--max-activations", "3", "--type", "enterprise", "--dry-run"
        )
        self.assertEqual(tried["licenses"]["affected"], 2)
        self.assertEqual(server.validate(license, "b.example.com")["code"], "ACTIVATION_LIMIT")
        done = self.installation.run(
            "product", "update", "whm-panel", "--max-activations", "3", "--type", "enterprise", "--reason", "new list"
        )
        self.assertRegex(done.stdout, r"max_activations +1 +3\n")
        self.assertIn("Affects 2 of 2 licenses.", done.stdout)
        answer = server.validate(license, "b.example.com")
        self.assertEqual((answer["code"], answer["license_type"]), ("VALID", "enterprise"))
        answer = server.validate(own, "a.example.com")
        self.assertEqual((answer["max_activations"], answer["license_type"]), (1, "enterprise"))

    def test_a_lowered_limit_is_dated_and_a_raised_one_forgets_it(self):
        license = self.installation.license(seats=2)
        server = self.serve()
        for domain in ("a.example.com", "b.example.com"):
            self.assertEqual(server.validate(license, domain)["code"], "VALID")
        lowered = self.installation.run("license", "update", license["id"], "--max-activations", "1")
        self.assertRegex(lowered.stdout, r"2 of 1; the newest are released at \d{4}-")
        answer = server.validate(license, "b.example.com")
        self.assertEqual(answer["code"], "VALID")
        self.assertEqual([warning["code"] for warning in answer["warnings"]], ["OVER_LIMIT"])
        self.assertIsNotNone(self.installation.show(license)["over_limit_until"])
        raised = self.installation.json("license", "update", license["license_key"], "--max-activations", "2")
        self.assertIsNone(raised["over_limit_until"])
        self.assertEqual(server.validate(license, "b.example.com")["warnings"], [])

    def test_another_way_of_counting_names_the_option_that_allows_it(self):
        license = self.installation.license(seats=2)
        self.installation.run("license", "validate", license["license_key"], "--domain", "a.example.com", "--activate")
        for command in (["license", "update", license["id"]], ["product", "update", "whm-panel"]):
            refused = self.installation.run(*command, "--counted-by", "ip", code=NEGATIVE)
            self.assertIn("--recount", refused.stderr)
        counted = self.installation.run("license", "update", license["id"], "--counted-by", "ip", "--recount")
        self.assertIn("counted anew: 1 of 2 are taken", counted.stdout)

    def test_a_license_moves_to_another_product_with_its_key(self):
        self.installation.run("product", "create", "whm-pro", "--max-activations", "9", "--key-prefix", "PRO")
        license = self.installation.json("license", "generate", "--customer", "123", "--product", "whm-panel")
        server = self.serve()
        self.assertEqual(server.validate(license, product="whm-pro")["code"], "PRODUCT_MISMATCH")
        self.installation.run("license", "update", license["id"], "--product", "whm-pro", "--batch", "b1")
        answer = server.validate(license, product="whm-pro")
        self.assertEqual((answer["code"], answer["max_activations"]), ("VALID", 9))
        answer = server.validate("PRO-" + license["license_key"], product="whm-pro")
        self.assertEqual(answer["code"], "VALID")

    def test_what_was_seen_before_somebody_else_changed_it_is_not_changed(self):
        self.installation.run("product", "update", "whm-panel", "--token-days", "3", "--if-version", "1")
        refused = self.installation.run(
            "product", "update", "whm-panel", "--token-days", "4", "--if-version", "1", code=NEGATIVE
        )
        self.assertIn("version is 2", refused.stderr)
        same = self.installation.run("product", "update", "whm-panel", "--token-days", "3")
        self.assertIn("is like this already", same.stdout)

    def test_what_makes_no_sense_is_refused_with_what_would(self):
        license = self.installation.license()
        update = ["license", "update", license["id"]]
        for arguments, words in (
            ([], ["what to change"]),
            (["--inherit", "seats"], ["seats", "max-activations"]),
            (["--max-activations", "3", "--inherit", "max-activations"], ["one too many"]),
            (["--duration", "soon"], ["--duration"]),
            (["--domain", "*.com"], ["--domain"]),
            (["--network", "203.0.113.7/24"], ["--network"]),
            (["--expires", "2020-01-01"], ["2020-01-01"]),
            (["--expires", "+1 days", "--not-before", "2099-01-01"], ["begins"]),
            (["--max-activaitons", "3"], ["max-activations"]),
        ):
            with self.subTest(arguments):
                refused = self.installation.run(*update, *arguments, code=USAGE)
                for word in words:
                    self.assertIn(word, refused.stderr)
        for arguments, meant in (
            (["product", "show", "whm-panle"], "did you mean whm-panel?"),
            (["product", "update", "whm-panl", "--token-days", "3"], "did you mean whm-panel?"),
            ([*update, "--product", "whm-pane"], "did you mean whm-panel?"),
            (["license", "list", "--product", "whm-panel2"], "did you mean whm-panel?"),
            (["license", "list", "--customer", "132"], "did you mean 123?"),
            (["customer", "show", "132"], "did you mean 123?"),
            (["license", "generate", "--customer", "213", "--product", "whm-panel"], "did you mean 123?"),
        ):
            with self.subTest(arguments):
                self.assertIn(meant, self.installation.run(*arguments, code=NEGATIVE).stderr)
        self.assertEqual(self.installation.show(license)["version"], 1)

    def test_a_misprinted_key_is_answered_with_the_one_that_was_meant(self):
        key = self.installation.license()["license_key"]
        swapped = key[:-2] + key[-1] + key[-2] if key[-1] != key[-2] else key[:-1] + ("0" if key[-1] != "0" else "1")
        refused = self.installation.run("license", "show", swapped, code=USAGE)
        self.assertIn(f"did you mean {key}?", refused.stderr)
        self.assertNotIn("did you mean", self.installation.run("license", "show", "hello", code=USAGE).stderr)

    def test_a_license_is_shown_in_80_columns_without_colors(self):
        license = self.installation.license("--domain", "example.com", "--grace-days", "7", seats=2)
        for domain in ("example.com", "www.example.com"):
            self.installation.run(
                "license", "validate", license["license_key"], "--domain", domain, "--ip", "203.0.113.7", "--activate"
            )
        shown = self.installation.run("license", "show", license["id"]).stdout
        self.assertLessEqual(max(map(len, shown.splitlines())), 80, shown)
        self.assertNotIn("\x1b", shown)
        for pattern in (
            rf"^License {license['id']} +ACTIVE$", r"^whm-panel, professional, for customer 123$",
            r"Expires +\d{4}-\d\d-\d\d, in 365 days$", r"Seats +1 of 2 taken$",
            r"^  example\.com +production +seen just now$",
            r"^  allowed_domains +license +example\.com$", r"^  license_type +product +professional$",
            r"^  staging_max +default +3$",
        ):
            self.assertRegex(shown, re.compile(pattern, re.MULTILINE))

    def test_the_examples_of_the_documentation_run(self):
        self.serve()
        printed, status = Shell(self.installation).run(script("policies.md"))
        self.assertEqual(status, OK, printed)
        self.assertRegex(printed, r"max_activations +2 +1\n")
        self.assertRegex(printed, r"batch +- +reseller-7\n")
