# SPDX-License-Identifier: BSD-2-Clause
"""One test's stage: the programs, captures and traces it starts, and the end of all of them."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from . import clients, process, servers
from .capture import Capture
from .net import Network
from .trace import Trace


@dataclass
class Stage:
    certificates: object
    directory: Path
    network: Network = field(default_factory=Network)
    captures: list = field(default_factory=list)
    traces: list = field(default_factory=list)
    undoing: list = field(default_factory=list)

    def __post_init__(self):
        self.processes = process.Processes(self.directory)

    def server(self, kind="nginx", **settings):
        """Start a server, by its name or class; it listens when this returns."""
        kind = servers.BY_NAME.get(kind, kind)
        return kind(self.processes, self.certificates, **settings).start()

    def trace(self, *arguments, **settings):
        trace = Trace(*arguments, **settings)
        self.traces.append(trace)
        return trace

    def capture(self, interface, *ports, **settings):
        capture = Capture(self.directory, interface, *ports, **settings)
        self.captures.append(capture)
        return capture

    def undo(self, action, *arguments):
        """At the end, in reverse order."""
        self.undoing.append((action, arguments))

    def goal(self, server, address="127.0.0.1", port=None, **wishes):
        """port: where a proxy or NAT takes the server's place."""
        return clients.Goal(address, port or server.port, str(self.certificates.authority), **wishes)

    def client(self, name, server, address="127.0.0.1", namespace=None, **wishes):
        """Run a client against server to its end."""
        goal = self.goal(server, address, **wishes)
        done = self.processes.run(clients.BY_NAME[name](goal), namespace,
                                  clients.input_of(name))
        done.comm = clients.COMM[name]
        return done

    def report(self):
        """What a person needs to see when the test failed."""
        parts = [trace.report() for trace in self.traces]
        for started in self.processes.started:
            said = started.log.read_text(errors="replace")[-2000:]
            if said:
                parts.append(f"$ {' '.join(started.args)}\n{said}")
        return "\n".join(parts)

    def stop_traces(self):
        for trace in self.traces:
            trace.stop()

    def close(self):
        for trace in self.traces:
            if trace.process.poll() is None:
                trace.kill()
        for capture in self.captures:
            capture.kill()
        self.processes.end()
        for action, arguments in reversed(self.undoing):
            action(*arguments)
        self.network.remove()


def world_readable_directory():
    """pytest's own directories are closed to others, and nginx's workers are nobody."""
    directory = Path(tempfile.mkdtemp(prefix="tlstrace-e2e-"))
    directory.chmod(0o755)
    return directory


def remove_directory(directory):
    shutil.rmtree(directory, ignore_errors=True)
