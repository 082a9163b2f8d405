"""Days ranked as day zero: chemotherapy five days before, screening 28 to 6 days before, in Shanghai."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from participants.domain.lifecycle import Phase
from participants.domain.product import Milestone, MilestoneDay, Product
from schedules.domain.plan.values import Known
from schedules.domain.readiness.day_zero_search import (
    CandidateDay,
    Objection,
    Weights,
    candidate_day,
    rank_days,
    refusals_of_range,
)
from schedules.domain.readiness.gates import Cohorts, Course
from schedules.domain.readiness.start_context import Start
from tests.unit.plan.small import (
    at,
    days,
    on,
    over,
    visit,
    within,
)
from tests.unit.readiness.starting import TODAY, a_person, a_start, asked, beds
from trials.domain.errors import DomainError
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import ASSUMED, Gate, GateBefore, Place
from trials.domain.sites.working_days import WorkingDays


def dec(day: int) -> date:
    return date(2026, 12, day)


def against(day: date, **changes: object) -> set[Objection]:
    return {reason.against for reason in candidate_day(a_start(**changes), day).reasons}


def words(day: CandidateDay, kind: Objection) -> str:
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
        (on("Fri 2026-11-27"), {}, {Objection.PAST}, "chemotherapy would have begun yesterday"),
        (on("Sat 2026-11-28"), {}, {Objection.SHIFTED}, "it would begin today"),
        (on("Mon 2026-12-14"), {}, set(), "the last day that the screening serves"),
        (on("Tue 2026-12-15"), {}, {Objection.EXPIRED}, "the screening is 29 days old"),
        (
            on("Mon 2026-12-07"),
            {"calendar": FEAST},
            {Objection.BLOCK, Objection.STAY_ON_HOLIDAY, Objection.NO_CLINIC_DAY},
            "a feast among the days of chemotherapy, another in the stay, D14 closed",
        ),
        (
            on("Thu 2026-12-10"),
            {"calendar": FEAST},
            {Objection.STAY_ON_HOLIDAY},
            "chemotherapy begins after the feast",
        ),
        (on("Sat 2026-12-12"), {}, {Objection.SHIFTED}, "D14 falls on a Saturday"),
        (on("Mon 2026-12-07"), {"beds": beds((dec(1), dec(3)))}, {Objection.BED}, "no bed on two days"),
        (on("Wed 2026-12-09"), {"beds": beds((dec(1), dec(3)))}, set(), "the bed is free by then"),
        (
            on("Mon 2026-12-07"),
            {"beds": beds((dec(7), dec(7)), ward_beds=9, slots=1)},
            {Objection.SLOT},
            "one infusion a day",
        ),
        (
            on("Mon 2026-12-07"),
            {"person": a_person(product=LATE)},
            {Objection.PRODUCT},
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
            {Objection.AWAY},
            "away in the stay",
        ),
        (on("Mon 2026-12-14"), {"away": {dec(30): "the participant is away"}}, set(), "away later"),
        (on("Mon 2026-12-28"), {"known": Known()}, set(), "screening is still to come"),
        (on("Sun 2026-11-29"), {"known": Known()}, {Objection.SHIFTED}, "screening today at the latest"),
        (
            on("Sat 2026-11-28"),
            {"known": Known()},
            {Objection.VISIT_GONE, Objection.SHIFTED},
            "it closed yesterday",
        ),
        (on("Mon 2026-12-07"), GATED, {Objection.GATE}, "28 days after the last infusion"),
        (on("Sun 2027-01-03"), GATED | {"known": Known()}, {Objection.SHIFTED}, "exactly 28 days after it"),
        (
            on("Mon 2026-12-07"),
            {"person": a_person(phase=Phase.FOLLOW_UP)},
            {Objection.COURSE},
            "infused already",
        ),
        (
            on("Mon 2026-12-07"),
            {"anchors": days(infusion="Mon 2026-12-07", enrolment="Mon 2026-12-07 actual")},
            {Objection.CONTRADICTION},
            "enrolled after chemotherapy",
        ),
    ],
)
def test_what_speaks_against_a_day(
    day: date, changes: dict[str, object], expected: set[Objection], why: str
) -> None:
    assert against(day, **changes) == expected, why


def test_a_year_whose_calendar_is_not_out_counts_little() -> None:
    unsure = WorkingDays("Clinic", "made up", official_years=frozenset({2026}))
    day = candidate_day(a_start(calendar=unsure, known=Known()), on("Mon 2026-12-28"))
    assert (day.points, words(day, Objection.PROVISIONAL)) == (
        1,
        "The official calendar is not out for 2027.",
    )


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
    assert sum(one.points for one in day.reasons if one.against is Objection.PROVISIONAL) == points, reason
    assert words(day, Objection.LATER_PROVISIONAL) == told, reason


def test_once_chemotherapy_has_begun_each_day_on_hold_counts() -> None:
    anchors = days(infusion="Mon 2026-12-07", ld="Wed 2026-12-02 actual")
    start = a_start(anchors=anchors, today=dec(5), person=a_person(phase=Phase.CONDITIONING))
    assert [candidate_day(start, dec(day)).points for day in (7, 8, 9)] == [0, 5, 10]
    held = candidate_day(start, dec(9))
    assert words(held, Objection.HOLD) == "Days on hold: 2; ld was given for Monday 2026-12-07."
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
    assert [reason.against for reason in ranking.common] == [Objection.NOT_KNOWN]
    assert all(not day.reasons for day in ranking.days)
    alone = rank_days(a_start(beds=beds(ward_beds=None)), dec(7), dec(7))
    assert not alone.common
    assert alone.days[0].reasons


def test_nobody_yet_is_ranked_by_the_site_and_the_gates() -> None:
    start = a_start(person=None, known=Known(), anchors={}, beds=beds((dec(1), dec(30))))
    ranking = rank_days(start, on("Mon 2026-12-28"), on("Mon 2027-01-11"))
    assert ranking.days[0].day == on("Tue 2027-01-05"), "the bed is free from 31 December"
    assert {r.against for day in ranking.days for r in day.reasons} <= {Objection.BED, Objection.SHIFTED}


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
    assert not list(refusals_of_range(TODAY, TODAY, TODAY)), "one day is a range"


def test_the_same_record_gives_the_same_order() -> None:
    assert rank_days(a_start(), dec(1), dec(31)) == rank_days(a_start(), dec(1), dec(31))


# --- somebody who is not enrolled yet ---------------------------------------------------------------
def newcomer(**changes: object) -> Start:
    """Screening 28 to 6 days before, chemotherapy five days before; nothing is on record."""
    return a_start(**{"person": None, "known": Known(), "anchors": {}, **changes})


@pytest.mark.parametrize(
    ("day", "possible", "why"),
    [
        (TODAY + timedelta(days=4), False, "chemotherapy would have begun yesterday"),
        (TODAY + timedelta(days=5), False, "chemotherapy would begin today, with no day for screening"),
        (TODAY + timedelta(days=6), True, "screening today, chemotherapy tomorrow"),
    ],
)
def test_a_newcomer_s_screening_must_still_fit(day: date, possible: bool, why: str) -> None:
    found = candidate_day(newcomer(), day)
    assert found.possible is possible, why
    assert (Objection.NO_SCREENING in {reason.against for reason in found.reasons}) is not possible, why


def test_screening_that_may_last_to_the_start_needs_a_day_before_it() -> None:
    """The window ends on the day on which chemotherapy begins: that is no day on which both can begin."""
    late = replace(asked(), visits=(visit("scr", within("-P28D", "-P5D")), *asked().visits[1:]))
    assert not candidate_day(newcomer(protocol=late), TODAY + timedelta(days=5)).possible
    assert candidate_day(newcomer(protocol=late), TODAY + timedelta(days=6)).possible


def test_a_newcomer_is_not_screened_on_the_sunday_that_is_left() -> None:
    """On Sunday 29 November: of the window of 5 December only that Sunday is left."""
    sunday = newcomer(today=on("Sun 2026-11-29"))
    assert not candidate_day(sunday, on("Sat 2026-12-05")).possible
    assert candidate_day(sunday, on("Sun 2026-12-06")).possible, (
        "screening on Monday, chemotherapy on Tuesday"
    )
    assert candidate_day(replace(sunday, calendar=None), on("Sat 2026-12-05")).possible, (
        "nothing is known of it"
    )


def test_a_visit_on_any_day_of_a_range_is_never_off_its_target() -> None:
    """Of 5 December screening is on Saturday 7 November at the earliest: any day will do."""
    calendar = WorkingDays("Clinic", "made up", official_years=frozenset({2026, 2027}))
    day = on("Sat 2027-01-02")
    assert Objection.SHIFTED in {r.against for r in candidate_day(newcomer(calendar=calendar), day).reasons}
    (shifted,) = (r for r in candidate_day(newcomer(calendar=calendar), day).reasons if r.points)
    assert shifted.text() == "Off the target, on the nearest clinic day: D14."
    named = replace(asked(), visits=(visit("scr", within("-P28D", "-P6D", "-P14D")), *asked().visits[1:]))
    charged = candidate_day(newcomer(calendar=calendar, protocol=named), day)
    assert "Scr, " in words(charged, Objection.SHIFTED), "the protocol names a day for it"


def test_each_full_week_of_waiting_weighs_as_much_as_the_mildest_objection() -> None:
    """8 December with one point comes before 29 December with none: that is three weeks later."""
    closed = {on("Tue 2026-12-22"): "works"}
    calendar = WorkingDays("Clinic", "made up", closures=closed, official_years=frozenset({2026, 2027}))
    start = newcomer(calendar=calendar)
    eighth, later = on("Tue 2026-12-08"), on("Tue 2026-12-29")
    assert (candidate_day(start, eighth).points, candidate_day(start, later).points) == (1, 0)
    ranking = {day.day: (place, day) for place, day in enumerate(rank_days(start, eighth, later).days)}
    assert ranking[eighth][0] < ranking[later][0]
    waits = {day: (one.weeks, one.waiting) for day, (_place, one) in ranking.items()}
    assert waits[on("Mon 2026-12-14")] == (0, 0), "six days later"
    assert waits[on("Tue 2026-12-15")] == (1, 1)
    assert waits[later] == (3, 3)
    free = rank_days(start, eighth, later, Weights.changed({"week": 0})).days
    assert [day.day for day in free].index(later) < [day.day for day in free].index(eighth)


def test_waiting_is_counted_from_the_first_day_that_is_possible() -> None:
    first = TODAY + timedelta(days=6)
    days = {day.day: day for day in rank_days(newcomer(), TODAY, first + timedelta(days=7)).days}
    assert (days[first].weeks, days[first + timedelta(days=7)].weeks) == (0, 1)
    assert all(day.waiting == 0 for day in days.values() if not day.possible)


def test_every_holiday_that_a_stay_lies_over_is_named() -> None:
    feasts = WorkingDays(
        "Clinic", "made up",
        holidays={
            on("Wed 2026-12-09"): "A feast", on("Thu 2026-12-10"): "A feast", on("Fri 2026-12-11"): "Another"
        },
        official_years=frozenset({2026}),
    )  # fmt: skip
    day = candidate_day(newcomer(calendar=feasts), on("Mon 2026-12-07"))
    told = [reason.text() for reason in day.reasons if reason.against is Objection.STAY_ON_HOLIDAY]
    assert [text.partition("lies over ")[2] for text in told] == [
        "A feast (Wednesday 2026-12-09).",
        "Another (Friday 2026-12-11).",
    ]


def test_days_on_the_ward_are_a_stay_too() -> None:
    ward = visit("ward", over("P1D", "P10D"), place=Place.WARD)
    kept = replace(asked(), visits=(*asked().visits, ward), windows=())
    day = candidate_day(newcomer(protocol=kept, calendar=FEAST), on("Mon 2026-12-07"))
    assert "lies over Another (Friday 2026-12-11)" in words(day, Objection.STAY_ON_HOLIDAY)


@pytest.mark.parametrize(
    ("by", "says"), [({"shiftd": 2}, "no weight has this name"), ({"shifted": -1}, "a weight is 0 or more")]
)
def test_weights_that_cannot_be_are_refused_in_words(by: dict[str, int], says: str) -> None:
    with pytest.raises(DomainError, match=says):
        Weights.changed(by)


def test_weights_are_a_setting_and_a_week_weighs_as_the_mildest_that_counts() -> None:
    changed = Weights.changed({"shifted": 4, "provisional": 0})
    assert (changed.of[Objection.SHIFTED], changed.week) == (4, 4)
    assert candidate_day(a_start(), on("Sat 2026-12-12"), changed).points == 4
    assert Weights.changed({}) == Weights()
