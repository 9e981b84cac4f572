# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the end-to-end tests; README.md in this folder explains the suite."""

import os
import signal

import pytest

from lib import certs, process, scenario, trace

pytest.register_assert_rewrite("lib.expect")


def pytest_configure(config):
    if os.geteuid() != 0:
        raise pytest.UsageError("the end-to-end tests need root: network namespaces and BPF")
    if not os.access(trace.program(), os.X_OK):
        raise pytest.UsageError(f"{trace.program()} is not there: run make first, or set TLSTRACE")
    # A shell ignores these in what it runs in the background, nohup(1) the third, and so do all children of that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # Ended from outside, the suite still removes its namespaces and processes.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what tlstrace and the servers said."""
    report = (yield).get_result()
    stage = item.funcargs.get("stage") if hasattr(item, "funcargs") else None
    if report.failed and stage:
        report.sections.append(("tlstrace and servers", stage.report()))


@pytest.fixture(scope="session")
def directory():
    made = scenario.world_readable_directory()
    yield made
    scenario.remove_directory(made)


@pytest.fixture(scope="session")
def certificates(directory):
    process.command("ip", "link", "set", "lo", "up")  # a fresh virtual machine has it down
    place = directory / "certificates"
    place.mkdir()
    return certs.Certificates(place).make()


@pytest.fixture
def stage(certificates, directory):
    """Everything a test starts through it is ended with it; traces must keep their promises."""
    place = scenario.world_readable_directory()
    made = scenario.Stage(certificates, place)
    try:
        yield made
        made.stop_traces()
    finally:
        made.close()
        scenario.remove_directory(place)
