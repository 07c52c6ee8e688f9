"""The whole of it: three database hosts, three Signet nodes and haproxy, as docs/cluster.md describes them."""

import contextlib
import itertools

import lab
from database import DatabaseCluster
from load import Load, compare
from machines import Lab
from services import Services

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PRODUCT, CUSTOMER = "cluster-panel", "4711"


class Cluster:
    """Machines, database and services, with licenses for tests."""

    def __init__(self, inherited=(), **settings):
        self.machines = Lab()
        self._batches = itertools.count(1)
        # The seats of each license, by the number that the database knows it by, and that number by license key.
        self.seats, self.numbers = {}, {}
        try:
            self.database = DatabaseCluster(self.machines)
            self.services = Services(self.machines, self.database.url(), inherited, **settings)
        except BaseException:
            self.machines.close()
            raise

    def start(self, *arguments):
        self.database.start()
        self.services.start(*arguments)

    def close(self):
        self.machines.close()

    @property
    def nodes(self):
        return self.services.nodes

    def heal(self):
        """Every cable in again, every host on and awake, every disk with room, every program running."""
        for host in self.machines.hosts.values():
            if host.is_paused:
                host.resume()
            if host.is_running:
                host.heal()
        for member in self.database.members:
            member.host.make_room()
            member.ensure_running()
        self.database.wait_until_whole(120)
        for node in self.nodes:
            if not node.host.processes("signet"):
                node.begin()
        lab.wait_until(self.is_ready, lambda: f"nodes are ready: {[node.ready() for node in self.nodes]}")

    @contextlib.contextmanager
    def healed_afterwards(self):
        """However the body ends."""
        try:
            yield
        finally:
            self.heal()

    def last_words(self):
        """The ends of all logs."""
        return "\n".join(line for host in self.machines.hosts.values() for line in host.last_words())

    def is_ready(self):
        return all(node.ready()[0] == 200 for node in self.nodes)

    # Licenses

    def sell(self, count, seats, node=None):
        """Keys of `count` new licenses alike."""
        node = node or self.nodes[0]
        number = next(self._batches)
        if number == 1:
            node.command("customer", "create", "--id", CUSTOMER)
            node.command("product", "create", PRODUCT, "--type", "professional")
        batch = node.command(
            "license", "generate", "--customer", CUSTOMER, "--product", PRODUCT, "--expires", "+365 days",
            "--max-activations", str(seats), "--count", str(count), "--batch", f"batch-{number}",
        )["data"]
        for license in batch:
            key, row = license["license_key"], database_number(license["id"])
            self.numbers[key], self.seats[row] = row, seats
        return [license["license_key"] for license in batch]

    def install(self, licenses, each):
        """Takes `each` seats of every license; the pairs of license and domain, known to every node from then on."""
        client = self.services.client()
        try:
            pairs = [(key, f"known-{key.lower()}-{site}.com") for key in licenses for site in range(each)]
            for key, domain in pairs:
                lab.wait_until(lambda: client.validate(key, domain).is_valid, f"{domain} is installed")
        finally:
            client.close()
        for node in self.nodes:
            lab.wait_until(lambda: self.knows(node, pairs[-1]), f"{node.name} knows {pairs[-1]}")
        return pairs

    def knows(self, node, pair):
        client = node.client()
        try:
            return client.validate(*pair).is_valid
        finally:
            client.close()

    # Load

    def load(self, name, writing=(), known=(), claims=15, validations=200, is_direct=False):
        """Load through haproxy: `claims` new installations of `writing` and `validations` of `known` a second. With
        `is_direct` each node is asked for a third of the new installations itself, by the writer of its place."""
        clients = [node.client() if is_direct else self.services.client() for node in self.nodes] if writing else []
        writers = [(client, writing, claims / len(clients)) for client in clients]
        readers = [(self.services.client(), known, validations / 4) for _ in range(4)] if known else []
        return Load(self.machines.folder / name, writers, readers)

    def findings(self, load):
        """What the primary holds beside what `load` was told, over all licenses that this cluster sold."""
        held = [
            (int(row), domain) for row, domain in self.database.sql(
                "SELECT license_id, domain FROM activations WHERE released_at IS NULL AND domain IS NOT NULL")
        ]
        acknowledged = [(self.numbers[key], domain) for key, domain in load.acknowledged]
        return compare(acknowledged, held, self.seats)

    def miscounted(self):
        """Licenses whose count of used seats is not the number of their seats."""
        return self.database.sql(
            "SELECT id, used FROM licenses WHERE used <> (SELECT count(*) FROM activations"
            " WHERE license_id = licenses.id AND released_at IS NULL AND kind = 'production')")


def database_number(identifier):
    """The number in the database of `lic_…`: 64 bits, signed there."""
    number = 0
    for symbol in identifier.rpartition("_")[2]:
        number = number * 32 + SYMBOLS.index(symbol)
    return number - (1 << 64) if number >> 63 else number
