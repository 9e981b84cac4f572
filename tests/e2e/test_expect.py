# SPDX-License-Identifier: BSD-2-Clause
"""A check in CI: real clients of known policy, run by tlstrace, pass or fail as they must."""

import os
import re
import shutil
import subprocess
import xml.etree.ElementTree

import pytest

from lib import clients, servers, terminal, trace, trixie


class TrixieServer(servers.InTrixie, servers.OpenSSL):
    """OpenSSL 3.5: it takes post-quantum groups."""


@pytest.fixture
def post_quantum(stage):
    try:
        trixie.root()
    except (trixie.Unavailable, OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"NO POST-QUANTUM TESTS: there is no trixie root: {error}")
    server = stage.server(TrixieServer)
    yield server
    shutil.rmtree(server.inside, ignore_errors=True)


def expect(*options, command):
    return terminal.run(*trace.flavour(), *options, "--", *command)


def curl(port):
    return ["curl", "-sk", "-o", "/dev/null", f"https://127.0.0.1:{port}/"]


def test_openssl_30_is_not_post_quantum(stage):
    """Debian 12's curl and nginx: the client is to blame."""
    server = stage.server("nginx", workers=1)
    done = expect("--expect", "@pq", command=curl(server.port))
    assert done.returncode == 4, done
    assert re.search(r"curl\[\d+\] to nginx\[\d+\]", done.stderr), done.stderr
    assert re.search(r"client curl\[\d+\] offers no post-quantum group; X25519MLKEM768 needs OpenSSL 3\.5", done.stderr)


def test_openssl_35_is_post_quantum(post_quantum):
    inside = ["chroot", str(trixie.root()), *curl(post_quantum.port)]
    done = expect("--expect", "@pq", "--expect", "version == TLSv1.3", command=inside)
    assert done.returncode == 0 and "holds" in done.stderr, done


def test_old_server_is_to_blame(stage):
    """OpenSSL 3.5's client offers it, OpenSSL 3.0's server does not choose it."""
    try:
        root = trixie.root()
    except trixie.Unavailable as error:
        pytest.skip(f"NO POST-QUANTUM TESTS: there is no trixie root: {error}")
    server = stage.server("nginx", workers=1)
    done = expect("--expect", "@pq", command=["chroot", str(root), *curl(server.port)])
    assert done.returncode == 4, done
    assert re.search(r"server nginx\[\d+\] did not choose the post-quantum group that the client offers", done.stderr), done


def test_nothing_checked_is_nothing_passed():
    done = expect("--expect", "@pq", command=["true"])
    assert done.returncode == 4 and "no handshake was seen" in done.stderr, done
    assert expect("--expect", "@pq", "--expect-none-ok", command=["true"]).returncode == 0


def test_status_of_the_command(stage):
    """The command's own failure is passed on, unless an expectation failed too; then both are said."""
    server = stage.server("nginx", workers=1)
    failing = ["sh", "-c", " ".join([*curl(server.port), "; exit 7"])]
    assert expect("--expect", "@mozilla-intermediate", command=failing).returncode == 7
    done = expect("--expect", "@pq", command=failing)
    assert done.returncode == 4 and "the command failed too: its exit status is 7" in done.stderr, done


def test_equal_violations_are_listed_once(stage):
    server = stage.server("nginx", workers=1)
    junit = stage.directory / "tls.xml"
    three = ["sh", "-c", "; ".join([" ".join(curl(server.port))] * 3)]
    done = expect("--expect", "@pq", "--junit", junit, command=three)
    assert done.returncode == 4 and "3 of 3 handshakes do not satisfy it" in done.stderr, done
    assert done.stderr.count("offers no post-quantum group") == 1 and "and 2 more like it" in done.stderr
    [suite] = xml.etree.ElementTree.parse(junit).getroot().findall("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert oct(os.stat(junit).st_mode)[-3:] == "600"


@pytest.mark.parametrize("client", ["openssl", "python", "node"])
def test_other_clients(stage, client):
    server = stage.server("nginx", workers=1)
    goal = clients.BY_NAME[client](stage.goal(server))
    done = subprocess.run([trace.program(), *trace.flavour(), "--expect", "@mozilla-intermediate", "--expect", "sni", "--", *goal],
                          input=clients.input_of(client), capture_output=True, timeout=60)
    assert done.returncode == 0 and done.stderr.count(b"holds") == 2, done


def test_too_many_failures_end_a_trace(stage):
    """curl does not know the authority: the limit is exceeded at the 20th handshake, and a message names the pair."""
    server = stage.server("nginx", workers=1)
    many = f"for i in $(seq 30); do curl -s https://127.0.0.1:{server.port}/; done; true"
    done = expect("--max-failed", "50%/10s", command=["sh", "-c", many])
    assert done.returncode == 4, done
    assert re.search(r"20 of 20 handshakes failed within 10 s, more than 50%; most often curl\[\d+\] to nginx", done.stderr)
    assert "unknown_ca" in done.stderr.split("most often")[1]
