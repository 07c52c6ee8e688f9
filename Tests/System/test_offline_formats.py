"""What works without a network, from the command line: offline keys, license files, lists of revoked licenses.

The examples of docs/offline.md and docs/revocation.md are run here, line by line as they stand there.
"""

import base64
import hashlib
import json
import time

from pages import Shell, follow
from signet import NEGATIVE, OK, USAGE, ServedCase

REVOCATIONS = "/api/v1/installer/revocations"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def request(**changes):
    """What an installation prints that has no network (docs/token-format.md, Request)."""
    members = {
        "v": 1, "product": "whm-panel", "last4": None, "domain": "shop.example.com", "ip": None, "inst": None,
        "nonce": encode(bytes(16)), "iat": int(time.time()), **changes,
    }
    whole = "SIGNET-REQUEST-1." + encode(json.dumps(members, separators=(",", ":")).encode())
    return whole + "." + encode(hashlib.sha256(whole.encode()).digest()[:3])


class OfflineFormatTests(ServedCase):
    def setUp(self):
        self.license = self.installation.license(seats=3)
        self.jwks = self.installation.folder / "jwks.json"
        self.jwks.write_text(self.installation.run("keys", "export").stdout)

    def offline(self, text, *options, code=OK):
        return self.installation.json(
            "license", "validate", str(text), "--offline", "--jwks", str(self.jwks), *options, code=code
        )

    def written(self, *options):
        path = self.installation.folder / f"{len(list(self.installation.folder.iterdir()))}.lic"
        issued = self.installation.json("license", "file", self.license["license_key"], *options, "--output", str(path))
        self.assertEqual(path.read_text(), issued["file"])
        return path, issued

    def list(self, activation, patience=30):
        """The published list once it names `activation`, as a file."""
        path = self.installation.folder / "revocations.jwt"
        end = time.monotonic() + patience
        while True:
            text = self.server.request("GET", REVOCATIONS).body.decode()
            payload = text.split(".")[1]
            claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            if activation in claims["act"]:
                path.write_text(text)
                return path, claims
            self.assertLess(time.monotonic(), end, f"no list names {activation}: {claims}")
            time.sleep(0.2)

    def test_an_offline_key_is_verified_without_a_server_and_accepted_by_it(self):
        key = self.installation.json("license", "offline-key", self.license["id"], "--domain", "Example.com")
        self.assertRegex(key["license_key"], r"^LK1(-[0-9A-HJKMNP-TV-Z]{1,6}){31}$")
        codes = self.installation.folder / "codes.json"
        codes.write_text(self.installation.run("product", "codes", "whm-panel").stdout)
        verdict = self.offline(key["license_key"].lower(), "--domain", "www.example.com", "--codes", str(codes))
        self.assertEqual(
            (verdict["valid"], verdict["license_id"], verdict["license_type"], verdict["product"]),
            (True, self.license["id"], "professional", "whm-panel"),
        )
        self.assertEqual(set(verdict["features"]), {"whm", "billing", "support"})
        refused = self.offline(key["license_key"], "--domain", "example.net", code=NEGATIVE)
        self.assertEqual(refused["code"], "wrong_domain")
        license = {"license_key": key["license_key"]}
        self.assertEqual(self.server.validate(license, "example.com")["code"], "VALID")
        self.assertEqual(self.server.validate(license, "example.net")["code"], "DOMAIN_NOT_ALLOWED")

    def test_a_request_is_answered_with_a_file_that_holds_where_it_was_made(self):
        blob = request(last4=self.license["last4"])
        path, issued = self.written("--request", blob, "--days", "30")
        verdict = self.offline(path, "--domain", "shop.example.com")
        self.assertEqual((verdict["valid"], verdict["activation_id"]), (True, issued["activation_id"]))
        self.assertEqual(self.offline(path, "--domain", "example.net", code=NEGATIVE)["code"], "wrong_domain")
        seats = self.installation.show(self.license)["current_activations"]
        self.assertEqual(seats, 1)
        cut = self.installation.run(
            "license", "file", self.license["id"], "--request", blob[:-1], "--days", "30", code=USAGE
        )
        self.assertIn("copy all of it", cut.stderr)

    def test_a_file_whose_seat_was_released_is_refused_by_who_holds_the_list(self):
        path, issued = self.written("--domain", "example.com", "--days", "366")
        before = self.server.validate(self.license, "other.example.com")["revocations"]["sequence"]
        self.installation.run("license", "deactivate", self.license["id"], "--domain", "example.com")
        self.assertTrue(self.offline(path, "--domain", "example.com")["valid"])
        listed, claims = self.list(issued["activation_id"])
        self.assertGreater(claims["seq"], before)
        refused = self.offline(path, "--domain", "example.com", "--revocations", str(listed), code=NEGATIVE)
        self.assertEqual(refused["code"], "revoked")
        named = self.server.validate(self.license, "other.example.com")["revocations"]
        self.assertEqual(named, {"sequence": claims["seq"], "url": REVOCATIONS})

    def test_a_file_is_printed_where_no_place_is_named_and_a_try_takes_no_seat(self):
        options = ["--domain", "example.com", "--days", "10"]
        tried = self.installation.json("license", "file", self.license["id"], *options, "--dry-run")
        self.assertIsNone(tried["file"])
        self.assertEqual(self.installation.show(self.license)["current_activations"], 0)
        printed = self.installation.run("license", "file", self.license["id"], *options).stdout
        self.assertTrue(printed.startswith("-----BEGIN SIGNET LICENSE-----\n"))
        self.assertTrue(printed.endswith("-----END SIGNET LICENSE-----\n"))

    def test_generate_hands_out_each_format(self):
        key = self.installation.license("--format", "offline", "--unbound")
        self.assertIn("license_key", key)
        bound = self.installation.license("--format", "offline", "--domain", "shop.example.com")
        shown = self.installation.json("license", "show", bound["license_id"])
        self.assertEqual(shown["allowed_domains"], ["shop.example.com"])
        several = self.installation.run(
            "license", "generate", "--customer", "123", "--product", "whm-panel", "--format", "offline",
            "--domain", "a.example.com,b.example.com", code=USAGE,
        )
        self.assertIn("one domain", several.stderr)
        result = self.installation.run(
            "license", "generate", "--customer", "123", "--product", "whm-panel", "--format", "file", code=USAGE
        )
        self.assertIn("--days", result.stderr)

    def test_the_examples_of_the_pages_run_and_print_what_they_show(self):
        text = self.server.request("GET", REVOCATIONS).body.decode()
        (self.installation.folder / "revocations.jwt").write_text(text)
        words = {
            "KEY": self.license["license_key"], "SIGNET-REQUEST-1.…": request(),
            "LK1-…": self.installation.json("license", "offline-key", self.license["id"], "--unbound")["license_key"],
        }
        self.assertGreater(len(follow(self, "offline.md", Shell(self.installation), words)), 4)
        self.assertEqual(len(follow(self, "revocation.md", Shell(self.installation), words)), 2)
