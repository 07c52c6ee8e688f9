"""Seats taken by plain SQL: proves the cluster, its faults and the ledger without the program under test."""

import os
import select

from load import REFUSED, GRANTED, OPEN

ANSWERED_WITHIN = 4
SCHEMA = """
CREATE TABLE license (id text PRIMARY KEY, seats int NOT NULL, used int NOT NULL DEFAULT 0 CHECK (used <= seats));
CREATE TABLE activation (license text NOT NULL REFERENCES license, domain text NOT NULL, PRIMARY KEY (license, domain));
CREATE FUNCTION claim(wanted text, site text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM activation WHERE license = wanted AND domain = site;
    IF FOUND THEN RETURN 'granted'; END IF;
    UPDATE license SET used = used + 1 WHERE id = wanted AND used < seats;
    IF NOT FOUND THEN RETURN 'refused'; END IF;
    INSERT INTO activation VALUES (wanted, site);
    RETURN 'granted';
END $$;
"""


def prepare(database, seats):
    """The tables, and licenses with the `seats` of each name."""
    database.sql(SCHEMA)
    rows = ", ".join(f"('{license}', {count})" for license, count in seats.items())
    database.sql(f"INSERT INTO license (id, seats) VALUES {rows}")


def held(database):
    return [tuple(row) for row in database.sql("SELECT license, domain FROM activation")]


class Client:
    """A session of its own, made again after each failure. A statement's result is known only after its commit."""

    def __init__(self, database):
        self._database, self._session = database, None

    def claim(self, license, domain):
        if self._session is None:
            self._session = self._database.session()
        try:
            self._session.stdin.write(f"SELECT claim('{license}', '{domain}');\n".encode())
            self._session.stdin.flush()
            outcome = self._read_line()
        except (BrokenPipeError, TimeoutError):
            outcome = None
        if outcome in (GRANTED, REFUSED):
            return outcome
        self.close()
        return OPEN

    def _read_line(self):
        output, line = self._session.stdout.fileno(), b""
        while not line.endswith(b"\n"):
            if not select.select([output], [], [], ANSWERED_WITHIN)[0]:
                raise TimeoutError
            part = os.read(output, 4096)
            if not part:
                return None
            line += part
        return line.decode().strip()

    def close(self):
        if self._session is None:
            return
        self._session.kill()
        self._session.wait()
        for stream in (self._session.stdin, self._session.stdout):
            try:
                stream.close()
            except BrokenPipeError:
                pass
        self._session = None
