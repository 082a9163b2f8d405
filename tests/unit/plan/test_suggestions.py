"""Which day a clinic would choose: a made-up one in February 2026, and China's of 2026 and 2027."""

from __future__ import annotations

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.plan.suggestions import can_keep, nearest_shift, suggest
from tests.unit.plan.small import (
    CLINIC,
    CONDITIONING,
    at,
    by_code,
    days,
    each,
    message,
    over,
    protocol,
    said,
    visit,
    warned,
    within,
)
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays
from trials.formats.sites.holiday_calendars import load_calendar

WARD, PHONE, HOME = Place.WARD, Place.PHONE, Place.HOME


def _plan(*visits, infusion, calendar=CLINIC):
    return project(protocol(*visits), days(infusion=infusion), calendar=calendar)


@pytest.mark.parametrize(
    ("rule", "infusion", "expected", "why", "reason"),
    [
        (visit("v", at("P7D", "P1D")), "Thu 2026-02-05", "Thu 2026-02-12", "", "a working day stays"),
        (visit("v", at("P7D", "P1D")), "Sat 2026-01-31", "Fri 2026-02-06", "Saturday", "the Friday before"),
        (visit("v", at("P7D", "P1D")), "Sun 2026-02-01", "Mon 2026-02-09", "Sunday", "the Monday after"),
        (visit("v", at("P7D", "P2D")), "Sun 2026-02-01", "Mon 2026-02-09", "Sunday",
         "a day after beats two before"),
        (visit("v", at("P7D", "P1D")), "Sat 2026-02-07", "Sat 2026-02-14", "",
         "a make-up Saturday is worked"),
        (visit("v", at("P7D", "P1D")), "Sun 2026-02-08", "Sat 2026-02-14", "Sunday", "and may be suggested"),
        (visit("v", at("P14D", "P5D")), "Thu 2026-02-05", "Sat 2026-02-14",
         "public holiday (Spring Festival)",
         "five days both ways: the make-up Saturday or 24 February, the earlier"),
        (visit("v", at("P14D", "P4D")), "Fri 2026-02-06", "Tue 2026-02-24",
         "public holiday (Spring Festival)", "only the end of the window is worked"),
        (visit("v", at("P14D", "P3D")), "Thu 2026-02-05", "Thu 2026-02-19", "",
         "no working day: the target stands"),
        (visit("v", at("P7D", "P0D", "P3D")), "Sat 2026-01-31", "Mon 2026-02-09", "Saturday", "never early"),
        (visit("v", at("P7D", "P3D", "P0D")), "Sun 2026-02-01", "Fri 2026-02-06", "Sunday", "never late"),
        (visit("v", at("P7D")), "Sat 2026-01-31", "Sat 2026-02-07", "", "a tolerance of nought never moves"),
        (visit("v", at("P7D"), place=PHONE), "Sat 2026-01-31", "Sat 2026-02-07", "", "not even a call"),
        (visit("v", at("P7D", "P1D"), place=PHONE), "Sat 2026-01-31", "Fri 2026-02-06", "Saturday",
         "staff call"),
        (visit("v", at("P7D", "P1D"), place=HOME), "Sat 2026-01-31", "Fri 2026-02-06", "Saturday",
         "staff visit"),
        (visit("v", at("P7D", "P1D"), place=WARD), "Sat 2026-01-31", "Sat 2026-02-07", "",
         "the ward never sleeps"),
        (visit("v", at("P14D", "P4D"), place=WARD), "Thu 2026-02-05", "Thu 2026-02-19", "",
         "nor on a holiday"),
        (visit("v", at("P7D", "P1D"), block="b"), "Sat 2026-01-31", "Sat 2026-02-07", "",
         "a block never moves"),
        (visit("v", within("P7D", "P20D")), "Sat 2026-01-31", "Mon 2026-02-09", "Saturday",
         "the first working day"),
        (visit("v", within("P7D", "P20D", "P15D")), "Mon 2026-02-02", "Sat 2026-02-14",
         "public holiday (Spring Festival)", "nearest to the target that the protocol names"),
        (visit("v", over("P7D", "P9D")), "Sat 2026-01-31", "Sat 2026-02-07", "",
         "a range keeps all its days"),
        (visit("v", each("P7D", "P7D")), "Sat 2026-01-31", "Sat 2026-02-07", "", "so does each day of one"),
    ],
)  # fmt: skip
def test_a_suggestion(rule, infusion, expected, why, reason):
    (planned,) = _plan(rule, infusion=infusion).visits
    assert said(planned.suggested) == expected, reason
    assert planned.why_shifted == why


