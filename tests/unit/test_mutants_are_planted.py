"""A mutant whose text is gone, or stands twice, tests nothing or something else."""

import ast

from tests.mutants.__main__ import ROOT, SERVICES
from tests.mutants.by_hand import MUTANTS
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
