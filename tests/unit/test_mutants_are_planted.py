"""A mutant whose text is gone, or stands twice, tests nothing or something else."""

from tests.mutants import MUTANTS, ROOT


def test_the_text_of_every_mutant_stands_exactly_once() -> None:
    counted = {(one.file, one.old): (ROOT / one.file).read_text("utf-8").count(one.old) for one in MUTANTS}
    assert {place: count for place, count in counted.items() if count != 1} == {}
