# SPDX-License-Identifier: BSD-2-Clause
"""--where, --expect, --max-failed on captures: what they mean, what they say, and the exit status."""

import subprocess
import xml.etree.ElementTree

import pytest

import reading

CAPTURES = reading.GOLDEN / "captures"


def run(capture, *arguments):
    path = CAPTURES / f"{capture}.pcap"
    return subprocess.run([reading.program(), "-r", str(path), "--summary", "none", *map(str, arguments)],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def rows(done):
    return len(done.stdout.splitlines()) - 1  # below the titles


# Of each policy: captures whose only handshake satisfies it, and those that do not, and the field to blame.
POLICIES = {
    "tls13": (["tls13", "quic", "tls13-psk"], {"tls12": "tls.version"}),
    "pq": (["post-quantum"], {"tls13": "pq", "tls12": "pq", "quic": "pq"}),
    "mozilla-modern": (["tls13", "post-quantum"], {"tls12": "tls.version", "tls13-ccm8": "tls.cipher"}),
    "mozilla-intermediate": (["tls13", "tls12", "post-quantum"],
                             {"tls11": "tls.version", "tls12-rsa": "tls.cipher", "tls12-dhe": "tls.cipher"}),
    "nist-800-52r2": (["tls12-dhe", "tls13-retry"], {"tls10": "tls.version", "tls12-rsa": "tls.cipher", "tls13": "tls.group"}),
    "cnsa-2.0": ([], {"post-quantum": "tls.group", "tls12": "tls.version"}),
    "pci-dss-4": (["tls12", "tls13"], {"tls11": "tls.version", "tls12-null": "tls.cipher"}),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_policy(policy):
    fine, wrong = POLICIES[policy]
    for capture in fine:
        done = run(capture, "--expect", f"@{policy}")
        assert done.returncode == 0 and f"--expect '@{policy}' holds" in done.stderr, (capture, done.stderr)
    for capture, field in wrong.items():
        done = run(capture, "--expect", f"@{policy}")
        assert done.returncode == 4 and f"--expect '@{policy}' failed" in done.stderr, (capture, done.stderr)
        assert f" {field} is " in done.stderr, (capture, done.stderr)


def test_policies_are_listed():
    done = subprocess.run([reading.program(), "--policies"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0
    listed = {line.split()[0][1:] for line in done.stdout.splitlines() if line.startswith("@")}
    assert listed == set(POLICIES) == {path.stem for path in (reading.TOP / "policies").glob("*.policy")}
    manual = (reading.TOP / "docs/tlstrace.8.rst").read_text()
    assert all(f"@{name}" in manual for name in listed)


def test_policy_of_a_file(tmp_path):
    policy = tmp_path / "my.policy"
    policy.write_text("# mine\nversion >= TLSv1.2\nand sni == *.example\n")
    assert run("tls12", "--expect", f"@{policy}").returncode == 0
    policy.write_text("# mine\nversion >= TLSv1.2\nand nosuch == 1\n")
    done = run("tls12", "--expect", f"@{policy}")
    assert done.returncode == 2 and "line 3, column 5" in done.stderr, done


@pytest.mark.parametrize("arguments", [["--expect", "@nosuch"], ["--expect", "@./nosuch/file"], ["--expect", "sni =="],
                                       ["--where", "sni &&"], ["--junit", "x"], ["--expect-none-ok"],
                                       ["--max-failed", "5"], ["--max-failed", "101%"], ["--max-failed", "5%/"]], ids=str)
def test_wrong_usage(arguments):
    done = run("tls12", *arguments)
    assert done.returncode == 2 and not done.stdout and done.stderr.startswith("tlstrace: "), done


def test_error_points_at_its_place():
    done = run("tls12", "--where", "version == TLSv1.2 and grup == x25519")
    first, line, mark = done.stderr.splitlines()
    assert done.returncode == 2 and "did you mean 'group'?" in first
    assert line[mark.index("^"):].startswith("grup")


@pytest.mark.parametrize("expression, captures", [
    ("version == TLSv1.2", {"tls12", "tls12-rsa", "alert-unknown-ca"}), ("pq", {"post-quantum"}), ("failed", {"alert-unknown-ca"}),
    ("legacy", {"tls10", "tls12-rsa"}), ("alert == unknown_ca", {"alert-unknown-ca"}),
    ("certificates.not_after > now + 1d and expires > 1d", {"tls12", "tls10", "tls12-rsa", "alert-unknown-ca"}),
    ("server.port == 4433 and server.ip == 192.0.2.0/24 and not pq", {"tls12", "tls10", "tls12-rsa", "tls13", "alert-unknown-ca"}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_where(expression, captures):
    for capture in ("tls12", "tls13", "tls10", "tls12-rsa", "post-quantum", "alert-unknown-ca"):
        done = run(capture, "--where", expression)
        assert done.returncode == 0, done
        assert (rows(done) == 1) == (capture in captures), (capture, done.stdout)


def test_several_wheres_must_all_be_true():
    assert rows(run("tls12", "--where", "sni", "--where", "version == TLSv1.2")) == 1
    assert rows(run("tls12", "--where", "sni", "--where", "version == TLSv1.3")) == 0


def test_no_handshake_is_no_success():
    done = run("tls12", "--expect", "sni", "--port", 1)
    assert done.returncode == 4 and "no handshake was seen" in done.stderr, done
    assert run("tls12", "--expect", "sni", "--port", 1, "--expect-none-ok").returncode == 0


def test_what_cannot_be_decided_fails():
    """The certificate in TLS 1.3; but not of a handshake that failed before it was chosen."""
    done = run("tls13", "--expect", "certificates.key == 'RSA 2048'")
    assert done.returncode == 4 and "cannot be decided" in done.stderr and "TLS 1.3 encrypts it" in done.stderr, done
    done = run("alert-no-cipher", "--expect", "version >= TLSv1.2")
    assert done.returncode == 4 and "so far that it could be decided" in done.stderr, done
    assert run("alert-no-cipher", "--expect", "version >= TLSv1.2", "--expect-none-ok").returncode == 0


def test_each_expectation_has_its_account(tmp_path):
    junit = tmp_path / "tls.xml"
    done = run("tls12", "--expect", "sni", "--expect", "@tls13", "--expect", 'sni != "a<b"', "--junit", junit)
    assert done.returncode == 4
    assert "'sni' holds" in done.stderr and "'@tls13' failed" in done.stderr
    suites = xml.etree.ElementTree.parse(junit).getroot().findall("testsuite")
    assert [(suite.get("name"), suite.get("tests"), suite.get("failures")) for suite in suites] == [
        ("sni", "1", "0"), ("@tls13", "1", "1"), ('sni != "a<b"', "1", "0")]
    [failure] = suites[1].iter("failure")
    assert "tls.version is TLSv1.2" in failure.get("message")
    for suite in suites:
        assert len(suite.findall("testcase")) == int(suite.get("tests"))
        assert len(list(suite.iter("failure"))) == int(suite.get("failures"))


@pytest.mark.parametrize("capture, limit, status", [
    ("tls12", "0%", 0), ("alert-unknown-ca", "5%", 4), ("alert-unknown-ca", "100%", 0), ("alert-unknown-ca", "5%/1m", 0)])
def test_max_failed(capture, limit, status):
    done = run(capture, "--max-failed", limit)
    assert done.returncode == status, done
    if status:
        assert "1 of 1 handshakes failed, more than 5%" in done.stderr and "unknown_ca" in done.stderr, done
