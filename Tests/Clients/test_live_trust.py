"""Keys that rotate, keys that are stolen and licenses that are taken back, between every client and the real server."""

import json
import pathlib
import time
import unittest
import urllib.request

from clients import per_client
from test_live import LiveStory, parts

PASSPHRASE = {"SIGNET_ROOT_PASSPHRASE": "correct horse battery staple"}
LIST_SECONDS_MAX = 30  # a change is in the list two seconds later


class Rooted(LiveStory):
    """One license with one seat, one installation that pins a root besides its keys."""

    def setUp(self):
        super().setUp()
        self.service.environment.update(PASSPHRASE)
        self.root = self.service.place / "root"  # the server's directories are others: data and keys
        pinned = self.service.run("keys", "root", "create", "--output", str(self.root))
        self.pinned = self.file("root.json", pinned)
        self.site.change(root=str(self.pinned))

    def file(self, name, text):
        path = pathlib.Path(self.service.place, name)
        path.write_text(text)
        return path

    def sign_keys(self):
        """As on a machine without a network: two files are carried. Returns the set as the server publishes it."""
        request = self.file("request.json", self.service.run("keys", "root", "request"))
        signed = self.service.run("keys", "root", "sign", "--root", str(self.root), "--request", str(request))
        self.service.run("keys", "root", "publish", str(self.file("set.json", signed)))
        return self.fetched("keys")

    def fetched(self, name):
        with urllib.request.urlopen(f"{self.service.url}/api/v1/installer/{name}") as answer:
            return answer.read().decode()

    def newer_list(self, than):
        """The list of revoked licenses once its number is higher than `than`, as a file; and its number."""
        until = time.monotonic() + LIST_SECONDS_MAX
        while time.monotonic() < until:
            text = self.fetched("revocations")
            sequence = parts(text)[1]["seq"]
            if sequence > than:
                return self.file("revocations.jwt", text), sequence
            time.sleep(0.1)
        raise AssertionError(f"no list after number {than} in {LIST_SECONDS_MAX} s")

    def carry(self, name, path, site=None):
        site = site or self.site
        return self.client.run(site.settings, "status", None, arguments=(f"--{name}", path))

    def kid(self):
        return parts(self.site.token)[0]["kid"]

    def assertLicensed(self, status, **members):
        expected = {"state": "licensed", "usable": True, **members}
        self.assertEqual({name: status[name] for name in expected}, expected, status)


@per_client
class Rotated(Rooted):
    def test_a_vendor_who_signed_no_set_leaves_the_pins_in_force(self):
        self.assertLicensed(self.run_client("refresh"), refresh="updated", key_set=0, warnings=[])

    def test_a_client_follows_two_rotations_and_one_without_the_root_does_not(self):
        self.sign_keys()
        self.assertLicensed(self.run_client("refresh"), refresh="updated", key_set=1, warnings=[])
        first = self.kid()
        for _ in range(2):  # the second brings a key that no pin names
            self.service.run("keys", "rotate", "--force", "--reason", "test")
        self.sign_keys()
        others = self.installation("example.com")  # the same seat, and pins alone
        status = self.run_client("refresh", others)
        self.assertEqual((status["refresh"], others.token), ("failed", None), status)
        self.assertIn("unknown_key", status["warnings"][0])
        # What the day's look would bring, the unknown key brings now: the look was 15 minutes ago.
        self.site_memory(keys_asked=self.site.memory["keys_asked"] - 900)
        self.assertLicensed(self.run_client("force"), refresh="updated", key_set=2, warnings=[])
        self.assertNotEqual(self.kid(), first)
        self.service.kill()
        self.assertEqual(self.verify(self.site.token), "valid")

    def site_memory(self, **changes):
        path = self.site.state / "state.json"
        path.write_text(json.dumps({**self.site.memory, **changes}))

    def test_a_root_alone_is_enough_for_a_first_installation(self):
        self.sign_keys()
        self.site.change(jwks=None)
        self.assertLicensed(self.run_client("refresh"), refresh="updated", key_set=1, warnings=[])

    def test_a_stolen_key_is_refused_once_the_root_has_said_so(self):
        self.sign_keys()
        self.run_client("refresh")
        stolen, token = self.kid(), self.site.token
        self.service.run("keys", "revoke", stolen, "--reason", "stolen", "--force")
        self.assertEqual(self.verify(token), "valid")
        carried = self.file("keys.jwt", self.sign_keys())
        status = self.carry("keys", carried)
        self.assertEqual((status["keys_file"], status["key_set"]), ("updated", 2), status)
        self.assertEqual(self.verify(token), "revoked_key")
        self.assertLicensed(self.run_client("refresh"), refresh="updated", key_set=2, warnings=[])
        self.assertNotEqual(self.kid(), stolen)

    def test_a_set_of_another_root_is_refused(self):
        self.sign_keys()
        other = self.service.place / "other-root"
        pinned = self.service.run("keys", "root", "create", "--output", str(other))
        self.site.change(root=str(self.file("other.json", pinned)))
        status = self.run_client("refresh")
        self.assertLicensed(status, refresh="updated", key_set=0, warnings=["keys: unknown_key"])


@per_client
class TakenBack(Rooted):
    def test_the_list_is_fetched_when_it_is_named_and_says_nothing_of_others(self):
        status = self.run_client("refresh")
        named = parts(self.fetched("revocations"))[1]["seq"]
        self.assertLicensed(status, refresh="updated", revocations=named, warnings=[])

    def test_a_seat_that_was_released_early_ends_its_installation_without_a_network(self):
        held = self.run_client("refresh")["revocations"]
        domain = ["--domain", "example.com"]
        # The seat lasts as long as the license file; releasing it before is what the list tells of.
        self.service.run("license", "file", self.license["id"], *domain, "--days", "90")
        self.service.run("license", "deactivate", self.license["id"], *domain)
        path, sequence = self.newer_list(held)
        self.assertLicensed(self.run_client("status"), revocations=held)
        self.service.kill()
        status = self.carry("revocations", path)
        self.assertEqual((status["revocations_file"], status["revocations"]), ("updated", sequence), status)
        self.assertEqual((status["state"], status["code"], status["usable"]), ("ended", "revoked", False), status)
        self.assertEqual(self.run_client("status")["code"], "revoked")
        self.assertEqual(self.verify(self.site.token), "revoked")
        self.assertEqual(self.carry("revocations", path)["revocations_file"], "kept")

    def test_a_license_that_is_revoked_ends_offline_at_once_and_online_at_the_next_check(self):
        held = self.run_client("refresh")["revocations"]
        self.service.run("license", "revoke", self.license["id"], "--reason", "charged back")
        path, sequence = self.newer_list(held)
        self.assertLicensed(self.run_client("status"), revocations=held)
        status = self.carry("revocations", path)
        self.assertEqual((status["revocations_file"], status["revocations"]), ("updated", sequence), status)
        self.assertEqual((status["state"], status["code"], status["usable"]), ("ended", "revoked", False), status)
        status = self.run_client("force")
        self.assertEqual((status["refresh"], status["state"], status["code"]), ("ended", "ended", "REVOKED"), status)

    def test_a_list_that_was_tampered_with_is_refused(self):
        self.run_client("refresh")
        text = self.fetched("revocations")
        head, body, signature = text.split(".")
        forged = self.file("forged.jwt", f"{head}.{body[:-4]}AAAA.{signature}")
        self.assertEqual(self.carry("revocations", forged)["revocations_file"], "bad_signature")


if __name__ == "__main__":
    unittest.main()
