# SPDX-License-Identifier: BSD-2-Clause
"""tlstrace -- COMMAND: its handshakes and its descendants', its signals, its exit status; and -f."""

import os
import pwd
import shlex
import signal

import pytest

from lib import clients, process, terminal, trace, wait

NOBODY = pwd.getpwnam("nobody")


def curl(stage, server, *options):
    return clients.curl(stage.goal(server, options=options))


class Rows:
    """Results in a file of their own: stdout is the command's."""

    def __init__(self, stage):
        self.file = stage.directory / "rows.json"
        self.options = ("-o", "json", "--output-file", self.file)

    def read(self):
        events = [trace.json.loads(line) for line in self.file.read_text().splitlines()]
        assert [events[0]["type"], events[-1]["type"]] == ["start", "end"], events
        assert not sum(events[-1]["lost"].values()), events[-1]
        return events[1:-1], events[-1]


def run(stage, rows, *command, options=(), env=()):
    done = terminal.run(*trace.flavour(), *rows.options, *options, "--", *command, env=env)
    return done, *rows.read()


@pytest.mark.vm
def test_only_its_own(stage):
    """Another client's handshake meanwhile is counted as filtered out."""
    server = stage.server("s_server")
    mine, other = (shlex.join(curl(stage, server)) for _ in range(2))
    # The other one starts when tracing is on, and is done before the command goes on.
    go, done = stage.directory / "go", stage.directory / "done"
    os.mkfifo(go)
    os.mkfifo(done)
    stage.processes.start(["sh", "-c", f"read x <{go}; {other}; echo >{done}"])
    said, rows, end = run(stage, Rows(stage), "sh", "-c",
                          f"echo >{go}; read x <{done}; echo $$; exec {mine}")
    assert said.returncode == 0, said
    [row] = rows
    pid, port = said.stdout.split()
    assert row["client"]["process"]["pid"] == int(pid) and row["client"]["port"] == int(port)
    assert (end["filtered"], end["reported"]) == (1, 1), end


@pytest.mark.vm
@pytest.mark.parametrize("how", ["child", "grandchild", "orphan", "daemon"])
def test_descendants(stage, how):
    """All that it forks, also what outlives it: tlstrace goes on until that has ended too."""
    server = stage.server("s_server")
    client = shlex.join(curl(stage, server))
    # Not before the command has ended and tlstrace has taken note of it.
    late = f"while kill -0 $0 2>/dev/null; do sleep 0.02; done; {client}"
    script = {
        "child": f"{client}; exit 5",
        "grandchild": f"(sh -c {shlex.quote(client + '; true')}; true); exit 5",
        "orphan": f"sh -c {shlex.quote(late)} $$ & exit 5",
        "daemon": f"setsid -f sh -c {shlex.quote(late)} $$; exit 5",
    }[how]
    said, rows, end = run(stage, Rows(stage), "sh", "-c", script)
    assert said.returncode == 5, said
    assert [row["client"]["process"]["comm"] for row in rows] == ["curl"], rows


@pytest.mark.vm
def test_server_as_command(stage):
    """The command may be the server; the trace ends with it, not with the handshake."""
    server = stage.server("s_server")
    argv = server.argv()
    process.end_process(server.process)
    rows = Rows(stage)
    running = stage.processes.start([trace.program(), *trace.flavour(), *map(str, rows.options),
                                     "--", *argv])
    [pid] = wait.until(lambda: process.children_of(running.pid), "the command to be forked")[:1]
    wait.until(lambda: process.listens(pid, server.port), "the command to listen")
    stage.client("openssl", server).ok()
    wait.until(lambda: '"type":"handshake"' in rows.file.read_text(), "a row")
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=wait.limit(15)) == 128 + signal.SIGTERM
    [row], end = rows.read()
    assert row["server"]["process"]["pid"] == pid


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP,
                                 signal.SIGUSR1], ids=lambda how: how.name)
def test_signal_is_passed_on(stage, how):
    """What is sent to tlstrace reaches the command, and its answer is the exit status."""
    ready = stage.directory / "ready"
    name = how.name.removeprefix("SIG")
    script = f"trap 'exit 40' {name}; : >{ready}; while :; do sleep 0.05; done"
    running = stage.processes.start([trace.program(), *trace.flavour(), "--", "sh", "-c", script])
    wait.until(ready.exists, "the command to run")
    running.send_signal(how)
    assert running.wait(timeout=wait.limit(15)) == 40


def state(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def test_stops_and_goes_on(stage):
    """SIGTSTP stops tlstrace and its command, SIGCONT lets both go on."""
    # In the suite's group it could not stop where the suite has no terminal: setpgid(2), orphaned.
    running = stage.processes.start([trace.program(), *trace.flavour(), "--", "sleep", "600"],
                                    own_group=True)
    [pid] = wait.until(lambda: process.children_of(running.pid), "the command to be forked")[:1]
    wait.until(lambda: open(f"/proc/{pid}/comm").read() == "sleep\n", "the command to run")
    running.send_signal(signal.SIGTSTP)
    wait.until(lambda: state(running.pid) == state(pid) == "T", "both to stop")
    running.send_signal(signal.SIGCONT)
    wait.until(lambda: "T" not in (state(running.pid), state(pid)), "both to go on")
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=wait.limit(15)) == 128 + signal.SIGTERM


