"""Machines made of Linux namespaces: a network of hosts on this one that can be cut, stopped, filled and ended."""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from lab import OWN_NAMESPACES, PATIENCE, LabError, run, wait_until

NETWORK = "10.77.0"
BRIDGE = "switch0"
# The address of the process that uses this module, and of the load that it makes.
OWN_ADDRESS = f"{NETWORK}.254"
MIB = 1 << 20

# Hosts' first process: it collects what lost its parent, as an init does, and waits.
INIT = "echo ready; sleep infinity & wait; exec sleep infinity"


class Lab:
    """One network and the folder that everything of it lives in."""

    def __init__(self, size_mib=1536):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="signet-cluster-"))
        self.hosts = {}
        mount(self.folder, size_mib)
        self.folder.chmod(0o755)
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "addr", "add", f"{OWN_ADDRESS}/24", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")

    def host(self, name, number, disk_mib=None):
        """A new host at `NETWORK.number`, running; with `disk_mib`, it has a disk of its own of that size."""
        host = self.hosts[name] = Host(self, name, f"{NETWORK}.{number}", disk_mib)
        host.boot()
        return host

    def close(self):
        for host in self.hosts.values():
            with contextlib.suppress(subprocess.TimeoutExpired):  # the end of this process ends it, too
                host.stop()
        with contextlib.suppress(LabError):
            run("umount", "--recursive", "--lazy", self.folder)
        with contextlib.suppress(LabError):
            run("ip", "link", "del", BRIDGE)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def mount(folder, size_mib):
    """Memory as a disk of `size_mib`, which can be filled without filling another."""
    folder.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "signet-cluster", folder)


