"""Starts that must not succeed: each ends with 3, names what is wrong, and changes nothing."""

import base64
import contextlib
import hashlib
import os
import pathlib
import sqlite3
import stat
import subprocess
import time

from signet import FAILED, OK, SignetCase

# Root without the right to pass over file modes: what an ordinary user is to files of others.
WITHOUT_PRIVILEGE = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def fingerprint(folder):
    """Every file below `folder` with its content, except what a start may touch."""
    files = (path for path in pathlib.Path(folder).rglob("*") if path.is_file())
    kept = [path for path in files if path.name != "signet.lock" and not path.name.endswith(("-wal", "-shm"))]
    return {str(path): hashlib.sha256(content(path)).hexdigest() for path in kept}


def content(path):
    """The bytes of a file; of a sound database what it says, since opening one may write its header anew."""
    if path.suffix != ".db":
        return path.read_bytes()
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return "\n".join(database.iterdump()).encode()
    except sqlite3.DatabaseError:
        return path.read_bytes()


class StartCase(SignetCase):
    def setUp(self):
        super().setUp()
        self.license = self.installation.stock().license()

    def assert_refused(self, *words, prefix=(), unchanged=True):
        """Neither a command nor a server starts; stderr has all `words`."""
        before = fingerprint(self.installation.folder)
        for arguments in (["license", "list"], ["serve", "--listen", "127.0.0.1:0"]):
            result = self.installation.run(*arguments, code=FAILED, prefix=prefix)
            self.assertEqual(result.stdout, "", str(result))
            for word in words:
                self.assertIn(word.lower(), result.stderr.lower(), str(result))
        if unchanged:
            self.assertEqual(fingerprint(self.installation.folder), before)

    def assert_starts(self):
        self.assertEqual(self.installation.show(self.license)["id"], self.license["id"])


class SecretsTests(StartCase):
    def secrets(self):
        return sorted(self.installation.keys.iterdir())

    def test_secrets_are_made_for_their_owner_only(self):
        self.assertEqual(stat.S_IMODE(self.installation.keys.stat().st_mode), 0o700)
        names = [path.name for path in self.secrets()]
        self.assertEqual([name for name in names if not name.startswith("signing-")], ["data-1", "pepper-1"])
        self.assertEqual(sum(name.startswith("signing-") for name in names), 2)
        for path in self.secrets():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path.name)
            self.assertRegex(path.read_text(), r"\A[A-Za-z0-9_-]{43}\n\Z")

    def test_a_missing_secret_is_named_and_not_made_anew(self):
        for path in self.secrets():
            with self.subTest(path.name):
                content = path.read_bytes()
                path.unlink()
                self.assert_refused(path.name)
                self.assertFalse(path.exists())
                path.write_bytes(content)
                path.chmod(0o600)
        self.assert_starts()

    def test_a_wrong_secret_is_named(self):
        another = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=") + b"\n"
        for path in self.secrets():
            content = path.read_bytes()
            for wrong in (another, b"", b"short\n", content.strip() + b"=\n", content * 2, b"\xff" * 44):
                with self.subTest(path.name, wrong=wrong):
                    path.write_bytes(wrong)
                    self.assert_refused(path.name)
            path.write_bytes(content)
        self.assert_starts()

    def test_a_secret_is_never_printed(self):
        for path in self.secrets():
            content = path.read_text().strip()
            path.chmod(0o644)
            result = self.installation.run("license", "list", code=FAILED)
            self.assertNotIn(content, result.stdout + result.stderr)
            path.chmod(0o600)

    def test_a_secret_that_others_may_read_is_refused(self):
        for path in self.secrets():
            for mode in (0o640, 0o604, 0o622):
                with self.subTest(path.name, mode=oct(mode)):
                    path.chmod(mode)
                    self.assert_refused(path.name)
            path.chmod(0o600)
        self.assert_starts()

    def test_a_folder_of_secrets_that_cannot_be_read_is_refused(self):
        keys = self.installation.keys
        keys.chmod(0)
        self.addCleanup(keys.chmod, 0o700)
        result = self.installation.run("license", "list", code=FAILED, prefix=WITHOUT_PRIVILEGE)
        self.assertIn(str(keys), result.stderr)
        keys.chmod(0o700)
        keys.rename(keys.with_name("away"))
        keys.write_text("a file\n")
        self.assert_refused(str(keys))

    def test_keys_of_another_installation_are_refused(self):
        self.installation.keys.rename(self.installation.folder / "away")
        self.assert_refused("Keys", unchanged=False)
        left = list(self.installation.keys.glob("*")) if self.installation.keys.exists() else []
        self.assertEqual(left, [], "secrets are made beside an empty database only")


