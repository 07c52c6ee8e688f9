"""What a client does with the service's answers, and without them. The clock is moved, never waited for."""

import json
import pathlib
import ssl
import subprocess
import tempfile
import time
import unittest

from clients import (
    DAY, HOUR, KEY, NOW, STRANGER, FakeService, Installation, clients, dead_address, make_token, per_client, raw,
    refusal, valid,
)

ENDING = ["REVOKED", "SUSPENDED", "EXPIRED", "NOT_ACTIVATED"]
NOT_ENDING = ["ACTIVATION_LIMIT", "ADDRESS_LIMIT", "NOT_FOUND", "KEY_MALFORMED", "PRODUCT_MISMATCH", "NOT_YET_VALID",
              "DOMAIN_NOT_ALLOWED", "IP_NOT_ALLOWED", "SOMETHING_NEW"]


class Story:
    """One installation and one fake service."""

    def setUp(self):
        self.client = clients()[self.client_name]
        self.service = FakeService()
        self.addCleanup(self.service.close)
        self.site = self.installation(self.service.url)

    def installation(self, *servers, **changes):
        site = Installation(list(servers), **changes)
        self.addCleanup(site.remove)
        return site

    def run_client(self, command, now=NOW, **more):
        return self.client.run(self.site.settings, command, now, **more)

    def licensed(self):
        """An installation that got its token at NOW."""
        self.assertEqual(self.run_client("refresh")["refresh"], "updated")
        self.service.requests.clear()

    def assertStatus(self, status, **members):
        self.assertEqual({name: status[name] for name in members}, members, status)


