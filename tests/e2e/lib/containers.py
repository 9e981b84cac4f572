# SPDX-License-Identifier: BSD-2-Clause
"""Real containers of each runtime, their images made from this machine's own files, all removed at the end.

A container's first process waits for a line and then becomes the program: so its pid is known before it
does anything, also where it lives for a moment only.
"""

import itertools
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import net, process, wait

PROGRAMS = ("/usr/bin/openssl", "/usr/bin/curl", "/usr/sbin/nginx")
IMAGE = "localhost/tlstrace:1"
LABELS = {"org.example.tier": "front"}
NGINX = """
daemon off; user root; worker_processes 1; error_log stderr; pid /tmp/nginx.pid;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f;
    uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s;
    ssl_certificate /certificates/chain.pem; ssl_certificate_key /certificates/key.pem;
    server { listen 443 ssl; location / { return 200 ok; } }
}
"""
numbers = itertools.count()


class Unavailable(Exception):
    """This runtime cannot be had on this machine; the message says why."""


def libraries(program):
    listed = process.command("ldd", program)
    return {program, *re.findall(r"(/\S+)", listed)}


def root_filesystem(directory, certificates):
    """A directory that is the root of a container: BusyBox, TLS programs and what they need."""
    for source in {file for program in PROGRAMS for file in libraries(program)}:
        to = directory / source[1:]
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(source), to)
    # BusyBox is linked statically.
    for name in ("bin", "etc/ssl", "tmp", "certificates", "proc", "sys", "dev", "run", "var"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    shutil.copy("/bin/busybox", directory / "bin/busybox")
    (directory / "bin/sh").symlink_to("busybox")
    (directory / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    (directory / "etc/group").write_text("root:x:0:\n")
    (directory / "etc/os-release").write_text("ID=tlstrace\n")  # systemd-nspawn wants one
    (directory / "etc/nginx.conf").write_text(NGINX)
    shutil.copy("/etc/ssl/openssl.cnf", directory / "etc/ssl/openssl.cnf")
    shutil.copy(certificates.chain("server"), directory / "certificates/chain.pem")
    shutil.copy(certificates.key("server"), directory / "certificates/key.pem")
    return directory


def waiting(*argv):
    """A program that first waits for a line."""
    return ["/bin/sh", "-c", 'read line; exec "$@"', "sh", *map(str, argv)]


def curl(address, port=443):
    return ["/usr/bin/curl", "-sSk", "-o", "/dev/null", f"https://{address}:{port}/"]


def s_server(port=443):
    return ["/usr/bin/openssl", "s_server", "-accept", str(port), "-cert",
            "/certificates/chain.pem", "-key", "/certificates/key.pem", "-www"]


def nginx():
    return ["/usr/sbin/nginx", "-c", "/etc/nginx.conf"]


@dataclass
class Container:
    """One that runs. pid: of its first process, here."""
    process: subprocess.Popen
    id: str
    name: str  # None: this runtime has only ids
    pid: int

    def __post_init__(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        self.inner_pid = int(re.search(r"^NSpid:.*?(\d+)$", status, re.M).group(1))

    def go(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        return self

    def listening(self, port=443):
        wait.until(lambda: process.listens(self.pid, port), f"{self.name} to listen on {port}")
        return self

    def ended(self):
        code = self.process.wait(timeout=wait.limit(20))
        assert code == 0, f"{self.name} ended with {code}: {self.process.log.read_text()}"


class Runtime:
    """What all share. expected: of the row's container, beyond id and name."""
    expected = {}
    namespace = None  # where it is started, as process.in_namespace() wants it
    everywhere = False  # containers are in other network namespaces than that

    def __init__(self, directory, root):
        self.directory, self.root = directory, root
        self.missing()

    def missing(self):
        for program in self.programs:
            if not shutil.which(program):
                raise Unavailable(f"{program} is not installed")

    def start(self, processes, name, argv):
        """Start a container that waits before it runs argv."""
        started = processes.start(self.run_argv(name, waiting(*argv)), self.namespace,
                                  stdin=subprocess.PIPE, env=self.environment())

        def running():
            if started.poll() is not None:
                raise AssertionError(f"{self.programs[0]}: {started.log.read_text()}")
            return self.find(name)
        id, pid = wait.until(running, f"the container {name}", 30)
        return Container(started, id, self.shown_name(name), pid)

    def environment(self):
        return process.environment()

    def shown_name(self, name):
        return name

    def socket_environment(self):
        return {}

    # Where not said otherwise, containers are in the network of the test.

    def address(self, name):
        return "127.0.0.1"

    def port(self):
        return process.free_port()

    def close(self):
        pass


class Docker(Runtime):
    """A dockerd of its own, in a network namespace of its own: it sets rules for packets there."""
    programs = ("dockerd", "docker", "containerd", "runc", "iptables")
    expected = {"runtime": "docker", "image": IMAGE, "labels": LABELS, "pod": None}

    def __init__(self, directory, root):
        super().__init__(directory, root)
        self.network = net.Network()
        self.namespace = self.network.namespace()
        self.socket = directory / "docker.sock"
        self.processes = process.Processes(directory)
        self.daemon = self.processes.start(self.daemon_argv(), self.namespace)
        try:
            wait.until(self.answers, lambda: "dockerd: " + self.said(), 60)
            self.import_image()
        except BaseException:
            self.close()
            raise

    def daemon_argv(self):
        place = self.directory
        return ["dockerd", "--data-root", f"{place}/root", "--exec-root", f"{place}/exec",
                "--pidfile", f"{place}/pid", "--host", f"unix://{self.socket}",
                "--bip", "192.0.2.1/24"]

    def said(self):
        return self.daemon.log.read_text(errors="replace")[-2000:]

    def socket_environment(self):
        return {"DOCKER_HOST": f"unix://{self.socket}"}

    def answers(self):
        if self.daemon.poll() is not None:
            raise Unavailable("dockerd ended: " + self.said())
        return self.docker("version", check=False).returncode == 0

    def docker(self, *argv, check=True):
        return process.command("docker", "--host", f"unix://{self.socket}", *argv, check=check)

    def import_image(self):
        files = subprocess.run(["tar", "c", "."], cwd=self.root, capture_output=True, check=True)
        subprocess.run(["docker", "--host", f"unix://{self.socket}", "import", "-", IMAGE],
                       input=files.stdout, capture_output=True, check=True)

    def run_argv(self, name, argv):
        labels = [word for key, value in LABELS.items() for word in ("--label", f"{key}={value}")]
        return ["docker", "--host", f"unix://{self.socket}", "run", "--rm", "--interactive",
                "--name", name, *labels, IMAGE, *argv]

    def find(self, name):
        done = self.docker("inspect", "--format", "{{.Id}} {{.State.Pid}}", name, check=False)
        id, pid = done.stdout.split() if done.returncode == 0 and done.stdout.strip() else ("", 0)
        return (id, int(pid)) if int(pid) else None

    def address(self, name):
        return self.docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", name).strip()

    def port(self):
        return 443

    def remove(self, name):
        self.docker("rm", "--force", name, check=False)

    def close(self):
        # Beside its namespace of the network it leaves its own containers' bind mounts.
        self.processes.end()
        self.network.remove()
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            place = line.split()[1]
            if place.startswith(str(self.directory)):
                process.command("umount", "--lazy", place, check=False)
        cgroups_remove("docker")


class HiddenDocker(Docker):
    """Its files are in its own mount namespace, so only its socket can be asked."""

    def daemon_argv(self):
        place = self.directory / "root"
        place.mkdir()
        return ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-ec",
                'mount -t tmpfs none "$0"; exec "$@"', str(place), *super().daemon_argv()]


class Podman(Runtime):
    programs = ("podman", "conmon")
    expected = {"runtime": "podman", "image": IMAGE}
    network = ("--network", "host")

    def __init__(self, directory, root, oci="runc"):
        super().__init__(directory, root)
        self.oci = oci
        files = subprocess.run(["tar", "c", "."], cwd=self.root, capture_output=True, check=True)
        done = subprocess.run([*self.podman, "import", "-", IMAGE], input=files.stdout,
                              capture_output=True, env=process.environment())
        if done.returncode != 0:
            raise Unavailable("podman import: " + done.stderr.decode(errors="replace"))

    @property
    def podman(self):
        place = self.directory
        return ["podman", "--root", f"{place}/root", "--runroot", f"{place}/run", "--tmpdir",
                f"{place}/tmp", "--cgroup-manager", "cgroupfs", "--runtime", self.oci]

    def run_argv(self, name, argv):
        # Its own limits may be higher than those it may set.
        return [*self.podman, "run", "--rm", "--interactive", "--name", name, *self.network,
                "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", IMAGE, *argv]

    def find(self, name):
        done = process.command(*self.podman, "inspect", "--format", "{{.Id}} {{.State.Pid}}", name,
                               check=False)
        id, pid = done.stdout.split() if done.returncode == 0 and done.stdout.strip() else ("", 0)
        return (id, int(pid)) if int(pid) else None

    def remove(self, name):
        process.command(*self.podman, "rm", "--force", "--time", "0", name, check=False)

    def close(self):
        process.command(*self.podman, "rm", "--force", "--all", check=False)
        process.command("umount", "--lazy", f"{self.directory}/root/overlay", check=False)
        cgroups_remove("libpod_parent/conmon", "libpod_parent")


class Containerd(Runtime):
    """containerd alone, by its own tool ctr: a container's id is the name that it is given."""
    programs = ("containerd", "ctr", "runc")
    expected = {"runtime": "containerd", "namespace": "default", "image": None}

    def __init__(self, directory, root):
        super().__init__(directory, root)
        self.processes = process.Processes(directory)
        self.daemon = self.processes.start(
            ["containerd", "--root", directory / "root", "--state", directory / "state",
             "--address", directory / "sock"])
        wait.until(lambda: self.ctr("version", check=False).returncode == 0, "containerd", 30)

    def ctr(self, *argv, check=True):
        return process.command("ctr", "--address", f"{self.directory}/sock", *argv, check=check)

    def run_argv(self, name, argv):
        return ["ctr", "--address", f"{self.directory}/sock", "run", "--rm", "--net-host",
                "--rootfs", str(self.root), name, *argv]

    def find(self, name):
        done = self.ctr("tasks", "list", check=False)
        found = re.search(rf"^{re.escape(name)} +(\d+) +RUNNING", done.stdout, re.M)
        return (name, int(found.group(1))) if found else None

    def shown_name(self, name):
        return None

    def remove(self, name):
        self.ctr("tasks", "kill", "--signal", "SIGKILL", name, check=False)

    def close(self):
        self.processes.end()
        cgroups_remove("default")


class Bundle(Runtime):
    """runc or crun as Kubernetes' runtimes use them: a cgroup of a pod, and annotations."""
    pod, pod_uid = "shop-1", "12345678-9abc-def0-1234-56789abcdef0"

    def __init__(self, directory, root, program):
        self.programs = (program,)
        self.expected = {"runtime": program, "image": IMAGE, "pod": self.pod,
                         "pod_uid": self.pod_uid, "namespace": "prod"}
        self.ids = {}
        super().__init__(directory, root)
        if program == "crun" and cgroup_mount("cgroup2") != Path("/sys/fs/cgroup"):
            raise Unavailable("crun does not run where cgroups are v1 and v2 at once")

    def run_argv(self, name, argv):
        program, id = self.programs[0], secrets.token_hex(32)
        place = self.directory / f"bundle-{next(numbers)}"
        place.mkdir()
        self.ids[name] = id
        process.command(program, "spec", "--bundle", place)
        config = json.loads((place / "config.json").read_text())
        config["process"].update(terminal=False, args=argv, rlimits=[])
        config["root"] = {"path": str(self.root), "readonly": False}
        config["linux"]["namespaces"] = [entry for entry in config["linux"]["namespaces"]
                                         if entry["type"] not in ("network", "cgroup")]
        config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup"]
        config["linux"]["cgroupsPath"] = f"/kubepods/burstable/pod{self.pod_uid}/{id}"
        config["annotations"] = {
            "io.kubernetes.cri.container-name": name,
            "io.kubernetes.cri.image-name": IMAGE,
            "io.kubernetes.cri.sandbox-name": self.pod,
            "io.kubernetes.cri.sandbox-namespace": "prod",
        }
        (place / "config.json").write_text(json.dumps(config))
        return [program, "run", "--bundle", str(place), id]

    def find(self, name):
        done = process.command(self.programs[0], "state", self.ids[name], check=False)
        if done.returncode != 0:
            return None
        state = json.loads(done.stdout)
        return (self.ids[name], state["pid"]) if state["status"] == "running" else None

    def remove(self, name):
        process.command(self.programs[0], "delete", "--force", self.ids[name], check=False)

    def close(self):
        cgroups_remove(f"kubepods/burstable/pod{self.pod_uid}", "kubepods/burstable", "kubepods")


class Nspawn(Runtime):
    """Without machined it gives its machines no cgroup: they are known by who started them."""
    programs = ("systemd-nspawn",)
    expected = {"runtime": "systemd-nspawn"}

    def run_argv(self, name, argv):
        return ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--read-only",
                "--console=pipe", f"--directory={self.root}", f"--machine={name}", *argv]

    def start(self, processes, name, argv):
        self.started = processes
        return super().start(processes, name, argv)

    def find(self, name):
        for started in self.started.started:
            if f"--machine={name}" in started.args:
                # Those before have other tasks.
                for child in process.children_of(started.pid):
                    try:
                        if Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"/bin/sh"):
                            return name, child
                    except OSError:
                        pass  # it has ended

    def shown_name(self, name):
        return None

    def remove(self, name):
        pass


def cgroups_remove(*paths):
    """Empty directories that a runtime left in each hierarchy."""
    for mount in {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()
                  if line.split()[2] in ("cgroup", "cgroup2")}:
        for path in paths:
            try:
                os.rmdir(f"{mount}/{path}")
            except OSError:
                pass  # it is not there, or somebody else's


def cgroup_mount(kind, controller=None):
    """Where a hierarchy is mounted: the v2 one, or that of a v1 controller. None if it is not."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, type, options = line.split()[:4]
        if type == kind and (not controller or controller in options.split(",")):
            return Path(place)
    if controller and os.environ.get("TLSTRACE_VM"):  # nobody else uses the controller there
        place = Path(tempfile.mkdtemp(prefix="tlstrace-e2e-"))
        if process.command("mount", "-t", kind, "-o", controller, controller, place,
                           check=False).returncode == 0:
            return place
    return None


BY_NAME = {
    "docker": Docker, "hidden docker": HiddenDocker, "podman": Podman, "containerd": Containerd, "nspawn": Nspawn,
    "runc": lambda directory, root: Bundle(directory, root, "runc"),
    "crun": lambda directory, root: Bundle(directory, root, "crun"),
}
