"""A kind of fact is declared in one place, and all of it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from participants.domain.fact_kinds import BY_KIND, DECLARATIONS, FactDeclaration, FactKind
from participants.domain.facts import Facts


def test_every_kind_is_declared_once() -> None:
    assert [one.kind for one in DECLARATIONS] == list(FactKind)
    assert len({one.value for one in DECLARATIONS}) == len(BY_KIND) == len(FactKind)


@pytest.mark.parametrize("declared", DECLARATIONS, ids=lambda one: one.kind.value)
def test_what_is_declared_is_there_and_nothing_is_forgotten(declared: FactDeclaration) -> None:
    """A field in neither column nor JSON would be lost when the fact is read again."""
    has = {one.name for one in fields(declared.value)}
    stored = {declared.of, declared.span.first, declared.span.last, "ref"} - {""}
    stored |= {one.field for one in declared.kept}
    assert has == stored
    named = (*declared.happened, *declared.ahead, *declared.looked_back, *declared.named)
    assert set(named) <= has
    assert {one.field for one in declared.inputs} <= has
    assert declared.sorted_into in {one.name for one in fields(Facts)}


@pytest.mark.parametrize("declared", DECLARATIONS, ids=lambda one: one.kind.value)
def test_every_day_of_a_fact_is_looked_at(declared: FactDeclaration) -> None:
    """A day in none of the three lists could be of the year 206."""
    days = {one.name for one in fields(declared.value) if "date" in str(one.type) or "Point" in str(one.type)}
    assert days == {*declared.happened, *declared.ahead, *declared.looked_back}
