"""A mutant whose text is gone, or stands twice, tests nothing or something else."""

import ast

from tests.mutants.__main__ import ROOT, SERVICES, UNIT
from tests.mutants.by_hand import MUTANTS
from tests.mutants.callers import Callers, functions_around
from tests.mutants.drawn import changes_in


def test_the_text_of_every_mutant_stands_exactly_once() -> None:
    counted = {(one.file, one.old): (ROOT / one.file).read_text("utf-8").count(one.old) for one in MUTANTS}
    assert {place: count for place, count in counted.items() if count != 1} == {}


def test_every_fault_that_can_be_drawn_of_a_busy_service_is_python() -> None:
    for service in SERVICES:
        source = (ROOT / service).read_bytes()
        changes = changes_in(source)
        assert changes, service
        for change in changes[::7]:
            ast.parse(change.planted_in(source))


def test_a_fault_is_tried_by_the_tests_that_call_its_innermost_function() -> None:
    source = (
        b"LIMIT = 3\n\n\n@cache\ndef outer(n=0):\n    def inner():\n        return n\n\n    return inner\n"
    )
    around = {line: functions_around(source, line) for line in (1, 4, 5, 7, 9)}
    outer = (4, "outer")
    assert around == {1: [], 4: [], 5: [], 7: [outer, (6, "inner")], 9: [outer]}
    beside, away = "tests/unit/a/test_a.py", "tests/unit/b/test_b.py"
    seconds = {f"{beside}::one": 1, f"{beside}::two": 2, f"{away}::three": 1}
    callers = Callers(seconds, {("x.py", 6): {f"{beside}::two"}}, {("x.py", 4): {beside}})
    stages = {line: [*callers.stages(UNIT, ("x.py", line), "x.py")] for line in (4, 6)}
    first, others, last = (f"{beside}::one", f"{beside}::two"), (f"{away}::three",), (f"{beside}::one",)
    assert stages == {4: [first, (), others], 6: [(f"{beside}::two",), last]}