class DatabaseTests(StartCase):
    def connect(self, path=None):
        connection = sqlite3.connect(path or self.installation.database, isolation_level=None)
        self.addCleanup(connection.close)
        return connection

    def test_a_database_that_is_newer_than_the_program_is_refused(self):
        connection = self.connect()
        connection.execute("INSERT INTO schema_versions VALUES (9999, 'of the future', 9999, 0)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        self.assert_refused("newer")

    def test_a_file_that_is_no_database_is_refused(self):
        self.replace_database(b"These are my notes.\n" * 1000)
        self.assert_refused("signet.db")

    def test_a_damaged_database_is_refused(self):
        connection = self.connect()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        content = bytearray(self.installation.database.read_bytes())
        content[100:5000] = b"\x5a" * 4900
        self.replace_database(bytes(content))
        self.assert_refused("signet.db")

    def test_a_database_of_another_program_is_refused(self):
        self.replace_database(b"")
        connection = self.connect()
        connection.executescript("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine');")
        connection.close()
        self.assert_refused("signet.db")
        self.replace_database(b"")
        connection = self.connect()
        connection.executescript("PRAGMA application_id = 1196444487; CREATE TABLE t (a);")
        connection.close()
        self.assert_refused("signet.db")

    def replace_database(self, content):
        for path in self.installation.data.glob("signet.db*"):
            path.unlink()
        self.installation.database.write_bytes(content)

    def test_a_database_that_a_shell_has_locked_is_refused_until_it_lets_go(self):
        connection = self.connect()
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        started = time.monotonic()
        result = self.installation.run("license", "list", code=FAILED)
        self.assertLess(time.monotonic() - started, 15)
        self.assertIn("lock", result.stderr.lower())
        connection.execute("ROLLBACK")
        connection.close()
        self.assert_starts()

    def test_a_shell_s_lock_stops_newcomers_only_and_only_while_it_lasts(self):
        license = self.installation.license(seats=3)
        server = self.serve()
        known = server.validate(license, "known.example.com")
        connection = self.connect()
        connection.execute("BEGIN IMMEDIATE")
        refused = server.post({"license_key": license["license_key"], "domain": "new.example.com"})
        self.assertEqual(refused.status, 503)
        self.assertGreaterEqual(int(refused.headers["retry-after"]), 1)
        again = server.validate(license, "known.example.com")
        self.assertEqual((again["code"], again["activation"]), ("VALID", known["activation"]))
        connection.execute("ROLLBACK")
        self.assertEqual(server.validate(license, "new.example.com")["current_activations"], 2)
        self.assertEqual(server.stop(), OK)



class ReadOnlyTests(StartCase):
    def assert_nothing_is_written(self, prefix=()):
        before = fingerprint(self.installation.folder)
        command = ["license", "generate", "--customer", "123", "--product", "whm-panel"]
        for arguments in (command, ["serve", "--listen", "127.0.0.1:0"]):
            result = self.installation.run(*arguments, code=FAILED, prefix=prefix)
            self.assertIn(str(self.installation.data), result.stderr)
        self.assertEqual(fingerprint(self.installation.folder), before)

    def forbid_writing(self):
        for path in (*self.installation.data.iterdir(), self.installation.data):
            path.chmod(0o500 if path.is_dir() else 0o400)
        self.addCleanup(self.installation.data.chmod, 0o700)

    def test_a_folder_that_may_not_be_written_is_refused_and_named(self):
        self.forbid_writing()
        self.assert_nothing_is_written(prefix=WITHOUT_PRIVILEGE)

    def test_a_read_only_disk_is_refused_and_named(self):
        data = self.installation.data
        if subprocess.run(["mount", "--bind", data, data], stderr=subprocess.DEVNULL).returncode == 0:
            self.addCleanup(subprocess.run, ["umount", data], check=True)
            subprocess.run(["mount", "-o", "remount,bind,ro", data], check=True)
            self.assert_nothing_is_written()
        else:
            # Without the right to mount, the nearest there is.
            self.forbid_writing()
            self.assert_nothing_is_written(prefix=WITHOUT_PRIVILEGE)
