# SPDX-License-Identifier: BSD-2-Clause
"""Runs the whole table of line_cases.py once, several cases at a time, under the same few traces."""

import concurrent.futures
import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field

from . import line_truth, process, reading, shape, wait
from .line import Dump, Lines
from .line_cases import CLIENTS, NAME, SERVERS
from .process import command
from .trace import Trace

AT_ONCE = 5
VIEWS = ("both", "client", "server", "client-file", "server-file")
FIRST_PORT = 5000


@dataclass
class Result:
    """What became of one case."""
    case: object
    port: int
    truth: object = None
    error: str = None
    verdicts: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)


def large(certificates, name, copy_of, names):
    """A certificate as big as so many names make it, of the authority that the others are of."""
    extensions = certificates.directory / f"{name}.ext"
    names = ",".join(f"DNS:{'x' * 40}-{number}.example.org" for number in range(names))
    extensions.write_text(f"subjectAltName=DNS:*.example.org,{names}\n")
    command("openssl", "x509", "-req", "-in", certificates.directory / f"{copy_of}.csr", "-days", "7",
            "-CA", certificates.authority, "-CAkey", certificates.key("authority"), "-CAcreateserial",
            "-extfile", extensions, "-out", certificates.chain(name))
    certificates.key(name).write_bytes(certificates.key(copy_of).read_bytes())


@dataclass
class Place:
    """Where a case runs: its line, and the files that its programs need."""
    line: object
    certificates: object

    @property
    def authority(self):
        return str(self.certificates.authority)

    def chain(self, name):
        return str(self.certificates.chain(name))

    def key(self, name):
        return str(self.certificates.key(name))


class Table:
    def __init__(self, stage, cases):
        self.stage, self.cases = stage, cases
        for name, copy_of, names in (("large", "server", 110), ("huge", "server", 500),
                                     ("client-large", "client", 80)):
            large(stage.certificates, name, copy_of, names)
        self.lines = Lines(stage.network, len(cases))
        stage.undo(self.lines.stop)
        self.results = [Result(case, FIRST_PORT + number) for number, case in enumerate(cases)]

    def run(self):
        started = time.monotonic()
        self.watch()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.run_case, self.results, self.lines.lines))
        self.collect()
        self.seconds = time.monotonic() - started
        return self

    def watch(self):
        lines = self.lines
        self.traces = {"both": Trace(everywhere=True), "client": Trace(namespace=lines.clients),
                       "server": Trace(namespace=lines.servers)}
        self.stage.traces += self.traces.values()
        self.dumps = {f"{end}-file": Dump(self.stage.directory / f"{end}.pcap", namespace)
                      for end, namespace in (("client", lines.clients), ("server", lines.servers))}
        self.stage.captures += [dump.process for dump in self.dumps.values()]

    def run_case(self, result, line):
        case, place = result.case, Place(line, self.stage.certificates)
        ways = (f"from={end} way={ms}" for end, ms in zip(("client", "server"), case.way))
        line.rule(*ways, *case.rules)
        name, *options = case.server
        argv = list(map(str, SERVERS[name](place, case, result.port, *options)))
        server = subprocess.Popen(process.in_namespace(self.lines.servers, argv), stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=process.environment())
        try:
            wait.until(lambda: process.listens(server.pid, result.port, case.transport), f"{argv} to listen")
            until = self.run_client(case, place, result.port)
            self.wait_quiet(line)
        except AssertionError as error:
            result.error = str(error)
            until = 0
        finally:
            process.end_process(server)
        packets = [line.packets[number] for number in sorted(line.packets)]
        if case.transport == "udp":
            result.truth = line_truth.of_udp(packets, until, case.timer_ms)
        else:
            result.truth = line_truth.of_tcp(packets, case.version, until, case.fresh)
        line.stop()
        if line.unused and not result.error:
            result.error = f"rules that never acted: {line.unused} of {case.rules}"

    def run_client(self, case, place, port):
        """When the client said that its handshake was over, ns of CLOCK_MONOTONIC."""
        name, *options = case.client
        build, mark, say = CLIENTS[name]
        argv = list(map(str, build(place, case, port, *options)))
        client = subprocess.Popen(process.in_namespace(self.lines.clients, argv), stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=process.environment())
        killer = threading.Timer(wait.limit(15), client.kill)
        killer.start()
        said, until = b"", 0
        while mark and mark not in said and (read := os.read(client.stdout.fileno(), 65536)):
            said += read
        until = place.line.mark()
        try:
            client.communicate(say)
        except BrokenPipeError:
            pass
        killer.cancel()
        until = until if mark else place.line.mark()
        assert not mark or mark in said, f"{argv}: {said.decode(errors='replace')}"
        return until

    def wait_quiet(self, line):
        """Nothing is under way any more: what is lost at the end of a connection still comes."""
        wait.until(lambda: all(p.outs or p.dropped for p in list(line.packets.values())), "the line to be empty")

    def collect(self):
        ports = [result.port for result in self.results]
        for view, trace in self.traces.items():
            try:
                trace.wait_for(lambda: {row["server"]["port"] for row in trace.rows} >= set(ports),
                               "rows of all cases", 3)
            except AssertionError:
                pass  # judged case by case
            trace.process.send_signal(signal.SIGINT)
            trace.finish()
        for dump in self.dumps.values():
            dump.stop()
        rows = {view: trace.rows for view, trace in self.traces.items()}
        for view, dump in self.dumps.items():
            rows[view] = self.read(dump.file)
        for result in self.results:
            for view in VIEWS:
                self.judge(result, view, [row for row in rows[view] if row["server"]["port"] == result.port])

    @staticmethod
    def read(file):
        """What a file says; its rows are judged case by case, so their shape is too."""
        lines = reading.run("-o", "json", "-r", file).stdout.splitlines()
        return [row for row in map(json.loads, lines) if row["type"] == "handshake"]

    def judge(self, result, view, rows):
        result.rows[view] = rows
        verdict = line_truth.judge(rows[0] if rows else None, result.truth, view, result.case)
        problems = [problem for row in rows for problem in shape.row_problems(row)]
        if problems:
            verdict.word = "misleading"
            verdict.why += problems
        if len(rows) > 1:
            verdict.word = "misleading"
            verdict.why.append(f"{len(rows)} rows: {[row['verdict'] for row in rows]}")
        result.verdicts[view] = verdict

    def report(self):
        """A line for each case, and the sums."""
        text, sums = [], {view: {} for view in VIEWS}
        for result in self.results:
            words = []
            for view in VIEWS:
                word = result.verdicts[view].word
                sums[view][word] = sums[view].get(word, 0) + 1
                words.append(word)
            text.append(f"{result.case.name:34} " + " ".join(f"{word:10}" for word in words))
        for word in ("right", "part", "misleading"):
            text.append(f"{word:34} " + " ".join(f"{sums[view].get(word, 0):<10}" for view in VIEWS))
        return "\n".join(text)

    def details(self):
        """For a person who wants to know why."""
        return json.dumps([{
            "case": result.case.name, "rules": result.case.rules, "error": result.error,
            "truth": result.truth.groups_ms, "resent": result.truth.resent,
            "views": {view: {"verdict": result.verdicts[view].word, "why": result.verdicts[view].why,
                             "latency": [row["latency"] for row in result.rows[view]],
                             "outcome": [(row["outcome"], row["verdict"], row["incomplete"]) for row in result.rows[view]]}
                      for view in VIEWS}} for result in self.results], indent=1)
