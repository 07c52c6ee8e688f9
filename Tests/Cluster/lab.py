"""The ground that a laboratory stands on: namespaces of its own, and waiting with a deadline.

The process that uses this module moves into namespaces of its own first (`enter`): a network that nothing else is on,
mounts that nobody else sees, and processes of which it is number 1. When it ends, however it ends, the kernel ends
every process that it started and takes away the network, the mounts and what was on them.
"""

import os
import signal
import subprocess
import sys
import time

INSIDE = "SIGNET_CLUSTER_INSIDE"
POLL_SECONDS = 0.05
# Seconds that a step which depends on this machine alone may take. Not an expectation: a limit.
PATIENCE = 60

# The exit status that says: nothing was tried, since nothing of it can be tried here.
IMPOSSIBLE = 77
OWN_NAMESPACES = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
# Everything that a lab is made of, once and small.
TRIAL = """
ip link add trial type bridge
ip link add to-trial type veth peer name eth0
nft 'add table inet trial; add chain inet trial input { type filter hook input priority 0; }'
nft 'add rule inet trial input ip saddr 10.0.0.1 tcp dport 1 drop'
mount -t tmpfs trial /mnt
setpriv --reuid nobody --regid nogroup --init-groups --no-new-privs true
unshare --net --mount --pid --fork --mount-proc true
"""


class LabError(Exception):
    """What could not be set up, or did not become true in time."""


def enter():
    """Starts this program again inside namespaces of its own; returns only there. Ends it with `IMPOSSIBLE` where this
    machine or this user may not have such.

    What was listening before stays so: inherited sockets belong to the network that they were made in.
    """
    if os.environ.get(INSIDE) == "1" and os.getpid() == 1:
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGHUP, _interrupt)
        return
    if os.geteuid() != 0:
        _end_as_impossible("it makes network namespaces, which needs root: run it as root or with sudo")
    trial = subprocess.run([*OWN_NAMESPACES, "sh", "-ec", TRIAL], capture_output=True, text=True, check=False)
    if trial.returncode != 0:
        _end_as_impossible(f"namespaces, bridges, packet filters or mounts are refused: {trial.stderr.strip()}")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", [*OWN_NAMESPACES, *sys.orig_argv])


def _end_as_impossible(reason):
    print(f"cluster: impossible on this machine: {reason}", file=sys.stderr, flush=True)
    os._exit(IMPOSSIBLE)  # unittest would take an exit of a module that it imports for one failed test of many


def _interrupt(*_):
    raise KeyboardInterrupt


def run(*command, stdin=None, timeout=PATIENCE):
    """A command's standard output; `LabError` with what it said when it failed."""
    result = subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=timeout, check=False,
    )
    if result.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: exit {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def wait_until(condition, what, seconds=PATIENCE, every=POLL_SECONDS):
    """Polls `condition` until it is true, and gives what it was; `what` names it in the error."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise LabError(f"not after {seconds} s: {what() if callable(what) else what}")
        time.sleep(every)
    return value
