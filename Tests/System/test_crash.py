"""kill -9 under load, against a ledger outside of what was acknowledged. `KILLS` says how often; 20 unless told."""

import http.client
import os
import random
import threading
import time

from signet import SignetCase

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("SEED", "1"))
CLIENTS = 8
LICENSES_PER_ROUND = 8
SEATS = 6
DOMAINS = 12


class Ledger:
    """What the service said yes to: (license, domain) → activation."""

    def __init__(self):
        self.acknowledged = {}
        self.complaints = []
        self._lock = threading.Lock()

    def record(self, license, domain, verdict):
        with self._lock:
            known = self.acknowledged.get((license, domain))
            if verdict["code"] == "VALID":
                activation = verdict["activation"]["id"]
                if known not in (None, activation):
                    self.complaints.append(f"doubled: {license} {domain} was {known}, is {activation}")
                self.acknowledged[license, domain] = activation
                if verdict["current_activations"] > SEATS:
                    self.complaints.append(f"over the limit: {license} has {verdict['current_activations']}")
            elif known is not None:
                self.complaints.append(f"lost: {license} {domain} was {known}, is refused: {verdict['code']}")
            elif verdict["code"] != "ACTIVATION_LIMIT":
                self.complaints.append(f"unexpected: {license} {domain} {verdict['code']}")


class CrashTests(SignetCase):
    def setUp(self):
        super().setUp()
        self.installation.stock()
        self.ledger = Ledger()
        self.licenses = {}
        self.chance = random.Random(SEED)

    def test_no_acknowledged_activation_is_lost_doubled_or_over_the_limit(self):
        for round in range(KILLS):
            server = self.serve()
            self.check_some(server)
            fresh = [self.installation.license(seats=SEATS) for _ in range(LICENSES_PER_ROUND)]
            self.licenses.update({license["id"]: license["license_key"] for license in fresh})
            self.load_and_kill(server, [license["id"] for license in fresh])
            self.assertEqual(self.ledger.complaints, [], f"SEED={SEED}, round {round}")
        self.check_all()
        self.assertGreater(len(self.ledger.acknowledged), KILLS * 2, "too little was going on to prove anything")

    def load_and_kill(self, server, licenses):
        """Clients ask as fast as they can; after a random moment the server is gone."""
        seeds = [self.chance.random() for _ in range(CLIENTS)]
        clients = [threading.Thread(target=self.ask, args=(server, licenses, seed)) for seed in seeds]
        for client in clients:
            client.start()
        time.sleep(self.chance.uniform(0.005, 0.25))
        server.kill()
        for client in clients:
            client.join()

    def ask(self, server, licenses, seed):
        chance = random.Random(seed)
        connection = server.connection()
        try:
            while True:
                license, domain = chance.choice(licenses), f"site-{chance.randrange(DOMAINS)}.example.com"
                body = {"license_key": self.licenses[license], "domain": domain}
                answer = server.post(body, connection=connection)
                if answer.status == 200:
                    self.ledger.record(license, domain, answer.json)
                elif answer.status not in (429, 503):
                    self.ledger.complaints.append(f"{answer}")
        except (OSError, http.client.HTTPException):
            return  # The outcome of this last request is unknown: it is not in the ledger.
        finally:
            connection.close()

    def check_some(self, server):
        """Of what was acknowledged so far, the server that came up again knows all."""
        known = list(self.ledger.acknowledged)
        connection = server.connection()
        for license, domain in self.chance.sample(known, min(len(known), 100)):
            verdict = server.validate(self.licenses[license], domain, connection=connection)
            self.ledger.record(license, domain, verdict)
        connection.close()

    def check_all(self):
        """The database itself, read by the command line without a server."""
        for license in self.licenses:
            shown = self.installation.json("license", "show", license)
            seats = {seat["domain"]: seat["id"] for seat in shown["activations"]}
            self.assertEqual(len(seats), len(shown["activations"]), f"a domain twice: {shown}")
            self.assertEqual(len(seats), shown["current_activations"])
            self.assertLessEqual(len(seats), SEATS)
            ledger = self.ledger.acknowledged.items()
            expected = {domain: activation for (owner, domain), activation in ledger if owner == license}
            self.assertLessEqual(expected.items(), seats.items(), f"SEED={SEED}")
