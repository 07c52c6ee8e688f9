"""Input that is wrong in every way we know: refused by name, never a 500, nothing changed, the connection good."""

import json
import random

from signet import SYMBOLS, VALIDATE, ServedCase, http_request

KEY = "0000-0000-0000-0000"
DEEPEST = 16


def nested(depth):
    """A JSON array in arrays, `depth` deep."""
    return "[" * depth + "]" * depth


class BadInputTests(ServedCase):
    def setUp(self):
        self.license = self.installation.license(seats=1000)
        self.good = {
            "license_key": self.license["license_key"], "domain": "example.com", "ip_address": "192.168.1.100",
        }

    def tearDown(self):
        self.assertTrue(self.server.is_alive())
        self.assertEqual(self.server.request("GET", "/readyz").status, 200)

    def assert_nothing_taken(self):
        self.assertEqual(self.installation.show(self.license)["current_activations"], 0)

    def refused(self, body, status=400, member=None, content_type="application/json"):
        """`body` gets a problem document of `status`, and the same connection answers the next request."""
        wire = self.server.connection()
        self.addCleanup(wire.close)
        answer = self.server.post(body, content_type, connection=wire)
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        problem = answer.json
        self.assertLessEqual({"type", "title", "status", "detail", "instance", "code"}, set(problem))
        self.assertEqual(problem["status"], status)
        self.assertEqual(problem["type"], f"urn:signet:problem:{problem['code']}")
        self.assertRegex(problem["instance"], r"^urn:signet:request:\S+$")
        if member is not None:
            self.assertIn(member, [violation["member"] for violation in problem["violations"]], problem)
        if answer.headers.get("connection") != "close":
            again = self.server.post({"license_key": KEY, "domain": "example.com"}, connection=wire)
            self.assertEqual(again.status, 200)
        return problem

    # No JSON

    def test_a_body_that_is_no_object_of_json(self):
        text = json.dumps(self.good)
        for body in (
            b"", b" ", b"{", b"}", b"null", b"true", b"1", b'"text"', b"[]", b"[{}]", b"nothing", b"{'a': 1}",
            text + "x", text + text, text + "\0", text[:-1], text[: len(text) // 2], "\ufeff" + text,
            '{"license_key": }', '{"license_key"}', '{"a": 01}', '{"a": +1}', '{"a": .5}', '{"a": 1.}', '{"a": 1e}',
            '{"a": NaN}', '{"a": Infinity}', '{"a": tru}', '{"a": 1,}', '{,}', "/* a */ {}", '{"a": "\t"}',
            '{"a": "\\x41"}', '{"a": "\\u12"}', "license_key=1&domain=example.com",
        ):
            with self.subTest(body):
                self.refused(body)
        self.assert_nothing_taken()

    def test_a_body_that_is_absent(self):
        with self.server.wire() as wire:
            wire.send(http_request(b"", length=False))
            self.assertEqual(wire.read_answers(1)[0].status, 400)

    def test_a_member_twice(self):
        for name, value in self.good.items():
            text = json.dumps(self.good)[:-1] + f', "{name}": {json.dumps(value)}}}'
            with self.subTest(name):
                self.refused(text)
        self.refused(json.dumps(self.good)[:-1] + ', "other": 1, "other": 2}')
        self.refused(json.dumps(self.good)[:-1] + ', "dom\\u0061in": "example.org"}')
        self.assert_nothing_taken()

    def test_bytes_that_are_no_text(self):
        for name in self.good:
            for wrong in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x82", b"\0", b"\x1f"):
                body = json.dumps({**self.good, name: "?"}).encode().replace(b"?", b"a" + wrong + b"b")
                with self.subTest(name, wrong=wrong):
                    self.refused(body)
        self.assert_nothing_taken()

    def test_characters_that_no_value_may_have(self):
        for name in (*self.good, "product", "installation_id", "nonce", "token"):
            for wrong in ("\\u0000", "\\u0007", "\\n", "\\u007f", "\\ud800", "\\udc00\\ud800"):
                body = json.dumps({**self.good, name: "?"}).replace("?", f"a{wrong}b")
                with self.subTest(name, wrong=wrong):
                    self.refused(body)
        self.assert_nothing_taken()

    # Wrong members

    def test_members_of_a_wrong_type(self):
        for name in ("license_key", "domain", "ip_address", "product", "installation_id", "nonce", "token"):
            for wrong in (1, 1.5, True, [], {}, ["a"], {"a": "b"}):
                with self.subTest(name, wrong=wrong):
                    self.refused({**self.good, name: wrong}, member=name)
        self.assert_nothing_taken()

    def test_members_that_are_missing_or_empty(self):
        without = {name: {key: value for key, value in self.good.items() if key != name} for name in self.good}
        self.refused({}, member="license_key")
        self.refused(without["license_key"], member="license_key")
        self.refused({**self.good, "license_key": ""}, member="license_key")
        self.refused({**self.good, "license_key": "   "}, member="license_key")
        self.refused(without["domain"], member="domain")
        self.refused({**self.good, "domain": ""}, member="domain")
        self.assert_nothing_taken()

    def test_an_address_that_is_none(self):
        for wrong in (
            "example.com", "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4/24", "1.2.3.4:80", "0x7f.1",
            "2130706433", "::g", ":::", "1::2::3", "fe80::1%eth0", "::ffff:1.2.3", "12345::", "-1.2.3.4", "1.2.3.４",
        ):
            with self.subTest(wrong):
                self.refused({**self.good, "ip_address": wrong}, member="ip_address")
        self.assert_nothing_taken()

    def test_a_domain_that_is_none(self):
        for wrong in (
            "a" * 64 + ".com", ".".join(["a" * 50] * 5) + ".com", "exam ple.com", "example..com", ".example.com", ".",
            "-example.com", "example-.com", "exa_mple!.com", "http://", "https:///path", "xn--\u00fc.com", "xn--a.com",
            "example.com:port", "[::1", "*.example.com", "\u202eexample.com", "\u2028", "999.1.1.1",
        ):
            with self.subTest(wrong):
                self.refused({**self.good, "domain": wrong}, member="domain")
        self.assert_nothing_taken()

    def test_strings_that_are_too_long(self):
        for name in ("license_key", "domain", "ip_address", "product", "installation_id", "nonce"):
            with self.subTest(name):
                self.refused({**self.good, name: "a" * 1025}, member=name)
        self.refused({**self.good, "token": "a" * 8193}, member="token")
        self.refused({**self.good, "unheard_of": "a" * 1025})
        self.assert_nothing_taken()

    def test_nesting_that_is_too_deep(self):
        text = json.dumps(self.good)[:-1]
        for depth in (DEEPEST, 100, 5000, 8000):
            with self.subTest(depth):
                self.refused(text + f', "other": {nested(depth)}}}')
        self.refused("[" * 10_000)
        self.refused('{"a":' * 3000)
        self.assert_nothing_taken()
        accepted = self.server.post(text + f', "other": {nested(DEEPEST - 1)}}}')
        self.assertEqual(accepted.status, 200)

    # Wrong requests

    def test_a_content_type_that_is_not_json(self):
        form = "application/x-www-form-urlencoded"
        for wrong in (None, "text/plain", form, "application/jsonp", "", "json", "a/b, c/d"):
            with self.subTest(wrong):
                self.refused(self.good, status=415, content_type=wrong)
        self.assert_nothing_taken()
        for right in ("application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"):
            with self.subTest(right):
                self.assertEqual(self.server.post(self.good, right).status, 200)

    def test_a_method_that_the_path_does_not_have(self):
        headers = {"Content-Type": "application/json"}
        for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
            with self.subTest(method):
                answer = self.server.request(method, VALIDATE, json.dumps(self.good), headers)
                self.assertEqual(answer.status, 405, answer)
                self.assertEqual(answer.headers["allow"], "POST")
        self.assertIn(self.server.request("INVENTED", VALIDATE).status, (400, 405, 501))
        answer = self.server.request("POST", "/.well-known/jwks.json", b"{}")
        self.assertEqual(answer.status, 405)
        self.assertIn("GET", answer.headers["allow"])
        self.assert_nothing_taken()

    def test_a_path_that_is_not_there(self):
        for path in ("/", "/api/v1/installer", VALIDATE + "/x", "/api/v2/installer/validate", "/%00", "/..%2f..%2fetc"):
            with self.subTest(path):
                self.assertEqual(self.server.request("POST", path, json.dumps(self.good)).status, 404)
        self.assert_nothing_taken()

    # Verdicts, not errors

    def test_a_key_with_a_slip_is_malformed_whichever_symbol_it_is(self):
        symbols = self.license["license_key"].replace("-", "")
        choose = random.Random(1)
        for place in range(16):
            others = SYMBOLS.replace(symbols[place], "")
            self.assert_malformed(symbols[:place] + choose.choice(others) + symbols[place + 1 :])
        for left in range(16):
            for right in range(left + 1, 16):
                if symbols[left] != symbols[right]:
                    swapped = list(symbols)
                    swapped[left], swapped[right] = swapped[right], swapped[left]
                    self.assert_malformed("".join(swapped))
        for text in ("hello", "X" * 16, symbols[:15], symbols + "0", "ü" * 16, "U" * 16, "-", "0" * 1024):
            self.assert_malformed(text)
        self.assert_nothing_taken()

    def assert_malformed(self, key):
        verdict = self.server.validate(key)
        self.assertEqual((verdict["valid"], verdict["code"]), (False, "KEY_MALFORMED"), key)
        nulls = ("license_type", "expires_at", "max_activations", "license_id", "product", "activation", "token")
        self.assertEqual([verdict[name] for name in nulls], [None] * len(nulls))
        self.assertEqual((verdict["current_activations"], verdict["features"]), (0, []))

    def test_a_key_is_read_as_people_write_it(self):
        key = self.license["license_key"]
        first = self.server.validate(key)["activation"]
        for spelling in (
            key.lower(), key.replace("-", ""), key.replace("-", " "), f"  {key} ", key.replace("-", "\u2013"),
            key.replace("-", "\u00a0"), key.replace("0", "O"), key.replace("0", "o"), key.replace("1", "I"),
            key.replace("1", "l"), "-".join(key.replace("-", "")),
        ):
            with self.subTest(spelling):
                self.assertEqual(self.server.validate(spelling)["activation"], first)

    def test_spellings_of_a_domain_are_one_installation(self):
        for domain in (
            "example.com", "EXAMPLE.com", "example.com.", "www.example.com", "http://example.com/", " example.com ",
            "https://www.example.com:8443/path?q#f",
        ):
            with self.subTest(domain):
                verdict = self.server.validate(self.license, domain)
                self.assertEqual((verdict["code"], verdict["current_activations"]), ("VALID", 1))
                self.assertEqual(verdict["activation"]["domain"], "example.com")
        for domain in ("bücher.example.com", "BÜCHER.example.com", "xn--bcher-kva.example.com"):
            with self.subTest(domain):
                verdict = self.server.validate(self.license, domain)
                self.assertEqual(verdict["activation"]["domain"], "xn--bcher-kva.example.com")
                self.assertEqual(verdict["current_activations"], 2)

    def test_an_address_stands_for_an_installation_without_a_name(self):
        for domain, canonical in (("8.8.8.8", "8.8.8.8"), ("[2001:4860:4860:0:0:0:0:8888]", "2001:4860:4860::8888")):
            verdict = self.server.validate(self.license, domain)
            self.assertEqual((verdict["code"], verdict["activation"]["domain"]), ("VALID", canonical))

    def test_an_absent_address_is_the_observed_one(self):
        self.assertEqual(self.server.validate(self.license)["activation"]["ip"], "127.0.0.1")

    def test_development_hosts_are_free_and_stored_nowhere(self):
        for domain in ("localhost", "intranet", "shop.test", "a.localhost", "b.internal", "10.0.0.1", "[::1]"):
            with self.subTest(domain):
                verdict = self.server.validate(self.license, domain)
                self.assertEqual((verdict["code"], verdict["activation"]["kind"]), ("VALID", "development"))
                self.assertIsNone(verdict["activation"]["id"])
        self.assert_nothing_taken()

    def test_members_that_we_do_not_know_are_ignored(self):
        verdict = self.server.validate(self.license, version="1.2", hooks=[1, {"a": None}], activate=True)
        self.assertEqual(verdict["code"], "VALID")

    def test_a_product_that_is_not_the_license_s_is_a_verdict(self):
        verdict = self.server.validate(self.license, product="another")
        self.assertEqual((verdict["valid"], verdict["code"]), (False, "PRODUCT_MISMATCH"))
        self.assert_nothing_taken()
