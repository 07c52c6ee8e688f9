"""Bodies that nobody meant: random bytes, and good requests with random damage.

`FUZZ` says how many, 2,000 unless told; `SEED` repeats a run.
"""

import json
import os
import random

from signet import ServedCase

COUNT = int(os.environ.get("FUZZ", "2000"))
SEED = int(os.environ.get("SEED", "1"))
STATUSES = {200, 400, 413, 415}
ODD_VALUES = (
    None, True, 0, -1, 1e308, 2**63, 2**64, "", " ", "\u0000", "\u202e", "a" * 1024, "a" * 1025, "a" * 20_000, [], {},
    [[]], "0000-0000-0000-0000", "::1", "1.2.3.4", "localhost", "example.com", "xn--", "%00", "../..", "'; --", "ÿ",
    "\ud800",
)
PIECES = (
    b"\0", b"\xff", b"\xc0\xaf", b"{", b"}", b"[", b"]", b'"', b"\\", b"\\u0000", b"\\ud800", b",", b":", b"1e999",
    b"-", b"null", b"\n", b"\t", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b'"domain":', b"/*", b"{" * 50, b'"' * 3,
)


class Mutator:
    """Good requests, damaged. The same seed makes the same ones."""

    def __init__(self, seed, license_key):
        self.chance = random.Random(seed)
        self.good = {
            "license_key": license_key, "domain": "example.com", "ip_address": "192.168.1.100", "nonce": "n",
            "installation_id": "i", "token": "a.b.c",
        }

    def body(self):
        kind = self.chance.randrange(4)
        if kind == 0:
            return self.chance.randbytes(self.chance.choice((0, 1, 2, 10, 100, 1000, 17_000)))
        if kind == 1:
            return json.dumps(self.other_members()).encode()
        data = bytearray(json.dumps(self.good).encode())
        for _ in range(self.chance.randint(1, 6)):
            self.damage(data)
        return bytes(data)

    def other_members(self):
        members = dict(self.good)
        for _ in range(self.chance.randint(1, 3)):
            name = self.chance.choice([*self.good, "product", "unheard_of"])
            if self.chance.random() < 0.2:
                members.pop(name, None)
            else:
                members[name] = self.chance.choice(ODD_VALUES)
        return members

    def damage(self, data):
        at = self.chance.randrange(len(data) + 1)
        kind = self.chance.randrange(5)
        if kind == 0:
            data[at:at] = self.chance.choice(PIECES)
        elif kind == 1:
            del data[at : at + self.chance.randint(1, 20)]
        elif kind == 2:
            data[at : at + 1] = bytes([self.chance.randrange(256)])
        elif kind == 3:
            data[at:at] = data[: self.chance.randrange(len(data) + 1)]
        else:
            data[at:] = b""


class FuzzTests(ServedCase):
    def test_no_body_is_more_than_refused(self):
        license = self.installation.license(seats=1)
        mutator = Mutator(SEED, license["license_key"])
        types = ["application/json"] * 30 + ["text/json", "application/json;", "\u00ff", None]
        connection = self.server.connection()
        for number in range(COUNT):
            body = mutator.body()
            answer = self.server.post(body, mutator.chance.choice(types), connection=connection)
            self.assertIn(answer.status, STATUSES, f"SEED={SEED}, number {number}: {body[:2000]!r}\n{answer}")
            self.assertLessEqual({"code"}, set(answer.json), f"SEED={SEED}, number {number}: {answer}")
        connection.close()
        self.assertTrue(self.server.is_alive())
        self.assertEqual(self.server.request("GET", "/readyz").status, 200)
        self.assertLessEqual(self.installation.show(license)["current_activations"], 1)

    def test_no_bytes_on_a_connection_harm_the_server(self):
        chance = random.Random(SEED)
        for _ in range(200):
            with self.server.wire() as wire:
                wire.send(chance.randbytes(chance.choice((1, 10, 100, 10_000))) + b"\r\n\r\n")
                wire.read_until_closed(0.01)
                for answer in wire.answers:
                    self.assertIn(answer.status, range(400, 500), answer)
        self.assertTrue(self.server.is_alive())
        self.assertEqual(self.server.request("GET", "/readyz").status, 200)
