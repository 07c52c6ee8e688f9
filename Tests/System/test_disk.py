"""A disk that fails, and one that is full: what was acknowledged is stored, and stays."""

import http.client
import os
import subprocess

from signet import FAILED, SignetCase

ACTIVATIONS_MAX = 300
FULL_DISK_MIB = 4


class DiskTests(SignetCase):
    def test_a_failed_fsync_ends_the_server_and_loses_nothing_it_acknowledged(self):
        license = self.installation.stock().license(seats=0)
        # Each thread's eighth fdatasync fails, and every later one. With -D what is started, and killed, is signet.
        inject = ["-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO:when=8+"]
        server = self.serve(prefix=["strace", "-D", "-f", "-o", os.devnull, *inject])
        acknowledged = self.activate_until_gone(server, license)
        self.assertLess(len(acknowledged), ACTIVATIONS_MAX, "no fsync failed")
        self.assertEqual(server.process.wait(10), FAILED)
        self.assertIn("the database failed", "".join(server.log))
        stored = {seat["domain"] for seat in self.installation.show(license)["activations"]}
        self.assertEqual(acknowledged - stored, set())
        self.assertLessEqual(len(stored - acknowledged), 1, "at most the one whose answer never came")

    def activate_until_gone(self, server, license):
        acknowledged = set()
        for number in range(ACTIVATIONS_MAX):
            domain = f"site{number}.example.com"
            try:
                answer = server.post({"license_key": license["license_key"], "domain": domain})
            except (OSError, http.client.HTTPException):
                break
            if answer.status == 200 and answer.json["valid"]:
                acknowledged.add(domain)
        return acknowledged

    def test_a_full_disk_stops_newcomers_only_and_only_while_it_is_full(self):
        data = self.installation.data
        data.mkdir(mode=0o700, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={FULL_DISK_MIB}m,mode=0700", "tmpfs", data]
        if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
            return  # Without the right to mount no disk can be filled; DatabaseTests fill one database instead.
        self.addCleanup(subprocess.run, ["umount", "--lazy", data], check=True)
        license = self.installation.stock().license(seats=0)
        server = self.serve()
        self.assertEqual(server.validate(license, "first.example.com")["code"], "VALID")
        (data / "ballast").write_bytes(b"")
        self.fill(data / "ballast")
        refused = self.first_refusal(server, license)
        self.assertEqual((refused.status, refused.headers["retry-after"]), (503, "5"))
        self.assertEqual(server.validate(license, "first.example.com")["code"], "VALID")
        (data / "ballast").unlink()
        self.assertEqual(server.validate(license, "late.example.com")["code"], "VALID")
        server.kill()
        stored = {seat["domain"] for seat in self.installation.show(license)["activations"]}
        self.assertLessEqual({"first.example.com", "late.example.com"}, stored)

    def fill(self, path):
        try:
            with path.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass  # It is full.

    def first_refusal(self, server, license):
        for number in range(ACTIVATIONS_MAX):
            domain = f"full{number}.example.com"
            answer = server.post({"license_key": license["license_key"], "domain": domain})
            if answer.status != 200:
                return answer
        self.fail("the disk never was too full for a newcomer")
