"""Every client against the real server: SIGNET_BINARY, or .build/release/signet, or .build/debug/signet."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

from clients import ROOT, VECTORS, Installation, clients, encode, per_client


def binary():
    """The server under test. A missing one is a failure, never a skip."""
    candidates = [os.environ.get("SIGNET_BINARY")] if "SIGNET_BINARY" in os.environ else [
        ROOT / ".build/release/signet", ROOT / ".build/debug/signet",
    ]
    for candidate in candidates:
        if shutil.which(str(candidate)):
            return str(candidate)
    raise AssertionError(f"no signet binary at {', '.join(map(str, candidates))}: build it, or set SIGNET_BINARY")


class Service:
    """A `signet serve` of its own, on a free port, in a temporary directory."""

    def __init__(self):
        self.line = [binary()]
        self.place = pathlib.Path(tempfile.mkdtemp(prefix="signet-live-"))
        self.data = ["--data", str(self.place / "data"), "--keys", str(self.place / "keys")]
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNET_")}
        self.process = subprocess.Popen(
            [*self.line, "serve", "--listen", "127.0.0.1:0", "--listen-admin", "none", *self.data],
            cwd=self.place, env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        self.log, self.url, self.ready = [], None, threading.Event()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if not self.ready.wait(60) or self.url is None:
            self.close()
            raise AssertionError("the server did not start:\n" + "".join(self.log))

    def _read(self):
        mark = "signet: serving "
        for line in self.process.stderr:
            self.log.append(line)
            if mark in line:
                self.url = line.partition(mark)[2].split()[0]
                self.ready.set()
        self.ready.set()

    def run(self, *arguments):
        """What a command prints."""
        command = [*self.line, *arguments, *self.data]
        result = subprocess.run(
            command, cwd=self.place, env=self.environment, capture_output=True, text=True, timeout=60
        )
        assert result.returncode == 0, (command, result.returncode, result.stderr)
        return result.stdout

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.kill()
        self.reader.join()
        self.process.stderr.close()
        shutil.rmtree(self.place, ignore_errors=True)


def parts(token):
    """Header, claims and signature of a token, read without any check."""
    head, body, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token.split("."))
    return json.loads(head), json.loads(body), signature


def forged(head, body, signature):
    return ".".join([encode(json.dumps(head).encode()), encode(json.dumps(body).encode()), encode(signature)])


class LiveStory:
    """One license with one seat, one installation, at the real time."""

    def setUp(self):
        self.client = clients()[self.client_name]
        self.service = Service()
        self.addCleanup(self.service.close)
        run = self.service.run
        run("product", "create", "whm-panel", "--type", "professional", "--features", "whm,billing")
        run("customer", "create", "--id", "123")
        self.license = json.loads(run(
            "license", "generate", "--customer", "123", "--product", "whm-panel", "--expires", "+365 days",
            "--max-activations", "1", "--json",
        ))
        self.jwks = self.service.place / "pinned.json"
        self.jwks.write_text(run("keys", "export"))
        self.site = self.installation("example.com")

    def installation(self, domain, **changes):
        settings = {"key": self.license["license_key"], "jwks": self.jwks, "domain": domain, **changes}
        site = Installation([self.service.url], **settings)
        self.addCleanup(site.remove)
        return site

    def run_client(self, command, site=None, now=None):
        return self.client.run((site or self.site).settings, command, now)

    def verify(self, token, site=None, now=None):
        return self.client.text((site or self.site).settings, "verify", now, stdin=token)[1].strip()

    def licensed(self):
        status = self.run_client("refresh")
        self.assertEqual((status["refresh"], status["state"]), ("updated", "licensed"), status)
        return status


@per_client
class Live(LiveStory):
    def test_a_first_check_takes_the_seat(self):
        status = self.licensed()
        known = (status["code"], status["plan"], status["features"])
        self.assertEqual(known, ("VALID", "professional", ["whm", "billing"]))
        shown = json.loads(self.service.run("license", "show", self.license["id"], "--json"))
        self.assertEqual(shown["current_activations"], 1)
        self.assertEqual([seat["domain"] for seat in shown["activations"]], ["example.com"])

    def test_a_repeat_takes_no_second_seat(self):
        self.licensed()
        self.assertIn(self.run_client("force")["refresh"], ("updated", "kept"))
        shown = json.loads(self.service.run("license", "show", self.license["id"], "--json"))
        self.assertEqual(shown["current_activations"], 1)

    def test_a_newcomer_at_the_limit_is_refused_and_the_first_stays(self):
        self.licensed()
        newcomer = self.installation("example.org")
        status = self.run_client("refresh", newcomer)
        self.assertEqual((status["refresh"], status["code"], status["usable"]), ("refused", "ACTIVATION_LIMIT", False))
        self.assertEqual(self.run_client("force")["state"], "licensed")

    def test_an_unknown_key_is_refused(self):
        stranger = self.installation("example.com", key="0000-0000-0000-0000")
        self.assertEqual(self.run_client("refresh", stranger)["code"], "NOT_FOUND")

    def test_a_key_with_a_typo_is_refused(self):
        key = self.license["license_key"]
        stranger = self.installation("example.com", key=key[:-1] + ("0" if key[-1] != "0" else "1"))
        self.assertEqual(self.run_client("refresh", stranger)["code"], "KEY_MALFORMED")

    def test_the_stored_token_verifies_offline(self):
        self.licensed()
        self.service.kill()
        self.assertEqual(self.verify(self.site.token), "valid")
        _, claims, _ = parts(self.site.token)
        self.assertEqual(self.verify(self.site.token, now=claims["exp"] - 1), "valid")
        self.assertEqual(self.verify(self.site.token, now=claims["exp"]), "expired")
        self.assertEqual(self.verify(self.site.token, now=claims["nbf"] - 301), "not_yet_valid")

    def test_the_stored_token_is_worth_nothing_elsewhere(self):
        self.licensed()
        for domain, changes, expected in [
            ("example.org", {}, "wrong_domain"), ("example.com", {"product": "other"}, "wrong_product"),
            ("example.com", {"issuer": "other"}, "wrong_issuer"),
        ]:
            self.assertEqual(self.verify(self.site.token, self.installation(domain, **changes)), expected)

    def test_forgeries_are_refused(self):
        self.licensed()
        head, claims, signature = parts(self.site.token)
        x = next(key["x"] for key in json.loads(self.jwks.read_text())["keys"] if key["kid"] == head["kid"])
        longer = {**claims, "exp": claims["exp"] + 365 * 86_400}
        self.assertEqual(self.verify(forged(head, longer, signature)), "bad_signature")
        self.assertEqual(self.verify(forged({**head, "alg": "none"}, longer, signature)), "unsupported_algorithm")
        unsigned = forged({**head, "alg": "HS256"}, longer, b"").removesuffix(".")
        for secret in (x.encode(), base64.urlsafe_b64decode(x + "=")):
            tag = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
            self.assertEqual(self.verify(f"{unsigned}.{encode(tag)}"), "unsupported_algorithm")

    def test_a_token_of_a_key_that_is_not_pinned_is_refused(self):
        self.licensed()
        other = self.installation("example.com", jwks=VECTORS / "keys.json")
        self.assertEqual(self.verify(self.site.token, other), "unknown_key")
        status = self.run_client("refresh", other)
        self.assertEqual((status["refresh"], status["state"], other.token), ("failed", "provisional", None))

    def test_it_stays_licensed_when_the_server_is_killed(self):
        self.licensed()
        self.service.kill()
        status = self.run_client("force")
        self.assertEqual((status["refresh"], status["state"], status["usable"]), ("failed", "outage", True))


if __name__ == "__main__":
    unittest.main()