def test_without_a_calendar_nothing_is_suggested_and_nothing_is_warned_of():
    plan = project(protocol(*CONDITIONING, visit("v", at("P7D"))), days(infusion="Mon 2026-02-16"))
    assert {planned.suggested for planned in plan.visits} == {None}
    assert (plan.calendar, plan.warnings) == (None, ())


def test_the_plan_names_its_calendar_by_version():
    plan = _plan(visit("v", at("P7D")), infusion="Mon 2026-02-02")
    assert plan.calendar == CLINIC.version == f"Clinic made up {CLINIC.digest[:12]}"


@pytest.mark.parametrize(
    ("rule", "infusion", "expected", "reason"),
    [
        (visit("v", at("P14D", "P3D")), "Thu 2026-02-05",
         ("V: no working day from 2026-02-16 to 2026-02-22 (public holiday (Spring Festival)); "
         "the target 2026-02-19 stands"), "the whole window lies in the festival"),
        (visit("v", at("P7D")), "Sat 2026-01-31",
         "V: no working day from 2026-02-07 to 2026-02-07 (Saturday); the target 2026-02-07 stands",
         "one day, and that a Saturday"),
        (visit("v", at("P7D"), place=PHONE), "Sat 2026-01-31",
         "V: no working day from 2026-02-07 to 2026-02-07 (Saturday); the target 2026-02-07 stands",
         "a call too"),
        (visit("v", over("P7D", "P8D")), "Sat 2026-01-31",
         "V: no working day from 2026-02-07 to 2026-02-08 (Saturday); the target 2026-02-07 stands",
         "a range too"),
        (visit("v", at("P7D", "P1D")), "Sat 2026-01-31", None, "a Friday is there"),
        (visit("v", at("P7D"), place=WARD), "Sat 2026-01-31", None, "the ward has no such days"),
    ],
)  # fmt: skip
def test_a_window_without_a_working_day_is_told(rule, infusion, expected, reason):
    plan = _plan(rule, infusion=infusion)
    assert [w.message for w in plan.warnings if w.code == "no-working-day"] == (
        [expected] if expected else []
    ), reason


@pytest.mark.parametrize(
    ("rule", "infusion", "holidays", "reason"),
    [
        (visit("v", at("P0D", "P3D"), place=WARD), "Mon 2026-02-16", ["2026-02-16"],
         "the target is a holiday"),
        (visit("v", at("P0D", "P3D"), place=WARD), "Sun 2026-02-15", [],
         "the window has some, the target is none"),
        (visit("v", over("P0D", "P3D"), place=WARD), "Sun 2026-02-15",
         ["2026-02-16", "2026-02-17", "2026-02-18"], "each day of a stay counts"),
        (visit("v", over("P0D", "P1D"), place=WARD), "Sun 2026-02-22", ["2026-02-22", "2026-02-23"],
         "its ends too"),
        (visit("v", within("P0D", "P3D"), place=WARD), "Mon 2026-02-16", ["2026-02-16"],
         "once within a range"),
        (visit("v", at("P0D"), place=WARD), "Sat 2026-02-14", [], "a make-up Saturday is no holiday"),
        (visit("v", at("P0D")), "Mon 2026-02-16", [], "a clinic visit is told otherwise"),
    ],
)  # fmt: skip
def test_the_ward_warns_on_public_holidays_only(rule, infusion, holidays, reason):
    plan = _plan(rule, infusion=infusion)
    assert [w.message for w in plan.warnings if w.code == "public-holiday"] == [
        f"V: {day} is a public holiday (Spring Festival) on the ward" for day in holidays
    ], reason


@pytest.mark.parametrize(
    ("offset", "years", "reason"),
    [
        ("P300D", None, "all of it in 2026"),
        ("P1Y", "2027", "a year that is not out"),
        ("P2Y", "2028", "another"),
    ],
)
def test_years_whose_calendar_is_not_out_are_provisional(offset, years, reason):
    plan = _plan(visit("v", at(offset, "P1D")), infusion="Mon 2026-02-02")
    if years is None:
        assert "provisional-calendar" not in warned(plan), reason
        return
    assert message(plan, "provisional-calendar") == (
        f"the official calendar Clinic is not out for {years}: "
        "make-up working days and moved holidays are not known yet"
    ), reason


def test_provisional_years_are_named_once_and_in_order_whatever_the_visits():
    visits = (visit("a", at("P2Y", "P1D")), visit("b", at("P1Y")), visit("c", within("P330D", "P4Y")))
    plan = _plan(*visits, infusion="Mon 2026-02-02")
    assert "is not out for 2027, 2028, 2030:" in message(plan, "provisional-calendar")


