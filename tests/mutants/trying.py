"""Try faults by the tests that call their functions.

A pytest that has collected its tests runs them in forked copies of itself. Where nothing called the
function of a fault until then, a copy is given the function's faulty code and is the same as if it had
read it from the beginning. Any other fault is read by a pytest that begins anew; in a lane that is `near`
only those are of which no test calls the function.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from tests.mutants.callers import Callers, Recorder, file_of, functions_around, read
from tests.mutants.lane import SAID, Fault, Lane, each_forked, forked, importing, limit, run

KILLED, SURVIVED, ANEW = 1, 0, 77


def tried(
    tree: Path,
    lane: Lane,
    notes: Path,
    faults: Sequence[Fault],
    most: int,
    told: Callable[[Fault, bool], None],
) -> list[Fault]:
    """Try faults, so many at a time, and tell of each whether it survived; notes keep who calls what.

    Returns those in functions that no test of the lane calls.
    """
    for fault in faults:
        compile(fault.source, fault.file, "exec")  # anything kills what is no Python
    answers, answer = os.pipe()
    begun = forked(lambda: _collect(tree, lane, _Collected(tree, lane, notes, faults, most, answer)))
    os.close(answer)
    anew = []
    with os.fdopen(answers) as lines:
        for line in lines:
            number, code = map(int, line.split())
            if code == ANEW:
                anew.append(faults[number])
            else:
                told(faults[number], code == SURVIVED)
    if os.waitpid(begun, 0)[1]:
        raise SystemExit(
            (tree / SAID).read_text("utf-8") + "\nThe tests fail without a fault: mend them first."
        )
    callers = read(notes.read_text("utf-8"))
    foreign = [fault for fault in anew if not callers.any_for(_innermost(tree, fault))]
    works = (
        (fault, _from_the_beginning(tree, lane, callers, fault)) for fault in anew if fault not in foreign
    )
    each_forked(works, most, lambda fault, code: told(fault, code == SURVIVED))
    return foreign


def _collect(tree: Path, lane: Lane, collected: _Collected) -> int:
    with importing(collected.recorder.compiled):
        return run(tree, lane, collected)


class _Collected:
    """A plugin that tries faults in copies of a pytest that has collected its tests, and runs none itself."""

    def __init__(
        self, tree: Path, lane: Lane, notes: Path, faults: Sequence[Fault], most: int, answer: int
    ) -> None:
        self._tree, self._lane, self._notes, self._faults = tree, lane, notes, faults
        self._most, self._answer = most, answer
        self.recorder = Recorder(tree)
        self.recorder.imported("")

    def pytest_collectstart(self, collector: pytest.Collector) -> None:
        """A file is imported."""
        self.recorder.imported(file_of(collector.nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all tests once, unless it is known who calls what, then those of each fault."""
        if session.testsfailed:
            raise session.Failed("not all tests can be read")
        items = {item.nodeid: item for item in session.items}
        if not self._notes.exists() and os.waitpid(forked(lambda: self._noted(session)), 0)[1]:
            raise session.Failed("a test fails")
        callers = read(self._notes.read_text("utf-8"))
        functions = _functions(self._tree)

        def work(fault: Fault) -> int:
            if not _changed(self._tree, self._lane, callers, functions, fault):
                return ANEW
            stages = [*callers.stages(self._lane, _innermost(self._tree, fault), fault.file)]
            limit(callers.cpu([test for tests in stages for test in tests]))
            _have_own_database(session)
            for tests in stages:
                if not _pass(session, [items[test] for test in tests if test in items]):
                    return KILLED
            return SURVIVED

        each_forked(
            ((number, _bound(work, fault)) for number, fault in enumerate(self._faults)),
            self._most,
            lambda number, code: _tell(self._answer, number, code),
        )
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """What a test took."""
        self.recorder.seconds[report.nodeid] += report.duration
        if report.failed:
            print(f"{report.when} of {report.nodeid}\n{report.longreprtext}", flush=True)

    def _noted(self, session: pytest.Session) -> int:
        for item in session.items:
            self.recorder.seconds[item.nodeid] = 0
        passed = _pass(session, session.items, self.recorder.run)
        if passed:
            self._notes.parent.mkdir(parents=True, exist_ok=True)
            self._notes.write_text(self.recorder.kept(), "utf-8")
        return not passed


