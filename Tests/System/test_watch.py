"""What operators and monitors see: refusals, explanations, metrics; and what those who guess keys get."""

import http.client
import json
import re

from signet import NEGATIVE, PATIENCE, USAGE, VALIDATE, SignetCase

UNKNOWN = "0000-0000-0000-0000"
LIMITED = {"SIGNET_GUESSES_PER_CLIENT_MAX": "20", "SIGNET_TRUSTED_PROXIES": "127.0.0.0/8"}
SAMPLE = re.compile(r'^([a-z_]+)(?:\{code="([A-Z_]+)"\})? (-?\d+(?:\.\d+)?)$')


def scrape(server):
    """The samples of /metrics, read as strictly as a monitor does: name or (name, code) → value."""
    connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=PATIENCE)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        text = response.read().decode()
        assert response.status == 200, text
        assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    finally:
        connection.close()
    assert text.endswith("\n")
    samples, typed = {}, set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split(" ")[2:]
            assert kind in ("counter", "gauge") and name not in typed, line
            typed.add(name)
        elif not line.startswith("# HELP "):
            match = SAMPLE.match(line)
            assert match, line
            name, code, value = match.groups()
            assert name in typed, line
            samples[(name, code) if code else name] = float(value)
    return samples


class GuessingTests(SignetCase):
    def setUp(self):
        super().setUp()
        self.installation.stock()
        self.license = self.installation.license(seats=3)
        self.server = self.serve(**LIMITED)

    def ask(self, key, client, path=VALIDATE):
        body = json.dumps({"license_key": key, "domain": "example.com", "ip_address": "203.0.113.7"})
        headers = {"Content-Type": "application/json", "X-Forwarded-For": client}
        return self.server.request("POST", path, body, headers)

    def statuses(self, key, clients):
        return [self.ask(key, client).status for client in clients]

    def test_an_ipv4_address_is_answered_20_times_and_its_neighbor_has_its_own(self):
        self.assertEqual(self.statuses(UNKNOWN, ["198.51.100.9"] * 20), [200] * 20)
        refused = self.ask(UNKNOWN, "198.51.100.9")
        self.assertEqual((refused.status, refused.json["code"]), (429, "too_many_guesses"))
        self.assertIn(int(refused.headers["retry-after"]), range(1, 12))
        malformed = self.ask("nonsense", "198.51.100.9")
        self.assertEqual((malformed.status, malformed.json["title"]), (429, refused.json["title"]))
        self.assertEqual(self.ask(UNKNOWN, "198.51.100.9", "/api/v1/installer/explain").status, 429)
        self.assertEqual(self.ask(UNKNOWN, "198.51.100.10").status, 200)

    def test_an_ipv6_network_is_one_client(self):
        clients = [f"2001:db8:0:1::{number:x}" for number in range(1, 31)]
        statuses = self.statuses(UNKNOWN, clients)
        self.assertEqual(statuses, [200] * 20 + [429] * 10)
        self.assertEqual(self.ask(UNKNOWN, "2001:db8:0:2::1").status, 200)

    def test_a_good_key_from_the_same_address_is_always_answered(self):
        self.statuses(UNKNOWN, ["198.51.100.9"] * 25)
        for _ in range(30):
            answer = self.ask(self.license["license_key"], "198.51.100.9")
            self.assertEqual((answer.status, answer.json["code"]), (200, "VALID"))
        self.assertEqual(self.ask(UNKNOWN, "198.51.100.9").status, 429)

    def test_metrics_count_all_of_it(self):
        before = scrape(self.server)
        self.statuses(UNKNOWN, ["198.51.100.9"] * 25)
        for _ in range(3):
            self.ask(self.license["license_key"], "198.51.100.9")
        after = scrape(self.server)
        grown = {name: after[name] - before[name] for name in after}
        for name, value in {
            ("signet_validations_total", "NOT_FOUND"): 20,
            ("signet_validations_total", "VALID"): 3,
            "signet_unknown_keys_total": 25,
            "signet_guesses_limited_total": 5,
            "signet_activations_total": 1,
            "signet_unexplained_invalid_total": 0,
            "signet_index_places": 1,
        }.items():
            self.assertEqual(grown[name], value, name)
        for name in ("process_resident_memory_bytes", "process_cpu_seconds_total", "signet_journal_sequence"):
            self.assertGreater(after[name], 0, name)


class AdminTests(SignetCase):
    def test_metrics_are_on_their_own_listener_only(self):
        server = self.serve()
        self.assertEqual(server.request("GET", "/metrics").status, 404)
        connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        for path, status in {"/healthz": 200, "/readyz": 200, "/openapi.yaml": 404}.items():
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            self.assertEqual(response.status, status, path)

    def test_none_is_no_listener(self):
        server = self.serve("--listen-admin", "none")
        self.assertIsNone(server.admin_port)
        self.assertEqual(server.request("GET", "/healthz").status, 200)


class RefusalsTests(SignetCase):
    def setUp(self):
        super().setUp()
        self.installation.stock()

    def test_refusals_are_there_after_a_clean_end(self):
        solo = self.installation.license()
        server = self.serve()
        server.validate(solo)
        self.assertEqual(server.validate(solo, "late.example.com")["code"], "ACTIVATION_LIMIT")
        self.assertEqual(server.validate("nonsense", "who.example.com")["code"], "KEY_MALFORMED")
        listed = self.installation.json("license", "refusals", solo["license_key"])["data"]
        self.assertEqual([(one["code"], one["domain"]) for one in listed], [("ACTIVATION_LIMIT", "late.example.com")])
        self.assertEqual(server.validate(solo, "later.example.com")["code"], "ACTIVATION_LIMIT")
        server.stop()
        listed = self.installation.json("license", "refusals", solo["id"])["data"]
        self.assertEqual([one["domain"] for one in listed], ["later.example.com", "late.example.com"])
        unknown = self.installation.json("license", "refusals", "--unknown")["data"]
        self.assertEqual([(one["license_id"], one["domain"]) for one in unknown], [(None, "who.example.com")])
        text = self.installation.run("license", "refusals").stdout
        self.assertEqual(len(text.splitlines()), 4)
        self.assertIn("127.0.0.1", text)
        self.installation.run("license", "refusals", solo["id"], "--unknown", code=USAGE)

    def test_explain_shows_each_rule_and_takes_no_seat(self):
        solo = self.installation.license()
        key = solo["license_key"]
        explained = self.installation.json("license", "validate", key, "--domain", "Example.com", "--explain")
        self.assertEqual((explained["code"], explained["domain"]), ("VALID", "example.com"))
        self.assertTrue(all(rule["outcome"] == "passed" for rule in explained["rules"]))
        self.assertEqual(self.installation.show(solo)["current_activations"], 0)
        server = self.serve()
        server.validate(solo)
        refused = self.installation.run(
            "license", "validate", key, "--domain", "late.example.com", "--explain", code=NEGATIVE
        ).stdout
        compared = "current activations 1, max activations 1"
        self.assertRegex(refused, rf"(?m)^seat_free +failed +ACTIVATION_LIMIT +{compared}$")
        self.assertRegex(refused, r"(?m)^key_known +passed")
        self.installation.run("license", "validate", key, "--explain", "--activate", code=USAGE)
