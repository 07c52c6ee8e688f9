"""Operating from outside the machine: tokens on the public listener, and the examples of docs/admin-api.md."""

import http.client
import json
import unittest

from pages import Shell, script
from signet import NEGATIVE, OK, PATIENCE, USAGE, Installation, Server


class AdminAPI(unittest.TestCase):
    def setUp(self):
        self.installation = Installation().stock()
        self.addCleanup(self.installation.remove)

    def serve(self):
        server = Server(self.installation)
        self.addCleanup(server.stop)
        return server

    def token(self, name, scope, *options):
        return self.installation.json("admin-token", "create", name, "--scope", scope, *options)["token"]

    def ask(self, server, method, path, token=None, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        try:
            if token:
                headers["Authorization"] = f"Bearer {token}"
            connection.request(method, path, body=None if body is None else json.dumps(body), headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def test_a_token_works_until_it_is_revoked_and_over_a_restart(self):
        token = self.token("ci", "products:read")
        server = self.serve()
        self.assertEqual(self.ask(server, "GET", "/api/v1/products")[0], 401)
        self.assertEqual(self.ask(server, "GET", "/api/v1/products", token)[0], 200)
        self.assertEqual(self.ask(server, "GET", "/api/v1/customers", token)[0], 403)
        server.stop()
        server = self.serve()
        self.assertEqual(self.ask(server, "GET", "/api/v1/products", token)[0], 200)
        listed = self.installation.json("admin-token", "list")["data"]
        self.assertEqual([(entry["name"], entry["status"]) for entry in listed], [("ci", "active")])
        self.assertIsNotNone(listed[0]["last_used_at"], "stored when the first server ended")
        self.installation.run("admin-token", "revoke", "ci", "--reason", "leaked")
        self.assertEqual(self.ask(server, "GET", "/api/v1/products", token)[0], 401)

    def test_an_idempotency_key_outlives_a_kill(self):
        token = self.token("shop", "licenses:write")
        body = {"customer_id": 123, "product": "whm-panel"}
        server = self.serve()
        first = self.ask(server, "POST", "/api/v1/licenses", token, body, **{"Idempotency-Key": "order-1"})
        self.assertEqual(first[0], 201)
        server.kill()
        server = self.serve()
        again = self.ask(server, "POST", "/api/v1/licenses", token, body, **{"Idempotency-Key": "order-1"})
        self.assertEqual(again, first)
        self.assertEqual(self.installation.json("license", "list")["meta"]["total"], 1)

    def test_the_command_line_lists_tokens_events_and_tables(self):
        made = self.installation.run("admin-token", "create", "short", "--scope", "keys:read", "--expires", "+7 days")
        self.assertRegex(made.stdout, r"Admin token  adm_[0-9A-Z]{26}\n")
        self.assertIn("short  active", self.installation.run("admin-token", "list").stdout)
        self.installation.run("admin-token", "create", "bad", "--scope", "everything", code=USAGE)
        self.installation.run("admin-token", "revoke", "nobody", code=NEGATIVE)
        license = self.installation.license()
        events = self.installation.json("audit", "list", "--subject", license["id"])["data"]
        self.assertEqual([event["type"] for event in events], ["license.created"])
        self.assertIn("admin_token.created", self.installation.run("audit", "list").stdout)
        table = self.installation.run("license", "list", "--csv", "--customer", "123").stdout
        self.assertEqual(table.splitlines()[1].split(",")[:2], [license["id"], license["license_key"][-4:]])
        found = self.installation.json("license", "list", "--last4", license["license_key"][-4:])["data"]
        self.assertEqual([entry["id"] for entry in found], [license["id"]])

    def test_the_examples_of_the_documentation_run(self):
        server = self.serve()
        shell = Shell(self.installation, SIGNET_URL=f"http://127.0.0.1:{server.port}")
        printed, status = shell.run(script("admin-api.md"))
        self.assertEqual(status, OK, printed)
        self.assertEqual(printed.count('"license_key"'), 1, printed)
        self.assertIn(",7001,my-app,", printed)


if __name__ == "__main__":
    unittest.main()