@per_client
class Licensed(Story):
    def test_the_first_check_stores_a_token_and_says_so(self):
        status = self.run_client("refresh")
        self.assertStatus(status, refresh="updated", state="licensed", usable=True, code="VALID", plan="professional",
                          features=["whm", "billing", "support"], token_expires=NOW + 14 * DAY, license_expires=None,
                          next_check=NOW + DAY, warnings=[])
        [request] = self.service.requests
        self.assertEqual(len(request.pop("nonce")), 22)
        self.assertEqual(request, {"license_key": KEY, "domain": "example.com", "ip_address": "192.0.2.10",
                                   "product": "whm-panel"})

    def test_files_are_private(self):
        self.licensed()
        self.assertEqual(self.site.state.stat().st_mode & 0o777, 0o700)
        for name in ("token", "state.json"):
            self.assertEqual((self.site.state / name).stat().st_mode & 0o777, 0o600, name)
        self.assertEqual({path.name for path in self.site.state.iterdir()} - {"lock"}, {"token", "state.json"})

    def test_the_key_is_nowhere_in_the_state(self):
        self.licensed()
        for path in self.site.state.iterdir():
            self.assertNotIn(KEY[:4], path.read_text())

    def test_status_never_uses_the_network(self):
        self.assertStatus(self.run_client("status"), state="unlicensed", code="not_checked")
        self.licensed()
        self.run_client("status", NOW + 13 * DAY)
        self.assertEqual(self.service.requests, [])

    def test_a_check_that_is_not_due_is_not_made(self):
        self.licensed()
        self.assertEqual(self.run_client("refresh", NOW + DAY - 1)["refresh"], "not_due")
        self.assertEqual(self.service.requests, [])
        self.service.answer = valid(at=NOW + DAY)
        self.assertEqual(self.run_client("refresh", NOW + DAY)["refresh"], "updated")

    def test_a_forced_check_is_made_at_once_with_a_nonce(self):
        self.licensed()
        self.assertEqual(self.run_client("force")["refresh"], "updated")
        self.assertIn("nonce", self.service.requests[0])

    def test_the_domain_comes_from_the_settings_in_canonical_form(self):
        self.site.change(domain="https://WWW.Example.com:8443/panel")
        self.licensed()  # the environment names a visitor's host, see Client.environment

    def test_a_token_works_until_exp_and_not_a_second_longer(self):
        self.licensed()
        self.service.close()
        end = NOW + 14 * DAY
        self.assertStatus(self.run_client("status", end - 1), state="licensed", usable=True)
        self.assertStatus(self.run_client("status", end), state="unlicensed", usable=False, code="expired")

    def test_a_check_is_never_put_off_for_longer_than_a_week_or_less_than_15_minutes(self):
        for claim, expected in [(NOW + 400 * DAY, NOW + 7 * DAY), (NOW - 5, NOW + 900)]:
            self.service.answer = valid(next=claim)
            self.assertEqual(self.run_client("force")["next_check"], expected)

    def test_a_chunked_answer_is_read(self):
        def answer(request):
            data = json.dumps(valid()(request)[1]).encode()
            chunks = [data[:7], data[7:500], data[500:]]
            body = b"".join(b"%X\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
            return 200, body, {"Transfer-Encoding": "chunked"}

        self.service.answer = answer
        self.assertEqual(self.run_client("refresh")["refresh"], "updated")


@per_client
class Outage(Story):
    def test_a_dead_service_leaves_the_token_working(self):
        self.licensed()
        self.service.close()
        status = self.run_client("refresh", NOW + DAY)
        self.assertStatus(status, refresh="failed", state="outage", usable=True, plan="professional")
        self.assertEqual(len(status["warnings"]), 1)

    def test_unreadable_answers_leave_the_token_working(self):
        self.licensed()
        good = json.dumps(refusal("REVOKED")({})[1])
        answers = {
            "closed": lambda _: None, "500": raw(500, b"oops"), "empty": raw(200, b""), "text": raw(200, b"<html>"),
            "array": raw(200, f"[{good}]".encode()), "null": raw(200, b"null"),
            "valid a string": raw(200, b'{"valid":"no","code":"REVOKED"}'),
            "valid 0": raw(200, b'{"valid":0,"code":"REVOKED"}'), "no code": raw(200, b'{"valid":false}'),
            "code a list": raw(200, b'{"valid":false,"code":["REVOKED"]}'), "cut off": raw(200, good[:-2].encode()),
            "valid twice": raw(200, good.replace("{", '{"valid":true,', 1).encode()),
            "Latin-1": raw(200, good.replace("Refused", "Refus\xe9").encode("latin-1")),
            "REVOKED under 403": refusal("REVOKED", 403), "REVOKED under 500": refusal("REVOKED", 500),
            "REVOKED under 404": refusal("REVOKED", 404), "REVOKED under 201": refusal("REVOKED", 201),
            "a problem": raw(400, b'{"code":"REVOKED","valid":false,"status":400}'),
            "429": raw(429, b"{}", **{"Retry-After": "30"}), "503": raw(503, b"{}", **{"Retry-After": "30"}),
            "too long": raw(200, b" " * 100_000 + good.encode()),
            "valid without a token": lambda request: (200, {**valid()(request)[1], "token": None, "stale": True}),
        }
        for name, answer in answers.items():
            with self.subTest(answer=name):
                self.service.answer = answer
                self.assertStatus(self.run_client("force"), refresh="failed", state="outage", usable=True)
        self.service.answer = valid()
        self.assertStatus(self.run_client("force"), refresh="updated", state="licensed", warnings=[])

    def test_a_redirect_is_not_followed(self):
        self.licensed()
        other = FakeService(refusal("REVOKED"))
        self.addCleanup(other.close)
        for status in (302, 307, 308):
            self.service.answer = raw(status, b"", Location=other.url + "/api/v1/installer/validate")
            self.assertStatus(self.run_client("force"), refresh="failed", usable=True)
        self.assertEqual(other.requests, [])

    def assertBounded(self, **members):
        start = time.monotonic()
        status = self.run_client("force")
        took = time.monotonic() - start
        self.assertStatus(status, **members)
        self.assertLess(took, 3.5, "2 s and the start of the program")

    def test_a_service_that_never_answers_is_given_up_after_2_s(self):
        self.licensed()
        self.service.hang()
        self.assertBounded(refresh="failed", state="outage", usable=True)

    def test_a_service_that_drips_is_given_up_after_2_s(self):
        self.licensed()

        def serve(handler):
            self.service.requests.append(None)
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX-Slow: ")
            while not self.service.over.wait(0.1):
                handler.wfile.write(b"x")

        self.service.serve = serve
        self.assertBounded(refresh="failed", state="outage", usable=True)

    def test_several_silent_services_share_the_2_s(self):
        self.licensed()
        self.service.hang()
        self.site.change(servers=[self.service.url] * 3)
        self.assertBounded(refresh="failed", usable=True)
        self.assertEqual(len(self.service.requests), 3)

    def test_the_next_address_is_tried_when_one_fails(self):
        broken = FakeService(raw(500, b"oops"))
        self.addCleanup(broken.close)
        self.site.change(servers=[dead_address(), broken.url, self.service.url + "/"])
        self.licensed()
        silent = FakeService()
        silent.hang()
        self.addCleanup(silent.close)
        self.site.change(servers=[silent.url, self.service.url])
        self.assertBounded(refresh="updated", state="licensed")

    def test_a_verdict_of_the_first_address_is_final(self):
        other = FakeService()
        self.addCleanup(other.close)
        self.service.answer = refusal("NOT_FOUND")
        self.site.change(servers=[self.service.url, other.url])
        self.assertStatus(self.run_client("refresh"), refresh="refused", code="NOT_FOUND")
        self.assertEqual(other.requests, [])

    def test_failures_back_off_from_15_minutes_to_6_hours(self):
        self.licensed()
        self.site.change(servers=[dead_address()])
        now = NOW + DAY
        for minutes in (15, 30, 60, 120, 240, 300, 300):
            status = self.run_client("refresh", now)
            self.assertStatus(status, refresh="failed", state="outage")
            wait = status["next_check"] - now
            self.assertGreaterEqual(wait, minutes * 60)
            self.assertLessEqual(wait, min(minutes * 72, 6 * HOUR))
            self.assertEqual(self.run_client("refresh", now + wait - 1)["refresh"], "not_due")
            now += wait

    def test_the_waiting_time_has_jitter(self):
        self.site.change(servers=[dead_address()])
        self.assertGreater(len({self.run_client("force")["next_check"] for _ in range(8)}), 1)

    def test_the_attempt_is_written_down_before_it_is_made(self):
        seen = []

        def answer(request):
            seen.append(self.site.memory)
            return valid()(request)

        self.service.answer = answer
        self.licensed()
        self.assertGreaterEqual(seen[0]["next_attempt"], NOW + 900)
        self.assertEqual(seen[0]["failures"], 1)

    def test_a_client_that_is_killed_while_it_asks_has_used_its_attempt(self):
        self.service.hang()
        process = self.client.start(self.site.settings, "refresh")
        try:
            self.assertTrue(self.service.asked.wait(20))
        finally:
            process.kill()
            process.communicate()
        self.assertEqual(self.run_client("refresh", NOW + 60)["refresh"], "not_due")
        self.assertEqual(len(self.service.requests), 1)

    def test_ten_refreshes_at_once_make_one_request(self):
        processes = [self.client.start(self.site.settings, "refresh") for _ in range(10)]
        outcomes = [json.loads(process.communicate(timeout=60)[0])["refresh"] for process in processes]
        self.assertEqual(sorted(outcomes), ["not_due"] * 9 + ["updated"])
        self.assertEqual(len(self.service.requests), 1)


@per_client
class Verdicts(Story):
    def test_only_four_codes_end_a_token(self):
        for code in ENDING:
            with self.subTest(code=code):
                self.service.answer = valid()
                self.assertStatus(self.run_client("force"), refresh="updated", state="licensed")
                self.service.answer = refusal(code)
                self.assertStatus(self.run_client("force"), refresh="ended", state="ended", usable=False, code=code,
                                  message=f"Refused: {code}.")
                self.assertIsNone(self.site.token)
                self.assertStatus(self.run_client("status"), state="ended", usable=False, code=code)

    def test_an_end_is_no_provisional_time_and_survives_an_outage(self):
        self.licensed()
        self.service.answer = refusal("REVOKED")
        self.run_client("force")
        self.service.close()
        self.assertStatus(self.run_client("force", NOW + 60), refresh="failed", state="ended", usable=False)

    def test_other_refusals_leave_the_token_working(self):
        self.licensed()
        for code in NOT_ENDING:
            with self.subTest(code=code):
                self.service.answer = refusal(code)
                self.assertStatus(self.run_client("force"), refresh="refused", state="licensed", usable=True, code=code)

    def test_a_refused_newcomer_is_not_provisional(self):
        for code in NOT_ENDING:
            with self.subTest(code=code):
                self.service.answer = refusal(code)
                status = self.run_client("force")
                self.assertStatus(status, refresh="refused", state="unlicensed", usable=False, code=code)

    def test_a_corrected_key_is_checked_at_once(self):
        self.service.answer = refusal("REVOKED")
        self.run_client("refresh")
        self.assertEqual(self.run_client("refresh", NOW + 60)["refresh"], "not_due")
        self.service.answer = valid()
        self.site.change(key="0000-0000-0000-0000")
        self.assertStatus(self.run_client("refresh", NOW + 60), refresh="updated", state="licensed")

    def test_a_token_that_ends_sooner_does_not_replace(self):
        self.licensed()
        first = self.site.token
        self.service.answer = valid(exp=NOW + 13 * DAY, next=NOW + 2 * DAY)
        self.assertStatus(self.run_client("force"), refresh="kept", state="licensed", token_expires=NOW + 14 * DAY,
                          next_check=NOW + 2 * DAY)
        self.assertEqual(self.site.token, first)

    def test_a_token_that_ends_sooner_replaces_if_the_license_changed(self):
        self.licensed()
        self.service.answer = valid(exp=NOW + 13 * DAY, ver=2)
        self.assertStatus(self.run_client("force"), refresh="updated", token_expires=NOW + 13 * DAY)

    def test_a_token_that_ends_sooner_replaces_if_the_verdict_changed(self):
        self.licensed()
        self.service.answer = valid(code="EXPIRED_GRACE", exp=NOW + 13 * DAY)
        status = self.run_client("force")
        self.assertStatus(status, refresh="updated", token_expires=NOW + 13 * DAY, code="EXPIRED_GRACE")

    def test_a_token_that_ends_later_or_at_the_same_time_replaces(self):
        self.licensed()
        for plan, end in [("same", 14 * DAY), ("later", 15 * DAY)]:
            self.service.answer = valid(plan=plan, exp=NOW + end)
            self.assertStatus(self.run_client("force"), refresh="updated", plan=plan)

    def test_a_token_is_verified_before_it_is_stored(self):
        self.licensed()
        first = self.site.token
        whole = make_token()
        wrong = {
            "another domain": valid(dom="example.net"), "another product": valid(aud="dns-panel"),
            "another issuer": valid(iss="someone"), "another installation": valid(inst="x", bind=["inst"]),
            "a stranger's": valid(seed=STRANGER), "expired": valid(exp=NOW), "from the future": valid(at=NOW + DAY),
            "another nonce": valid(nonce="AAAAAAAAAAAAAAAAAAAAAA"), "no nonce": valid(token=whole),
            "altered": valid(token=whole[:-5] + "AAAAA"), "no token": valid(token="x"),
            "alg none": valid(header={"alg": "none", "typ": "lic+jwt", "kid": "kPrK_qmx"}),
        }
        for name, answer in wrong.items():
            with self.subTest(token=name):
                self.service.answer = answer
                self.assertStatus(self.run_client("force"), refresh="failed", state="outage", usable=True)
                self.assertEqual(self.site.token, first)


@per_client
class FirstDays(Story):
    def setUp(self):
        super().setUp()
        self.site.change(servers=[dead_address()])

    def test_a_first_installation_runs_72_hours(self):
        self.assertStatus(self.run_client("refresh"), refresh="failed", state="provisional", usable=True)
        self.assertStatus(self.run_client("status", NOW + 72 * HOUR - 1), state="provisional", usable=True)
        self.assertStatus(self.run_client("status", NOW + 72 * HOUR), state="unlicensed", usable=False,
                          code="provisional_over")

    def test_the_72_hours_begin_once(self):
        self.run_client("refresh")
        self.run_client("force", NOW + 71 * HOUR)
        self.site.change(domain="example.org", key="0000-0000-0000-0000")
        self.run_client("force", NOW + 71 * HOUR)
        self.assertStatus(self.run_client("status", NOW + 72 * HOUR), state="unlicensed", code="provisional_over")

    def test_deleting_the_token_does_not_restart_them(self):
        self.site.change(servers=[self.service.url])
        self.licensed()
        (self.site.state / "token").unlink()
        self.site.change(servers=[dead_address()])
        self.assertStatus(self.run_client("refresh", NOW + 80 * HOUR), refresh="failed", state="unlicensed")

    def test_setting_the_clock_back_does_not_restart_them(self):
        self.run_client("refresh")
        self.run_client("force", NOW + 73 * HOUR)
        self.assertStatus(self.run_client("status", NOW + HOUR), state="unlicensed")

    def test_a_key_with_a_typo_is_not_provisional(self):
        for key in (KEY[:-1] + ("0" if KEY[-1] != "0" else "1"), KEY[1] + KEY[0] + KEY[2:], KEY[:-1], "", "hello"):
            with self.subTest(key=key):
                site = self.site = self.installation(dead_address(), key=key)
                self.assertStatus(self.run_client("refresh"), refresh="failed", state="unlicensed", usable=False)
                self.assertEqual(site.memory["provisional_since"], 0)

    def test_a_key_as_people_type_it_is(self):
        self.site.change(key=f" {KEY.lower()}\u00a0".replace("-", "\u2013"))
        self.assertStatus(self.run_client("refresh"), state="provisional")


@per_client
class Damage(Story):
    def test_a_corrupted_state_neither_crashes_nor_ends_a_token(self):
        self.licensed()
        path = self.site.state / "state.json"
        for text in (b"", b"{", b"null", b"[]", b"\xff\xfe\0", b'{"failures":"many"}', b'{"next_attempt":{}}', b'"x"',
                     b"[" * 50_000):
            with self.subTest(state=text[:20]):
                path.write_bytes(text)
                status = self.run_client("status")
                self.assertStatus(status, state="licensed", usable=True, warnings=["state_unreadable"])
                self.assertStatus(self.run_client("refresh"), refresh="updated", state="licensed", warnings=[])

    def test_a_corrupted_or_lost_token_is_fetched_again_at_once(self):
        self.licensed()
        for damage in (b"", b"\xff\0", b"x.y.z", None):
            with self.subTest(token=damage):
                path = self.site.state / "token"
                path.unlink() if damage is None else path.write_bytes(damage)
                status = self.run_client("status")
                self.assertStatus(status, state="provisional", usable=True)
                self.assertStatus(self.run_client("refresh"), refresh="updated", state="licensed")

    def test_a_lost_token_is_not_asked_for_again_and_again(self):
        self.licensed()
        (self.site.state / "token").unlink()
        self.site.change(servers=[dead_address()])
        self.assertEqual(self.run_client("refresh", NOW + 60)["refresh"], "failed")
        self.assertEqual(self.run_client("refresh", NOW + 120)["refresh"], "not_due")

    def test_nothing_is_asked_if_the_attempt_cannot_be_written_down(self):
        file = self.site.place / "a-file"
        file.write_text("")
        self.site.change(state=str(file))
        self.assertStatus(self.run_client("refresh"), refresh="not_recorded", state="unlicensed")
        self.assertEqual(self.service.requests, [])

    def test_a_clock_set_back_gains_nothing(self):
        self.licensed()
        self.service.close()
        end = NOW + 14 * DAY
        self.run_client("force", end + 10)
        status = self.run_client("status", end - DAY)
        self.assertStatus(status, state="unlicensed", usable=False, code="expired")
        self.assertIn("clock_set_back", status["warnings"])

    def test_a_clock_that_is_a_little_late_is_tolerated(self):
        self.licensed()
        self.assertStatus(self.run_client("status", NOW - 300), state="licensed", warnings=[])
        self.assertStatus(self.run_client("status", NOW - 301), state="licensed", warnings=["clock_set_back"])

    def test_a_clock_that_once_ran_ahead_is_corrected_by_the_service(self):
        self.licensed()
        ahead = NOW + 4000 * DAY
        self.service.answer = valid()
        self.assertStatus(self.run_client("force", ahead), refresh="failed", state="unlicensed", code="expired")
        self.assertStatus(self.run_client("refresh", NOW + HOUR), refresh="updated", state="licensed", warnings=[])

    def test_a_replayed_token_does_not_correct_the_clock(self):
        self.licensed()
        old = self.site.token
        self.service.answer = valid(token=old)
        self.run_client("force", NOW + 20 * DAY)
        self.assertStatus(self.run_client("force", NOW + DAY), refresh="failed", state="unlicensed", usable=False)

    def test_an_unusable_key_set_is_named_and_not_taken_for_invalid(self):
        self.licensed()
        self.site.change(jwks=str(self.site.settings))
        status = self.run_client("force")
        self.assertStatus(status, refresh="unverifiable", state="unverifiable", usable=True, code="key_set_unusable")
        self.assertStatus(self.run_client("status", NOW + 72 * HOUR), state="unverifiable", usable=False)
        self.assertEqual(self.service.requests, [])

    def test_a_domain_that_is_none_is_named(self):
        self.site.change(domain="not a name")
        status = self.run_client("refresh")
        self.assertStatus(status, refresh="unverifiable", state="unverifiable", code="domain_missing")
        self.assertEqual(self.service.requests, [])


class Missing(Story):
    """A machine without the means to verify."""

    code, options, environment = None, (), None

    def without(self, command, now=NOW):
        return self.run_client(command, now, options=self.options, environment=self.environment)

    def test_it_is_named_and_not_taken_for_invalid(self):
        self.licensed()
        status = self.without("refresh", NOW + DAY)
        self.assertStatus(status, refresh="unverifiable", state="unverifiable", usable=True, code=self.code)
        self.assertIn("missing", status["message"])
        self.assertEqual(self.service.requests, [])
        late = self.without("status", NOW + DAY + 72 * HOUR)
        self.assertStatus(late, state="unverifiable", usable=False, code=self.code)

    def test_all_is_well_once_it_is_there_again(self):
        self.licensed()
        self.without("refresh", NOW + DAY)
        self.assertStatus(self.run_client("status", NOW + DAY + 80 * HOUR), state="licensed", usable=True)


class PhpWithoutSodium(Missing, unittest.TestCase):
    client_name, code = "php", "sodium_missing"
    options = ("-d", "disable_functions=sodium_crypto_sign_verify_detached")


class PythonWithoutCryptography(Missing, unittest.TestCase):
    client_name, code = "python", "cryptography_missing"

    def setUp(self):
        super().setUp()
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        pathlib.Path(place.name, "cryptography.py").write_text("raise ImportError('not installed')\n")
        self.environment = {"PYTHONPATH": place.name}


@per_client
class Encrypted(Story):
    """HTTPS: the certificate decides."""

    def setUp(self):
        super().setUp()
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.certificate = f"{place.name}/certificate.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{place.name}/key.pem", "-out", self.certificate],
            check=True, capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, f"{place.name}/key.pem")
        self.secure = FakeService(context=context)
        self.addCleanup(self.secure.close)

    def test_a_trusted_certificate_is_accepted(self):
        self.site.change(servers=[self.secure.url])
        trust = {"SSL_CERT_FILE": self.certificate, "NODE_EXTRA_CA_CERTS": self.certificate}
        self.assertStatus(self.run_client("refresh", environment=trust), refresh="updated", state="licensed")

    def test_any_other_certificate_is_refused(self):
        self.site.change(servers=[self.secure.url])
        self.assertStatus(self.run_client("refresh"), refresh="failed", state="provisional")
        self.assertEqual(self.secure.requests, [])

    def test_a_certificate_for_another_name_is_refused(self):
        self.site.change(servers=[self.secure.url.replace("127.0.0.1", "localhost")])
        trust = {"SSL_CERT_FILE": self.certificate, "NODE_EXTRA_CA_CERTS": self.certificate}
        self.assertStatus(self.run_client("refresh", environment=trust), refresh="failed", state="provisional")
        self.assertEqual(self.secure.requests, [])


if __name__ == "__main__":
    unittest.main()
