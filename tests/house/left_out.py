"""Tests that are long or need a program: --long, `needs`, and a word at the end on what was left out and why."""

import os
import shutil
from collections import Counter
from typing import Any

import pytest

STRICT = "NOTHING_LEFT_OUT"
MISSING = "is not installed"
LONG = pytest.StashKey[int]()
"""How many long tests were left out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer --long."""
    parser.addoption("--long", action="store_true", help="run the long tests, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what cannot run here, and what takes long unless it was asked for."""
    for item in items:
        programs = {program for mark in item.iter_markers("needs") for program in mark.args}
        for program in sorted(program for program in programs if shutil.which(program) is None):
            item.add_marker(pytest.mark.skip(reason=f"{program} {MISSING}"))
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count the long tests; where several processes share the tests, each of them has left out the same."""
    if items:
        items[0].config.stash[LONG] = sum("long" in item.keywords for item in items)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from one of several processes what it left out."""
    node.config.stash[LONG] = node.workeroutput.get("long", 0) if hasattr(node, "workeroutput") else 0


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that left something out for a missing program where the environment says that it may not."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["long"] = session.config.stash.get(LONG, 0)
        return
    if os.environ.get(STRICT) and _missing(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Say which tests were left out, and why."""
    reporter = _reporter(config)
    if long := config.stash.get(LONG, 0):
        reporter.write_line(f"Left out: {long} long tests (--long runs them).", yellow=True)
    for (file, reason), count in sorted(_left_out(config).items()):
        reporter.write_line(f"Left out: {count} of {file}: {reason}.", yellow=True)
    if _missing(config) and os.environ.get(STRICT):
        reporter.write_line(f"{STRICT} is set, so this run has failed.", red=True)


def _left_out(config: pytest.Config) -> Counter[tuple[str, str]]:
    """Count the tests that were skipped, by file and reason."""
    return Counter(
        (report.nodeid.partition("::")[0], report.longrepr[2].removeprefix("Skipped: "))
        for report in _reporter(config).stats.get("skipped", [])
    )


def _missing(config: pytest.Config) -> bool:
    """Tell whether anything was skipped because a program is not there; what a machine forbids is no fault of it."""
    return any(reason.endswith(MISSING) for _, reason in _left_out(config))


def _reporter(config: pytest.Config) -> pytest.TerminalReporter:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    assert isinstance(reporter, pytest.TerminalReporter)
    return reporter
