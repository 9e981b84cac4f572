# SPDX-License-Identifier: BSD-2-Clause
"""Real TLS servers, each able to say which of its processes served a connection."""

import os
import shutil
from dataclasses import dataclass

from . import process, trixie, wait

ANY_CIPHER = "DEFAULT@SECLEVEL=0"  # OpenSSL: TLS 1.0 and 1.1 need level 0


@dataclass
class Server:
    """What all of them share. options are the program's own further arguments."""
    processes: process.Processes
    certificates: object
    namespace: str = None
    certificate: str = "server"
    workers: int = 3
    options: tuple = ()
    old_versions: bool = False
    port: int = None
    comm = exe = None
    # What the server chooses when a client offers both.
    alpn = "http/1.1"
    transport = "tcp"

    def __post_init__(self):
        self.port = self.port or process.free_port()
        # In two namespaces two servers may have the same port.
        self.directory = self.processes.directory / f"server-{len(self.processes.started)}"
        self.directory.mkdir()
        self.chain = str(self.certificates.chain(self.certificate))
        self.key = str(self.certificates.key(self.certificate))

    def start(self):
        self.process = self.processes.start(self.argv(), self.namespace)
        self.processes.wait_listening(self.process, self.port, self.transport)
        return self

    @property
    def pids(self):
        return [self.process.pid]

    def pid_for(self, client_port):
        return self.process.pid

    uid = 0


class InTrixie:
    """Before a server's class: its program is that of the trixie root. inside is to be removed in the end."""

    def start(self):
        self.root = trixie.root()
        # In a chroot it sees no other files than those below.
        self.inside = self.root / "tmp" / f"{self.processes.directory.name}-{self.port}"
        self.inside.mkdir()
        for name in ("chain", "key"):
            copy = shutil.copy(getattr(self, name), self.inside)
            setattr(self, name, "/" + os.path.relpath(copy, self.root))
        return super().start()

    def argv(self):
        return ["chroot", str(self.root), *super().argv()]


class OpenSSL(Server):
    comm = "openssl"

    def argv(self):
        old = ["-cipher", ANY_CIPHER] if self.old_versions else []
        return ["openssl", "s_server", "-accept", str(self.port), "-cert", self.chain,
                "-key", self.key, "-www", "-alpn", self.alpn, *old, *self.options]


class GnuTLS(Server):
    comm = "gnutls-serv"

    def argv(self):
        return ["gnutls-serv", "--http", "--quiet", "-p", str(self.port), "--x509certfile",
                self.chain, "--x509keyfile", self.key, "--alpn", self.alpn, *self.options]


class Haproxy(Server):
    comm = "haproxy"

    def argv(self):
        config = self.directory / f"haproxy.cfg"
        bundle = self.certificates.bundle(self.certificate)
        # One thread, no master: the process that is started is the one that serves.
        config.write_text(f"""
global
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout connect 60s
    timeout server 60s
frontend tls
    bind :::{self.port} v4v6 ssl crt {bundle} alpn {self.alpn} {" ".join(self.options)}
    http-request return status 200 content-type text/plain string ok
""")
        return ["haproxy", "-db", "-f", str(config)]


class Nginx(Server):
    comm = "nginx"
    alpn = "h2"
    uid = 65534

    def argv(self):
        self.access = self.directory / f"access.log"
        self.access.write_text("")
        config = self.directory / f"nginx.conf"
        old = f"ssl_protocols TLSv1 TLSv1.1 TLSv1.2; ssl_ciphers {ANY_CIPHER};"
        new = "ssl_protocols TLSv1.2 TLSv1.3;"
        config.write_text(f"""
daemon off;
user nobody nogroup;
worker_processes {self.workers};
pid {self.directory}/nginx.pid;
error_log {self.directory}/error.log info;
events {{ worker_connections 512; }}
http {{
    log_format worker '$pid $remote_port';
    access_log {self.access} worker;
    client_body_temp_path {self.directory}/nginx-body;
    proxy_temp_path {self.directory}/nginx-proxy;
    fastcgi_temp_path {self.directory}/nginx-fastcgi;
    uwsgi_temp_path {self.directory}/nginx-uwsgi;
    scgi_temp_path {self.directory}/nginx-scgi;
    {old if self.old_versions else new}
    ssl_certificate {self.chain};
    ssl_certificate_key {self.key};
    {" ".join(self.options)}
    server {{
        listen [::]:{self.port} ipv6only=off ssl http2 {self.listen_options()};
        location / {{ return 200 "ok\\n"; }}
    }}
}}
""")
        return ["nginx", "-c", str(config), "-p", str(self.directory),
                "-e", f"{self.directory}/error.log"]

    def listen_options(self):
        return ""

    @property
    def pids(self):
        return process.children_of(self.process.pid)

    def served(self):
        """Of every finished connection: client port → worker's pid."""
        return {int(port): int(pid) for pid, port in
                (line.split() for line in self.access.read_text().splitlines() if " " in line)}

    def pid_for(self, client_port):
        # The worker writes the line when the request is over, a moment after the client left.
        return wait.until(lambda: self.served().get(client_port),
                          f"nginx to log the connection from port {client_port}")


