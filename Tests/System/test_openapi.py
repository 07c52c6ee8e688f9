"""The document against the program: schemathesis makes requests from openapi.yaml and judges the answers by it."""

import os
import pathlib
import re
import subprocess
import unittest

from signet import REPOSITORY, Installation, Server, environment

# Requests made for each operation at most, and the seed that makes them the same on every run.
EXAMPLES_MAX = 40
SEED = 20261123
# Seconds for all of them.
TIME_MAX = 420
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance"
)
# Not ignored_auth: so many wrong tokens from one address are answered 429, as they should be. What each route answers
# without a token is asked in RoutesTests.
SCOPES = ",".join(
    f"{part}:{verb}" for part in ("products", "customers", "licenses", "keys", "tokens") for verb in ("read", "write")
) + ",activations:write,audit:read,audit:read-personal,import:write"


def schemathesis():
    """The program, as `make setup` installs it. A suite without it fails."""
    program = pathlib.Path(os.environ.get("SCHEMATHESIS", REPOSITORY / ".build/python/bin/schemathesis"))
    if not program.is_file():
        raise AssertionError(f"no schemathesis at {program}: make setup")
    return str(program)


class OpenAPI(unittest.TestCase):
    def setUp(self):
        self.installation = Installation().stock()
        self.addCleanup(self.installation.remove)
        self.installation.license(seats=3)
        token = self.installation.json("admin-token", "create", "tester", "--scope", SCOPES)["token"]
        self.server = Server(self.installation)
        self.addCleanup(self.server.stop)
        self.url = f"http://127.0.0.1:{self.server.port}"
        self.header = f"Authorization: Bearer {token}"

    def run_schemathesis(self, document, *selection):
        """Runs schemathesis over the selected operations; how it ended."""
        return subprocess.run(
            [
                schemathesis(), "--no-color", "run", document, "--url", self.url, "--header", self.header,
                "--checks", CHECKS, "--max-examples", str(EXAMPLES_MAX), "--seed", str(SEED),
                "--phases", "examples,coverage,fuzzing", "--generation-database", "none", "--no-shrink",
                "--suppress-health-check", "all", *selection,
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=self.installation.folder, env=environment(), timeout=TIME_MAX,
        )

    def judge(self, *selection):
        """What schemathesis says when it is content with the served document."""
        run = self.run_schemathesis(f"{self.url}/openapi.yaml", *selection)
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertTrue(self.server.is_alive())
        self.assertNotRegex("".join(self.server.log), r"request failed", "an error that nobody expected was logged")
        return run.stdout

    def test_every_answer_is_one_that_the_document_promises(self):
        # Revoking would end the token that all of them are made with; it has a run of its own.
        output = self.judge("--exclude-operation-id", "revokeToken", "--exclude-operation-id", "metrics")
        tested = re.search(r"Operations:\s.*?(\d+) selected", output, re.DOTALL)
        self.assertIsNotNone(tested, output)
        self.assertGreaterEqual(int(tested.group(1)), 25, output)

    def test_so_are_those_of_revoking_a_token(self):
        self.judge("--include-operation-id", "revokeToken")

    def test_a_document_that_lies_is_found_out(self):
        text = (REPOSITORY / "Sources/HTTPAPI/Resources/openapi.yaml").read_text()
        self.assertIn("last4: { type: string, minLength: 4", text)
        lie = pathlib.Path(self.installation.folder, "lie.yaml")
        lie.write_text(text.replace("last4: { type: string, minLength: 4", "last4: { type: integer, minLength: 4"))
        run = self.run_schemathesis(str(lie), "--include-operation-id", "listLicenses")
        self.assertEqual(run.returncode, 1, run.stdout)
        self.assertIn("Response violates schema", run.stdout)


if __name__ == "__main__":
    unittest.main()
