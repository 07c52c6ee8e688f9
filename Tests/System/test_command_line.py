"""The command line: what it prints where, how it ends, and what it leaves alone when it refuses."""

import datetime

from signet import FAILED, NEGATIVE, OK, REPOSITORY, USAGE, SYMBOLS, SignetCase

POLICY = set(
    "license_type features max_activations counted_by addresses_per_seat ipv6_prefix moves_max counts_development"
    " staging_hosts staging_max allowed_domains allowed_networks checks_peer activation lease_minutes grace_days"
    " token_days duration_days maintenance_until max_version".split()
)
LICENSE = set(
    "id last4 customer_id product status suspension revocation expires_at expires_at_time grace_until not_before"
    " over_limit_until batch overrides current_activations version created_at".split()
) | POLICY
PRODUCT = set(
    "code name settings key_groups key_prefix action_url version created_at".split()
) | POLICY
GENERATE = ["license", "generate", "--customer", "123", "--product", "whm-panel"]


class CommandLineTests(SignetCase):
    def setUp(self):
        super().setUp()
        self.installation.stock()

    def refuses(self, code, *arguments, naming=()):
        """The command ends with `code`, says nothing on stdout, and names what is wrong on stderr."""
        result = self.installation.run(*arguments, code=code)
        self.assertEqual(result.stdout, "", str(result))
        for words in naming:
            self.assertIn(words.lower(), result.stderr.lower(), str(result))
        self.assertLess(len(result.stderr.splitlines()), 15, str(result))
        return result

    def count(self):
        return self.installation.json("license", "list")["meta"]["total"]

    # What is printed

    def test_objects_have_the_members_of_the_contract(self):
        license = self.installation.license()
        self.assertEqual(set(license), LICENSE | {"license_key"})
        self.assertEqual(license["last4"], license["license_key"][-4:])
        self.assertEqual(license["status"], "active")
        shown = self.installation.show(license)
        self.assertEqual(set(shown), LICENSE | {"activations", "keys", "product_name", "policy_sources"})
        looked_up = self.installation.json("license", "show", license["license_key"])
        self.assertEqual(looked_up.pop("looked_up"), shown["keys"][0])
        self.assertEqual(looked_up, shown)
        self.assertEqual(set(self.installation.json("product", "show", "whm-panel")), PRODUCT)
        customer = self.installation.json("customer", "show", "123")
        self.assertEqual(set(customer), {"id", "reference", "state", "version", "created_at"})

    def test_lists_have_pages(self):
        for _ in range(3):
            self.installation.license()
        first = self.installation.json("license", "list", "--per-page", "2")
        self.assertEqual((len(first["data"]), first["meta"]), (2, {"page": 1, "per_page": 2, "total": 3}))
        self.assertEqual(set(first["links"]), {"self", "next", "prev"})
        self.assertIsNone(first["links"]["prev"])
        second = self.installation.json("license", "list", "--per-page", "2", "--page", "2")
        self.assertEqual(len(second["data"]), 1)
        self.assertIsNone(second["links"]["next"])
        ids = {license["id"] for license in first["data"] + second["data"]}
        self.assertEqual(len(ids), 3)
        self.assertEqual(self.installation.json("license", "list", "--product", "whm-panel")["meta"]["total"], 3)
        self.assertEqual(self.installation.json("license", "list", "--status", "expired")["meta"]["total"], 0)
        self.assertEqual(self.installation.json("license", "list", "--customer", "123")["meta"]["total"], 3)

    def test_a_key_is_shown_by_the_command_that_issues_it_only(self):
        license = self.installation.license()
        for arguments in (["license", "show", license["id"]], ["license", "list"]):
            for form in ([], ["--json"]):
                result = self.installation.run(*arguments, *form)
                self.assertNotIn(license["license_key"], result.stdout + result.stderr)

    def test_the_guide_s_spelling_and_ours_are_the_same_commands(self):
        license = self.installation.license()
        for noun, verb, *rest in (["license", "list"], ["license", "show", license["id"]], ["product", "list"]):
            ours = self.installation.run(noun, verb, *rest, "--json").stdout
            self.assertEqual(self.installation.run(f"{noun}:{verb}", *rest, "--json").stdout, ours)

    def test_expiry_is_through_a_day(self):
        today = datetime.datetime.now(datetime.timezone.utc).date()
        for text, day in (
            ("+365 days", today + datetime.timedelta(days=365)),
            ("2099-12-31", datetime.date(2099, 12, 31)),
        ):
            license = self.installation.json(*GENERATE, "--expires", text)
            self.assertEqual(license["expires_at"], day.isoformat())
            after = (day + datetime.timedelta(days=1)).isoformat()
            self.assertEqual(license["expires_at_time"], f"{after}T00:00:00Z")
        never = self.installation.json(*GENERATE, "--expires", "never")
        self.assertEqual((never["expires_at"], never["expires_at_time"]), (None, None))

    def test_help_is_no_failure(self):
        for arguments in (["--help"], ["license", "generate", "--help"]):
            self.assertIn("USAGE", self.installation.run(*arguments, code=OK).stdout)

    # Validating

    def test_validating_takes_a_seat_only_when_told(self):
        license = self.installation.license()
        key = license["license_key"]
        self.installation.run("license", "validate", key, "--domain", "example.com", code=None)
        self.assertEqual(self.installation.show(license)["current_activations"], 0)
        verdict = self.installation.json("license", "validate", key, "--domain", "example.com", "--activate")
        self.assertEqual((verdict["code"], verdict["current_activations"]), ("VALID", 1))
        self.assertEqual(self.installation.json("license", "validate", key, "--domain", "example.com")["code"], "VALID")
        verdict = self.installation.json(
            "license", "validate", key, "--domain", "other.example.com", "--activate", code=NEGATIVE
        )
        self.assertEqual(verdict["code"], "ACTIVATION_LIMIT")

    def test_a_negative_verdict_ends_with_1(self):
        license = self.installation.license()
        key = license["license_key"]
        wrong = key[:-1] + SYMBOLS[(SYMBOLS.index(key[-1]) + 1) % 32]
        for text, code in ((wrong, "KEY_MALFORMED"), ("hello", "KEY_MALFORMED"), ("0000-0000-0000-0000", "NOT_FOUND")):
            verdict = self.installation.json("license", "validate", text, "--domain", "example.com", code=NEGATIVE)
            self.assertEqual((verdict["valid"], verdict["code"]), (False, code))

    def test_a_released_seat_is_free_for_another(self):
        license = self.installation.license()
        key = license["license_key"]
        activated = self.installation.json("license", "validate", key, "--domain", "example.com", "--activate")
        released = self.installation.json("license", "deactivate", license["id"], "--domain", "example.com")
        self.assertEqual((released["license_id"], released["current_activations"]), (license["id"], 0))
        self.assertEqual([seat["id"] for seat in released["released"]], [activated["activation"]["id"]])
        self.installation.run("license", "validate", key, "--domain", "other.example.com", "--activate")

    # Refusing

    def test_an_unknown_customer_is_refused_with_the_command_that_creates_one(self):
        self.refuses(
            NEGATIVE, "license", "generate", "--customer", "999", "--product", "whm-panel",
            naming=["999", "signet customer create"],
        )
        self.assertEqual(self.count(), 0)

    def test_an_unknown_product_is_refused(self):
        self.refuses(NEGATIVE, "license", "generate", "--customer", "123", "--product", "nothing", naming=["nothing"])
        self.assertEqual(self.count(), 0)

    def test_what_makes_no_sense_is_refused_and_named(self):
        for arguments, words in (
            (["--expires", "2020-01-01"], ["2020-01-01"]),
            (["--expires", "2027-02-30"], ["2027-02-30"]),
            (["--expires", "soon"], ["soon", "YYYY-MM-DD"]),
            (["--expires", "-3 days"], ["expires"]),
            (["--max-activations", "-1"], ["max-activations"]),
            (["--max-activations=-1"], ["max-activations"]),
            (["--max-activations", "many"], ["max-activations"]),
            (["--max-activations", "99999999999999999999"], ["max-activations"]),
            (["--features", "a,,b"], ["features"]),
            (["--grace-days", "-1"], ["grace-days"]),
            (["--color", "red"], ["color"]),
        ):
            with self.subTest(arguments):
                self.refuses(USAGE, *GENERATE, *arguments, naming=words)
        self.assertEqual(self.count(), 0)

    def test_what_is_not_there_ends_with_1(self):
        for arguments in (
            ["license", "show", "lic_0123456789ABC"],
            ["license", "show", "0000-0000-0000-0000"],
            ["license", "deactivate", "lic_0123456789ABC", "--all"],
            ["product", "show", "nothing"],
            ["customer", "show", "999"],
        ):
            with self.subTest(arguments):
                self.refuses(NEGATIVE, *arguments)

    def test_what_is_no_command_ends_with_2(self):
        license = self.installation.license()
        for arguments in (
            ["nonsense"],
            ["license"],
            ["license", "show"],
            ["license:nonsense"],
            ["license", "deactivate", license["id"]],
            ["license", "deactivate", license["id"], "--all", "--domain", "example.com"],
            ["license", "validate", license["license_key"], "--domain", "example.com", "--ip", "example.com"],
            ["customer", "create", "--id", "0"],
            ["product", "create", "Not A Code"],
            ["serve", "--listen", "nowhere"],
        ):
            with self.subTest(arguments):
                result = self.installation.run(*arguments, code=USAGE)
                self.assertNotEqual(result.stderr, "")

    def test_what_exists_is_not_made_again(self):
        before = self.installation.json("product", "show", "whm-panel")
        self.refuses(NEGATIVE, "product", "create", "whm-panel", "--name", "Other", naming=["whm-panel"])
        self.refuses(NEGATIVE, "customer", "create", "--id", "123", naming=["123"])
        self.assertEqual(self.installation.json("product", "show", "whm-panel"), before)

    def test_a_dry_run_changes_nothing(self):
        license = self.installation.license()
        self.installation.run("license", "validate", license["license_key"], "--domain", "example.com", "--activate")
        keys = self.installation.json("keys", "list")
        for arguments in (
            GENERATE,
            ["customer", "create", "--id", "7"],
            ["product", "create", "other"],
            ["license", "deactivate", license["id"], "--all"],
            ["keys", "generate"],
        ):
            self.installation.run(*arguments, "--dry-run", "--reason", "to see")
        self.assertEqual(self.count(), 1)
        self.assertEqual(self.installation.show(license)["current_activations"], 1)
        self.assertEqual(self.installation.json("keys", "list"), keys)
        self.installation.run("customer", "show", "7", code=NEGATIVE)
        self.installation.run("product", "show", "other", code=NEGATIVE)

    # Settings

    def test_the_file_of_settings_that_we_ship_is_accepted(self):
        self.installation.run("license", "list", "--config", str(REPOSITORY / "Config/signet.yaml"))

    def test_all_that_is_wrong_with_the_settings_is_named_at_once(self):
        config = self.installation.folder / "wrong.yaml"
        config.write_text("unheard-of: red\nconnections-max: 0\nlog-level: loud\ntrusted-proxies: [10.0.0.0/33]\n")
        result = self.installation.run("license", "list", "--config", str(config), code=None)
        self.assertIn(result.code, (USAGE, FAILED), str(result))
        for key in ("unheard-of", "connections-max", "log-level", "trusted-proxies"):
            self.assertIn(key, result.stderr)

    def test_a_named_file_of_settings_that_is_missing_or_broken_is_refused(self):
        config = self.installation.folder / "broken.yaml"
        for content in (None, "listen: [\n", "- a\n- b\n", "listen: 1\nlisten: 2\n"):
            with self.subTest(content):
                if content is not None:
                    config.write_text(content)
                result = self.installation.run("license", "list", "--config", str(config), code=None)
                self.assertIn(result.code, (USAGE, FAILED), str(result))
                self.assertIn("broken.yaml", result.stderr)

    def test_a_flag_wins_over_the_environment_and_that_over_the_file(self):
        config = self.installation.folder / "signet.yaml"
        config.write_text("listen: 127.0.0.1:nowhere\n")
        result = self.installation.run("license", "list", "--config", str(config), code=None)
        self.assertIn(result.code, (USAGE, FAILED), str(result))
        config.write_text("listen: 203.0.113.1:1\n")
        refused = self.installation.run("serve", "--config", str(config), code=FAILED)
        self.assertIn("203.0.113.1", refused.stderr)
        refused = self.installation.run(
            "serve", "--config", str(config), code=FAILED, SIGNET_LISTEN="203.0.113.2:1"
        )
        self.assertIn("203.0.113.2", refused.stderr)
        self.serve("--config", str(config), SIGNET_LISTEN="203.0.113.2:1")