class HaproxyTcp(Haproxy):
    """Passes TLS through. options: address and port of the server, and the PROXY header to send."""

    def argv(self):
        address, port, *more = map(str, self.options)
        config = self.directory / f"haproxy.cfg"
        config.write_text(f"""
global
    nbthread 1
defaults
    mode tcp
    timeout client 60s
    timeout connect 60s
    timeout server 60s
listen tls
    bind :::{self.port} v4v6
    server inner {address}:{port} {" ".join(more)}
""")
        return ["haproxy", "-db", "-f", str(config)]


class Socat(Server):
    """A process for each connection. options: address and port of the server."""
    comm = "socat"

    def argv(self):
        address, port = map(str, self.options)
        bracketed = f"[{address}]" if ":" in address else address
        return ["socat", f"TCP6-LISTEN:{self.port},ipv6only=0,fork,reuseaddr", f"TCP:{bracketed}:{port}"]


class NginxTcp(Nginx):
    """As HaproxyTcp, in worker processes; nobody writes down which one it was."""

    def argv(self):
        address, port, *more = map(str, self.options)
        config = self.directory / f"nginx.conf"
        bracketed = f"[{address}]" if ":" in address else address
        config.write_text(f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
user nobody nogroup;
worker_processes 1;
pid {self.directory}/nginx.pid;
error_log {self.directory}/error.log info;
events {{ worker_connections 64; }}
stream {{
    server {{
        listen [::]:{self.port} ipv6only=off;
        proxy_pass {bracketed}:{port};
        {" ".join(more)}
    }}
}}
""")
        return ["nginx", "-c", str(config), "-p", str(self.directory),
                "-e", f"{self.directory}/error.log"]


class NginxBehindProxy(Nginx):
    """Expects a PROXY header before the ClientHello."""

    def listen_options(self):
        return "proxy_protocol"


class NginxFastOpen(Nginx):
    def listen_options(self):
        return "fastopen=64"


class Helper(Server):
    """A server of ours in Python."""
    comm = "python3"
    script = None

    def argv(self):
        return process.helper(self.script, self.port, *self.options)


class Starttls(Helper):
    """options: the protocol that TLS begins in; see helpers/starttls_server.py."""
    script = "starttls_server.py"

    def argv(self):
        return process.helper(self.script, self.port, self.chain, self.key, *(self.options or ["smtp"]))


class Silent(Helper):
    """Reads the ClientHello; options: how it then leaves (fin, rst, never, …)."""
    script = "silent_server.py"


class Slow(Helper):
    """options: where it sleeps, and for how many milliseconds; see helpers/slow_server.py."""
    script = "slow_server.py"

    def argv(self):
        return process.helper(self.script, self.port, self.chain, self.key, *self.options)


class Scripted(Helper):
    """Answers with the bytes that options give, in hex digits."""
    script = "scripted_server.py"


class Relay(Helper):
    """options: where to, and how the bytes are cut; see helpers/relay.py."""
    script = "relay.py"


class Proxy(Helper):
    script = "connect_proxy.py"


BY_NAME = {"s_server": OpenSSL, "nginx": Nginx, "haproxy": Haproxy, "gnutls-serv": GnuTLS}