def test_spring_festival_2027_in_china_is_provisional_and_moves_no_chemotherapy():
    china = load_calendar("CN", 2026, 2028)
    plan = _plan(*CONDITIONING, visit("d4", at("P4D", "P3D")), infusion="Wed 2027-02-10", calendar=china)
    found = by_code(plan)
    assert [said(found[code].suggested) for code in ("ld-1", "ld-2", "ld-3", "d0")] == [
        "Fri 2027-02-05", "Sat 2027-02-06", "Sun 2027-02-07", "Wed 2027-02-10",
    ]  # fmt: skip
    assert said(found["d4"].suggested) == "Mon 2027-02-15"
    assert {"public-holiday", "block-on-holiday", "provisional-calendar"} <= set(warned(plan))
    assert "is not out for 2027" in message(plan, "provisional-calendar")


@pytest.mark.parametrize(
    ("day", "expected", "reason"),
    [
        ("Sat 2026-02-14", "Sat 2026-02-14", "worked in exchange for the Spring Festival"),
        ("Sun 2026-02-15", "Sat 2026-02-14", "the first of nine days off"),
        ("Sat 2026-10-10", "Sat 2026-10-10", "worked in exchange for the National Day"),
        ("Sun 2026-09-20", "Sun 2026-09-20", "a Sunday can be worked too"),
    ],
)
def test_make_up_days_in_china(day, expected, reason):
    china = load_calendar("CN", 2026, 2028)
    (planned,) = _plan(visit("v", at("P0D", "P2D")), infusion=day, calendar=china).visits
    assert said(planned.suggested) == expected, reason


def test_a_block_is_kept_or_shifted_day_by_day():
    plan = _plan(*CONDITIONING, infusion="Mon 2026-02-16")
    assert can_keep(plan.visits, -1, CLINIC)
    assert not can_keep(plan.visits, 0, CLINIC)
    assert (nearest_shift(plan.visits, -1, CLINIC), nearest_shift(plan.visits, 1, CLINIC)) == (-1, 13)
    shut = WorkingDays("Shut", holidays=CLINIC.holidays, weekdays=frozenset({1}))
    assert nearest_shift(plan.visits, 1, shut) == 13, "the ward does not ask for the week's clinic days"


def test_a_suggestion_forgets_an_earlier_one():
    plan = _plan(visit("v", at("P7D", "P1D")), infusion="Sat 2026-01-31")
    assert said(suggest(plan.visits[0], CLINIC).suggested) == "Fri 2026-02-06"


FESTIVAL = load_calendar("CN", 2026, 2028)
"""Off from Sunday 15 to Monday 23 February 2026, worked on the Saturdays 14 and 28 February."""


@pytest.mark.parametrize(
    ("began", "infusion", "other", "reason"),
    [
        (
            "Mon 2026-02-09",
            "Tue 2026-02-24",
            None,
            "the rest is longer by the festival; the first day after it",
        ),
        ("Mon 2026-02-09", "Sat 2026-02-28", None, "a make-up Saturday after it"),
        ("Mon 2026-02-09", "Sat 2026-02-14", None, "on the make-up day before it, as it was given for"),
        ("Mon 2026-02-09", "Mon 2026-02-23", "2026-02-24", "the last day of the festival"),
        ("Mon 2026-02-02", "Fri 2026-02-20", "2026-02-24", "on hold into the middle of it"),
        (
            "Wed 2026-02-11",
            "Mon 2026-02-16",
            "2026-02-24",
            "given for a day in it: not the 26th, after two days",
        ),
        ("Sun 2026-02-08", "Fri 2026-02-13", None, "before it"),
    ],
)
def test_a_hold_over_the_festival_asks_for_no_longer_wait_than_the_infusion_needs(
    began: str, infusion: str, other: str | None, reason: str
) -> None:
    """The days of waiting were to be kept like those of treatment: 8 March instead of 24 February."""
    given = days(ld=f"{began} actual", infusion=infusion)
    plan = project(protocol(*CONDITIONING), given, calendar=FESTIVAL)
    told = [warning.message for warning in plan.warnings if warning.code == "block-on-holiday"]
    assert bool(told) is (other is not None), reason
    assert all(f"on {other} after" in one for one in told), reason


def test_before_chemotherapy_all_days_of_a_block_are_kept() -> None:
    given = days(infusion="Tue 2026-02-24")
    plan = project(protocol(*CONDITIONING), given, calendar=FESTIVAL)
    assert "on 2026-02-14 before or 2026-03-01 after" in message(plan, "block-on-holiday")
