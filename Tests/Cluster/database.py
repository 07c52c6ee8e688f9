"""Three database hosts: on each one etcd, Patroni and PostgreSQL, configured as docs/cluster.md tells operators."""

import json
import pathlib
import secrets
import urllib.error
import urllib.request

from lab import run, wait_until

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
USER = "postgres"
SCOPE = "signet"
DISK_MIB = 384
# Seconds in which three empty hosts become a primary with a synchronous standby, on a busy machine.
FORMED_WITHIN = 120

ETCD, ETCD_PEERS, PATRONI, POSTGRES = 2379, 2380, 8008, 5432

# Not etcd3 here: with it Patroni 3.0.2 overwrites the key of the leader without looking who holds it, once its own
# lease has ended (patroni/dcs/etcd3.py, `_update_leader`; mended later: github.com/patroni/patroni/pull/2689). So a
# primary that had been cut off, and was reachable again, led once more, and what had been acknowledged meanwhile was
# lost. With etcd's older interface that write compares first. Pre-vote keeps a member that comes back from upsetting
# the others.
ETCD_OPTIONS = ["--enable-v2", "--pre-vote"]

# Patroni's own lower limits are 20, 1 and 3; ttl must be at least loop_wait + 2 × retry_timeout.
TIMES = {"ttl": 20, "loop_wait": 5, "retry_timeout": 5}

# Memory is that of a demonstration; the other lines are those of docs/cluster.md.
PARAMETERS = {
    "shared_buffers": "32MB", "max_connections": 80, "max_wal_size": "96MB", "min_wal_size": "32MB",
    "wal_keep_size": "32MB", "max_slot_wal_keep_size": "96MB", "max_worker_processes": 4,
    "autovacuum_max_workers": 1, "fsync": "on", "synchronous_commit": "on", "wal_log_hints": "on",
    "password_encryption": "scram-sha-256", "wal_sender_timeout": "5s", "wal_receiver_timeout": "5s",
    "tcp_keepalives_idle": 5, "tcp_keepalives_interval": 2, "tcp_keepalives_count": 3, "tcp_user_timeout": "10s",
    "idle_in_transaction_session_timeout": "10s", "log_min_messages": "warning",
}


class Passwords:
    """Of the three roles, made for this run."""

    def __init__(self):
        self.superuser, self.replication, self.signet = (secrets.token_hex(12) for _ in range(3))


class DatabaseHost:
    """One host with a member of each."""

    def __init__(self, host, passwords):
        self.host, self.passwords = host, passwords
        for folder in (host.disk, host.folder):
            run("chown", USER, folder)

    @property
    def name(self):
        return self.host.name

    @property
    def address(self):
        return self.host.address

    def configure(self, members):
        """Writes its Patroni's file. JSON is YAML, too."""
        settings = patroni_settings(self, members)
        self._configuration = self.host.folder / "patroni.json"
        self._configuration.write_text(json.dumps(settings, indent=2))
        run("chown", USER, self._configuration)
        self._configuration.chmod(0o600)
        self._members = members

    def start(self):
        self.start_etcd()
        self.start_patroni()

    def start_etcd(self):
        cluster = ",".join(f"{each.name}=http://{each.address}:{ETCD_PEERS}" for each in self._members)
        url = f"http://{self.address}"
        self.host.start(
            "etcd", "--name", self.name, "--data-dir", self.host.folder / "etcd",
            "--listen-client-urls", f"{url}:{ETCD}", "--advertise-client-urls", f"{url}:{ETCD}",
            "--listen-peer-urls", f"{url}:{ETCD_PEERS}", "--initial-advertise-peer-urls", f"{url}:{ETCD_PEERS}",
            "--initial-cluster", cluster, "--initial-cluster-token", SCOPE, "--heartbeat-interval", 250,
            "--election-timeout", 2500, "--log-level", "warn", *ETCD_OPTIONS, user=USER, log="etcd.log",
        )

    def start_patroni(self):
        self.host.start("patroni", self._configuration, user=USER, log="patroni.log")

    def ensure_running(self):
        """Whatever of it does not run runs again."""
        if not self.host.is_running:
            self.host.boot()
        if not self.host.processes("etcd"):
            self.start_etcd()
        if not self.host.processes("patroni"):
            self.start_patroni()

    def kill_database(self):
        """The end of PostgreSQL and of the one that would start it again."""
        return self.host.kill("patroni", "postgres")

    def status(self, page="patroni"):
        """What its Patroni says: `{"role": …, "state": …}`, or nothing when it does not answer."""
        try:
            with urllib.request.urlopen(f"http://{self.address}:{PATRONI}/{page}", timeout=2) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _json(error.read())
        except (OSError, ValueError):
            return {}


def _json(text):
    try:
        return json.loads(text)
    except ValueError:
        return {}


def cluster_settings(is_synchronous, commit):
    """What Patroni keeps in etcd, the same for all members."""
    return {
        **TIMES, "maximum_lag_on_failover": 1 << 20, "primary_start_timeout": 0,
        "synchronous_mode": is_synchronous, "synchronous_mode_strict": is_synchronous,
        "postgresql": {
            "use_pg_rewind": True, "use_slots": True, "parameters": {**PARAMETERS, "synchronous_commit": commit},
        },
    }


