"""The token of an answer, verified without the service: by the command line and the rules of docs/token-format.md."""

import base64
import datetime
import hashlib
import json

from signet import NEGATIVE, OK, ServedCase

HEADER = ["alg", "typ", "kid"]
CLAIMS = (
    "iss sub aud jti iat nbf exp lic_exp grace plan max used feat dom ip inst act ver status next st bind".split()
)


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def instant(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class OfflineTests(ServedCase):
    def setUp(self):
        self.license = self.installation.license(seats=10)
        self.verdict = self.server.validate(self.license, "example.com", ip_address="8.8.8.8", nonce="abc")
        self.token = self.verdict["token"]
        self.header, self.claims = (json.loads(decode(part)) for part in self.token.split(".")[:2])
        self.jwks = self.installation.folder / "jwks.json"
        self.jwks.write_text(self.installation.run("keys", "export").stdout)

    def verify(self, token, *options, code, jwks=None):
        return self.installation.run("token", "verify", token, "--jwks", str(jwks or self.jwks), *options, code=code)

    def refused(self, reason, token=None, *options, jwks=None):
        result = self.verify(token or self.token, *options, code=NEGATIVE, jwks=jwks)
        self.assertIn(reason, result.stdout + result.stderr)

    def altered(self, **claims):
        head, _, signature = self.token.split(".")
        payload = json.dumps({**self.claims, **claims}, separators=(",", ":")).encode()
        return ".".join([head, encode(payload), signature])

    def headed(self, **members):
        header = {**self.header, **members}
        _, payload, signature = self.token.split(".")
        return ".".join([encode(json.dumps(header, separators=(",", ":")).encode()), payload, signature])

    # What it is

    def test_the_exported_and_the_published_key_set_are_one(self):
        published = self.server.request("GET", "/.well-known/jwks.json").json
        self.assertEqual(json.loads(self.jwks.read_text()), published)
        for key in published["keys"]:
            self.assertEqual(list(key), ["kty", "crv", "x", "kid", "use", "alg"])
            required = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": key["x"]}, separators=(",", ":"))
            self.assertEqual(key["kid"], encode(hashlib.sha256(required.encode()).digest())[:8])
            self.assertEqual(len(decode(key["x"])), 32)
        self.assertIn(self.header["kid"], [key["kid"] for key in published["keys"]])

    def test_the_claims_are_those_of_the_contract(self):
        self.assertEqual(list(self.header), HEADER)
        self.assertEqual((self.header["alg"], self.header["typ"]), ("EdDSA", "lic+jwt"))
        self.assertEqual([name for name in self.claims if name != "nonce"], CLAIMS)
        claims, verdict = self.claims, self.verdict
        self.assertEqual((claims["sub"], claims["aud"], claims["act"]), (
            verdict["license_id"], verdict["product"], verdict["activation"]["id"],
        ))
        self.assertEqual((claims["dom"], claims["ip"], claims["nonce"]), ("example.com", "8.8.8.8", "abc"))
        self.assertEqual((claims["plan"], claims["feat"]), (verdict["license_type"], verdict["features"]))
        self.assertEqual((claims["max"], claims["used"]), (10, 1))
        self.assertEqual(instant(claims["lic_exp"]), verdict["expires_at_time"])
        self.assertEqual(instant(claims["next"]), verdict["next_check_at"])
        self.assertEqual(claims["nbf"], claims["iat"])
        self.assertEqual(len(decode(claims["jti"])), 16)
        self.assertIn("dom", claims["bind"])
        self.assertLessEqual(set(claims["bind"]), {"dom", "ip", "inst"})

    def test_its_life_is_14_days_and_never_longer_than_the_license(self):
        self.assertEqual(self.claims["exp"] - self.claims["iat"], 14 * 86_400)
        today = datetime.datetime.now(datetime.timezone.utc).date()
        short = self.installation.json(
            "license", "generate", "--customer", "123", "--product", "whm-panel",
            "--expires", (today + datetime.timedelta(days=1)).isoformat(),
        )
        verdict = self.server.validate(short)
        claims = json.loads(decode(verdict["token"].split(".")[1]))
        self.assertEqual(instant(claims["exp"]), verdict["expires_at_time"])
        development = json.loads(decode(self.server.validate(self.license, "localhost")["token"].split(".")[1]))
        self.assertLessEqual(development["exp"] - development["iat"], 86_400)
        self.assertIsNone(development["act"])

    def test_the_next_check_is_in_a_day_or_so(self):
        self.assertIn(self.claims["next"] - self.claims["iat"], range(int(86_400 * 0.8), int(86_400 * 1.2) + 1))

    def test_a_nonce_makes_a_fresh_token(self):
        again = self.server.validate(self.license, ip_address="8.8.8.8", nonce="def")
        self.assertNotEqual(again["token"], self.token)
        self.assertEqual((again["nonce"], again["activation"]), ("def", self.verdict["activation"]))

    # Who accepts it

    def test_it_is_accepted_where_it_belongs_until_its_last_second(self):
        for options in (
            ["--domain", "example.com"],
            ["--domain", "WWW.Example.com."],
            ["--domain", "example.com", "--product", "whm-panel", "--issuer", "signet"],
            ["--domain", "example.com", "--at", instant(self.claims["exp"] - 1)],
            ["--domain", "example.com", "--at", instant(self.claims["nbf"] - 300)],
        ):
            with self.subTest(options):
                self.verify(self.token, *options, code=OK)

    def test_it_is_refused_elsewhere_and_at_other_times(self):
        self.refused("wrong_domain", None, "--domain", "other.example.com")
        self.refused("wrong_product", None, "--domain", "example.com", "--product", "another")
        self.refused("wrong_issuer", None, "--domain", "example.com", "--issuer", "another")
        self.refused("expired", None, "--domain", "example.com", "--at", instant(self.claims["exp"]))
        self.refused("not_yet_valid", None, "--domain", "example.com", "--at", instant(self.claims["nbf"] - 301))

    def test_it_is_refused_altered(self):
        here = ["--domain", "example.com"]
        self.refused("bad_signature", self.altered(max=0), *here)
        self.refused("bad_signature", self.altered(dom="other.example.com"), "--domain", "other.example.com")
        self.refused("unsupported_algorithm", self.headed(alg="none"), *here)
        self.refused("unsupported_algorithm", self.headed(alg="HS256"), *here)
        self.refused("wrong_type", self.headed(typ="JWT"), *here)
        self.refused("unsupported_critical", self.headed(crit=[]), *here)
        self.refused("unknown_key", self.headed(kid="AAAAAAAA"), *here)
        for wrong in (self.token + "=", self.token[:-1], self.token + ".", "a.b", " " + self.token, "a" * 9000):
            self.refused("malformed", wrong, *here)

    def test_it_is_refused_under_another_key(self):
        keys = json.loads(self.jwks.read_text())
        others = [key for key in keys["keys"] if key["kid"] != self.header["kid"]]
        pinned = self.installation.folder / "others.json"
        pinned.write_text(json.dumps({"keys": others}))
        self.refused("unknown_key", None, "--domain", "example.com", jwks=pinned)
        pinned.write_text(json.dumps({"keys": [{**others[0], "kid": self.header["kid"]}]}))
        self.refused("bad_signature", None, "--domain", "example.com", jwks=pinned)

    def test_a_key_set_that_is_none_is_no_verdict(self):
        wrong = self.installation.folder / "wrong.json"
        for content in ("", "{}", '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"a"}]}'):
            wrong.write_text(content)
            result = self.verify(self.token, "--domain", "example.com", code=None, jwks=wrong)
            self.assertNotIn(result.code, (OK, NEGATIVE), str(result))
