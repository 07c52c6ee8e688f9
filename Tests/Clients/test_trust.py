"""What a client trusts: answers to its own question, keys that the pinned root vouches for, the list of revoked
licenses. The service lies here in every way it can."""

import contextlib
import functools
import json
import os
import time
import unittest
import zlib

from clients import (
    DAY, HOUR, NOW, PINNED, ROOT_KEY, SECOND, STRANGER, FakeService, jwk, make_key_set, make_list, make_token, naming,
    per_client, raw, refusal, valid,
)
from test_behaviour import Story

LATER = NOW + 4 * DAY  # beyond the first 72 hours, so that nothing is usable without a token
OTHER_ROOT = bytes.fromhex("f5e5767cf153319517630f226876b86c8160cc583bc013744c6bf255f5cc0ee5")  # RFC 8032, TEST 1024
STATUS_INDEX = 17
LIST_BYTES_MAX = 2_097_152  # decompressed
MEMORY_MAX_KB = 300_000


def signed_by(seed, **claims):
    """Answers with a token of another key."""
    return valid(seed=seed, header={"alg": "EdDSA", "typ": "lic+jwt", "kid": jwk(seed)["kid"]}, **claims)


@functools.lru_cache(maxsize=None)
def bomb(megabytes):
    """A ZLIB stream of zeros: a thousandth of what it becomes."""
    stream = zlib.compressobj(9)
    return b"".join([stream.compress(bytes(1 << 20)) for _ in range(megabytes)] + [stream.flush()])


