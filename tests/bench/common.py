# SPDX-License-Identifier: BSD-2-Clause
"""What all measurements use: running programs, waiting, ending them."""

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import tempfile
import time

PREFIX = "tlsbench"


class BenchError(Exception):
    """One sentence that says why the measurement cannot be made."""


def run(*command, timeout=15):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        complaint = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise BenchError(f"`{' '.join(command)}` failed: {complaint}")
    return done.stdout


def wait_until(condition, what, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise BenchError(f"{what} did not happen within {seconds} s.")
        time.sleep(0.01)


def stop_process(process, number=signal.SIGTERM):
    """With its whole group, so that nginx's workers go too; returns whether it obeyed."""
    obeyed = True
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            obeyed = False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return obeyed


def remove_leftovers():
    """Of runs that were killed: the name holds the process that made it."""
    folders = tempfile.gettempdir()
    for path in glob.glob(f"/run/netns/{PREFIX}-*-*") + glob.glob(f"{folders}/{PREFIX}-*-*"):
        owner = os.path.basename(path).split("-")[1]
        if not owner.isdigit() or os.path.exists(f"/proc/{owner}"):
            continue
        if path.startswith("/run/netns/"):
            run("ip", "netns", "del", os.path.basename(path))
        else:
            shutil.rmtree(path, ignore_errors=True)
