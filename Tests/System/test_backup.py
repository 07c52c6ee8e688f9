"""Backups under load, restored elsewhere, and restores that are killed. `RESTORES` says how often; 6 unless told."""

import hashlib
import http.client
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import tarfile
import threading
import time

from signet import NEGATIVE, OK, REPOSITORY, USAGE, Installation, Server, SignetCase, binary, environment

RESTORES = int(os.environ.get("RESTORES", "6"))
SEED = int(os.environ.get("SEED", "1"))
PASSPHRASE = "correct horse battery staple"
CLIENTS = 4
SEATS = 2000


class Load:
    """Clients that activate new sites as fast as they can, and a ledger of what was acknowledged when."""

    def __init__(self, server, license):
        self.server, self.license = server, license
        self.acknowledged, self.complaints = [], []
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._clients = [threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        for client in self._clients:
            client.join()

    def known(self):
        with self._lock:
            return list(self.acknowledged)

    def wait_for(self, count, seconds=30):
        """Until `count` more are acknowledged: only then is anything going on to test."""
        target, deadline = len(self.known()) + count, time.monotonic() + seconds
        while len(self.known()) < target:
            if time.monotonic() > deadline:
                raise AssertionError(f"too little was acknowledged: {self.complaints[:3]}")
            time.sleep(0.01)

    def _run(self, number):
        connection = self.server.connection()
        try:
            for site in range(SEATS):
                if self._stopped.is_set():
                    return
                domain = f"site-{number}-{site}.example.com"
                answer = self.server.post(
                    {"license_key": self.license["license_key"], "domain": domain}, connection=connection
                )
                if answer.status == 200 and answer.json["code"] == "VALID":
                    with self._lock:
                        self.acknowledged.append(domain)
                elif answer.status == 429:
                    time.sleep(0.2)
                else:
                    self.complaints.append(f"{domain}: {answer}")
        except (OSError, http.client.HTTPException) as error:
            self.complaints.append(f"{error!r}")
        finally:
            connection.close()


class BackupCase(SignetCase):
    def setUp(self):
        super().setUp()
        self.secret = self.installation.folder / "passphrase"
        self.secret.write_text(PASSPHRASE + "\n")
        self.secret.chmod(0o600)
        self.backup = self.installation.folder / "backup.tar"

    def back_up(self, file=None, **options):
        return self.installation.json(
            "db", "backup", "--output", str(file or self.backup), "--passphrase-file", str(self.secret), **options
        )

    def restore(self, target, file=None, code=OK):
        return target.run(
            "db", "restore", str(file or self.backup), "--passphrase-file", str(self.secret), code=code
        )

    def elsewhere(self):
        target = Installation()
        self.addCleanup(target.remove)
        return target

    def assert_nothing(self, target):
        left = [str(path.relative_to(target.folder)) for path in target.folder.rglob("*")]
        self.assertEqual(left, [])


class BackupTests(BackupCase):
    def test_a_backup_under_load_holds_all_that_was_acknowledged_before_it_and_works_elsewhere(self):
        self.installation.stock()
        # Thirty new sites a minute of one license are let in: many licenses stand in for many minutes.
        licenses = [self.installation.license(seats=SEATS) for _ in range(6)]
        server = self.serve()
        token = server.validate(licenses[0], domain="first.example.com")["token"]
        loads = [Load(server, license) for license in licenses]
        for load in loads:
            load.__enter__()
        try:
            for load in loads:
                load.wait_for(5)
            before = [load.known() for load in loads]
            made = self.back_up()
            for load in loads:
                load.wait_for(1)
        finally:
            for load in loads:
                load.__exit__()
        self.assertEqual([complaint for load in loads for complaint in load.complaints], [])
        jwks = server.request("GET", "/.well-known/jwks.json").body
        self.assertEqual(server.stop(), OK)
        target = self.elsewhere()
        self.restore(target)
        target.run("db", "check")
        target.run("audit", "verify", "--anchor", made["manifest"]["chain_head"])
        for license, domains in zip(licenses, before):
            seats = {seat["domain"] for seat in target.show(license)["activations"]}
            self.assertLessEqual(set(domains), seats)
        with Server(target) as restored:
            self.assertEqual(restored.request("GET", "/.well-known/jwks.json").body, jwks)
            verdict = restored.validate(licenses[0], domain="first.example.com")
            self.assertEqual(verdict["code"], "VALID")
            keys = target.folder / "jwks.json"
            keys.write_bytes(jwks)
            for kept in (token, verdict["token"]):
                target.run("token", "verify", kept, "--jwks", str(keys), "--domain", "first.example.com")

    def test_any_tar_and_any_sqlite_opens_a_backup(self):
        self.installation.stock()
        license = self.installation.license()
        made = self.back_up()
        self.assertEqual(self.backup.stat().st_mode & 0o777, 0o600)
        with tarfile.open(self.backup) as archive:
            self.assertEqual(archive.getnames(), ["manifest.json", "secrets.sealed", "signet.db"])
            manifest = json.load(archive.extractfile("manifest.json"))
            self.assertEqual(manifest, made["manifest"])
            for part in manifest["parts"]:
                content = archive.extractfile(part["name"]).read()
                self.assertEqual(len(content), part["bytes"])
                self.assertEqual(hashlib.sha256(content).hexdigest(), part["sha256"])
            opened = self.installation.folder / "opened.db"
            opened.write_bytes(archive.extractfile("signet.db").read())
            sealed = archive.extractfile("secrets.sealed").read()
        listed = subprocess.run(["tar", "tf", self.backup], check=True, capture_output=True, text=True)
        self.assertEqual(listed.stderr, "")
        for secret in self.installation.keys.iterdir():
            self.assertNotIn(secret.read_bytes().strip(), sealed)
        database = sqlite3.connect(opened)
        self.addCleanup(database.close)
        self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        counts = {count["table"]: count["rows"] for count in manifest["counts"]}
        for table, rows in counts.items():
            self.assertEqual(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0], rows, table)
        self.assertEqual(counts["licenses"], 1)
        # What another tar packed again is the same backup.
        again = self.installation.folder / "again.tar"
        with tarfile.open(self.backup) as archive, tarfile.open(again, "w", format=tarfile.PAX_FORMAT) as other:
            for member in reversed(archive.getmembers()):
                content = archive.extractfile(member).read()
                member.name, member.mtime = "./" + member.name, 1.5
                other.addfile(member, io.BytesIO(content))
        target = self.elsewhere()
        self.restore(target, again)
        self.assertEqual(target.show(license)["id"], license["id"])

    def test_a_restore_killed_at_any_moment_leaves_no_database_or_a_whole_one(self):
        chance = random.Random(SEED)
        self.installation.stock()
        license = self.installation.license()
        self.back_up()
        target = self.elsewhere()
        started = time.monotonic()
        self.restore(target)
        whole = time.monotonic() - started
        for round in range(RESTORES):
            with self.subTest(SEED=SEED, round=round):
                target = self.elsewhere()
                process = target.start(
                    "db", "restore", str(self.backup), "--passphrase-file", str(self.secret)
                )
                time.sleep(whole * chance.uniform(0.05, 1.05))
                process.send_signal(signal.SIGKILL)
                process.communicate()
                if not target.database.exists():
                    self.restore(target)
                self.assertEqual(target.show(license)["id"], license["id"])
                target.run("db", "check")

    def test_a_backup_killed_half_way_leaves_no_file_with_its_name_and_the_next_one_works(self):
        self.installation.stock()
        self.installation.license()
        server = self.serve()
        process = self.installation.start(
            "db", "backup", "--output", str(self.backup), "--passphrase-file", str(self.secret)
        )
        time.sleep(0.1)
        server.kill()
        process.communicate()
        if self.backup.exists():
            self.backup.unlink()  # It was quicker, and is complete.
        self.back_up()
        self.assertEqual(list(self.installation.folder.glob("*.partial")), [])
        self.restore(self.elsewhere())

    def test_refusals_name_the_reason_and_leave_nothing(self):
        self.installation.stock()
        self.back_up()
        content = self.backup.read_bytes()
        half, altered = self.installation.folder / "half.tar", self.installation.folder / "altered.tar"
        half.write_bytes(content[: len(content) // 2])
        altered.write_bytes(content[:-9000] + bytes([content[-9000] ^ 1]) + content[-8999:])
        target = self.elsewhere()
        for file, message in ((half, "no whole backup"), (altered, "altered"), (self.installation.database, "no tar")):
            result = self.restore(target, file, code=NEGATIVE)
            self.assertIn(message, result.stderr)
            self.assert_nothing(target)
        self.secret.write_text("another passphrase\n")
        self.assertIn("passphrase is wrong", self.restore(target, code=NEGATIVE).stderr)
        self.assert_nothing(target)
        self.secret.chmod(0o644)
        self.assertIn("chmod 600", self.restore(target, code=USAGE).stderr)
        self.secret.chmod(0o600)
        self.secret.write_text("short\n")
        self.assertIn("8 to 256", self.restore(target, code=USAGE).stderr)
        self.secret.write_text(PASSPHRASE)
        self.assertIn("exists", self.installation.run(
            "db", "backup", "--output", str(self.backup), "--passphrase-file", str(self.secret), code=NEGATIVE
        ).stderr)
        self.assertIn("not empty", self.restore(self.installation, code=NEGATIVE).stderr)
        self.restore(target)
        with Server(target):
            result = self.restore(target, code=NEGATIVE)
            self.assertIn("not empty", result.stderr)

    def test_the_passphrase_comes_from_the_environment_too_and_never_shows(self):
        self.installation.stock()
        server = self.serve(SIGNET_LOG_LEVEL="trace")
        result = self.installation.run(
            "db", "backup", "--output", str(self.backup), SIGNET_BACKUP_PASSPHRASE=PASSPHRASE
        )
        server.stop()
        for text in (result.stdout, result.stderr, *server.log):
            self.assertNotIn(PASSPHRASE, text)
        self.assertNotIn(PASSPHRASE.encode(), self.backup.read_bytes())
        self.restore(self.elsewhere())
        # Without a terminal nobody can be asked.
        bare = subprocess.run(
            ["setsid", binary(), "db", "backup", "--output", "x.tar", *self.installation.options],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment(), cwd=self.installation.folder,
        )
        self.assertEqual(bare.returncode, USAGE, bare.stderr)
        self.assertIn("SIGNET_BACKUP_PASSPHRASE", bare.stderr)


class CheckTests(BackupCase):
    def raw(self, sql):
        """Changes the file behind the program's back."""
        database = sqlite3.connect(self.installation.database, isolation_level=None)
        for (trigger,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {trigger}")
        self.assertGreater(database.execute(sql).rowcount, 0)
        database.close()

    def test_db_check_is_the_same_with_a_server_and_without(self):
        self.installation.stock()
        self.installation.license()
        without = self.installation.json("db", "check")
        self.assertIs(without["sound"], True)
        with self.serve():
            self.assertEqual(self.installation.json("db", "check")["rules"], without["rules"])
        self.assertIn("seats-are-counted", self.installation.run("db", "check").stdout)

    def test_db_check_names_what_is_broken(self):
        self.installation.stock()
        self.installation.license()
        self.raw("UPDATE licenses SET used = 7, version = 9")
        result = self.installation.run("db", "check", code=NEGATIVE)
        for rule in ("seats-are-counted", "license-versions-have-events"):
            self.assertRegex(result.stdout, rf"{rule} +BROKEN 1 times")

    def test_audit_verify_names_the_first_event_that_was_changed(self):
        self.installation.stock()
        self.installation.run("audit", "verify")
        anchor = self.installation.run("audit", "anchor").stdout.strip()
        self.raw("UPDATE journal SET actor = 'nobody' WHERE sequence = 3")
        result = self.installation.run("audit", "verify", code=NEGATIVE)
        self.assertIn("event 3", result.stdout)
        report = self.installation.json("audit", "verify", code=NEGATIVE)
        self.assertEqual((report["sound"], report["flaw"]["kind"], report["flaw"]["sequence"]), (False, "changed", 3))
        with self.serve():
            self.assertEqual(self.installation.json("audit", "verify", code=NEGATIVE)["flaw"], report["flaw"])
        self.installation.run("audit", "verify", "--from", "4")
        self.installation.run("audit", "verify", "--from", "4", "--anchor", anchor)
        self.installation.run("audit", "verify", "--anchor", "nonsense", code=USAGE)
        self.installation.run("audit", "verify", "--from", "0", code=USAGE)

    def test_an_anchor_shows_a_cut(self):
        self.installation.stock()
        anchor = self.installation.run("audit", "anchor").stdout.strip()
        last = int(anchor.split(":")[0])
        self.raw(f"DELETE FROM journal_chain WHERE sequence = {last}")
        self.raw(f"DELETE FROM journal WHERE sequence = {last}")
        self.installation.run("audit", "verify")
        result = self.installation.run("audit", "verify", "--anchor", anchor, code=NEGATIVE)
        self.assertIn(f"event {last}", result.stdout)

    def test_a_running_server_seals_what_happened_within_seconds(self):
        self.installation.stock()
        license = self.installation.license()
        server = self.serve()
        server.validate(license)
        deadline = time.monotonic() + 30
        while self.installation.json("audit", "verify")["unsealed"]:
            self.assertLess(time.monotonic(), deadline, "nothing was sealed")
            time.sleep(0.2)

    def test_the_program_in_the_documentation_finds_the_same(self):
        self.installation.stock()
        anchor = self.installation.run("audit", "anchor").stdout.strip()
        program = (REPOSITORY / "docs" / "audit.md").read_text().split("```python\n")[1].split("```")[0]

        def run():
            return subprocess.run(
                ["python3", "-c", program, self.installation.database], capture_output=True, text=True, check=False
            )

        self.assertEqual(run().stdout.strip(), anchor)
        self.raw("UPDATE journal SET actor = 'nobody' WHERE sequence = 3")
        self.assertIn("event 3", run().stderr)

    def test_db_migrate_says_what_is_pending(self):
        self.installation.run("db", "migrate", "--dry-run", code=NEGATIVE)
        self.assertFalse(self.installation.database.exists())
        self.installation.stock()
        self.assertEqual(self.installation.json("db", "migrate", "--dry-run")["pending"], [])
        with self.serve():
            report = self.installation.json("db", "migrate")
        self.assertEqual((report["pending"], report["applied"]), ([], []))
        self.assertGreaterEqual(report["schema_version"], 4)