class Trusting(Story):
    """A story of one installation that pins a root besides its keys, and of license 17."""

    pins_root = True

    def setUp(self):
        super().setUp()
        self.service.answer = valid(status=STATUS_INDEX)
        if self.pins_root:
            self.site.change(root=self.file("root.json", json.dumps(jwk(ROOT_KEY))))

    def file(self, name, text):
        path = self.site.place / name
        path.write_text(text)
        return str(path)

    def carry(self, name, text, now=NOW, command="status"):
        """What the client says of a text handed to it as a file, and its status then."""
        status = self.run_client(command, now, arguments=(f"--{name}", self.file(f"{name}.jwt", text + "\n")))
        return status[f"{name}_file"], status

    def assertUnmoved(self, status, **members):
        """The check succeeded, and what was wrong beside it changed nothing."""
        self.assertStatus(status, refresh="updated", state="licensed", usable=True, **members)

    def assertBounded(self, now=NOW):
        start = time.monotonic()
        status = self.run_client("force", now)
        self.assertLess(time.monotonic() - start, 3.5, "2 s and the start of the program")
        self.assertUnmoved(status)
        self.assertEqual(len(status["warnings"]), 1)

    def drip(self, handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not self.service.over.wait(0.1):
            handler.wfile.write(b"x")


@per_client
class Answers(Trusting):
    pins_root = False

    def test_each_check_has_a_fresh_nonce(self):
        for command, now in [("refresh", NOW), ("refresh", NOW + DAY), ("force", NOW + DAY), ("force", NOW + DAY)]:
            self.service.answer = valid(at=now)
            self.assertEqual(self.run_client(command, now)["refresh"], "updated")
        nonces = [request["nonce"] for request in self.service.requests]
        self.assertEqual(len(set(nonces)), 4)
        self.assertEqual({len(nonce) for nonce in nonces}, {22})

    def test_a_replayed_answer_is_rejected_and_the_token_goes_on_working(self):
        recorded = []

        def answer(request):
            recorded.append(valid()(request))
            return recorded[-1]

        self.service.answer = answer
        self.licensed()
        first = self.site.token
        self.service.answer = lambda _: recorded[0]
        status = self.run_client("refresh", NOW + DAY)
        self.assertStatus(status, refresh="failed", state="outage", usable=True)
        self.assertIn("another question", status["warnings"][0])
        self.assertEqual(self.site.token, first)

    def test_a_replayed_refusal_ends_nothing(self):
        self.licensed()
        self.service.answer = lambda _: refusal("REVOKED")({"nonce": "AAAAAAAAAAAAAAAAAAAAAA"})
        self.assertStatus(self.run_client("force"), refresh="failed", state="outage", usable=True)
        self.service.answer = lambda _: refusal("REVOKED")({})
        self.assertStatus(self.run_client("force"), refresh="failed", state="outage", usable=True)

    def test_a_replayed_token_in_a_fresh_answer_is_rejected(self):
        self.licensed()
        first = self.site.token
        self.service.answer = valid(token=make_token(nonce="AAAAAAAAAAAAAAAAAAAAAA", exp=NOW + 20 * DAY))
        status = self.run_client("force")
        self.assertStatus(status, refresh="failed", state="outage", usable=True, token_expires=NOW + 14 * DAY)
        self.assertIn("another nonce", status["warnings"][0])
        self.assertEqual(self.site.token, first)

    def test_a_token_for_another_domain_is_rejected_even_where_it_is_not_bound_to_one(self):
        self.site.change(installation_id="panel-7f3a")
        bound = {"inst": "panel-7f3a", "bind": ["inst"]}
        self.service.answer = valid(**bound)
        self.assertStatus(self.run_client("force"), refresh="updated", state="licensed")
        self.service.answer = valid(dom="example.net", **bound)
        status = self.run_client("force")
        self.assertStatus(status, refresh="failed", state="outage", usable=True)
        self.assertIn("another domain", status["warnings"][0])

    def test_the_next_address_is_asked_when_one_replays(self):
        liar = FakeService(lambda _: valid()({"nonce": "AAAAAAAAAAAAAAAAAAAAAA"}))
        self.addCleanup(liar.close)
        self.site.change(servers=[liar.url, self.service.url])
        self.assertStatus(self.run_client("refresh"), refresh="updated", state="licensed")


@per_client
class PinsAlone(Trusting):
    pins_root = False

    def test_without_a_root_no_key_set_is_asked_for(self):
        self.service.texts["keys"] = make_key_set(1, keys=(STRANGER,))
        self.licensed()
        self.service.answer = signed_by(STRANGER)
        self.assertStatus(self.run_client("force"), refresh="failed", state="outage", usable=True)
        self.assertEqual(self.service.fetched, [])

    def test_without_a_root_no_key_set_is_taken_in(self):
        outcome, status = self.carry("keys", make_key_set(1, keys=(STRANGER,)))
        self.assertEqual((outcome, status["key_set"]), ("no_root", 0))

    def test_a_key_set_stored_under_a_root_that_is_not_pinned_any_more_counts_for_nothing(self):
        self.licensed()
        (self.site.state / "keys").write_text(make_key_set(1, keys=(STRANGER,)))
        self.assertStatus(self.run_client("status"), state="licensed", key_set=0)


@per_client
class KeySets(Trusting):
    def test_the_first_check_takes_the_set_in(self):
        self.service.texts["keys"] = make_key_set(7)
        self.licensed()
        self.assertStatus(self.run_client("status"), state="licensed", key_set=7, warnings=[])
        self.assertEqual((self.site.state / "keys").stat().st_mode & 0o777, 0o600)
        self.assertEqual((self.site.state / "keys").read_text(), self.service.texts["keys"])

    def test_a_vendor_who_signed_none_leaves_the_pins_in_force(self):
        self.licensed()
        self.assertStatus(self.run_client("status"), state="licensed", key_set=0, warnings=[])
        self.assertEqual(self.service.fetched, ["keys"])

    def test_a_set_is_asked_for_once_a_day(self):
        self.service.texts["keys"] = make_key_set(7)
        self.licensed()
        for now, times in [(NOW + DAY - 1, 1), (NOW + DAY, 2), (NOW + DAY + HOUR, 2), (NOW + 2 * DAY, 3)]:
            self.service.answer = valid(at=now)
            self.assertUnmoved(self.run_client("force", now), key_set=7, warnings=[])
            self.assertEqual(self.service.fetched, ["keys"] * times)

    def test_nothing_is_fetched_without_an_answer(self):
        self.service.answer = raw(500, b"oops")
        self.assertEqual(self.run_client("refresh")["refresh"], "failed")
        self.assertEqual(self.service.fetched, [])

    def test_the_attempt_is_written_down_before_it_is_made(self):
        seen = []

        def keys(handler):
            seen.append(self.site.memory["keys_asked"])
            handler.send_response(404)
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        self.service.texts["keys"] = keys
        self.licensed()
        self.assertEqual(seen, [NOW])

    def test_an_unknown_key_is_looked_up_once(self):
        self.service.texts["keys"] = make_key_set(1)
        self.licensed()
        now = NOW + HOUR
        self.service.texts["keys"] = make_key_set(2, keys=(SECOND, STRANGER))
        self.service.answer = signed_by(STRANGER, at=now, exp=NOW + 15 * DAY)
        self.assertUnmoved(self.run_client("force", now), key_set=2, token_expires=NOW + 15 * DAY, warnings=[])
        self.assertEqual(self.service.fetched, ["keys"] * 2)

    def test_a_key_that_stays_unknown_is_looked_up_every_15_minutes_at_most(self):
        self.service.texts["keys"] = make_key_set(1)
        self.licensed()
        self.service.answer = signed_by(STRANGER, at=NOW)
        for now, times in [(NOW + 899, 1), (NOW + 900, 2), (NOW + 1799, 2), (NOW + 1800, 3)]:
            self.assertStatus(self.run_client("force", now), refresh="failed", state="outage", usable=True)
            self.assertEqual(self.service.fetched, ["keys"] * times)

    def test_a_root_alone_is_enough(self):
        self.site.change(jwks=None)
        self.service.texts["keys"] = make_key_set(7)
        self.assertUnmoved(self.run_client("refresh"), key_set=7, warnings=[])

    def test_an_unusable_root_is_named_and_not_taken_for_invalid(self):
        self.licensed()
        wrong = {"no JSON": "x", "another curve": json.dumps({**jwk(ROOT_KEY), "crv": "X25519"}),
                 "a key set": json.dumps({"keys": [jwk(ROOT_KEY)]})}
        for name, text in wrong.items():
            with self.subTest(root=name):
                self.site.change(root=self.file("root.json", text))
                status = self.run_client("force")
                self.assertStatus(
                    status, refresh="unverifiable", state="unverifiable", usable=True, code="key_set_unusable")

    def test_lies_change_nothing(self):
        good = make_key_set(7, keys=(PINNED,))
        self.service.texts["keys"] = good
        self.licensed()
        lies = {
            "signed by a pinned key": (make_key_set(8, keys=(STRANGER,), seed=PINNED), "unknown_key"),
            "signed by the next key": (make_key_set(8, keys=(STRANGER,), seed=SECOND), "unknown_key"),
            "a stranger in the root's name":
                (make_key_set(8, keys=(STRANGER,), seed=STRANGER, kid=jwk(ROOT_KEY)["kid"]), "bad_signature"),
            "a lower number": (make_key_set(6, keys=(STRANGER,)), "outdated"),
            "the same number, other keys": (make_key_set(7, keys=(STRANGER,)), "outdated"),
            "expired": (make_key_set(8, keys=(STRANGER,), exp=NOW), "expired"),
            "from the future": (make_key_set(8, keys=(STRANGER,), iat=NOW + 30 * DAY), "not_yet_valid"),
            "of another issuer": (make_key_set(8, keys=(STRANGER,), iss="elsewhere"), "wrong_issuer"),
            "without a key": (make_key_set(8, keys=()), "malformed_claims"),
            "a key good and revoked": (make_key_set(8, keys=(PINNED,), revoked=(PINNED,)), "malformed_claims"),
            "the plain set": (json.dumps({"keys": [jwk(STRANGER)]}), "malformed"),
            "a license token": (make_token(), "wrong_type"),
            "cut off": (good[:-1], "malformed"),
            "altered": (good[:-5] + "AAAAA", None),
            "too long": (good + " " * 65_536, None),
            "a page": ("<html>", "malformed"),
            "Latin-1": ((200, b"\xe9\xff"), None),
            "an error": ((500, good.encode()), "500"),
        }
        for day, (name, (text, code)) in enumerate(lies.items()):
            with self.subTest(set=name):
                now = NOW + (1 + day % 5) * DAY  # forth and back: each is a day or more from the one before
                self.service.texts["keys"], self.service.answer = text, valid(at=now)
                self.service.fetched.clear()
                status = self.run_client("force", now)
                self.assertEqual(self.service.fetched, ["keys"])
                self.assertUnmoved(status, key_set=7)
                self.assertTrue(status["warnings"][0].startswith("keys: "), status)
                self.assertIn(code or "", status["warnings"][0])
                self.assertEqual((self.site.state / "keys").read_text(), good)

    def test_a_newer_set_replaces_the_pins(self):
        self.service.texts["keys"] = make_key_set(7, keys=(SECOND,))
        status = self.run_client("refresh", LATER)
        self.assertStatus(status, refresh="failed", key_set=7)
        self.assertIn("unknown_key", status["warnings"][0])

    def test_a_revoked_key_ends_the_stored_token_at_once(self):
        self.licensed()
        outcome, status = self.carry("keys", make_key_set(8, keys=(SECOND,), revoked=(PINNED,)), LATER)
        self.assertEqual(outcome, "updated")
        self.assertStatus(status, state="unlicensed", usable=False, code="revoked_key", key_set=8)
        self.service.answer = signed_by(SECOND, at=LATER)
        self.assertUnmoved(self.run_client("refresh", LATER))

    def test_a_token_of_a_revoked_key_is_never_taken(self):
        self.site.change(installation_id="panel-7f3a")
        self.service.texts["keys"] = make_key_set(8, keys=(SECOND,), revoked=(PINNED,))
        status = self.run_client("refresh")
        self.assertEqual(status["refresh"], "failed")
        self.assertIn("revoked_key", status["warnings"][0])
        self.assertIsNone(self.site.token)

    def test_an_accepted_set_does_not_run_out(self):
        self.service.texts["keys"] = make_key_set(7, keys=(STRANGER,))
        self.service.answer = signed_by(STRANGER, exp=NOW + 400 * DAY)
        self.licensed()
        self.assertStatus(self.run_client("status", NOW + 399 * DAY), state="licensed", usable=True, key_set=7)

    def test_a_damaged_set_is_dropped_and_fetched_again(self):
        good = self.service.texts["keys"] = make_key_set(7)
        self.licensed()
        for damage in (b"", b"\xff\0", b"x.y.z", good[:-9].encode()):
            with self.subTest(damage=damage[:9]):
                (self.site.state / "keys").write_bytes(damage)
                self.assertStatus(self.run_client("status"), state="licensed", key_set=0)
                now = self.site.memory["keys_asked"] + DAY
                self.service.answer = valid(at=now)
                self.assertUnmoved(self.run_client("force", now), key_set=7, warnings=[])

    def test_another_pinned_root_drops_the_set(self):
        self.service.texts["keys"] = make_key_set(7)
        self.licensed()
        self.site.change(root=self.file("root.json", json.dumps(jwk(OTHER_ROOT))))
        self.assertStatus(self.run_client("status"), state="licensed", key_set=0)
        outcome, status = self.carry("keys", make_key_set(1, seed=OTHER_ROOT))
        self.assertEqual((outcome, status["key_set"]), ("updated", 1))

    def test_a_set_is_carried_here_as_a_file(self):
        for text, expected, number in [
            (make_key_set(7), "updated", 7), (make_key_set(7), "kept", 7), (make_key_set(6), "outdated", 7),
            (make_key_set(8, seed=STRANGER), "unknown_key", 7), (make_key_set(9), "updated", 9),
        ]:
            outcome, status = self.carry("keys", text)
            self.assertEqual((outcome, status["key_set"]), (expected, number))
        self.assertEqual(self.service.fetched + self.service.requests, [])

    def test_a_slow_service_costs_two_seconds_and_no_token(self):
        for name, slow in [("silent", lambda _: self.service.over.wait(20)), ("dripping", self.drip)]:
            with self.subTest(service=name):
                now = NOW if name == "silent" else NOW + DAY
                self.service.texts["keys"], self.service.answer = slow, valid(at=now)
                self.assertBounded(now)


@per_client
class Revocations(Trusting):
    pins_root = False

    def setUp(self):
        super().setUp()
        self.service.texts["revocations"] = make_list(5, revoked=[16, 18])

    def named(self, sequence, **claims):
        self.service.answer = naming(sequence, valid(status=STATUS_INDEX, **claims))

    def revoked(self):
        """An installation that learned of its revocation from list 5, by file."""
        self.licensed()
        outcome, status = self.carry("revocations", make_list(5, revoked=[STATUS_INDEX]))
        self.assertEqual(outcome, "updated")
        self.assertStatus(status, state="ended", usable=False, code="revoked", revocations=5)

    def test_a_list_is_fetched_when_an_answer_names_a_newer_one(self):
        self.named(5)
        self.licensed()
        self.assertStatus(self.run_client("status"), state="licensed", revocations=5, warnings=[])
        self.assertEqual((self.site.state / "revocations").stat().st_mode & 0o777, 0o600)
        self.run_client("force")
        self.named(4)
        self.run_client("force")
        self.assertEqual(self.service.fetched, ["revocations"])
        self.named(6)
        self.service.texts["revocations"] = make_list(6)
        self.assertUnmoved(self.run_client("force"), revocations=6, warnings=[])
        self.assertEqual(self.service.fetched, ["revocations"] * 2)

    def test_no_list_is_fetched_when_none_is_named(self):
        for named in (None, "5", 5.5, -1, 0, True, [5]):
            with self.subTest(sequence=named):
                self.named(named)
                self.assertUnmoved(self.run_client("force"), revocations=0, warnings=[])
        self.service.answer = lambda request: (200, {**valid()(request)[1], "revocations": 5})
        self.assertUnmoved(self.run_client("force"), revocations=0, warnings=[])
        self.assertEqual(self.service.fetched, [])

    def test_the_list_is_honored_at_once_and_without_a_network(self):
        self.licensed()
        self.service.close()
        outcome, status = self.carry("revocations", make_list(1, revoked=[STATUS_INDEX]))
        self.assertEqual(outcome, "updated")
        self.assertStatus(status, state="ended", usable=False, code="revoked", revocations=1,
                          message="The vendor revoked this license.")
        self.assertStatus(self.run_client("status", NOW + HOUR), state="ended", usable=False, code="revoked")
        self.assertEqual(self.client.text(self.site.settings, "verify", stdin=self.site.token), (1, "revoked\n"))

    def test_a_list_from_the_service_is_honored_too(self):
        self.licensed()
        self.service.texts["revocations"] = make_list(6, revoked=[STATUS_INDEX])
        self.service.answer = naming(6, refusal("ACTIVATION_LIMIT"))
        self.assertStatus(self.run_client("force"), refresh="refused", state="ended", usable=False, code="revoked")
        self.service.close()
        self.assertStatus(self.run_client("status"), state="ended", usable=False, code="revoked")

    def test_an_activation_that_was_ended_early_is_honored(self):
        self.licensed()
        _, status = self.carry("revocations", make_list(1, act=["act_0000000000001"]))
        self.assertStatus(status, state="licensed")
        _, status = self.carry("revocations", make_list(2, act=["act_0Z7K2N4P9R3TB"]))
        self.assertStatus(status, state="ended", usable=False, code="revoked")

    def test_other_licenses_and_other_issuers_do_not_matter(self):
        self.licensed()
        self.site.change(issuer=None)
        for sequence, changes in enumerate([
            {"revoked": [16, 18]}, {"revoked": []}, {"revoked": [STATUS_INDEX], "iss": "elsewhere"},
        ], start=1):
            outcome, status = self.carry("revocations", make_list(sequence, **changes))
            self.assertEqual(outcome, "updated")
            self.assertStatus(status, state="licensed", usable=True, revocations=sequence)

    def test_an_old_list_does_not_bring_a_license_back(self):
        self.revoked()
        for sequence, expected in [(4, "outdated"), (5, "kept")]:
            outcome, status = self.carry("revocations", make_list(sequence))
            self.assertEqual(outcome, expected)
            self.assertStatus(status, state="ended", usable=False, code="revoked", revocations=5)
        self.service.texts["revocations"] = make_list(4)
        self.named(9)
        status = self.run_client("force")
        self.assertStatus(status, refresh="failed", state="ended", usable=False, code="revoked", revocations=5)
        self.assertIn("revocations: outdated", status["warnings"])

    def test_a_newer_list_brings_it_back(self):
        self.revoked()
        _, status = self.carry("revocations", make_list(6))
        self.assertStatus(status, state="licensed", usable=True, revocations=6)

    def test_a_held_list_keeps_counting_after_its_end(self):
        self.service.answer = valid(status=STATUS_INDEX, exp=NOW + 500 * DAY)
        self.revoked()
        late = NOW + 450 * DAY
        self.assertStatus(self.run_client("status", late), state="ended", usable=False, code="revoked", revocations=5)
        outcome, _ = self.carry("revocations", make_list(6), late)
        self.assertEqual(outcome, "expired")

    def test_a_list_of_a_key_that_was_revoked_since_counts_for_nothing(self):
        self.site.change(root=self.file("root.json", json.dumps(jwk(ROOT_KEY))))
        self.service.answer = signed_by(SECOND, status=STATUS_INDEX)
        self.licensed()
        forged = make_list(2**53 - 1, revoked=[STATUS_INDEX])  # whoever has the key ends all, and with the last number
        self.assertStatus(self.carry("revocations", forged)[1], state="ended")
        _, status = self.carry("keys", make_key_set(1, keys=(SECOND,), revoked=(PINNED,)))
        self.assertStatus(status, state="licensed", usable=True, revocations=0)
        outcome, status = self.carry("revocations", make_list(6, seed=SECOND))
        self.assertEqual((outcome, status["revocations"]), ("updated", 6))

    def test_a_damaged_list_counts_for_nothing_and_is_fetched_again(self):
        self.named(5)
        self.licensed()
        for damage in (b"", b"\xff\0", b"x.y.z", self.service.texts["revocations"][:-9].encode()):
            with self.subTest(damage=damage[:9]):
                (self.site.state / "revocations").write_bytes(damage)
                self.assertStatus(self.run_client("status"), state="licensed", revocations=0)
                self.assertUnmoved(self.run_client("force"), revocations=5, warnings=[])

    def test_lies_change_nothing(self):
        self.named(5)
        self.licensed()
        good = make_list(9, revoked=[STATUS_INDEX])
        ending = {"sequence": 9, "revoked": [STATUS_INDEX]}
        lies = {
            "a stranger's": (make_list(**ending, seed=STRANGER), "unknown_key"),
            "a stranger's in our name": (make_list(**ending, seed=STRANGER, kid=jwk(PINNED)["kid"]), "bad_signature"),
            "the root's": (make_list(**ending, seed=ROOT_KEY), "unknown_key"),
            "of another issuer": (make_list(**ending, iss="elsewhere"), "wrong_issuer"),
            "a lower number": (make_list(4, revoked=[STATUS_INDEX]), "outdated"),
            "expired": (make_list(**ending, exp=NOW), "expired"),
            "from the future": (make_list(**ending, iat=NOW + 301), "not_yet_valid"),
            "a license token": (make_token(), "wrong_type"),
            "a key set": (make_key_set(9, seed=PINNED), "wrong_type"),
            "not compressed": (make_list(**ending, stream=b"\xff\xff\xff"), "malformed_claims"),
            "compressed and cut off": (make_list(**ending, stream=zlib.compress(b"\xff\xff")[:-1]), "malformed_claims"),
            "a byte too many":
                (make_list(**ending, stream=zlib.compress(bytes(LIST_BYTES_MAX + 1))), "malformed_claims"),
            "100,001 activations": (make_list(**ending, act=["a"] * 100_001), "malformed_claims"),
            "cut off": (good[:-1], "malformed"),
            "altered": (good[:-5] + "AAAAA", None),
            "a page": ("<html>", "malformed"),
            "Latin-1": ((200, b"\xe9\xff"), None),
            "too long": (good + "A" * 4_194_304, None),
            "an error": ((500, good.encode()), "500"),
            "none there": ((404, b"{}"), "404"),
        }
        for name, (text, code) in lies.items():
            with self.subTest(list=name):
                self.service.texts["revocations"] = text
                self.named(9)
                self.service.fetched.clear()
                status = self.run_client("force")
                self.assertEqual(self.service.fetched, ["revocations"])
                self.assertUnmoved(status, revocations=5)
                self.assertTrue(status["warnings"][0].startswith("revocations: "), status)
                self.assertIn(code or "", status["warnings"][0])

    def test_the_largest_list_is_read(self):
        self.licensed()
        bits = bytearray(LIST_BYTES_MAX)
        bits[STATUS_INDEX // 8] |= 1 << STATUS_INDEX % 8
        names = [f"act_{number:013}" for number in range(100_000)]
        outcome, status = self.carry("revocations", make_list(1, stream=zlib.compress(bytes(bits)), act=names))
        self.assertEqual(outcome, "updated")
        self.assertStatus(status, state="ended", code="revoked", revocations=1)

    def test_a_list_that_grows_without_end_costs_no_memory(self):
        self.licensed()
        path = self.file("bomb.jwt", make_list(9, stream=bomb(512)))
        process = self.client.start(self.site.settings, "status", arguments=("--revocations", path))
        with process.stdin, process.stdout, process.stderr:
            status = json.loads(process.stdout.read())
            _, code, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(code)
        self.assertEqual((status["revocations_file"], status["revocations"]), ("malformed_claims", 0))
        self.assertStatus(status, state="licensed", usable=True)
        self.assertLess(usage.ru_maxrss, MEMORY_MAX_KB)

    def test_a_list_that_is_too_long_is_not_read(self):
        outcome, status = self.carry("revocations", make_list(1, pad="a" * 3_200_000))
        self.assertEqual((outcome, status["revocations"]), ("malformed", 0))

    def test_a_text_without_end_is_cut_off(self):
        sent = []

        def endless(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
            with contextlib.suppress(OSError):  # the client hangs up
                while len(sent) < 64 and not self.service.over.is_set():
                    handler.wfile.write(b"A" * (1 << 20))
                    sent.append(1)

        self.named(9)
        self.service.texts["revocations"] = endless
        status = self.run_client("force")
        self.assertUnmoved(status, revocations=0)
        self.assertTrue(status["warnings"][0].startswith("revocations: "), status)
        self.assertLess(len(sent), 32, "megabytes; 4 are the longest list, and some are on their way")

    def test_the_first_72_hours_do_not_cover_a_revoked_license(self):
        self.revoked()
        self.assertGreater(self.site.memory["provisional_since"], 0)
        self.assertStatus(self.run_client("status", NOW + 60), state="ended", usable=False)

    def test_a_slow_service_costs_two_seconds_and_no_token(self):
        self.named(9)
        for name, slow in [("silent", lambda _: self.service.over.wait(20)), ("dripping", self.drip)]:
            with self.subTest(service=name):
                self.service.texts["revocations"] = slow
                self.assertBounded()

    def test_all_of_a_check_shares_the_two_seconds(self):
        def late(request):
            self.service.over.wait(1.5)
            return naming(9, valid(status=STATUS_INDEX))(request)

        self.service.answer = late
        self.service.texts["revocations"] = lambda _: self.service.over.wait(20)
        self.assertBounded()


class PhpWithoutZlib(Trusting, unittest.TestCase):
    """A machine that cannot read the list; it says so, and nothing else changes."""

    client_name, pins_root = "php", False
    options = ("-d", "disable_functions=inflate_init")

    def test_it_is_named_and_not_taken_for_invalid(self):
        self.service.texts["revocations"] = make_list(5, revoked=[STATUS_INDEX])
        self.service.answer = naming(5, valid(status=STATUS_INDEX))
        status = self.run_client("refresh", options=self.options)
        self.assertUnmoved(status, revocations=0, warnings=["revocations: zlib_missing"])
        self.assertStatus(self.run_client("force"), refresh="failed", state="ended", code="revoked", revocations=5)
        self.assertStatus(self.run_client("status", options=self.options), state="outage", usable=True, revocations=0)


if __name__ == "__main__":
    unittest.main()
