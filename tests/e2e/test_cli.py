# SPDX-License-Identifier: BSD-2-Clause
"""The command line: filters, ends, forms of output, privileges, what hostile bytes may not do."""

import json
import os
import re
import shutil
import signal
import subprocess
import threading

import pytest

from lib import hello, process, terminal, trace, wait

UNPRIVILEGED = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                "--inh-caps", "-all", "--bounding-set", "-all")
# A name that would clear the screen, ring, forge a row and change the title, were it printed raw.
HOSTILE = b"\x1b[2J\x07\r\n\x9bevil\x1b]0;title\x07\xff.example.org"


class Two:
    """Two handshakes that differ in everything a filter looks at.

    a: curl, here, to nginx as nobody over lo; b: openssl in a namespace to s_server here over veth.
    """

    def __init__(self, stage):
        self.stage = stage
        self.here, self.there = stage.network.veth()
        self.a = stage.server("nginx", workers=1)
        self.b = stage.server("s_server")

    def run(self):
        self.stage.client("curl", self.a, sni="alpha.example.org").ok()
        self.stage.client("openssl", self.b, self.here.ip4, self.there.namespace,
                          sni="beta.example.org").ok()

    def network(self):
        return self.here.ip4.rsplit(".", 1)[0] + ".0/24"


