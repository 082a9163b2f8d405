"""What a status change does to each visit, and what is said of a wait for day zero.

Day zero stands on Monday 7 December 2026, D14 is due on Monday the 21st; nobody was booked.
"""

from __future__ import annotations

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.replanning.hold_clock import HoldTerms, Waiting
from schedules.domain.replanning.hold_wording import (
    words_of_abandoned,
    words_of_broken_off,
    words_of_hold,
    words_of_wait,
)
from schedules.domain.replanning.status_change_effects import Pair, compare_pairs
from schedules.domain.visits.visit import VisitState
from tests.unit.plan.small import at, days, offset, on, protocol, visit
from trials.domain.words import day_text, plain

TODAY = on("Tue 2026-12-01")
PLAN = project(protocol(visit("d14", at("P14D", "P2D"))), days(infusion="Mon 2026-12-07"))
NOTHING = project(protocol(), days(infusion="Mon 2026-12-07"))
D14 = VisitState.of_plan(PLAN.visits[0])
BY_COURSE = {"cancelled_on": TODAY, "cancelled_by_id": 1}
BOOKED = {"booked_on": on("Mon 2026-12-21")}


@pytest.mark.parametrize(
    ("before", "after", "effects", "why"),
    [
        ({}, {}, "unchanged", "the step left it alone"),
        ({}, BY_COURSE, "called-off", "the visits ended with it"),
        ({}, {**BY_COURSE, "applies": False}, "not-applicable", "they never applied"),
        ({}, {"cancelled_on": TODAY, "applies": False}, "cancelled", "the plan asks for it no longer"),
        (BOOKED, {}, "unbooked", "the booking went, the visit is to come"),
        ({}, {"held_on": TODAY}, "held", "it waits"),
        ({"held_on": TODAY}, {}, "resumed", "it waits no longer"),
        ({"held_on": TODAY}, BY_COURSE, "called-off", "what is over resumes nothing"),
        (BY_COURSE, {}, "restored", "it is to come again"),
        (None, {}, "added", "a new attempt has it"),
        ({}, None, "called-off", "what was to come of an earlier attempt goes with it"),
        ({"performed_on": TODAY}, None, "kept", "what was done then stays"),
    ],
)
def test_what_a_step_does_to_a_visit(before, after, effects, why) -> None:
    states = [None if facts is None else D14._replace(**facts) for facts in (before, after)]
    (change,) = compare_pairs([Pair(*states)], PLAN if states[1] else NOTHING, TODAY)
    assert " ".join(change.effects) == effects, why
    assert change.booked_on == (before or {}).get("booked_on"), "what was booked is told"


def test_a_booking_on_a_day_that_is_shut_is_told_though_nothing_else_changes() -> None:
    booked = D14._replace(**BOOKED)
    (change,) = compare_pairs([Pair(booked, booked)], PLAN, TODAY, frozenset({BOOKED["booked_on"]}))
    assert " ".join(change.effects) == "booking-closed"


def test_the_most_severe_is_told_first() -> None:
    other = D14._replace(code="d15")
    pairs = [Pair(other, other), Pair(D14, D14._replace(**BY_COURSE))]
    found = [(one.code, one.after) for one in compare_pairs(pairs, PLAN, TODAY)]
    assert found[0] == ("d14", None), "a visit that ended has no window any more"


TERMS = HoldTerms(offset("P14D"), "begin again", offset("PT48H"), offset("P3D"), frozenset())
EXPECTED = on("Mon 2026-12-07")
WAITING = Waiting(
    "ld", "infusion", on("Wed 2026-12-02"), EXPECTED, EXPECTED, TERMS, on("Mon 2026-12-21"), EXPECTED
)  # fmt: skip
WAITS = (
    "Chemotherapy began on Wednesday 2026-12-02 for the infusion on Monday 2026-12-07, which waits for {}."
)


@pytest.mark.parametrize(
    ("today", "said"),
    [
        ("Tue 2026-12-08", [WAITS.format("1 day")]),
        ("Mon 2026-12-21", [WAITS.format("14 days")]),
        (
            "Tue 2026-12-22",
            [WAITS.format("15 days"), "The longest hold allowed is exceeded by 1 day: begin again."],
        ),
    ],
)
def test_a_hold_says_how_long_it_has_lasted_and_by_how_much_that_is_too_long(today, said) -> None:
    assert [words.text(plain, day_text) for words in words_of_hold(WAITING, on(today))] == said


def test_a_wait_that_is_given_up_says_what_was_waited_for_and_why() -> None:
    wait = words_of_wait(WAITING)
    expected = (
        "Expected on Monday 2026-12-07 after chemotherapy from Wednesday 2026-12-02, the infusion waits"
    )
    assert wait.text(plain, day_text) == expected
    assert words_of_abandoned(wait, "sepsis").text(plain, day_text) == f"{expected}. Abandoned: sepsis"
    given = [("Day -5", WAITING.began)]
    _broken, visit, why = words_of_broken_off(WAITING, given, TODAY, "sepsis")
    assert visit.text(plain, day_text) == "Day -5: Wednesday 2026-12-02."
    assert why.text() == "Reason given: sepsis"
