# SPDX-License-Identifier: BSD-2-Clause
"""Podman of a user without privileges, in a pod with a network in user space; nothing is left of either."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from . import process, wait
from .containers import IMAGE, Podman, Unavailable, cgroup_mount

UID = 59990
SUBORDINATE = 65536 * 1000  # of ids that only its containers have
NAME = "tlstrace-e2e"

# What makes the machine one on which the user may do this, in a mount namespace that ends with its last process.
MACHINE = """
for name in passwd group subuid subgid; do mount --bind "$1/$name" "/etc/$name"; done
mkdir -p /run/user
mount -t tmpfs -o mode=755 none /run/user
mount -t tmpfs -o mode=1777 none /dev/shm
mkdir -m 700 "/run/user/$2"
chown "$2:$2" "/run/user/$2"
# udev makes it like this, where it runs.
mknod -m 666 /run/user/tun c 10 200
mount --bind /run/user/tun /dev/net/tun
echo ready
exec cat
"""


def kill_all(cgroup):
    """Everything in a cgroup: its processes fork twice, so only the cgroup finds them."""
    def gone():
        left = (cgroup / "cgroup.procs").read_text().split()
        for pid in left:
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not left
    wait.until(gone, f"the processes of {cgroup} to end")


class User:
    """An account that only processes started through run() see, and tlstrace on request."""

    def __init__(self, directory):
        self.home = directory / "home"
        self.home.mkdir()
        os.chown(self.home, UID, UID)
        self.cgroups = []
        mount = cgroup_mount("cgroup2")
        if not mount:
            raise Unavailable("there is no cgroup2 hierarchy to find the user's processes in")
        self.slice = mount / "user.slice" / f"user-{UID}.slice"
        self.accounts(directory)
        self.processes = process.Processes(directory)
        self.holder = self.processes.start(
            ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec", MACHINE, "sh",
             str(directory), str(UID)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"ready\n":
            raise Unavailable("no machine for a user: " + self.holder.log.read_text())
        self.namespace = [f"--mount=/proc/{self.holder.pid}/ns/mnt"]
        self.session = self.cgroup(f"session-{os.getpid()}.scope")

    def accounts(self, directory):
        lines = {"passwd": f"{NAME}:x:{UID}:{UID}::{self.home}:/bin/sh", "group": f"{NAME}:x:{UID}:",
                 "subuid": f"{NAME}:{SUBORDINATE}:65536", "subgid": f"{NAME}:{SUBORDINATE}:65536"}
        for name, line in lines.items():
            there = Path("/etc", name)
            text = there.read_text() if there.exists() else ""
            (directory / name).write_text(text.rstrip("\n") + "\n" + line + "\n")

    def cgroup(self, path):
        """A cgroup below the user's slice, as systemd would make it."""
        place = self.slice / path
        for made in [*reversed(place.parents), place]:
            if not made.exists():
                made.mkdir()
                self.cgroups.append(made)
        return place

    def run(self, *argv):
        """The argv that runs argv as the user, of a session of the user's."""
        return process.in_namespace(self.namespace, [
            "/bin/sh", "-c", 'echo $$ >"$0" && exec "$@"', str(self.session / "cgroup.procs"),
            "setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups",
            "env", f"HOME={self.home}", f"XDG_RUNTIME_DIR=/run/user/{UID}", *map(str, argv)])

    def close(self):
        # Of two runs at once the last one removes what the first one made.
        for place in sorted({self.slice, *self.cgroups}, key=lambda place: len(place.parts), reverse=True):
            try:
                kill_all(place)
                place.rmdir()
            except OSError:
                pass  # another run has its own below, or has removed it
        self.processes.end()


class RootlessPodman(Podman):
    """Its state is where Podman has it by default: below the home and /run/user."""
    programs = ("podman", "conmon", "newuidmap", "slirp4netns", "setpriv", "runc")
    everywhere = True
    network = ("--pod", "shop")

    def __init__(self, directory, root):
        self.missing()
        self.user = User(directory)
        self.namespace = self.user.namespace
        self.inside, self.published = process.free_port(), process.free_port()
        try:
            super().__init__(directory, root)
            process.command(
                *self.podman, "pod", "create", "--name", "shop", "--network", "slirp4netns:cidr=192.0.2.0/24",
                "--publish", f"127.0.0.1:{self.published}:{self.inside}",
                "--infra-image", IMAGE, "--infra-command", "/bin/busybox sleep 100000")
        except BaseException:
            self.close()
            raise

    @property
    def podman(self):
        # crun, its default, refuses a machine with both kinds of cgroups.
        return self.user.run("podman", "--runtime", self.oci, "--cgroup-manager", "cgroupfs")

    def port(self):
        return self.inside

    def close(self):
        self.user.close()
        # Its files belong to ids of its containers.
        shutil.rmtree(self.user.home, ignore_errors=True)