def patroni_settings(member, members):
    accounts = {
        "superuser": {"username": "postgres", "password": member.passwords.superuser},
        "replication": {"username": "replicator", "password": member.passwords.replication},
    }
    network = member.address.rpartition(".")[0] + ".0/24"
    return {
        "scope": SCOPE, "name": member.name,
        "restapi": {"listen": f"{member.address}:{PATRONI}", "connect_address": f"{member.address}:{PATRONI}"},
        "etcd": {"hosts": [f"{each.address}:{ETCD}" for each in members]},
        "bootstrap": {
            "dcs": cluster_settings(**DatabaseCluster.SAFE),
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
        },
        "postgresql": {
            "listen": f"{member.address}:{POSTGRES}", "connect_address": f"{member.address}:{POSTGRES}",
            "data_dir": str(member.host.disk / "data"), "bin_dir": str(BINARIES),
            "pgpass": str(member.host.folder / "pgpass"), "authentication": accounts,
            "parameters": {"unix_socket_directories": str(member.host.folder)},
            "pg_hba": [
                "local all all peer",
                f"host replication replicator {network} scram-sha-256", f"host all all {network} scram-sha-256",
            ],
        },
    }


class DatabaseCluster:
    """The three of them, seen as their clients do."""

    # What the planted bug takes away: that a commit waits for a second disk.
    SAFE = {"is_synchronous": True, "commit": "on"}
    UNSAFE = {"is_synchronous": False, "commit": "local"}

    def __init__(self, lab):
        self.passwords = Passwords()
        self._is_synchronous = True
        self.members = [DatabaseHost(lab.host(f"db{number}", number, DISK_MIB), self.passwords) for number in (1, 2, 3)]
        for member in self.members:
            member.configure(self.members)

    def start(self):
        """Brings them up and makes Signet's role and database."""
        for member in self.members:
            member.start()
        self.wait_until_whole(FORMED_WITHIN)
        self.sql(f"CREATE ROLE signet LOGIN PASSWORD '{self.passwords.signet}'", as_superuser=True)
        self.sql("CREATE DATABASE signet OWNER signet", as_superuser=True)

    def reconfigure(self, is_synchronous, commit):
        """Changes how commits are made, and waits until the primary makes them so."""
        leader = self.wait_for_primary()
        settings = json.dumps(cluster_settings(is_synchronous, commit)).encode()
        request = urllib.request.Request(
            f"http://{leader.address}:{PATRONI}/config", settings, {"Content-Type": "application/json"}, method="PATCH")
        with urllib.request.urlopen(request, timeout=10):
            self._is_synchronous = is_synchronous

        def is_so():
            [[standbys, now]] = self.sql(
                "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit')")
            return now == commit and bool(standbys) == is_synchronous

        wait_until(is_so, self.describe)
        self.wait_until_whole()

    def primary(self):
        """The member that leads, or nothing while none does."""
        for member in self.members:
            if member.host.is_running:
                status = member.status()
                if status.get("role") in ("master", "primary") and status.get("state") == "running":
                    return member
        return None

    def standbys(self):
        return [member for member in self.members if member is not self.primary()]

    def wait_for_primary(self, other_than=None, seconds=60):
        def leader():
            found = self.primary()
            return found if found is not other_than else None

        return wait_until(leader, self.describe, seconds, every=0.2)

    def wait_until_whole(self, seconds=60):
        """Until one leads, two follow it, and its commits wait for one of them (where they are to)."""
        wait_until(self.is_whole, self.describe, seconds, every=0.2)

    def is_whole(self):
        leader = self.primary()
        followers = (leader.status().get("replication") or []) if leader else []
        streaming = [each for each in followers if each.get("state") == "streaming"]
        return len(streaming) == len(self.members) - 1 and (not self._is_synchronous or self._has_named_standby(leader))

    def _has_named_standby(self, leader):
        """Whether the standby that may lead next is on record in etcd, not only asked for by PostgreSQL."""
        members = leader.status("cluster").get("members", [])
        return any(each.get("role") == "sync_standby" for each in members)

    def describe(self):
        return "; ".join(f"{each.name} {json.dumps(each.status())[:300]}" for each in self.members)

    # Clients

    def url(self, user="signet", database="signet", attributes="read-write"):
        """A libpq address of all three; by `attributes` the primary alone is connected to."""
        password = self.passwords.signet if user == "signet" else self.passwords.superuser
        hosts = ",".join(f"{each.address}:{POSTGRES}" for each in self.members)
        return f"postgres://{user}:{password}@{hosts}/{database}?target_session_attrs={attributes}&connect_timeout=2"

    def sql(self, text, as_superuser=False, timeout=30):
        """The rows that one statement gives on the primary, as lists of text."""
        url = self.url("postgres", "postgres") if as_superuser else self.url()
        command = ["psql", "--no-psqlrc", "--no-align", "--tuples-only", "--field-separator=\t", "--quiet"]
        output = run(*command, "--set=ON_ERROR_STOP=1", "--command", text, url, timeout=timeout)
        return [line.split("\t") for line in output.splitlines()]
