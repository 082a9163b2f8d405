"""Days ranked as day zero: chemotherapy five days before, screening 28 to 6 days before, in Shanghai."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from participants.domain.lifecycle import Phase
from participants.domain.product import Milestone, MilestoneDay, Product
from schedules.domain.day_zero import Against, CandidateDay, candidate_day, rank_days, refusals_of_range
from schedules.domain.gates import Cohorts, Course
from schedules.domain.plan import Known
from tests.unit.readiness.starting import TODAY, a_person, a_start, asked, beds
from tests.unit.schedules.small import at, days, on, visit
from trials.domain.offsets import Offset
from trials.domain.protocol import ASSUMED, Gate, GateBefore
from trials.domain.working_days import WorkingDays


def dec(day: int) -> date:
    return date(2026, 12, day)


def against(day: date, **changes: object) -> set[Against]:
    return {reason.against for reason in candidate_day(a_start(**changes), day).reasons}


def words(day: CandidateDay, kind: Against) -> str:
    (found,) = (reason.text() for reason in day.reasons if reason.against is kind)
    return found


def test_an_ordinary_day_has_nothing_against_it() -> None:
    """Screening on Mon 16 November serves day zero until Mon 14 December."""
    day = candidate_day(a_start(), on("Mon 2026-12-07"))
    assert (day.start, day.possible, day.points, day.reasons) == (on("Wed 2026-12-02"), True, 0, ())


FEAST = WorkingDays(
    "Clinic",
    "made up",
    holidays={on("Fri 2026-12-04"): "A feast", on("Fri 2026-12-11"): "Another"},
    closures={on("Mon 2026-12-21") + timedelta(days=n): "works" for n in range(-2, 3)},
    official_years=frozenset({2026}),
)
LATE = Product(
    (
        MilestoneDay(Milestone.RELEASED, expected_on=dec(7)),
        MilestoneDay(Milestone.RECEIVED, expected_on=dec(7)),
    )
)
GATE = Gate("next", "Next", GateBefore.PARTICIPANT, ASSUMED, interval=Offset.parse("P28D"))
GATED = {
    "cohorts": Cohorts((GATE,), (), (Course("S01-000", None, dec(1), dec(6)),)),
    "protocol": asked(gates=(GATE,)),
}


@pytest.mark.parametrize(
    ("day", "changes", "expected", "why"),
    [
        (on("Fri 2026-11-27"), {}, {Against.PAST}, "chemotherapy would have begun yesterday"),
        (on("Sat 2026-11-28"), {}, {Against.SHIFTED}, "it would begin today"),
        (on("Mon 2026-12-14"), {}, set(), "the last day that the screening serves"),
        (on("Tue 2026-12-15"), {}, {Against.EXPIRED}, "the screening is 29 days old"),
        (
            on("Mon 2026-12-07"),
            {"calendar": FEAST},
            {Against.BLOCK, Against.STAY_ON_HOLIDAY, Against.NO_CLINIC_DAY},
            "a feast among the days of chemotherapy, another in the stay, D14 closed",
        ),
        (
            on("Thu 2026-12-10"),
            {"calendar": FEAST},
            {Against.STAY_ON_HOLIDAY},
            "chemotherapy begins after the feast",
        ),
        (on("Sat 2026-12-12"), {}, {Against.SHIFTED}, "D14 falls on a Saturday"),
        (on("Mon 2026-12-07"), {"beds": beds((dec(1), dec(3)))}, {Against.BED}, "no bed on two days"),
        (on("Wed 2026-12-09"), {"beds": beds((dec(1), dec(3)))}, set(), "the bed is free by then"),
        (
            on("Mon 2026-12-07"),
            {"beds": beds((dec(7), dec(7)), ward_beds=9, slots=1)},
            {Against.SLOT},
            "one infusion a day",
        ),
        (
            on("Mon 2026-12-07"),
            {"person": a_person(product=LATE)},
            {Against.PRODUCT},
            "the product comes on the day itself",
        ),
        (
            on("Mon 2026-12-14"),
            {"person": a_person(product=LATE)},
            set(),
            "expected two days before",
        ),
        (
            on("Mon 2026-12-14"),
            {"away": {dec(15): "the participant is away"}},
            {Against.AWAY},
            "away in the stay",
        ),
        (on("Mon 2026-12-14"), {"away": {dec(30): "the participant is away"}}, set(), "away later"),
        (on("Mon 2026-12-28"), {"known": Known()}, set(), "screening is still to come"),
        (on("Sun 2026-11-29"), {"known": Known()}, {Against.SHIFTED}, "screening today at the latest"),
        (
            on("Sat 2026-11-28"),
            {"known": Known()},
            {Against.VISIT_GONE, Against.SHIFTED},
            "it closed yesterday",
        ),
        (on("Mon 2026-12-07"), GATED, {Against.GATE}, "28 days after the last infusion"),
        (on("Sun 2027-01-03"), GATED | {"known": Known()}, {Against.SHIFTED}, "exactly 28 days after it"),
        (
            on("Mon 2026-12-07"),
            {"person": a_person(phase=Phase.FOLLOW_UP)},
            {Against.COURSE},
            "infused already",
        ),
        (
            on("Mon 2026-12-07"),
            {"anchors": days(infusion="Mon 2026-12-07", enrolment="Mon 2026-12-07 actual")},
            {Against.CONTRADICTION},
            "enrolled after chemotherapy",
        ),
    ],
)
def test_what_speaks_against_a_day(
    day: date, changes: dict[str, object], expected: set[Against], why: str
) -> None:
    assert against(day, **changes) == expected, why


def test_a_year_whose_calendar_is_not_out_counts_little() -> None:
    unsure = WorkingDays("Clinic", "made up", official_years=frozenset({2026}))
    day = candidate_day(a_start(calendar=unsure, known=Known()), on("Mon 2026-12-28"))
    assert (day.points, words(day, Against.PROVISIONAL)) == (1, "The official calendar is not out for 2027.")


@pytest.mark.parametrize(
    ("zero", "points", "told", "reason"),
    [
        ("Mon 2026-12-07", 0, "Visits from 2027 on: no official calendar is out for them yet.", "one remark"),
        ("Mon 2026-12-28", 1, "Visits from 2028 on: no official calendar is out for them yet.",
         "the stay ends in 2027"),
    ],
)  # fmt: skip
def test_follow_up_in_years_to_come_costs_nothing(zero: str, points: int, told: str, reason: str) -> None:
    """Twelve and 24 months after day zero: every day of a search has visits in such years."""
    unsure = WorkingDays("Clinic", "made up", official_years=frozenset({2026}))
    later = [visit(f"m{n}", at(f"P{n * 30}D", "P14D")) for n in (12, 24)]
    long = replace(asked(), visits=(*asked().visits, *later))
    day = candidate_day(a_start(protocol=long, calendar=unsure, known=Known()), on(zero))
    assert sum(one.points for one in day.reasons if one.against is Against.PROVISIONAL) == points, reason
    assert words(day, Against.LATER_PROVISIONAL) == told, reason


def test_once_chemotherapy_has_begun_each_day_on_hold_counts() -> None:
    anchors = days(infusion="Mon 2026-12-07", ld="Wed 2026-12-02 actual")
    start = a_start(anchors=anchors, today=dec(5), person=a_person(phase=Phase.CONDITIONING))
    assert [candidate_day(start, dec(day)).points for day in (7, 8, 9)] == [0, 5, 10]
    held = candidate_day(start, dec(9))
    assert words(held, Against.HOLD) == "Days on hold: 2; chemotherapy was given for Monday 2026-12-07."
    assert candidate_day(start, dec(4)).possible is False


def test_the_best_comes_first_then_the_earlier_and_what_cannot_be_last() -> None:
    ranking = rank_days(a_start(calendar=FEAST), on("Wed 2026-11-25"), on("Wed 2026-12-16"))
    found = [(day.day, day.points, day.possible) for day in ranking.days]
    assert found == sorted(found, key=lambda one: (not one[2], one[1], one[0]))
    assert {day for day, _points, possible in found if not possible} == {
        on("Wed 2026-11-25") + timedelta(days=n) for n in range(3)
    }
    assert {day.day for day in ranking.days} == {on("Wed 2026-11-25") + timedelta(days=n) for n in range(22)}


def test_what_holds_for_every_day_is_said_once_and_still_counts() -> None:
    ranking = rank_days(a_start(beds=beds(ward_beds=None)), dec(7), dec(9))
    assert [reason.against for reason in ranking.common] == [Against.NOT_KNOWN]
    assert all(not day.reasons for day in ranking.days)
    alone = rank_days(a_start(beds=beds(ward_beds=None)), dec(7), dec(7))
    assert not alone.common
    assert alone.days[0].reasons


def test_nobody_yet_is_ranked_by_the_site_and_the_gates() -> None:
    start = a_start(person=None, known=Known(), anchors={}, beds=beds((dec(1), dec(30))))
    ranking = rank_days(start, on("Mon 2026-12-28"), on("Mon 2027-01-11"))
    assert ranking.days[0].day == on("Tue 2027-01-05"), "the bed is free from 31 December"
    assert {r.against for day in ranking.days for r in day.reasons} <= {Against.BED, Against.SHIFTED}


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (dec(7), dec(6), "last"),
        (dec(7), dec(7) + timedelta(days=120), "last"),
        (date(2026, 11, 1), date(2026, 11, 22), "last"),
        (date(2029, 12, 1), date(2029, 12, 2), "first"),
    ],
)
def test_a_range_that_cannot_be_searched(first: date, last: date, field: str) -> None:
    assert [refusal.field for refusal in refusals_of_range(first, last, TODAY)] == [field]
    assert not list(refusals_of_range(dec(7), dec(7) + timedelta(days=119), TODAY))


def test_the_same_record_gives_the_same_order() -> None:
    assert rank_days(a_start(), dec(1), dec(31)) == rank_days(a_start(), dec(1), dec(31))
