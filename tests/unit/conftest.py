"""The unit lane on two cores: a forked copy of pytest takes every file that the first has not begun.

The fork comes when all is imported and collected, so that nothing of it is done twice; the workers of
pytest-xdist do it again, each for itself, and take longer for it than for the tests.
"""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import chain, groupby, pairwise
from pathlib import Path
from typing import NoReturn

import pytest

HERE = Path(__file__).parent
FEWEST = 400
WIDTH = 2


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run a large selection together with the copy, and report what that found after what this found."""
    option = session.config.option
    alone = session.testsfailed or option.collectonly or option.maxfail or option.usepdb
    mixed = any(HERE not in item.path.parents for item in session.items)  # others share a database
    if alone or mixed or len(session.items) < FEWEST or not hasattr(os, "fork"):
        return None
    files = [list(items) for _, items in groupby(session.items, lambda item: item.path)]
    waiting = _queue(len(files))
    told, tell = os.pipe()
    copy = os.fork()
    if not copy:
        os.close(told)
        _be_the_copy(session, _share(files, waiting), tell)
    os.close(tell)
    _run(_share(files, waiting))
    with os.fdopen(told) as lines:
        for line in lines:
            _report(session.config, json.loads(line))
    if os.waitpid(copy, 0)[1]:
        pytest.exit("the copy of pytest that ran half of the tests did not come to its end", returncode=1)
    return True


def _queue(length: int) -> int:
    """A pipe with a number for each file, read by anyone who is free."""
    reading, writing = os.pipe()
    os.write(writing, b"".join(number.to_bytes(WIDTH) for number in range(length)))
    os.close(writing)
    return reading


def _share(files: Sequence[Sequence[pytest.Item]], waiting: int) -> Iterator[pytest.Item]:
    while number := os.read(waiting, WIDTH):
        yield from files[int.from_bytes(number)]


def _run(items: Iterator[pytest.Item]) -> None:
    for item, following in pairwise(chain(items, [None])):
        assert item
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def _be_the_copy(session: pytest.Session, items: Iterator[pytest.Item], tell: int) -> NoReturn:
    """Run, say nothing, write a line for each report, and end without ending what the first began."""
    failed = 1
    try:
        plugins = session.config.pluginmanager
        capture = plugins.getplugin("capturemanager")
        capture.stop_global_capturing()  # its files are those of the first
        capture.start_global_capturing()
        plugins.unregister(name="terminalreporter")
        reports = _Reports(session.config)
        plugins.register(reports)
        _run(items)
        with os.fdopen(tell, "w") as lines:
            lines.writelines(reports.lines)
        failed = 0
    finally:
        os._exit(failed)


class _Reports:
    """Takes the terminal's place in the copy."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.lines: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        data = self.config.hook.pytest_report_to_serializable(config=self.config, report=report)
        self.lines.append(json.dumps(data) + "\n")


def _report(config: pytest.Config, data: dict[str, object]) -> None:
    report = config.hook.pytest_report_from_serializable(config=config, data=data)
    if report.when == "setup":
        config.hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
    config.hook.pytest_runtest_logreport(report=report)
    if report.when == "teardown":
        config.hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)
