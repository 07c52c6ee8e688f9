"""One process owns the database; everybody else asks it (DESIGN D1)."""

import os
import re
import socket
import stat
import subprocess

from signet import FAILED, OK, PATIENCE, SignetCase, binary, environment


class SharingTests(SignetCase):
    def setUp(self):
        super().setUp()
        self.installation.stock()

    def test_a_second_server_refuses_and_says_who_holds_the_database(self):
        first = self.serve()
        result = self.installation.run("serve", "--listen", "127.0.0.1:0", code=FAILED)
        self.assertIn(str(first.pid), re.findall(r"\d+", result.stderr), str(result))
        self.assertEqual(first.request("GET", "/readyz").status, 200)
        self.assertIn(str(first.pid), (self.installation.data / "signet.lock").read_text())
        first.stop()
        self.assertEqual(self.serve().request("GET", "/readyz").status, 200)

    def test_every_command_works_with_and_without_a_server_and_the_server_sees_it_at_once(self):
        server = self.serve()
        license = self.installation.license(seats=1)
        self.assertEqual(server.validate(license, "example.com")["code"], "VALID")
        self.assertEqual(server.validate(license, "other.example.com")["code"], "ACTIVATION_LIMIT")
        self.installation.run("license", "deactivate", license["id"], "--domain", "example.com")
        self.assertEqual(server.validate(license, "other.example.com")["code"], "VALID")
        with_server = self.transcript(license)
        server.stop()
        self.assertEqual(self.transcript(license), with_server)

    def transcript(self, license):
        """What reading commands print."""
        commands = (
            ["product", "list"], ["product", "show", "whm-panel"],
            ["customer", "list"], ["customer", "show", "123"],
            ["license", "list"], ["license", "show", license["id"]],
            ["keys", "list"], ["keys", "export"],
        )
        lines = [self.installation.run(*command, *form).stdout for command in commands for form in ([], ["--json"])]
        return re.sub(r'"(last_seen|links)":[^,}]*', "", "".join(lines))

    def test_the_command_line_opens_no_database_that_a_server_holds(self):
        self.serve()
        log = self.installation.folder / "calls"
        prefix = ["strace", "-f", "-e", "trace=open,openat,connect", "-o", str(log)]
        self.installation.run("license", "list", prefix=prefix)
        calls = log.read_text()
        self.assertIn("signet.sock", calls)
        self.assertNotIn("signet.db", calls)

    def test_the_socket_is_its_owner_s_only(self):
        server = self.serve()
        path = self.installation.data / "signet.sock"
        mode = path.stat().st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.installation.data.stat().st_mode) & 0o077, 0)
        server.stop()
        self.assertFalse(path.exists())

    def test_another_user_is_refused_by_the_server_itself(self):
        if os.geteuid() != 0:
            return  # Only root can become somebody else; the mode of the socket is tested above.
        self.serve()
        path = self.installation.data / "signet.sock"
        for folder in (self.installation.folder, self.installation.data):
            folder.chmod(0o755)
        path.chmod(0o666)
        program = (
            "import os, socket, sys\nos.setuid(65534)\nwire = socket.socket(socket.AF_UNIX)\nwire.settimeout(10)\n"
            "wire.connect(sys.argv[1])\n"
            "try:\n"
            "  wire.sendall(b'GET /api/v1/licenses HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')\n"
            "  print(wire.recv(4096).decode())\n"
            "except (BrokenPipeError, ConnectionResetError): pass\n"
        )
        answer = subprocess.run(
            ["python3", "-c", program, path], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertNotIn("200 OK", answer.stdout)
        self.assertNotIn('"data"', answer.stdout)

    def test_what_a_killed_server_left_behind_hinders_nobody(self):
        server = self.serve()
        license = self.installation.license()
        server.kill()
        self.assertTrue((self.installation.data / "signet.sock").exists())
        self.assertEqual(self.installation.show(license)["id"], license["id"])
        self.assertEqual(self.serve().request("GET", "/readyz").status, 200)

    def test_commands_at_the_same_time_without_a_server_all_succeed(self):
        processes = [self.installation.start("customer", "create", "--id", str(200 + each)) for each in range(5)]
        for process in processes:
            _, stderr = process.communicate(timeout=PATIENCE)
            self.assertEqual(process.returncode, OK, stderr)
        for each in range(5):
            self.installation.run("customer", "show", str(200 + each))

    def test_a_token_is_verified_without_an_installation(self):
        license = self.installation.license()
        token = self.serve().validate(license)["token"]
        keys = self.installation.folder / "keys.json"
        keys.write_text(self.installation.run("keys", "export").stdout)
        empty = self.installation.folder / "empty"
        empty.mkdir()
        subprocess.run(
            [binary(), "token", "verify", token, "--jwks", keys, "--domain", "example.com"],
            cwd=empty, env=environment(), check=True, stdout=subprocess.DEVNULL,
        )
        self.assertEqual(list(empty.iterdir()), [])

    def test_a_port_that_is_taken_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            result = self.installation.run("serve", "--listen", address, code=FAILED)
            self.assertIn(address, result.stderr)
