# SPDX-License-Identifier: BSD-2-Clause
"""The table of kernels: what the virtual machines reported, and nothing else."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASE = '<testcase classname="tests.e2e.test_{file}" name="{name}" time="1">{inside}</testcase>'


def report(folder, rows, document=None):
    command = [sys.executable, "-B", str(ROOT / "tests/vm/report.py"), str(folder), "\n".join(rows)]
    return subprocess.run(command + ([str(document)] if document else []), capture_output=True, text=True)


def put(folder, row, cases, status=0):
    text = "".join(CASE.format(file=file, name=name, inside=inside) for file, name, inside in cases)
    (folder / f"{row}.xml").write_text(f"<testsuites><testsuite>{text}</testsuite></testsuites>")
    (folder / f"{row}.status").write_text(f"{status}\n")


def test_counts_and_document(tmp_path):
    put(tmp_path, "6.1-kprobe-clsact", [
        ("topology", "test_veth[4]", ""), ("topology", "test_veth[6]", "<failure/>"),
        ("udp", "test_dtls[a]", ""), ("udp", "test_quic_retry", ""), ("clean", "test_x", "<skipped/>")], 1)
    (tmp_path / "6.1.release").write_text("6.1.0-test\n")
    done = report(tmp_path, ["6.1 kprobe clsact"], tmp_path / "kernels.md")
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["6.1     kprobe      clsact  3 passed, 1 failed, 1 skipped",
                                        "vmtest: 3 passed, 1 failed"]
    rows = [line.split(" | ") for line in (tmp_path / "kernels.md").read_text().splitlines()
            if line.startswith("| ")]
    cells = dict(zip((cell.strip("| ") for cell in rows[0]), (cell.strip("| ") for cell in rows[-1])))
    assert cells["kernel"] == "6.1.0-test" and cells["sockets"] == "kprobe"
    assert cells["interfaces and processes"] == "1 of 2"
    assert cells["DTLS"] == cells["QUIC"] == "1 of 1" and cells["cleanup"] == "-"


def test_a_row_without_a_report_has_failed(tmp_path):
    put(tmp_path, "5.10-kprobe-clsact", [("clean", "test_x", "")])
    done = report(tmp_path, ["5.10 kprobe clsact", "6.1 fentry clsact"], tmp_path / "kernels.md")
    assert done.returncode == 1 and done.stdout.endswith("vmtest: 1 passed, 1 failed\n")
    assert "No complete result: 6.1 fentry clsact" in (tmp_path / "kernels.md").read_text()


def test_a_row_without_a_test_has_failed(tmp_path):
    put(tmp_path, "6.1-kprobe-clsact", [])
    assert report(tmp_path, ["6.1 kprobe clsact"]).stdout.endswith("vmtest: 0 passed, 1 failed\n")


def test_every_test_in_the_list_has_a_subject():
    sys.path.insert(0, str(ROOT / "tests/vm"))
    import report as module
    files = {line.split("::")[0].rsplit("/test_", 1)[1].removesuffix(".py")
             for line in (ROOT / "tests/vm/tests.txt").read_text().splitlines()}
    known = {file.split("_")[0] for names in module.SUBJECTS.values() for file in names}
    assert {file.split("_")[0] for file in files} - known == set()
