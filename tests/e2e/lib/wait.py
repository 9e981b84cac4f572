# SPDX-License-Identifier: BSD-2-Clause
"""Waiting with a deadline for something that sends no event of its own."""

import os
import time

# A virtual machine without hardware support is about ten times slower.
SLOW = float(os.environ.get("TLSTRACE_TEST_SLOW") or 1)
POLL_SECONDS = 0.02


def limit(seconds):
    return seconds * SLOW


def until(condition, what, seconds=10):
    """The first true result of condition(); AssertionError when it takes longer than seconds."""
    deadline = time.monotonic() + limit(seconds)
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out waiting for {what() if callable(what) else what}")
        time.sleep(POLL_SECONDS)
