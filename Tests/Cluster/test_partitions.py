"""A node that does not reach the databases, or they not it, and a node that slept: reliability goals, row 11."""

import time
import unittest

from cases import CAUGHT_UP_WITHIN, NOTICED_WITHIN, STALE_WITHIN, ClusterCase

import lab


class NodeIsCutOff(ClusterCase):
    """It answers known installations from memory, says after 10 s that it may be behind, gives no seat, and has caught
    up soon after it is heard again."""

    DIRECTIONS = {
        "both ways": {}, "node hears nothing": {"outgoing": False}, "node is not heard": {"incoming": False},
    }

    def test_node_that_is_cut_off_says_so_and_catches_up(self):
        for name, direction in self.DIRECTIONS.items():
            with self.subTest(direction=name), self.cluster.healed_afterwards():
                self.cut_off(name, direction)

    def cut_off(self, name, direction):
        node, elsewhere = self.cluster.nodes[2], self.cluster.nodes[0]
        client = node.client()
        self.addCleanup(client.close)
        writing = self.sell_for_load(hot_seats=30)
        [revoked] = self.cluster.install(self.cluster.sell(1, seats=5), each=1)
        with self.load(f"cut-{name.replace(' ', '-')}", writing=writing, known=self.known) as load:
            lab.wait_until(lambda: load.granted > 10, "seats are taken")
            cut_at = time.monotonic()
            node.host.cut(*[member.host for member in self.cluster.database.members], **direction)
            elsewhere.command("license", "revoke", revoked[0], "--reason", "test")
            last_current = self.until_stale(client)
            stale_after, answer = time.monotonic() - cut_at, client.validate(*self.known[1])
            self.assert_gives_no_guesses(client, writing[-1])
            before = load.granted
            lab.wait_until(lambda: load.granted > before + 5, "seats are taken elsewhere")
            healed_at = time.monotonic()
            node.host.heal()
            lab.wait_until(lambda: client.validate(*revoked).code == "REVOKED", "it has caught up")
            lab.wait_until(lambda: not client.validate(*self.known[0]).is_stale, "it is current")
            caught_up_after = time.monotonic() - healed_at
        findings = self.assert_sound(load)
        self.report(
            f"{name}: stale after {stale_after:.1f} s, caught up {caught_up_after:.1f} s after healing; {findings}")
        self.assertIsNotNone(last_current.json["token"], str(last_current))
        self.assertTrue(answer.is_valid and answer.is_stale, str(answer))
        self.assertIsNone(answer.json["token"], str(answer))
        self.assertLessEqual(stale_after, STALE_WITHIN + NOTICED_WITHIN)
        self.assertLessEqual(caught_up_after, CAUGHT_UP_WITHIN)
        self.assert_validations_went_on(load)
        self.assert_every_node_is_current(load)

    def until_stale(self, client):
        """Asks until an answer says `stale`; the last that did not."""
        answers = [client.validate(*self.known[0])]

        def is_stale():
            answers.append(client.validate(*self.known[0]))
            return answers[-1].is_stale

        lab.wait_until(is_stale, "it says that it is stale")
        return answers[-2]

    def assert_gives_no_guesses(self, client, license):
        """No seat, and of a key that it does not know no verdict."""
        refused = client.validate(license, "cut-off-newcomer.com")
        unknown = client.validate(license[:-1] + ("X" if license[-1] != "X" else "Y"), "cut-off-newcomer.com")
        self.assertEqual(refused.status, 503, str(refused))
        self.assertIn("retry-after", refused.headers)
        self.assertFalse(unknown.is_valid, str(unknown))
        self.assertNotEqual(unknown.code, "NOT_FOUND", str(unknown))


class NodeIsPaused(ClusterCase):
    """A node that slept does not know that it did; its first answers must not be yesterday's."""

    ASLEEP_SECONDS = STALE_WITHIN + 2

    def test_node_that_slept_answers_stale_or_current(self):
        node, elsewhere = self.cluster.nodes[1], self.cluster.nodes[0]
        revoked = self.cluster.install(self.cluster.sell(8, seats=5), each=1)
        clients = [node.client() for _ in revoked]
        for client, pair in zip(clients, revoked):
            self.addCleanup(client.close)
            self.assertTrue(client.validate(*pair).is_valid)
        with self.load("asleep", writing=self.sell_for_load(hot_seats=30), known=self.known) as load:
            node.host.pause()
            asleep_at = time.monotonic()
            for license, _ in revoked:
                elsewhere.command("license", "revoke", license, "--reason", "test")
            lab.wait_until(lambda: time.monotonic() - asleep_at > self.ASLEEP_SECONDS, "it slept")
            lab.wait_until(lambda: load.first_grant_after(asleep_at), "seats are taken elsewhere")
            node.host.resume()
            awake_at = time.monotonic()
            firsts = [client.validate(*pair) for client, pair in zip(clients, revoked)]
            for client, pair in zip(clients, revoked):
                lab.wait_until(lambda: client.validate(*pair).code == "REVOKED", "it has caught up")
            caught_up_after = time.monotonic() - awake_at
        findings = self.assert_sound(load)
        self.report(
            f"after {self.ASLEEP_SECONDS} s asleep: {[(each.code, each.is_stale) for each in firsts]}, caught up after "
            f"{caught_up_after:.1f} s; {findings}")
        for answer in firsts:
            self.assertTrue(answer.code == "REVOKED" or answer.is_stale, f"valid as before it slept: {answer}")
            self.assertTrue(answer.code == "REVOKED" or answer.json["token"] is None, str(answer))
        # Who was waiting for it when it fell asleep gave up once.
        self.assertLessEqual(len(load.wrong), len(load.readers), load.wrong)
        self.assertLessEqual(caught_up_after, CAUGHT_UP_WITHIN)
        self.assert_every_node_is_current(load)


if __name__ == "__main__":
    unittest.main()
