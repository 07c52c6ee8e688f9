"""The guide's journey: a license issued on the command line, validated over HTTP, kept through every kind of end."""

import re
import subprocess
import time

from signet import OK, PATIENCE, REPOSITORY, ServedCase, SignetCase, http_request

GUIDE = {
    "valid": bool,
    "license_type": str,
    "expires_at": str,
    "max_activations": int,
    "current_activations": int,
    "features": list,
}
OURS = (
    "code message action_url license_id product activation expires_at_time grace_until next_check_at server_time nonce"
    " token stale warnings revocations"
).split()


class StoryTests(SignetCase):
    def test_a_license_of_the_guide_is_issued_and_validated(self):
        self.installation.stock()
        license = self.installation.json(
            "license:generate", "--customer=123", "--product=whm-panel", "--expires=+365 days"
        )
        self.assertRegex(license["license_key"], r"^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$")
        server = self.serve()
        verdict = server.validate(license, domain="example.com", ip_address="192.168.1.100")
        self.assertEqual(set(verdict), {*GUIDE, *OURS})
        for member, kind in GUIDE.items():
            self.assertIs(type(verdict[member]), kind, member)
        self.assertIs(verdict["valid"], True)
        self.assertEqual(verdict["code"], "VALID")
        self.assertEqual(verdict["license_type"], "professional")
        self.assertRegex(verdict["expires_at"], r"^\d{4}-\d\d-\d\d$")
        self.assertEqual(verdict["features"], ["whm", "billing", "support"])
        self.assertEqual((verdict["max_activations"], verdict["current_activations"]), (1, 1))
        self.assertEqual(verdict["product"], "whm-panel")
        self.assertEqual(verdict["license_id"], license["id"])
        activation = verdict["activation"]
        self.assertEqual((activation["domain"], activation["ip"]), ("example.com", "192.168.1.100"))
        self.assertEqual(activation["kind"], "production")
        self.assertRegex(activation["id"], r"^act_[0-9A-HJKMNP-TV-Z]{13}$")

    def test_every_activation_is_there_after_every_kind_of_end(self):
        license = self.installation.stock().license(seats=5)
        activations = {}
        for end in ("stop", "kill", "kill", "stop"):
            server = self.serve()
            for domain, activation in activations.items():
                self.assertEqual(server.validate(license, domain)["activation"]["id"], activation)
            newcomer = f"site-{len(activations)}.example.com"
            activations[newcomer] = server.validate(license, newcomer)["activation"]["id"]
            self.assertEqual(server.validate(license, newcomer)["current_activations"], len(activations))
            code = getattr(server, end)()
            if end == "stop":
                self.assertEqual(code, OK)
        shown = {seat["domain"]: seat["id"] for seat in self.installation.show(license)["activations"]}
        self.assertEqual(shown, activations)

    def test_the_demonstration_prints_a_curl_line_that_works_as_pasted(self):
        server = self.serve("--demo")
        text = self.wait_for_curl(server)
        command = re.search(r"^\s*(curl(?:.*\\\n)*.*)$", text, re.MULTILINE).group(1)
        self.assertIn(str(server.port), command)
        printed = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
        self.assertIn('"valid":true', printed.replace(" ", ""))
        self.assertIn('"features":["whm","billing","support"]', printed.replace(" ", ""))

    def test_the_demonstration_is_loaded_once(self):
        self.serve("--demo").stop()
        before = self.installation.json("license", "list")
        self.serve("--demo").stop()
        self.assertEqual(self.installation.json("license", "list"), before)
        self.assertGreaterEqual(before["meta"]["total"], 1)

    def wait_for_curl(self, server):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            text = "".join(server.log) + "".join(server.output)
            if re.search(r"curl.*[^\\]\n", text):
                return text
            time.sleep(0.05)
        self.fail("no curl line:\n" + text)


class FacesTests(ServedCase):
    """The public listener's other routes."""

    def test_health_and_readiness(self):
        for path in ("/healthz", "/readyz"):
            self.assertEqual(self.server.request("GET", path).status, 200, path)

    def test_the_description_is_the_file_of_the_sources(self):
        served = self.server.request("GET", "/openapi.yaml")
        self.assertEqual(served.status, 200)
        self.assertEqual(served.body, (REPOSITORY / "Sources/HTTPAPI/Resources/openapi.yaml").read_bytes())

    def test_the_key_set_is_cacheable(self):
        first = self.server.request("GET", "/.well-known/jwks.json")
        self.assertEqual(first.status, 200)
        self.assertEqual(len(first.json["keys"]), 2)
        self.assertIn("max-age", first.headers["cache-control"])
        again = self.server.request("GET", "/.well-known/jwks.json", headers={"If-None-Match": first.headers["etag"]})
        self.assertEqual((again.status, again.body), (304, b""))

    def test_the_operator_s_interface_is_closed_without_a_token_and_metrics_are_not_public(self):
        for path in ("licenses", "products", "customers", "keys", "keys/export", "audit", "database/check"):
            self.assertEqual(self.server.request("GET", f"/api/v1/{path}").status, 401, path)
            self.assertIn(self.server.request("POST", f"/api/v1/{path}", b"{}").status, (401, 405, 429), path)
        self.assertEqual(self.server.request("GET", "/metrics").status, 404)

    def test_a_problem_says_what_it_is(self):
        answer = self.server.request("GET", "/nowhere")
        self.assertEqual(answer.status, 404)
        self.assertEqual(answer.headers["content-type"], "application/problem+json")
        self.assertLessEqual({"type", "title", "status", "detail", "instance", "code"}, set(answer.json))

    def test_a_forwarded_address_of_a_stranger_is_not_believed(self):
        license = self.installation.license()
        body = {"license_key": license["license_key"], "domain": "example.com"}
        with self.server.wire() as wire:
            wire.send(http_request(body, headers=["X-Forwarded-For: 9.9.9.9"]))
            self.assertEqual(wire.read_answers(1)[0].json["activation"]["ip"], "127.0.0.1")


class ProxyTests(SignetCase):
    def test_a_forwarded_address_of_a_trusted_proxy_is_believed(self):
        config = self.installation.folder / "signet.yaml"
        config.write_text("trusted-proxies: [127.0.0.0/8]\n")
        license = self.installation.stock().license()
        server = self.serve("--config", str(config))
        with server.wire() as wire:
            body = {"license_key": license["license_key"], "domain": "example.com"}
            wire.send(http_request(body, headers=["X-Forwarded-For: 1.2.3.4, 9.9.9.9"]))
            self.assertEqual(wire.read_answers(1)[0].json["activation"]["ip"], "9.9.9.9")
