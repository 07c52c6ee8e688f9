"""Three server processes over one PostgreSQL: the last seats, a node that is killed, one request sent to two nodes."""

import concurrent.futures
import http.client
import json
import shutil
import sys
import time
import unittest

from pages import Shell, follow
from signet import PATIENCE, REPOSITORY, VALIDATE, Installation, Server

sys.path.insert(0, str(REPOSITORY / "Tests" / "PostgreSQL"))
import server as postgresql  # noqa: E402

NODES = 3
REACH_SECONDS = 5


class NodesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = cls.enterClassContext(postgresql.Server())
        cls.installations = [Installation() for _ in range(NODES)]
        for installation in cls.installations:
            cls.addClassCleanup(installation.remove)
        cls.settings = {"SIGNET_DATABASE": cls.database.address}
        cls.first = cls.installations[0]
        cls.run_first("customer", "create", "--id", "123")
        cls.run_first("product", "create", "whm-panel", "--type", "professional", "--features", "whm")
        cls.secret, cls.leaked = cls.token("shop"), cls.token("leaked")
        # Every node has the same secrets: the first made them.
        for other in cls.installations[1:]:
            shutil.copytree(cls.first.keys, other.keys)
        cls.nodes = [Server(installation, **cls.settings) for installation in cls.installations]
        cls.addClassCleanup(lambda: [node.stop() for node in cls.nodes])

    @classmethod
    def run_first(cls, *arguments):
        return cls.first.json(*arguments, **cls.settings)

    @classmethod
    def token(cls, name):
        made = cls.first.run("admin-token", "create", name, "--scope", "licenses:write", **cls.settings)
        return next(word for word in made.stdout.split() if word.startswith("adm_"))

    def license(self, seats):
        return self.run_first("license", "generate", "--customer", "123", "--product", "whm-panel", "--expires",
                              "+365 days", "--max-activations", str(seats))

    def ask(self, node, license, domain):
        """The code of the verdict; None without one."""
        body = json.dumps({"license_key": license["license_key"], "domain": domain})
        try:
            answer = node.request("POST", VALIDATE, body, {"Content-Type": "application/json"})
        except (OSError, http.client.HTTPException):
            return None
        return answer.json["code"] if answer.status == 200 else None

    def used(self, license):
        return self.run_first("license", "show", license["id"])["current_activations"]

    def sound(self):
        report = self.run_first("db", "check")
        self.assertTrue(report["sound"], report)

    def test_the_page(self):
        words = {f"http://127.0.0.1:808{number}": f"http://127.0.0.1:{node.port}"
                 for number, node in enumerate(self.nodes[:2])}
        license = self.license(1)
        self.assertEqual(self.ask(self.nodes[0], license, "example.com"), "VALID")
        words["KEY"] = license["license_key"]
        self.assertEqual(len(follow(self, "nodes.md", Shell(self.first, **self.settings), words)), 2)

    def test_a_license_is_good_on_every_node_as_soon_as_it_is_issued(self):
        license = self.license(NODES)
        for number, node in enumerate(reversed(self.nodes)):
            self.assertEqual(self.ask(node, license, f"s{number}.example.com"), "VALID")
            self.assertEqual(self.ask(self.nodes[0], license, f"s{number}.example.com"), "VALID")

    def test_the_last_seats_go_once_each_over_all_nodes(self):
        hot, others = self.license(5), [self.license(2) for _ in range(3)]
        calls = [(self.nodes[n % NODES], hot, f"h{n}.example.com") for n in range(45)]
        for index, other in enumerate(others):
            calls += [(self.nodes[n % NODES], other, f"o{index}-{n}.example.com") for n in range(9)]
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            codes = list(pool.map(lambda call: self.ask(*call), calls))
        for license, seats in [(hot, 5)] + [(other, 2) for other in others]:
            given = [code for (_, asked, _), code in zip(calls, codes) if asked is license]
            self.assertEqual(given.count("VALID"), seats, given)
            self.assertEqual(set(given) - {None}, {"VALID", "ACTIVATION_LIMIT"})
            self.assertEqual(self.used(license), seats)
        self.sound()

    def test_what_was_acknowledged_outlives_the_node_that_said_it(self):
        licenses = [self.license(6) for _ in range(4)]
        acknowledged = []

        def activate(number):
            license, domain = licenses[number % 4], f"k{number}.example.com"
            if self.ask(self.nodes[1 + number % 2], license, domain) == "VALID":
                acknowledged.append((license, domain))
            if len(acknowledged) == 5:
                self.nodes[1].process.kill()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(activate, range(40)))
        self.nodes[1].kill()
        self.nodes[1] = Server(self.installations[1], **self.settings)
        for license, domain in acknowledged:
            for node in self.nodes:
                self.assertEqual(self.ask(node, license, domain), "VALID", domain)
        self.assertTrue(all(self.used(license) <= 6 for license in licenses))
        self.sound()

    def test_one_request_sent_to_two_nodes_is_done_once(self):
        body = json.dumps({"customer_id": 123, "product": "whm-panel"})
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json",
                   "Idempotency-Key": "order-7"}

        def order(node):
            deadline = time.monotonic() + PATIENCE
            while True:
                answer = node.request("POST", "/api/v1/licenses", body, headers)
                # On one node the second is told that the first is at work.
                if answer.status != 409 or time.monotonic() > deadline:
                    return answer

        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(order, self.nodes * 2))
        self.assertEqual({answer.status for answer in answers}, {201})
        self.assertEqual(len({answer.body for answer in answers}), 1)

    def test_a_suspension_is_on_every_node_within_seconds(self):
        license = self.license(1)
        for node in self.nodes:
            self.assertEqual(self.ask(node, license, "example.com"), "VALID")
        self.run_first("license", "suspend", license["id"])
        self.assertEqual(self.ask(self.nodes[0], license, "example.com"), "SUSPENDED", "at once where it was done")
        for node in self.nodes:
            deadline = time.monotonic() + REACH_SECONDS
            while (code := self.ask(node, license, "example.com")) == "VALID" and time.monotonic() < deadline:
                pass
            self.assertEqual(code, "SUSPENDED")

    def test_an_admin_token_revoked_on_one_node_opens_nothing_on_the_others(self):
        def status():
            headers = {"Authorization": f"Bearer {self.leaked}", "Content-Type": "application/json"}
            return self.nodes[2].request("POST", "/api/v1/licenses", "{}", headers).status

        self.assertEqual(status(), 400, "it opens the door, and the body is none")
        self.run_first("admin-token", "revoke", "leaked")
        deadline = time.monotonic() + REACH_SECONDS
        while (last := status()) == 400 and time.monotonic() < deadline:
            pass
        self.assertEqual(last, 401)

    def test_each_node_tells_how_far_it_has_followed(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.nodes[2].admin_port, timeout=PATIENCE)
        connection.request("GET", "/metrics")
        served = connection.getresponse().read().decode()
        connection.close()
        for name in ("signet_feed_age_seconds", "signet_feed_position", "signet_feed_events_total"):
            self.assertRegex(served, rf"(?m)^{name} [0-9.]+$")
        headers = self.nodes[2].request("GET", "/healthz").headers
        self.assertRegex(headers["signet-feed-position"], r"^\d+$")
        self.assertRegex(headers["signet-feed-age"], r"^\d+$")


if __name__ == "__main__":
    unittest.main()
