# SPDX-License-Identifier: BSD-2-Clause
"""The place where the live load runs: two namespaces, nginx, its client and iperf3."""

import json
import os
import re
import subprocess
import tempfile
import time

from common import BenchError, PREFIX, run, stop_process, wait_until

NEAR, FAR = "192.0.2.1", "192.0.2.2"  # RFC 5737
TLS_PORT, BULK_PORT = 4433, 5201
VERSIONS = {"TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}

NGINX = """
daemon off;
worker_processes 2;
pid {dir}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
	access_log off;
	client_body_temp_path {dir}/body;
	proxy_temp_path {dir}/proxy;
	fastcgi_temp_path {dir}/fastcgi;
	uwsgi_temp_path {dir}/uwsgi;
	scgi_temp_path {dir}/scgi;
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_protocols TLSv1.2 TLSv1.3;
		ssl_certificate {dir}/cert.pem;
		ssl_certificate_key {dir}/key.pem;
	}}
}}
"""

# What any program at this hook costs, the clock reads of the statistics included. One for each
# direction, since the cold caches that a program finds differ between them.
EMPTY = """
struct __sk_buff;
__attribute__((section("ingress"), used)) int empty_ingress(struct __sk_buff *skb) { return -1; }
__attribute__((section("egress"), used)) int empty_egress(struct __sk_buff *skb) { return -1; }
char LICENSE[] __attribute__((section("license"), used)) = "Dual BSD/GPL";
"""


class Lab:
    """The namespaces, the servers in them, and one measurement each of the two loads."""

    def __init__(self, stack):
        self.stack = stack
        self.near = f"{PREFIX}-{os.getpid()}-near"
        self.far = f"{PREFIX}-{os.getpid()}-far"
        self.dir = stack.enter_context(
            tempfile.TemporaryDirectory(prefix=f"{PREFIX}-{os.getpid()}-"))
        self.make_namespaces()
        self.compile_empty()
        self.start_nginx()
        self.start_iperf()

    def inside(self, namespace, *command):
        """nsenter and not `ip netns exec`, which would hide /sys/fs/bpf and tracefs. Should this
        process be killed, its children are asked to end too."""
        return ("setpriv", "--pdeathsig", "TERM", "nsenter", f"--net=/run/netns/{namespace}",
                *command)

    def start(self, namespace, *command, log):
        """What it says goes to the files log and log.errors."""
        path = os.path.join(self.dir, log)
        with open(path, "wb") as out, open(f"{path}.errors", "wb") as errors:
            return subprocess.Popen(self.inside(namespace, *command), stdin=subprocess.DEVNULL,
                                    stdout=out, stderr=errors, start_new_session=True)

    def read(self, log):
        with open(os.path.join(self.dir, log), encoding="utf-8", errors="replace") as text:
            return text.read()

    def make_namespaces(self):
        for name in (self.near, self.far):
            run("ip", "netns", "add", name)
            self.stack.callback(run, "ip", "netns", "del", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "near", "netns", self.near, "type", "veth",
            "peer", "name", "far", "netns", self.far)
        for name, device, address in ((self.near, "near", NEAR), (self.far, "far", FAR)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", device)
            run("ip", "-n", name, "link", "set", device, "up")
        # Each connection leaves a port in TIME_WAIT: the default range would run out.
        run(*self.inside(self.near, "sh", "-c",
                         "echo 1024 65535 > /proc/sys/net/ipv4/ip_local_port_range"))

    def compile_empty(self):
        with open(f"{self.dir}/empty.c", "w", encoding="ascii") as source:
            source.write(EMPTY)
        run("clang", "-O2", "-g", "-target", "bpf", "-c", f"{self.dir}/empty.c",
            "-o", f"{self.dir}/empty.o")

    def start_nginx(self):
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "1", "-subj", "/CN=bench.example",
            "-keyout", f"{self.dir}/key.pem", "-out", f"{self.dir}/cert.pem")
        with open(f"{self.dir}/nginx.conf", "w", encoding="ascii") as config:
            config.write(NGINX.format(dir=self.dir, port=TLS_PORT))
        process = self.start(self.near, "nginx", "-e", "stderr", "-c", f"{self.dir}/nginx.conf",
                             log="nginx")
        self.stack.callback(stop_process, process)
        for version, option in VERSIONS.items():
            wait_until(lambda chosen=option: self.server_answers(process, chosen),
                       f"A {version} handshake with nginx")

    def server_answers(self, process, option):
        if process.poll() is not None:
            raise BenchError(f"nginx ended at once: {self.read('nginx.errors').strip()}")
        command = self.inside(self.near, "openssl", "s_client", option,
                              "-connect", f"127.0.0.1:{TLS_PORT}")
        return not subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=10, check=False).returncode

    def start_iperf(self):
        process = self.start(self.far, "iperf3", "-s", "-B", FAR, "-p", str(BULK_PORT),
                             "--forceflush", log="iperf")
        self.stack.callback(stop_process, process)
        wait_until(lambda: "Server listening" in self.read("iperf"), "iperf3's start")

    def count_handshakes(self, version, seconds):
        """(number, wall seconds). s_time works in whole seconds of the clock and counts the last
        one too: started after a full second, `-time 1` runs for almost two. Its own figures are
        rounded, or of its processor time only, so the time is taken here."""
        begin = time.monotonic()
        out = run(*self.inside(self.near, "openssl", "s_time", "-new", VERSIONS[version],
                               "-time", str(seconds), "-connect", f"127.0.0.1:{TLS_PORT}"))
        elapsed = time.monotonic() - begin
        match = re.search(r"(\d+) connections in \d+ real seconds", out)
        if not match:
            raise BenchError("`openssl s_time` did not say how many connections it made.")
        return int(match[1]), elapsed

    def handshake_rate(self, version):
        number, elapsed = self.count_handshakes(version, 1)
        return number / elapsed

    def throughput(self, *amount):
        """Bits per second as received, sent from the namespace that is traced."""
        out = run(*self.inside(self.near, "iperf3", "-c", FAR, "-p", str(BULK_PORT), *amount,
                               "-J"))
        return json.loads(out)["end"]["sum_received"]["bits_per_second"]
