"""Many installations at the same moment."""

import collections
import threading

from signet import PATIENCE, ServedCase, VALIDATE, Wire, http_request


def all_at_once(port, requests):
    """Sends every request on a connection of its own, together; the answers in order."""
    wires = [Wire(port) for _ in requests]
    barrier = threading.Barrier(len(requests))
    answers = [None] * len(requests)

    def ask(index):
        # All but the last byte is there already, so that the requests become complete together.
        wires[index].send(requests[index][:-1])
        barrier.wait(PATIENCE)
        wires[index].send(requests[index][-1:])
        answers[index] = wires[index].read_answers(1)[0]

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for wire in wires:
        wire.socket.close()
    return answers


class RacesTests(ServedCase):
    def verdicts(self, license, domains, **members):
        bodies = [{"license_key": license["license_key"], "domain": domain, **members} for domain in domains]
        answers = all_at_once(self.server.port, [http_request(body, path=VALIDATE) for body in bodies])
        self.assertEqual({answer.status for answer in answers}, {200}, answers)
        return [answer.json for answer in answers]

    def test_the_last_seat_is_taken_once(self):
        for round in range(5):
            license = self.installation.license(seats=3)
            for domain in ("one.example.com", "two.example.com"):
                self.server.validate(license, domain)
            domains = [f"site-{n}.example.com" for n in range(50)]
            codes = collections.Counter(verdict["code"] for verdict in self.verdicts(license, domains))
            self.assertEqual(codes, {"VALID": 1, "ACTIVATION_LIMIT": 49}, f"round {round}")
            shown = self.installation.show(license)
            self.assertEqual((shown["current_activations"], len(shown["activations"])), (3, 3))

    def test_one_domain_fifty_times_is_one_activation(self):
        license = self.installation.license(seats=3)
        verdicts = self.verdicts(license, ["example.com", "WWW.example.com."] * 25, ip_address="8.8.8.8")
        self.assertEqual({verdict["code"] for verdict in verdicts}, {"VALID"})
        self.assertEqual(len({verdict["activation"]["id"] for verdict in verdicts}), 1)
        self.assertEqual({verdict["current_activations"] for verdict in verdicts}, {1})
        self.assertEqual(len(self.installation.show(license)["activations"]), 1)

    def test_those_who_are_in_stay_in(self):
        license = self.installation.license(seats=10)
        inside = [f"in-{n}.example.com" for n in range(10)]
        before = {domain: self.server.validate(license, domain)["activation"]["id"] for domain in inside}
        outside = [f"out-{n}.example.com" for n in range(40)]
        verdicts = self.verdicts(license, inside + outside)
        self.assertEqual([verdict["code"] for verdict in verdicts[10:]], ["ACTIVATION_LIMIT"] * 40)
        after = {domain: verdict["activation"]["id"] for domain, verdict in zip(inside, verdicts)}
        self.assertEqual(after, before)

    def test_too_many_new_installations_wait_and_those_known_do_not(self):
        license, other = self.installation.license(seats=1000), self.installation.license(seats=1000)
        connection = self.server.connection()
        self.addCleanup(connection.close)
        statuses = collections.Counter()
        for n in range(90):
            body = {"license_key": license["license_key"], "domain": f"site-{n}.example.com"}
            answer = self.server.post(body, connection=connection)
            statuses[answer.status] += 1
            if answer.status == 429:
                self.assertIn(int(answer.headers["retry-after"]), range(1, 61))
        self.assertEqual(set(statuses), {200, 429})
        self.assertIn(statuses[200], range(64, 80))
        self.assertEqual(self.server.validate(license, "site-0.example.com")["code"], "VALID")
        self.assertEqual(self.server.validate(other, "site-0.example.com")["code"], "VALID")
        self.assertEqual(self.installation.show(license)["current_activations"], statuses[200])

    def test_seats_released_while_others_are_taken_are_counted_right(self):
        license = self.installation.license(seats=5)
        stop = threading.Event()

        def come_and_stay():
            number = 0
            while not stop.is_set() and number < 20:
                self.server.post({"license_key": license["license_key"], "domain": f"s{number}.example.com"})
                number += 1

        threads = [threading.Thread(target=come_and_stay) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            self.installation.run("license", "deactivate", license["id"], "--all", code=None)
        stop.set()
        for thread in threads:
            thread.join()
        shown = self.installation.show(license)
        self.assertEqual(shown["current_activations"], len(shown["activations"]))
        self.assertLessEqual(shown["current_activations"], 5)
