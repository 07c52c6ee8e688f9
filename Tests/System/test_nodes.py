"""Three server processes over one PostgreSQL: the last seats, a node that is killed, one request sent to two nodes."""

import concurrent.futures
import http.client
import json
import shutil
import sys
import time
import unittest

from pages import Shell, follow, text
from signet import PATIENCE, REPOSITORY, VALIDATE, Installation, Server

sys.path.insert(0, str(REPOSITORY / "Tests" / "PostgreSQL"))
import server as postgresql  # noqa: E402

NODES = 3
REACH_SECONDS = 5
# How long the work of a dead node waits at most.
LEASE_SECONDS = 30


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

    def identifier(self, number):
        """What the node with that number is called among all."""
        nodes = self.installations[number].json("node", "list", **self.settings)["data"]
        return next(node["id"] for node in nodes if node["answers"])

    def roster(self):
        return {node["id"]: node for node in self.run_first("node", "list")["data"]}

    def until(self, what, found, seconds=PATIENCE):
        """What `found` returns once it is something."""
        deadline = time.monotonic() + seconds
        while not (value := found()):
            self.assertLess(time.monotonic(), deadline, f"in vain: {what}")
        return value

    def worker(self, task):
        """The node that does `task` for all, once there is one."""
        return self.until(f"a node does {task}", lambda: next(
            (identifier for identifier, node in self.roster().items() if task in node["leases"]), None))

    def test_the_nodes_are_listed_with_what_each_holds_and_does(self):
        identifiers = {self.identifier(number) for number in range(NODES)}
        live = {identifier: node for identifier, node in self.roster().items() if node["live"]}
        self.assertEqual(set(live), identifiers)
        for node in live.values():
            self.assertEqual(node["missing_keys"], [])
            self.assertGreaterEqual(len(node["keys"]), 2)
            self.assertLess(node["feed_age_ms"], 5000)
        printed = self.first.run("node", "list", **self.settings).stdout.splitlines()
        self.assertEqual(len(printed), 1 + NODES)
        heading = next(line for line in text("nodes.md").splitlines() if line.startswith("NODE "))
        self.assertEqual(printed[0].split(), heading.split())

    def test_work_for_all_is_done_by_one_node_and_goes_on_when_that_one_is_killed(self):
        identifiers = [self.identifier(number) for number in range(NODES)]
        dead = self.worker("seals")
        number = identifiers.index(dead)
        self.nodes[number].kill()
        self.until(
            "the work of a dead node is another's", lambda: self.worker("seals") != dead, LEASE_SECONDS + PATIENCE)
        self.nodes[number] = Server(self.installations[number], **self.settings)
        self.assertEqual(self.identifier(number), dead, "the same node after its restart")
        self.until("all is sealed", lambda: self.run_first("audit", "verify")["unsealed"] == 0)

    def test_a_key_signs_only_when_every_node_has_its_file(self):
        listed = {key["kid"]: key for key in self.run_first("keys", "list")["data"]}
        spare = next(kid for kid, key in listed.items() if key["state"] == "next" and not key["signs_from"])
        lacking = self.installations[2].keys / f"signing-{spare}"
        content, last = lacking.read_bytes(), self.identifier(2)
        lacking.unlink()
        self.until("the file is missed", lambda: self.roster()[last]["missing_keys"] == [spare])
        self.assertIn(f"signing-{spare}", str(self.first.run("keys", "rotate", code=None, **self.settings)))
        after = {key["kid"]: key["missing_on"] for key in self.run_first("keys", "list")["data"]}
        self.assertEqual(set(after), set(listed), "none was made")
        self.assertEqual(after[spare], [self.roster()[last]["name"]])
        lacking.write_bytes(content)
        lacking.chmod(0o600)
        self.until("the file is there", lambda: self.roster()[last]["missing_keys"] == [])
        self.run_first("keys", "rotate")
        # The rotation published the next spare on one node; an operator carries its file to the others.
        for file in self.first.keys.glob("signing-*"):
            for other in self.installations[1:]:
                shutil.copy(file, other.keys)
        self.until("no file is missing", lambda: not any(node["missing_keys"] for node in self.roster().values()))

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
