#!/usr/bin/env python3
"""The arithmetic of docs/scale.md, and simulations where it alone would not convince.

    python3 Benchmarks/Scale/simulate.py [NAME…]    prints all tables, or those named

A table that was drawn names its seed; the same seed gives the same table.
"""

import argparse

import budget
import failover
import herd
import shards
import staleness
import uses

TABLES = {
    **budget.TABLES,
    "herd": herd.table, "signatures": uses.signatures, "last-use": uses.last_use, "staleness": staleness.table,
    "shards": shards.table, "failover": failover.table,
}


def section(name):
    """A table with its name and seed, exactly as the page holds it."""
    table = TABLES[name]()
    return f"{table.markdown()}\n\n`{name}`" + (f", seed {table.seed}" if table.seed is not None else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TABLES))
    options = parser.parse_args()
    if unknown := set(options.names) - set(TABLES):
        parser.error(f"no table is called {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    print("\n\n".join(section(name) for name in options.names or TABLES))


if __name__ == "__main__":
    main()
