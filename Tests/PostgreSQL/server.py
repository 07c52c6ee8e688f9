"""A PostgreSQL server of the tests' own: started in a temporary directory, gone afterwards.

    python3 Tests/PostgreSQL/server.py COMMAND…    runs COMMAND with SIGNET_TEST_DATABASE set
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile

VERSION = 15
START_SECONDS = 60
# The role that may not come in without a password.
GUARDED = "guarded"
# Tests look at what transactions do, not at what a power loss leaves: those that do start a server of their own.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


def binary(name):
    """The server's own programs are not on the path of Debian."""
    path = pathlib.Path(f"/usr/lib/postgresql/{VERSION}/bin/{name}")
    return str(path) if path.exists() else shutil.which(name) or str(path)


class Server:
    """A server for as long as the `with` block lasts. `address` is a `postgres://` address of its superuser."""

    def __init__(self, settings=None, tcp_port=None):
        self.settings = {
            "listen_addresses": "127.0.0.1" if tcp_port else "",
            "max_connections": "400",
            "shared_buffers": "128MB",
            "log_min_messages": "fatal",
            **({"port": str(tcp_port)} if tcp_port else {}),
            **(FAST if settings is None else settings),
        }

    def __enter__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="signet-postgresql-"))
        self.data = self.directory / "data"
        self._own()
        try:
            self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=signet", "--no-sync",
                      f"--pgdata={self.data}")
            self._guard()
            self.start()
            self.create("signet")
        except BaseException:
            self.__exit__()
            raise
        self.address = f"postgres://signet@/signet?host={self.directory}"
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop("immediate")
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        self._run("pg_ctl", "start", "--wait", f"--timeout={START_SECONDS}", f"--pgdata={self.data}",
                  f"--log={self.directory}/log", "-o", f"-k {self.directory} {options}")

    def stop(self, mode="fast"):
        self._run("pg_ctl", "stop", "--wait", f"--mode={mode}", f"--pgdata={self.data}")

    def create(self, name, *options):
        self._run("createdb", f"--host={self.directory}", "--username=signet", *options, name)

    def _guard(self):
        """One role needs a password; all others are trusted."""
        file = self.data / "pg_hba.conf"
        file.write_text(f"local all {GUARDED} scram-sha-256\n" + file.read_text())

    def _own(self):
        """The server refuses to run as root."""
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)

    def _run(self, name, *arguments):
        command = [binary(name), *arguments]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(
            command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)
        if done.returncode != 0:
            log = self.directory / "log"
            sys.stderr.write(done.stdout + (log.read_text() if log.exists() else ""))
            done.check_returncode()


def main():
    # Ended from outside, the server must end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A standby that never comes is waited for only where a transaction turns `synchronous_commit` on.
    with Server({**FAST, "synchronous_standby_names": "absent"}) as server:
        server.create("ascii", "--encoding=SQL_ASCII", "--locale=C", "--template=template0")
        return subprocess.run(sys.argv[1:], env={**os.environ, "SIGNET_TEST_DATABASE": server.address}).returncode


if __name__ == "__main__":
    sys.exit(main())
