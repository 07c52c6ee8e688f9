"""Signing keys seen from outside: rotation under a running server, revocation, the root, sealed files."""

import base64
import json
import os
import subprocess
import tempfile

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from signet import FAILED, NEGATIVE, OK, USAGE, SignetCase

JWKS = "/.well-known/jwks.json"
SIGNED = "/api/v1/installer/keys"
ROOT = {"SIGNET_ROOT_PASSPHRASE": "correct horse battery staple"}
SEALED = {"SIGNET_KEYS_PASSPHRASE": "another horse battery staple"}


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims(jws):
    return json.loads(decode(jws.split(".")[1]))


def kid(jws):
    return json.loads(decode(jws.split(".")[0]))["kid"]


def verify(jws, keys):
    """Whether the JWS is signed by the key of its kid among `keys`, with a library that is not ours."""
    named = {key["kid"]: decode(key["x"]) for key in keys}
    if kid(jws) not in named:
        return False
    text, _, signature = jws.rpartition(".")
    try:
        Ed25519PublicKey.from_public_bytes(named[kid(jws)]).verify(decode(signature), text.encode())
    except InvalidSignature:
        return False
    return True


def openssl_verify(jws, x):
    """The same by openssl, from the raw public key."""
    with tempfile.TemporaryDirectory() as folder:
        text, _, signature = jws.rpartition(".")
        files = {
            "key": bytes.fromhex("302a300506032b6570032100") + decode(x),  # RFC 8410 section 4
            "text": text.encode(),
            "signature": decode(signature),
        }
        for name, content in files.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(content)
        path = {name: os.path.join(folder, name) for name in files}
        run = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", path["key"], "-rawin",
             "-in", path["text"], "-sigfile", path["signature"]],
            capture_output=True,
        )
        return run.returncode == 0