def _bound(work: Callable[[Fault], int], fault: Fault) -> Callable[[], int]:
    return lambda: work(fault)


def _tell(answer: int, number: int, code: int) -> None:
    os.write(answer, f"{number} {code if code in {SURVIVED, ANEW} else KILLED}\n".encode())


def _pass(
    session: pytest.Session, items: Sequence[pytest.Item], before: Callable[[str], None] | None = None
) -> bool:
    """Run tests in a copy until one fails; whether all pass."""
    capture = session.config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()  # its files are those of the first
    capture.start_global_capturing()
    for item, following in pairwise([*items, None]):
        assert item
        if before:
            before(item.nodeid)
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return False
    return True


def _have_own_database(session: pytest.Session) -> None:
    """Let this copy make a database of its own: one that ended at a failure leaves half a file."""
    if session.config.pluginmanager.hasplugin("django"):
        from django.db import connection

        test = connection.settings_dict["TEST"]
        test["NAME"] = str(Path(test["NAME"]).with_name(f"test-{os.getpid()}.sqlite3"))


def _functions(tree: Path) -> dict[tuple[str, int, str], list[FunctionType]]:
    """Find all functions of the tree by file, line and name."""
    found = defaultdict(list)
    gc.unfreeze()
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename.startswith(f"{tree}/"):
            code = one.__code__
            found[code.co_filename, code.co_firstlineno, code.co_name].append(one)
    gc.freeze()
    return found


def _innermost(tree: Path, fault: Fault) -> tuple[str, int] | None:
    around = functions_around((tree / fault.file).read_bytes(), fault.line)
    return (fault.file, around[-1][0]) if around else None


def _changed(
    tree: Path,
    lane: Lane,
    callers: Callers,
    functions: dict[tuple[str, int, str], list[FunctionType]],
    fault: Fault,
) -> bool:
    """Give the function of a fault its code; False where something else may have come of the sound one."""
    made = callers.imports.keys() - (callers.calls.keys() if lane.near else set())
    around = functions_around((tree / fault.file).read_bytes(), fault.line)
    if (
        not around
        or not callers.any_for((fault.file, around[-1][0]))
        or any((fault.file, line) in made for line, _name in around)
    ):
        return False
    file, outermost = str(tree / fault.file), around[0]
    planted = [
        code
        for code in _codes(compile(fault.source, file, "exec", dont_inherit=True))
        if (code.co_firstlineno, code.co_name) == outermost
    ]
    those = functions.get((file, *outermost), [])
    if len(planted) != 1 or not those:
        return False
    with contextlib.suppress(ValueError):  # it closes over other names
        for one in those:
            one.__code__ = planted[0]
        return True
    return False


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _from_the_beginning(tree: Path, lane: Lane, callers: Callers, fault: Fault) -> Callable[[], int]:
    def once(tests: Sequence[str]) -> int:
        limit(callers.cpu(tests))
        file = str(tree / fault.file)
        planted = compile(fault.source, file, "exec", dont_inherit=True)
        with importing(lambda path: planted if path == file else None):
            return run(tree, lane, _Chosen(tests), dict.fromkeys(map(file_of, tests)))

    def work() -> int:
        stages = callers.stages(lane, _innermost(tree, fault), fault.file)
        failed = (os.waitpid(forked(_once(once, tests)), 0)[1] for tests in stages if tests)
        return KILLED if any(failed) else SURVIVED

    return work


def _once(once: Callable[[Sequence[str]], int], tests: Sequence[str]) -> Callable[[], int]:
    return lambda: once(tests)


class _Chosen:
    """A plugin: only these tests, in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._order = {test: number for number, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave the others out."""
        chosen = [item for item in items if item.nodeid in self._order]
        items[:] = sorted(chosen, key=lambda item: self._order[item.nodeid])