@pytest.mark.vm
@pytest.mark.parametrize("script,status", [("exit 0", 0), ("exit 37", 37),
                                           ("kill -KILL $$", 128 + signal.SIGKILL)])
def test_exit_status(script, status):
    done = terminal.run(*trace.flavour(), "--", "sh", "-c", script)
    assert done.returncode == status, done


@pytest.mark.vm
@pytest.mark.parametrize("command,status", [("/no/such/command", 127), ("no-such-command", 127),
                                            ("/etc/passwd", 126)])
def test_cannot_run(command, status):
    """As shells say it, in one sentence and without a trace."""
    done = terminal.run(*trace.flavour(), "-o", "json", "--", command)
    assert (done.returncode, done.stdout) == (status, ""), done
    [line] = done.stderr.splitlines()
    assert command in line, line


def test_stdio_is_the_commands(stage):
    """stdin is read by it alone, and what it writes is not changed."""
    done = terminal.subprocess.run(
        [trace.program(), *trace.flavour(), "--output-file", stage.directory / "rows", "--",
         "sh", "-c", "tr a-z A-Z; echo error >&2"], input="words\n", capture_output=True,
        text=True, env=process.environment(), timeout=wait.limit(20))
    assert done.stdout == "WORDS\n", done
    assert done.stderr.startswith("error\ntlstrace: 0 handshakes"), done


USER = "id -u; id -g; id -G; echo $HOME; echo $USER"


@pytest.mark.parametrize("options,env", [
    ((), {"SUDO_UID": str(NOBODY.pw_uid), "SUDO_GID": str(NOBODY.pw_gid)}),
    (("--user", "nobody"), {}),
    (("--user", str(NOBODY.pw_uid)), {"SUDO_UID": "1", "SUDO_GID": "1"}),
], ids=["sudo", "name", "number"])
def test_user(stage, options, env):
    """Behind sudo the command is the user's again; --user says otherwise."""
    done = terminal.run(*trace.flavour(), *options, "--output-file", stage.directory / "rows",
                        "--", "sh", "-c", USER, env=env)
    uid, gid, groups, home, name = done.stdout.split()
    assert (int(uid), int(gid), home, name) == (NOBODY.pw_uid, NOBODY.pw_gid, NOBODY.pw_dir,
                                                "nobody")
    assert "0" not in groups.split(), groups


def test_root_stays_root(stage):
    done = terminal.run(*trace.flavour(), "--output-file", stage.directory / "rows", "--", "id",
                        "-u")
    assert done.stdout == "0\n", done


@pytest.mark.parametrize("arguments", [
    ["--user", "no-such-user", "--", "true"], ["--output-file", "/no/such/place", "--", "true"],
    ["-i", "no-such-device", "--", "true"],
], ids=["user", "file", "interface"])
def test_command_does_not_run(stage, arguments):
    """Where tlstrace itself fails nothing is run."""
    mark = stage.directory / "mark"
    arguments = [*arguments[:-1], "touch", mark]
    done = terminal.run(*trace.flavour(), *arguments)
    assert done.returncode == 1 and not mark.exists(), done
    assert len(done.stderr.splitlines()) == 1, done


@pytest.mark.parametrize("arguments", [["true"], ["-f"], ["--user", "nobody"]])
def test_wrong_usage(arguments):
    done = terminal.run(*arguments)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1, done


def test_count_ends_the_trace_not_the_command(stage):
    server = stage.server("s_server")
    client = shlex.join(curl(stage, server))
    said, rows, _ = run(stage, Rows(stage), "sh", "-c", f"{client}; {client}; echo; echo end",
                        options=("-n", "1"))
    assert len(rows) == 1 and said.stdout.endswith("\nend\n"), said


def test_follow_forks(stage):
    """-p with -f: children there are already and children to come, and nobody else."""
    server = stage.server("s_server")
    pipes = [stage.directory / name for name in ("first", "second")]
    for pipe in pipes:
        os.mkfifo(pipe)
    client = shlex.join(curl(stage, server))
    script = f"(read x <{pipes[0]}; {client}) & read x <{pipes[1]}; {client}; wait"
    parent = stage.processes.start(["sh", "-c", script])
    wait.until(lambda: process.children_of(parent.pid), "the first child")
    running = stage.trace("-f", "-p", parent.pid)
    stage.client("openssl", server).ok()
    for count, pipe in enumerate(pipes, start=1):
        pipe.write_text("go\n")
        running.wait_rows(count, port=server.port)
    end = running.stop()
    assert [row["client"]["process"]["comm"] for row in running.rows] == ["curl", "curl"]
    assert end["filtered"] == 1, end


def test_without_follow_forks(stage):
    """-p alone is that one process."""
    server = stage.server("s_server")
    pipe = stage.directory / "pipe"
    os.mkfifo(pipe)
    parent = stage.processes.start(
        ["sh", "-c", f"read x <{pipe}; {shlex.join(curl(stage, server))}; true"])
    running = stage.trace("-p", parent.pid)
    pipe.write_text("go\n")
    parent.wait(timeout=wait.limit(15))
    end = running.stop()
    assert not running.rows and end["filtered"] == 1, end