class KeyTests(SignetCase):
    def setUp(self):
        super().setUp()
        self.installation.stock()
        self.license = self.installation.license(seats=0)

    def token(self, server, nonce=None):
        return server.validate(self.license, ip_address="8.8.8.8", **({"nonce": nonce} if nonce else {}))["token"]

    def keys(self, server):
        return server.request("GET", JWKS).json["keys"]

    def states(self):
        return [key["state"] for key in self.installation.json("keys", "list")["data"]]

    def test_a_forced_rotation_reaches_a_running_server_at_once(self):
        server = self.serve()
        before = self.token(server)
        held = server.request("GET", JWKS)
        self.installation.run("keys", "rotate", "--force", "--reason", "to see")
        after = self.token(server)
        self.assertNotEqual(kid(before), kid(after))
        keys = self.keys(server)
        for token in (before, after):
            self.assertTrue(verify(token, keys))
            self.assertTrue(verify(token, held.json["keys"]), "the next key was known before")
            self.assertTrue(openssl_verify(token, next(key["x"] for key in keys if key["kid"] == kid(token))))
        self.assertFalse(openssl_verify(before, keys[0]["x"]))
        self.assertEqual(self.states(), ["current", "next", "verifying"])
        again = server.request("GET", JWKS, headers={"If-None-Match": held.headers["etag"]})
        self.assertEqual(again.status, 200)
        same = server.request("GET", JWKS, headers={"If-None-Match": again.headers["etag"]})
        self.assertEqual(same.status, 304)
        server.stop()
        self.assertEqual(self.states(), ["current", "next", "verifying"])
        self.assertEqual(kid(self.token(self.serve(), "fresh")), kid(after))

    def test_without_force_a_new_key_waits_for_a_token_life(self):
        ahead = self.installation.json("keys", "rotate")
        self.assertEqual([key["state"] for key in ahead["data"]], ["current", "next", "next"])
        self.assertIsNotNone(ahead["data"][1]["signs_from"])
        self.assertIn("under way", self.installation.run("keys", "rotate", code=NEGATIVE).stderr)
        self.installation.run("keys", "rotate", "--at", "2020-01-01T00:00:00Z", code=USAGE)
        self.installation.run("keys", "rotate", "--at", "soon", code=USAGE)

    def test_a_revoked_key_is_out_of_the_key_set_at_once(self):
        server = self.serve()
        before = self.token(server)
        self.installation.run("keys", "revoke", kid(before), "--force", code=USAGE)
        refused = self.installation.run("keys", "revoke", kid(before), "--reason", "stolen", code=NEGATIVE)
        self.assertIn("Force", refused.stderr)
        self.installation.run("keys", "revoke", kid(before), "--reason", "stolen", "--force")
        self.assertFalse(verify(before, self.keys(server)))
        after = self.token(server)
        self.assertTrue(verify(after, self.keys(server)))
        file = self.installation.keys / f"signing-{kid(before)}"
        self.assertTrue(file.exists())
        self.installation.run("keys", "destroy", kid(after), code=NEGATIVE)
        self.installation.run("keys", "destroy", "--all")
        self.assertFalse(file.exists())

    def test_the_root_signs_what_software_may_follow(self):
        server = self.serve()
        self.assertEqual(server.request("GET", SIGNED).status, 404)
        root = self.installation.folder / "root"
        beside = str(self.installation.keys / "root")
        self.installation.run("keys", "root", "create", "--output", beside, code=USAGE, **ROOT)
        pinned = json.loads(self.installation.run("keys", "root", "create", "--output", str(root), **ROOT).stdout)
        self.assertEqual(root.stat().st_mode & 0o777, 0o600)
        self.installation.run("keys", "root", "create", "--output", str(root), code=USAGE, **ROOT)
        shown = self.installation.run("keys", "root", "show", "--root", str(root), **ROOT).stdout
        self.assertEqual(json.loads(shown), pinned)
        wrong = self.installation.run(
            "keys", "root", "sign", "--root", str(root), code=FAILED, SIGNET_ROOT_PASSPHRASE="wrong passphrase")
        self.assertIn("passphrase is wrong", wrong.stderr)

        self.installation.run("keys", "root", "sign", "--root", str(root), "--days", "30", **ROOT)
        answer = server.request("GET", SIGNED)
        document = answer.body.decode()
        self.assertTrue(verify(document, [pinned]))
        self.assertEqual(claims(document)["keys"], self.keys(server))
        self.assertEqual((claims(document)["seq"], claims(document)["revoked"]), (1, []))
        held = server.request("GET", SIGNED, headers={"If-None-Match": answer.headers["etag"]})
        self.assertEqual((held.status, held.body), (304, b""))
        self.assertEqual(self.installation.run("keys", "export", "--signed").stdout.strip(), document)
        self.assertEqual(json.loads(self.installation.run("keys", "root", "show").stdout), pinned)

        stolen = kid(self.token(server))
        revoked = self.installation.run("keys", "revoke", stolen, "--reason", "stolen", "--force")
        self.assertIn("keys root sign", revoked.stderr)
        # Where the root is there is no server: two files are carried.
        request, signed = self.installation.folder / "request.json", self.installation.folder / "set.json"
        request.write_text(self.installation.run("keys", "root", "request").stdout)
        signed.write_text(self.installation.run(
            "keys", "root", "sign", "--root", str(root), "--request", str(request), **ROOT).stdout)
        self.installation.run("keys", "root", "publish", str(signed))
        document = server.request("GET", SIGNED).body.decode()
        self.assertTrue(verify(document, [pinned]))
        self.assertEqual([key["kid"] for key in claims(document)["revoked"]], [stolen])
        self.assertEqual(claims(document)["seq"], 2)
        self.installation.run("keys", "root", "publish", str(signed), code=NEGATIVE)

    def test_sealed_files_need_their_passphrase(self):
        refused = self.installation.run("keys", "seal", code=NEGATIVE)
        self.assertIn("keys-passphrase-file", refused.stderr)
        self.installation.run("keys", "seal", **SEALED)
        files = sorted(self.installation.keys.glob("signing-*"))
        self.assertEqual([file.read_text().split(".")[0] for file in files], ["signet-sealed-1"] * 2)
        self.assertEqual({file.stat().st_mode & 0o777 for file in files}, {0o600})
        missing = self.installation.run("serve", "--listen", "127.0.0.1:0", code=FAILED)
        self.assertIn("SIGNET_KEYS_PASSPHRASE", missing.stderr)
        wrong = self.installation.run(
            "serve", "--listen", "127.0.0.1:0", code=FAILED, SIGNET_KEYS_PASSPHRASE="wrong passphrase")
        self.assertIn(str(self.installation.keys / "signing-"), wrong.stderr)
        passphrase = self.installation.folder / "passphrase"
        passphrase.write_text(SEALED["SIGNET_KEYS_PASSPHRASE"] + "\n")
        passphrase.chmod(0o600)
        server = self.serve(SIGNET_KEYS_PASSPHRASE_FILE=str(passphrase))
        self.assertTrue(verify(self.token(server), self.keys(server)))
        self.installation.run("keys", "unseal", code=OK)
        server.stop()
        self.installation.run("keys", "list")