class Host:
    """A host: a name, an address, its processes and its faults."""

    def __init__(self, lab, name, address, disk_mib=None):
        self.lab, self.name, self.address = lab, name, address
        self.folder, self.disk = lab.folder / name, lab.folder / name / "disk"
        self.folder.mkdir()
        self.folder.chmod(0o755)
        # Before it boots: its mounts are those of now.
        if disk_mib is not None:
            mount(self.disk, disk_mib)
        self._holder = self._init = None
        self._children, self._cuts, self.is_paused = [], [], False

    # Power

    def boot(self):
        """Its namespaces, and its cable into the switch."""
        self._holder = subprocess.Popen(
            [*OWN_NAMESPACES, "bash", "-c", INIT],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        if self._holder.stdout.readline() != b"ready\n":
            raise LabError(f"{self.name} does not start")
        self._init = int(pathlib.Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text())
        cable = f"to-{self.name}"
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", self._init)
        run("ip", "link", "set", cable, "master", BRIDGE, "up")
        self.run("ip", "link", "set", "lo", "up")
        self.run("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        self.run("ip", "link", "set", "eth0", "up")
        self._cuts, self.is_paused = [], False

    def stop(self):
        """Its plug pulled: every process gone at once, its network with them. What is on its disk stays."""
        if self._holder is None:
            return
        if self.is_paused:
            self.resume()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._init, signal.SIGKILL)
        self._holder.wait(PATIENCE)
        self._holder.stdout.close()
        # The kernel takes away its network later, in its own time.
        with contextlib.suppress(LabError):
            run("ip", "link", "del", f"to-{self.name}")
        for child in self._children:
            child.wait(PATIENCE)
        self._holder, self._children = None, []

    @property
    def is_running(self):
        return self._holder is not None

    # Processes

    def command(self, *words, user=None, group=None):
        """`words` as a command that runs on this host, as `user` (of the group of that name, if not of `group`)."""
        as_user = ["setpriv", "--reuid", user, "--regid", group or user, "--init-groups", "--no-new-privs"]
        as_user = as_user if user else []
        inside = ["nsenter", "--target", self._init, "--net", "--mount", "--pid", f"--wdns={self.folder}"]
        return [str(word) for word in [*inside, "--", *as_user, *words]]

    def last_words(self, lines=15):
        """The ends of its logs, for whoever has to find out why something failed."""
        for log in sorted(self.folder.glob("*.log")):
            yield f"==== {self.name} {log.name}"
            yield from log.read_text(errors="replace").splitlines()[-lines:]

    def run(self, *words, user=None, stdin=None, timeout=PATIENCE):
        return run(*self.command(*words, user=user), stdin=stdin, timeout=timeout)

    def start(self, *words, user=None, group=None, log, environment=None, pass_fds=()):
        """A program that goes on, writing to `log` in its folder."""
        with open(self.folder / log, "ab") as output:
            child = subprocess.Popen(
                self.command(*words, user=user, group=group), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, env=environment, pass_fds=pass_fds,
            )
        self._children.append(child)
        return child

    def processes(self, name=None):
        """Numbers of its processes, seen from outside it; of those called `name`, if one is given."""
        own = namespace_of(self._init)
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != self._init and namespace_of(entry.name) == own:
                with contextlib.suppress(OSError):
                    if name is None or name_of(entry) == name:
                        found.append(int(entry.name))
        return found

    def kill(self, *names, how=signal.SIGKILL):
        """Ends its processes called `names`, and waits until none is left; how many there were."""
        killed = set()

        def are_gone():
            left = [process for name in names for process in self.processes(name)]
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, how)
                killed.add(process)
            if self.is_paused:
                self._wake_starters()
            return not left

        wait_until(are_gone, f"{names} on {self.name} end")
        return len(killed)

    # Faults

    def pause(self):
        """All its processes stand still; its connections stay open, as on a host whose hypervisor sleeps."""
        self.is_paused = True

        def all_stand_still():
            awake = [process for process in self.processes() if state_of(process) not in "TZ"]
            for process in awake:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGSTOP)
            return not awake

        wait_until(all_stand_still, lambda: f"{self.name} stands still: {self.processes()}")

    def resume(self):
        self._wake_starters()
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
        self.is_paused = False

    def _wake_starters(self):
        """nsenter(1), outside, stops itself with the program that it started, and then does not see that end."""
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signal.SIGCONT)

    def cut(self, *others, incoming=True, outgoing=True, port=None):
        """Packets from (`incoming`) and to (`outgoing`) `others` vanish without a word; with `port`, only those of TCP
        connections to that port on either side."""
        for other in others:
            self._cuts += _drops(other.address, incoming, outgoing, port)
        self._apply_cuts()

    def heal(self):
        """Every packet goes through again."""
        self._cuts = []
        self._apply_cuts()

    def _apply_cuts(self):
        chains = ["add table inet fault", "flush table inet fault"]
        for hook in ("input", "output"):
            chains.append(f"add chain inet fault {hook} {{ type filter hook {hook} priority 0; policy accept; }}")
        self.run("nft", "-f", "-", stdin="\n".join([*chains, *self._cuts]) + "\n")

    def fill_disk(self):
        """Uses up the last byte of its disk."""
        with open(self.disk / "ballast", "ab", buffering=0) as ballast:
            for size in (MIB, 4096, 1):
                with contextlib.suppress(OSError):
                    while ballast.write(b"\0" * size):
                        pass

    def make_room(self):
        """Gives back what `fill_disk` used."""
        (self.disk / "ballast").unlink(missing_ok=True)


def _drops(address, incoming, outgoing, port):
    for is_wanted, hook, side in ((incoming, "input", "saddr"), (outgoing, "output", "daddr")):
        if not is_wanted:
            continue
        for match in [f"tcp dport {port}", f"tcp sport {port}"] if port else [""]:
            yield f"add rule inet fault {hook} ip {side} {address} {match} drop"


def namespace_of(process):
    try:
        return os.readlink(f"/proc/{process}/ns/pid")
    except OSError:
        return None


def state_of(process):
    """`R`, `S`, `D`, `T` (stopped), `Z` (ended, and not collected yet); `Z` also for one that is gone."""
    try:
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return "Z"


def name_of(entry):
    """What a process is called: `postgres`, `patroni`. Of a script that is the script's name, not its interpreter's."""
    return (entry / "comm").read_text().strip()
