"""An installation moved to PostgreSQL by the documented commands: whole, repeated, refused, and killed on the way."""

import contextlib
import os
import subprocess
import sys

from pages import Shell, follow
from signet import FAILED, NEGATIVE, OK, REPOSITORY, USAGE, Installation, Server, SignetCase

sys.path.insert(0, str(REPOSITORY / "Tests" / "PostgreSQL"))
import server as postgresql  # noqa: E402

KILLS = int(os.environ.get("KILLS", "5"))
PASSWORD = "correct-horse"


class MigrateToTest(SignetCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.postgresql = cls.enterClassContext(postgresql.Server())
        cls.count = 0

    def setUp(self):
        super().setUp()
        type(self).count += 1
        name = f"move_{self.count}"
        self.postgresql.create(name)
        self.target = self.postgresql.address.replace("/signet?", f"/{name}?")
        self.installation = Installation().stock()
        self.addCleanup(self.installation.remove)
        self.license = self.installation.license(seats=3)

    def move(self, *options, code=OK, **settings):
        return self.installation.run("db", "migrate-to", self.target, *options, code=code, **settings)

    @staticmethod
    def lasting(answer):
        """What an answer tells but for its time, and what is signed at it."""
        return {name: answer[name] for name in answer if name not in ("token", "server_time", "next_check_at")}

    def query(self, sql):
        return subprocess.run(
            [postgresql.binary("psql"), "--no-psqlrc", "--tuples-only", "--no-align", self.target, "--command", sql],
            check=True, capture_output=True, text=True).stdout.strip()

    def test_the_copy_answers_as_the_file_did(self):
        with Server(self.installation) as server:
            before = server.validate(self.license)
        result = self.move()
        self.assertIn("SIGNET_DATABASE=postgres://", result.stdout)
        self.assertIn("copied 1 rows of licenses", result.stderr)
        with Server(self.installation, SIGNET_DATABASE=self.target) as server:
            after = server.validate(self.license)
            self.assertEqual(self.lasting(after), self.lasting(before))
            self.assertEqual(server.validate(self.license, "shop.example.com")["code"], "VALID")
            backup = self.installation.json(
                "db", "backup", "--output", str(self.installation.folder / "backup.tar"), SIGNET_DATABASE=self.target,
                SIGNET_BACKUP_PASSPHRASE=PASSWORD)
            self.assertIn({"table": "licenses", "rows": 1}, backup["manifest"]["counts"])
        # It went on by itself now.
        refused = self.move(code=NEGATIVE)
        self.assertIn("has changes that the file does not have", refused.stderr)
        # The backup comes back as a file, and that one is moved again.
        other = Installation()
        self.addCleanup(other.remove)
        other.run("db", "restore", str(self.installation.folder / "backup.tar"), SIGNET_BACKUP_PASSPHRASE=PASSWORD)
        with Server(other) as server:
            self.assertEqual(server.validate(self.license)["code"], "VALID")

    def test_it_can_be_repeated(self):
        self.assertFalse(self.installation.json("db", "migrate-to", self.target)["repeated"])
        epoch = int(self.query("SELECT feed_epoch FROM journal_feed"))
        second = self.installation.license()
        report = self.installation.json("db", "migrate-to", self.target)
        self.assertTrue(report["repeated"] and report["sound"])
        self.assertIn({"table": "licenses", "rows": 2}, report["tables"])
        self.assertEqual(int(self.query("SELECT feed_epoch FROM journal_feed")), epoch + 1)
        shown = self.installation.json("license", "show", second["id"], SIGNET_DATABASE=self.target)
        self.assertEqual(shown["id"], second["id"])

    def test_a_dry_run_changes_nothing(self):
        report = self.installation.json("db", "migrate-to", self.target, "--dry-run")
        self.assertFalse(report["copied"])
        self.assertIn({"table": "licenses", "rows": 1}, report["tables"])
        self.assertEqual(self.query("SELECT count(*) FROM pg_class WHERE relname = 'licenses'"), "0")

    def test_a_running_server_keeps_the_file(self):
        with Server(self.installation):
            self.assertIn("is held by", self.move(code=FAILED).stderr)

    def test_a_killed_move_leaves_nothing_and_can_be_made_again(self):
        for _ in range(3):
            self.installation.license()
        kills = 0
        for number in range(KILLS):
            process = self.installation.start("db", "migrate-to", self.target)
            with process:
                # In the middle of the copy: after the first tables it tells of.
                for line in process.stderr:
                    if "copied" in line and line.split()[-1] >= "clmprs"[number % 6]:
                        break
                process.kill()
                process.stdout.read()
            kills += process.returncode != 0
            with contextlib.suppress(subprocess.CalledProcessError):
                self.assertIn(self.query("SELECT count(*) FROM licenses"), ("0", "4"))
                self.assertEqual(self.query("SELECT count(*) FROM licenses") == "0",
                                 self.query("SELECT count(*) FROM journal") == "0")
        self.assertGreater(kills, 0, "no kill came in the middle")
        self.move()
        self.assertEqual(self.query("SELECT count(*) FROM licenses"), "4")

    def test_bad_addresses_are_told_without_the_password(self):
        folder = self.postgresql.directory
        cases = [
            (f"postgres://guarded:{PASSWORD}@/signet?host={folder}", FAILED, "password authentication failed"),
            (f"postgres://signet:{PASSWORD}@/absent?host={folder}", FAILED, "does not exist"),
            (f"postgres://signet:{PASSWORD}@127.0.0.1:1/signet", FAILED, "127.0.0.1"),
            (f"postgres://signet:{PASSWORD}@h/x?color=red", USAGE, "color"),
            (f"mysql://signet:{PASSWORD}@h/x", USAGE, "postgres://"),
        ]
        self.psql_role()
        for address, code, said in cases:
            with self.subTest(said=said):
                result = self.installation.run("db", "migrate-to", address, code=code)
                self.assertIn(said, result.stderr)
                self.assertNotIn(PASSWORD, result.stderr + result.stdout)
        self.assertEqual(self.installation.show(self.license)["id"], self.license["id"])

    def psql_role(self):
        self.query("DO $$ BEGIN CREATE ROLE guarded LOGIN PASSWORD 'another'; "
                   "EXCEPTION WHEN duplicate_object THEN NULL; END $$")

    def test_a_restore_does_not_go_to_a_server(self):
        result = self.installation.run(
            "db", "restore", "backup.tar", code=NEGATIVE, SIGNET_DATABASE=self.target,
            SIGNET_BACKUP_PASSPHRASE=PASSWORD)
        self.assertIn("migrate-to", result.stderr)

    def test_the_schema_of_a_server_is_brought_up(self):
        absent = self.installation.run("db", "migrate", code=NEGATIVE, SIGNET_DATABASE=self.target)
        self.assertIn("there is no database at postgres://", absent.stderr)
        self.move()
        migrated = self.installation.json("db", "migrate", SIGNET_DATABASE=self.target)
        self.assertEqual(migrated["applied"], [])
        self.assertEqual(migrated["pending"], [])

    def test_the_page(self):
        self.installation.run("db", "backup", "--output", str(self.installation.folder / "signet-monday.tar"),
                              SIGNET_BACKUP_PASSPHRASE=PASSWORD)
        self.postgresql.create("page")
        shell = Shell(self.installation, SIGNET_BACKUP_PASSPHRASE=PASSWORD)
        printed = follow(self, "postgresql.md", shell, {
            "postgres://signet@db.example.com/signet": self.target,
            "postgres://signet@db.example.com/signet_new": self.postgresql.address.replace("/signet?", "/page?"),
        })
        self.assertEqual(len(printed), 4)
