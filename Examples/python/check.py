"""Prints what a stored installation knows, as JSON; exit 0 usable, 1 not.

    python3 check.py SETTINGS.json status|refresh|force
    python3 check.py SETTINGS.json verify < TOKEN         verifies one token offline

SETTINGS.json is what an installer stores; "jwks" is the path of the pinned key set, relative to it.
"""

import json
import os
import pathlib
import sys
import time

import signet_license

if len(sys.argv) != 3 or sys.argv[2] not in ("status", "refresh", "force", "verify"):
    sys.exit(print(__doc__, file=sys.stderr) or 2)
path, command = pathlib.Path(sys.argv[1]), sys.argv[2]
settings = json.loads(path.read_text())
settings["jwks"] = (path.parent / settings["jwks"]).read_text()


def clock():
    """SIGNET_EXAMPLE_NOW is for trying things out; the library itself reads the clock."""
    return int(os.environ.get("SIGNET_EXAMPLE_NOW") or time.time())


license = signet_license.License(settings, clock)
if command == "verify":
    result = signet_license.verify(
        sys.stdin.read().strip(), license.jwks, license.installation, license.product, license.issuer, clock()
    )
    print(result if isinstance(result, str) else "valid")
    sys.exit(isinstance(result, str))
outcome = {} if command == "status" else {"refresh": license.refresh_if_due(force=command == "force")}
status = {**outcome, **license.status()}
print(json.dumps(status, ensure_ascii=False))
sys.exit(not status["usable"])
