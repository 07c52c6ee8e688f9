"""Prints what a stored installation knows, as JSON; exit 0 usable, 1 not.

    python3 check.py SETTINGS.json status|refresh|force
    python3 check.py SETTINGS.json status [--keys FILE] [--revocations FILE]    takes in what was carried here
    python3 check.py SETTINGS.json verify < TOKEN                               verifies one token offline

SETTINGS.json is what an installer stores; "jwks" and "root" are paths of what is pinned, relative to it.
"""

import argparse
import json
import os
import pathlib
import sys
import time

import signet_license

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("settings", type=pathlib.Path)
arguments.add_argument("command", choices=["status", "refresh", "force", "verify"])
arguments.add_argument("--keys", type=pathlib.Path, metavar="FILE", help="a signed key set")
arguments.add_argument("--revocations", type=pathlib.Path, metavar="FILE", help="a list of revoked licenses")
given = arguments.parse_args()
settings = json.loads(given.settings.read_text())
for pinned in {"jwks", "root"} & settings.keys():
    settings[pinned] = (given.settings.parent / settings[pinned]).read_text()


def clock():
    """SIGNET_EXAMPLE_NOW is for trying things out; the library itself reads the clock."""
    return int(os.environ.get("SIGNET_EXAMPLE_NOW") or time.time())


license = signet_license.License(settings, clock)
outcomes = {}
for name, file, take in [
    ("keys", given.keys, license.take_key_set), ("revocations", given.revocations, license.take_revocations),
]:
    if file:
        outcomes[f"{name}_file"] = take(file.read_text(errors="replace").strip())
if given.command == "verify":
    result = license.verify(sys.stdin.read().strip())
    print(result if isinstance(result, str) else "valid")
    sys.exit(isinstance(result, str))
if given.command != "status":
    outcomes["refresh"] = license.refresh_if_due(force=given.command == "force")
status = {**outcomes, **license.status()}
print(json.dumps(status, ensure_ascii=False))
sys.exit(not status["usable"])
