"""A kind of fact is declared in one place, and all of it."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta

import pytest

from participants.domain.fact_kinds import (
    BY_KIND,
    BY_VALUE,
    DECLARATIONS,
    Admission,
    CompanionConfirmed,
    Confirmation,
    Dose,
    Fact,
    FactDeclaration,
    FactKind,
    NightAway,
    Procedure,
)
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts

DAY = date(2026, 11, 9)
NOON = datetime(2026, 11, 9, 12, tzinfo=UTC)
HOURS = timedelta(hours=1)


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


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (Admission(NOON), None),
        (Admission(NOON, None, DAY), "discharge planned for 2026-11-09"),
        (Confirmation("contraception", NOON), "kept"),
        (
            Confirmation("contraception", NOON, "d14", DAY, holds=False),
            "not kept, since 2026-11-09, asked at d14",
        ),
        (Dose("mtx", NOON, 36 * HOURS, "label"), "half-life 36 hours (label)"),
        (Dose("mtx", NOON, 36 * HOURS, "label", "Trexall"), "Trexall, half-life 36 hours (label)"),
        (Dose("mtx", NOON, name="Trexall"), "Trexall"),
        (NightAway(DAY), None),
        (NightAway(DAY, 45), "45 minutes away"),
        (Result("hcg", NOON), "no result yet"),
        (Result("hcg", NOON, NOON, "negative"), "negative"),
    ],
)
def test_what_is_said_of_a_fact_besides_its_days(fact: Fact, said: str | None) -> None:
    words = BY_VALUE[type(fact)].says(fact)
    assert (words and words.text()) == said


def test_a_companion_is_there_on_both_days() -> None:
    confirmed = CompanionConfirmed(DAY, DAY + timedelta(days=1))
    assert [confirmed.holds(DAY + timedelta(days=n)) for n in (-1, 0, 1, 2)] == [False, True, True, False]
    assert CompanionConfirmed(DAY, None).holds(date(2030, 1, 1))


def test_a_half_life_is_that_of_the_dose_else_of_its_product_else_of_the_drug() -> None:
    known, longer = Dose("mtx", NOON, 8 * HOURS, "label", "A"), Dose("mtx", NOON, 9 * HOURS, "label", "B")
    facts = Facts(occurrences=(known, longer))
    assert facts.half_life_of(longer, "mtx") == 9 * HOURS
    assert facts.half_life_of(Dose("mtx", NOON, name="A"), "mtx") == 8 * HOURS
    assert facts.half_life_of(Dose("mtx", NOON, name="C"), "mtx") is None, "another product lends nothing"
    assert facts.half_life_of(Procedure("surgery", NOON), "mtx") == 9 * HOURS, "the longest of the drug"
    again = Dose("mtx", NOON, 12 * HOURS, "review", "A")
    for order in ((known, again), (again, known)):
        lent = Facts(occurrences=order).half_life_of(Dose("mtx", NOON, name="A"), "mtx")
        assert lent == 12 * HOURS, "the longest of the product, whichever was entered first"