FILTERS = {
    "pid of a worker": (lambda two: ["-p", two.a.pids[0]], "a"),
    "pid of s_server": (lambda two: ["--pid", two.b.process.pid], "b"),
    "either pid": (lambda two: ["-p", two.a.pids[0], "-p", two.b.process.pid], "ab"),
    "pid of another": (lambda two: ["-p", os.getpid()], ""),
    "comm": (lambda two: ["-c", "curl"], "a"),
    "comm of the server": (lambda two: ["--comm", "nginx"], "a"),
    "comm as glob": (lambda two: ["-c", "open*"], "b"),
    "user by name": (lambda two: ["-u", "nobody"], "a"),
    "user by number": (lambda two: ["--uid", "65534"], "a"),
    "user of all": (lambda two: ["-u", "root"], "ab"),
    "interface lo": (lambda two: ["-i", "lo"], "a"),
    "interface veth": (lambda two: ["--interface", two.here.interface], "b"),
    "namespace by name": (lambda two: ["--netns", two.there.namespace], "b"),
    "namespace by process": (lambda two: ["--netns", two.a.process.pid], "ab"),
    "namespace by path": (lambda two: ["--netns", f"/run/netns/{two.there.namespace}"], "b"),
    "this namespace": (lambda two: ["--netns", "self"], "ab"),
    "all namespaces": (lambda two: ["--netns", two.there.namespace, "--netns", "all"], "ab"),
    "port": (lambda two: ["--port", two.a.port], "a"),
    "either port": (lambda two: ["--port", two.a.port, "--port", two.b.port], "ab"),
    "host": (lambda two: ["--host", "127.0.0.1"], "a"),
    "host of the client": (lambda two: ["--host", two.there.ip4], "b"),
    "network": (lambda two: ["--host", "127.0.0.0/8"], "a"),
    "other network": (lambda two: ["--host", two.network()], "b"),
    "no such host": (lambda two: ["--host", "2001:db8:ffff::/48"], ""),
    "sni": (lambda two: ["--sni", "alpha.example.org"], "a"),
    "sni as glob": (lambda two: ["--sni", "b*.example.org"], "b"),
    "sni of all": (lambda two: ["--sni", "*.example.org"], "ab"),
    "role of curl": (lambda two: ["-c", "curl", "--role", "client"], "a"),
    "not the role of curl": (lambda two: ["-c", "curl", "--role", "server"], ""),
    "role of nginx": (lambda two: ["-c", "nginx", "--role", "server"], "a"),
    "slower": (lambda two: ["--slower-than", "1us"], "ab"),
    "not slower": (lambda two: ["--slower-than", "1m"], ""),
    "two filters": (lambda two: ["-c", "nginx", "--sni", "beta*"], ""),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filter(stage, name):
    two = Two(stage)
    arguments, expected = FILTERS[name]
    running = stage.trace(*arguments(two))
    two.run()
    # No waiting for rows: at its end a trace reports all that it has seen.
    end = running.stop()
    got = "".join(letter for letter, server in (("a", two.a), ("b", two.b))
                  for _ in running.select(port=server.port))
    assert got == expected, running.report()
    if "interface" not in name:
        assert end["filtered"] >= 2 - len(expected), end


def test_count(stage):
    """-n 2 ends by itself after the second handshake."""
    server = stage.server("s_server")
    running = stage.trace("--port", server.port, "-n", 2)
    for _ in range(2):
        stage.client("openssl", server).ok()
    running.stop(how=None)
    assert len(running.rows) == 2


@pytest.mark.parametrize("duration", ["500ms", "1s"])
def test_duration(stage, duration):
    stage.trace("-d", duration).stop(how=None)


@pytest.mark.vm
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_cleanly(stage, how):
    server = stage.server("s_server")
    running = stage.trace()
    stage.client("openssl", server).ok()
    running.stop(how)
    assert len(running.select(port=server.port)) == 1


def test_strict_without_loss(stage):
    server = stage.server("s_server")
    running = stage.trace("--strict")
    stage.client("openssl", server).ok()
    running.stop()


def test_strict_with_loss(stage):
    """Stopped while handshakes run, tlstrace cannot empty its buffer: it says what it lost."""
    server = stage.server("s_server")
    running = stage.trace("--strict", "--buffer-size", 65536, expect_loss=True)
    os.kill(running.pid, signal.SIGSTOP)
    for _ in range(60):
        stage.client("openssl", server).ok()
    os.kill(running.pid, signal.SIGCONT)
    end = running.stop(code=3)
    assert end["seen"] >= 60, end
    assert "lost" in running.stderr()


def test_help():
    done = terminal.run("--help")
    assert done.returncode == 0 and not done.stderr
    assert terminal.run("-h").stdout == done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.vm
def test_version():
    done = terminal.run("--version")
    assert done.returncode == 0 and not done.stderr
    assert done.stdout.startswith("tlstrace ") and re.search(r"\d", done.stdout)
    assert terminal.run("-V").stdout == done.stdout


@pytest.mark.parametrize("arguments", [
    ["--no-such-option"], ["-o", "xml"], ["-d", "soon"], ["-d", "-1s"], ["-n", "0x"], ["-n", "-3"],
    ["--port", "70000"], ["--port", "http"], ["--host", "not-an-address"],
    ["--host", "192.0.2.0/33"], ["--role", "proxy"], ["--netns", "no-such-name"], ["--netns", "/etc/passwd"], ["-u", "no-such-user-here"],
    ["-p", "init"], ["--port", "443,8443"], ["--buffer-size", "much"], ["--color", "blue"], ["--slower-than", "much"],
    ["--slower-than", "5"], ["--summary", "long"], ["-p"], ["stray"], ["--timeout", "0s"],
    ["--timeout", "2h"], ["-d", "0x1s"], ["-i", ""],
], ids=" ".join)
def test_wrong_usage(arguments):
    done = terminal.run(*arguments)
    assert done.returncode == 2, done
    assert not done.stdout and re.match(r"\S*tlstrace\S*: \S", done.stderr), done
    assert len(done.stderr.strip().splitlines()) <= 2, done


@pytest.mark.parametrize("arguments,said", [
    (["-xv"], "there is no option '-x'"), (["-v", "-xf"], "there is no option '-x'"),
    (["--nonsense=1"], "there is no option '--nonsense=1'"), (["--failed=yes"], "option '--failed' takes no value"),
    (["-vp"], "option '-p' takes a value"), (["--port"], "option '--port' takes a value"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_wrong_option_is_named(arguments, said):
    done = terminal.run(*arguments)
    assert done.returncode == 2 and said in done.stderr, done


def test_more_interfaces_than_open_files(stage):
    """Each takes two descriptors with TCX: the soft limit of a shell is no limit of a tracer's."""
    interfaces = {side.interface for _ in range(20) for side in stage.network.pair()}
    done = subprocess.run(["sh", "-c", 'ulimit -Sn 50; exec "$@"', "sh", trace.program(), *trace.flavour(), "-o", "json",
                           "-d", "10ms"], capture_output=True, text=True, env=process.environment(),
                          timeout=wait.limit(30))
    assert done.returncode == 0 and "not traced" not in done.stderr, done
    start = json.loads(done.stdout.splitlines()[0])
    assert interfaces <= {row["name"] for row in start["capture"]["interfaces"]}


def test_no_such_interface():
    done = terminal.run("-i", "nosuch0", "-d", "1s")
    assert done.returncode in (1, 2) and "nosuch0" in done.stderr, done


def test_no_such_process():
    """Without this error it would wait for ever for a process that does not exist, or for a thread."""
    with subprocess.Popen(["true"]) as gone:
        pass
    done = terminal.run("-p", gone.pid, "-d", "1s")
    assert done.returncode == 1 and f"there is no process {gone.pid}" in done.stderr, done


def test_thread_is_no_process():
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    done = terminal.run("-p", thread.native_id, "-d", "1s")
    over.set()
    assert done.returncode == 1 and f"a thread of process {os.getpid()}" in done.stderr, done


def test_unprivileged(stage):
    """One sentence that names what is missing and the way out."""
    # The tree may be closed to others: a copy is not.
    copy = shutil.copy(trace.program(), stage.directory / "tlstrace")
    done = terminal.run("-o", "json", "-d", "1s", prefix=UNPRIVILEGED, program=copy)
    assert done.returncode == 1 and not done.stdout, done
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert "CAP_" in lines[0] and "root" in lines[0] or "sudo" in lines[0], done.stderr
    assert "libbpf" not in done.stderr


@pytest.fixture
def text(stage):
    """Start tlstrace with text output; it is ended with the test."""
    started = []

    def start(*arguments, **settings):
        started.append(terminal.TextRun(*arguments, **settings))
        return started[-1]
    yield start
    for one in started:
        one.kill()


COLUMNS = ["TIME", "CLIENT", "SERVER", "SNI", "VERSION", "CIPHER", "GROUP", "ALPN", "MS", "RESULT"]


def handshakes(stage, server, name="openssl", **wishes):
    return lambda: stage.client(name, server, **wishes)


@pytest.mark.parametrize("how", [["-o", "table"], []], ids=["table", "default"])
def test_table_in_a_pipe(stage, text, how):
    server = stage.server("nginx", workers=1)
    run = text("--port", server.port, *how, columns=None)
    run.wait_for(b"web.example.org", handshakes(stage, server))
    assert run.stop() == 0
    assert b"\x1b" not in run.output
    assert run.stderr().strip()  # the footer: results go to stdout, the sum of it all here
    header, *rows = run.lines()
    assert header.split() == COLUMNS
    for row in rows:
        assert re.match(r"\d\d:\d\d:\d\d", row), row
        for part in ("openssl[", f"nginx[{server.pids[0]}]", "TLSv1.3", "TLS_AES_256_GCM_SHA384",
                     "x25519", " ok"):
            assert part in row, (part, row)


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_table_on_a_terminal(stage, text, columns):
    server = stage.server("nginx", workers=1)
    run = text("--port", server.port, columns=columns)
    long = "a-rather-long-name-of-a-host-in-some-deep-part-of-a-cluster.example.org"
    run.wait_for(b"nginx[", handshakes(stage, server, sni=long))
    assert run.stop() == 0
    lines = run.lines()
    assert len(lines) >= 2 and max(map(len, lines)) <= columns, lines
    assert b"\x1b[" in run.output


@pytest.mark.parametrize("columns,option,coloured", [
    (200, "never", False), (200, "auto", True), (200, "always", True),
    (None, "auto", False), (None, "always", True),
])
def test_colour(stage, text, columns, option, coloured):
    server = stage.server("s_server")
    run = text("--port", server.port, "--color", option, columns=columns)
    run.wait_for(b"openssl[", handshakes(stage, server))
    assert run.stop() == 0
    assert (b"\x1b[" in run.output) == coloured


def test_wide_in_a_pipe(stage, text):
    """All columns of the table, and one for each phase."""
    server = stage.server("nginx", workers=1)
    run = text("--port", server.port, "-o", "wide", columns=None)
    run.wait_for(b"web.example.org", handshakes(stage, server))
    assert run.stop() == 0
    header, *rows = run.lines()
    titles = header.split()
    assert titles[:8] == COLUMNS[:8] and titles[-2:] == COLUMNS[-2:]
    phases = titles[titles.index("TCP_CONNECT"):-2]
    assert {"TCP_CONNECT", "HELLO_NETWORK", "SERVER_CRYPTO", "CLIENT_CRYPTO", "UNKNOWN"} <= set(phases)
    for row in rows:
        cells = dict(zip(titles, row.split()))
        assert cells["RESUMED"] == "no" and cells["RESULT"] == "ok", row
        assert float(cells["MS"]) > 0, row


@pytest.mark.parametrize("columns", [80, 200, 400])
def test_wide_on_a_terminal(stage, text, columns):
    server = stage.server("nginx", workers=1)
    run = text("--port", server.port, "-o", "wide", columns=columns)
    run.wait_for(b"nginx[", handshakes(stage, server))
    assert run.stop() == 0
    lines = run.lines()
    assert max(map(len, lines)) <= columns, lines
    assert ("SERVER_CRYPTO" in lines[0]) == (columns >= 200)


def test_tree(stage, text):
    """All of one handshake: both ends and its messages in order, with times."""
    server = stage.server("s_server")
    run = text("--port", server.port, "-o", "tree")
    run.wait_for(b"server_hello_done", handshakes(stage, server, version="TLSv1.2"))
    assert run.stop() == 0
    shown = "\n".join(run.lines())
    names = ["client_hello", "server_hello", "certificate", "server_key_exchange",
             "server_hello_done", "client_key_exchange", "change_cipher_spec"]
    messages = shown[shown.rindex("client_hello"):]  # after the certificates
    places = [messages.index(name) for name in names]
    assert places == sorted(places), shown
    for part in ("web.example.org", f"openssl[{server.process.pid}]", "TLSv1.2", "x25519"):
        assert part in shown, (part, shown)


PHASE_LINE = re.compile(r"    (\w+) +(client|server|-) +(\d+\.\d{3}) +(\d+\.\d{3}) ( *[^ a-z]+)(  .*)?")


@pytest.mark.parametrize("columns,locale,marks", [
    (80, "C", "#."), (80, "C.UTF-8", "█▏░"), (120, "C", "#."), (200, "C.UTF-8", "█▏░"), (None, "C", "#.")])
def test_tree_shows_where_the_time_went(stage, text, columns, locale, marks):
    """One line per phase, in order, with a bar to scale; the longest phase is the cause."""
    server = stage.server("s_server")
    run = text("--port", server.port, "-o", "tree", columns=columns, env={"LC_ALL": locale})
    run.wait_for(b"slow because", handshakes(stage, server))
    assert run.stop() == 0
    lines = run.lines()
    lines = lines[:next(index for index, line in enumerate(lines) if "slow because" in line) + 1]
    phases = [found.groups() for found in map(PHASE_LINE.fullmatch, lines) if found]
    names = [name for name, *_ in phases]
    assert names[0] == "tcp_connect" and {"server_crypto", "client_crypto"} <= set(names), lines
    starts = [float(start) for _, _, start, *_ in phases]
    times = [float(took) for _, _, _, took, *_ in phases]
    for index, start in enumerate(starts):
        assert start == pytest.approx(sum(times[:index]), abs=0.001 * (index + 1)), lines
    [total] = [float(line.split()[1]) for line in lines if line.startswith("    total ")]
    assert sum(times) == pytest.approx(total, abs=0.001 * len(times))
    axis = next(len(line) - 44 for line in lines if line.startswith("    phase "))
    for name, _, start, took, bar, _ in phases:
        # Eighths of a column are rounded, and what took no time is still a mark.
        assert abs(len(bar) - (float(start) + float(took)) / total * axis) <= 1.1, (name, bar, lines)
        assert set(bar.strip()) & set(marks + "▎▍▌▋▊▉▐"), bar
    longest = max(phases, key=lambda phase: float(phase[3]))[0]
    assert lines[-1].startswith(f"  slow because: {longest} "), lines
    assert max(map(len, lines[-len(phases) - 4:])) <= (columns or 100), lines


@pytest.mark.parametrize("output,columns", [
    ("table", 400), ("table", None), ("tree", 200), ("tree", None), ("json", None),
])
def test_hostile_bytes_are_escaped(stage, text, output, columns):
    server = stage.server("s_server")
    run = text("--port", server.port, "-o", output, columns=columns)
    command = process.helper("hello_client.py", "127.0.0.1", server.port,
                             hello.client_hello(sni=HOSTILE).hex(), "fin")
    run.wait_for(b"evil", lambda: stage.processes.run(command).ok())
    assert run.stop() == 0
    if output == "json":
        assert b'\\\\x1b[2J' in run.output and b'\\\\x9bevil' in run.output
    else:
        assert b"\\x1b[2J\\x07" in run.output and b"\\x9bevil" in run.output
    # Colours end in "m" and a terminal gets "\r\n"; nothing else may control it.
    plain = re.sub(rb"\x1b\[[0-9;]*m", b"", run.output).replace(b"\r\n", b"\n")
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", plain), plain
    plain.decode()  # and it is UTF-8


def test_closed_pipe(stage):
    """tlstrace | head -1: it ends when its reader has gone, or at a signal."""
    running = stage.processes.start([trace.program(), *trace.flavour(), "-o", "json"],
                                    stdout=subprocess.PIPE)
    assert b'"start"' in running.stdout.readline()
    running.stdout.close()
    server = stage.server("s_server")
    stage.client("openssl", server).ok()
    if running.poll() is None:
        running.send_signal(signal.SIGINT)
    assert running.wait(wait.limit(15)) in (0, 1, -signal.SIGPIPE, 128 + signal.SIGPIPE)
    assert b"Assertion" not in running.log.read_bytes()
