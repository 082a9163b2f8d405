"""Blocks that keep their shape, and what a slip of the infusion means once chemotherapy has begun."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from schedules.domain.plan.holds import find_hold
from schedules.domain.plan.projection import project
from tests.unit.plan.small import (
    CHEMOTHERAPY,
    CLINIC,
    CONDITIONING,
    STATED,
    anchor,
    at,
    by_code,
    dated,
    days,
    each,
    message,
    offset,
    on,
    over,
    protocol,
    visit,
    warned,
)
from trials.domain.protocols.protocol import ASSUMED, Block, HoldRule, Place
from trials.domain.sites.working_days import WorkingDays

TRIAL = protocol(*CONDITIONING, visit("d14", at("P14D", "P2D")))
AROUND = "with Infusion on 2026-02-15 before or 2026-03-01 after"
SHAPE = ("ld-1", "ld-2", "ld-3", "rest", "d0")


def _opens(plan):
    return [dated(by_code(plan)[code])[0][:3] for code in SHAPE]


@pytest.mark.parametrize(
    ("infusion", "weekdays", "reason"),
    [
        ("Mon 2026-12-07", ["Wed", "Thu", "Fri", "Sat", "Mon"], "rest over the weekend"),
        (
            "Wed 2026-12-09",
            ["Fri", "Sat", "Sun", "Mon", "Wed"],
            "chemotherapy stays Friday, Saturday, Sunday",
        ),
        ("Thu 2026-12-10", ["Sat", "Sun", "Mon", "Tue", "Thu"], "begins on a Saturday if it must"),
        ("Sat 2026-12-12", ["Mon", "Tue", "Wed", "Thu", "Sat"], "infusion on a Saturday"),
    ],
)
def test_a_block_on_the_ward_never_moves_for_a_weekend(infusion, weekdays, reason):
    plan = project(TRIAL, days(infusion=infusion), calendar=CLINIC)
    assert _opens(plan) == weekdays, reason
    assert [by_code(plan)[code].suggested for code in SHAPE] == [
        by_code(plan)[c].window.target for c in SHAPE
    ]
    assert [code for code in warned(plan) if code != "provisional-calendar"] == []


@pytest.mark.parametrize(
    ("infusion", "met", "reason"),
    [
        ("Sun 2026-02-15", None, "over one day before the festival"),
        ("Mon 2026-02-16", "2026-02-16", "the infusion meets its first day"),
        ("Sat 2026-02-21", "2026-02-16", "all of it lies in the festival"),
        ("Sat 2026-02-28", "2026-02-23", "the first chemotherapy does"),
        ("Sun 2026-03-01", None, "begins the day after it"),
    ],
)  # fmt: skip
def test_a_block_names_the_holiday_and_the_nearest_day_zero_on_both_sides_that_keeps_it_whole(
    infusion, met, reason
):
    plan = project(TRIAL, days(infusion=infusion), calendar=CLINIC)
    if met is None:
        assert "block-on-holiday" not in warned(plan), reason
        return
    assert message(plan, "block-on-holiday") == (
        f"Conditioning: it meets a day that cannot be kept ({met}: Spring Festival); it stays whole {AROUND}"
    ), reason
    assert by_code(plan)["d0"].window.target == on(infusion), "it never moves by itself"
    for way in AROUND.removeprefix("with Infusion on ").split(" or "):
        moved = f"{date.fromisoformat(way[:10]):%a} {way[:10]}"
        assert "block-on-holiday" not in warned(project(TRIAL, days(infusion=moved), calendar=CLINIC))


def test_a_block_in_the_clinic_needs_working_days():
    clinic = tuple(replace(rule, place=Place.CLINIC) for rule in CONDITIONING[:2])
    small = protocol(*clinic, CONDITIONING[2])
    plan = project(small, days(infusion="Mon 2026-12-07"), calendar=CLINIC)
    assert message(plan, "block-on-holiday") == (
        "Conditioning: it meets a day that cannot be kept (2026-12-05); it stays whole "
        "with Infusion on 2026-12-05 before or 2026-12-12 after"
    )
    assert by_code(plan)["rest"].suggested == on("Sat 2026-12-05"), "not even on a Saturday does it move"


def test_a_block_without_any_way_out_says_so():
    never = WorkingDays("Never", holidays=dict.fromkeys(_all_days_of(2026), "shut"))
    plan = project(TRIAL, days(infusion="Wed 2026-07-01"), calendar=never)
    assert message(plan, "block-on-holiday").endswith("it stays whole on no day within 60 days")


def _all_days_of(year):
    return [date(year, 1, 1) + timedelta(days=day) for day in range(365)]


def test_two_blocks_are_judged_each_by_itself():
    later = visit("second", each("P69D", "P71D"), place=Place.WARD, block="again")
    small = protocol(*CONDITIONING, later, blocks=(Block("conditioning", "C"), Block("again", "A")))
    plan = project(small, days(infusion="Sun 2025-12-07"), calendar=CLINIC)
    assert message(plan, "block-on-holiday") == (
        "A: it meets a day that cannot be kept (2026-02-16: Spring Festival); it stays whole "
        "with Infusion on 2025-12-06 before or 2025-12-17 after"
    )


def test_once_chemotherapy_began_only_the_days_after_are_offered():
    """The first day after the festival: the rest is longer by it, and is not to be two free days again."""
    given = days(infusion="Mon 2026-02-16", ld="Wed 2026-02-11 actual")
    plan = project(TRIAL, given, calendar=CLINIC)
    assert message(plan, "block-on-holiday").endswith("it stays whole with Infusion on 2026-02-24 after")
    done = project(TRIAL, days(infusion="Mon 2026-02-16 actual", ld="Wed 2026-02-11 actual"), calendar=CLINIC)
    assert "block-on-holiday" not in warned(done), "what has happened cannot move"


ALLOWED = "the protocol allows "
HOLD = "ld stays done, the rest is longer by the days on hold"
SILENT = (
    "the protocol document does not say how long a hold may last: the infusion can be delayed, "
    "resumed or abandoned by the investigator"
)


@pytest.mark.parametrize(
    ("infusion", "held", "rest", "reason"),
    [
        ("Mon 2026-12-07", 0, ("Sat 2026-12-05", "Sat 2026-12-05", "Sun 2026-12-06"), "as planned"),
        ("Tue 2026-12-08", 1, ("Sat 2026-12-05", "Sat 2026-12-05", "Mon 2026-12-07"), "three days of rest"),
        ("Sat 2026-12-12", 5, ("Sat 2026-12-05", "Sat 2026-12-05", "Fri 2026-12-11"), "seven days of rest"),
    ],
)
def test_a_slip_after_the_point_of_no_return_lengthens_the_rest(infusion, held, rest, reason):
    plan = project(TRIAL, days(infusion=infusion, ld="Wed 2026-12-02 actual"))
    found = by_code(plan)
    assert [dated(found[code])[1] for code in SHAPE[:3]] == [
        "Wed 2026-12-02",
        "Thu 2026-12-03",
        "Fri 2026-12-04",
    ]
    assert dated(found["rest"]) == rest, reason
    assert dated(found["d0"])[1] == infusion
    assert found["rest"].day == (on(rest[1]) - on(infusion)).days
    assert (found["rest"].offset.amount, found["rest"].lengthened) == (found["rest"].day, held > 0)
    if not held:
        assert plan.warnings == ()
        return
    assert warned(plan) == ["hold"]
    late = f"{held} days" if held > 1 else "1 day"
    assert message(plan, "hold") == (
        f"Infusion on {infusion[4:]} is {late} later than the lymphodepletion start "
        f"on 2026-12-02 was given for (2026-12-07): {HOLD}; {SILENT}"
    )


@pytest.mark.parametrize(
    ("infusion", "longest", "expected", "reason"),
    [
        ("Mon 2026-12-14", "P14D", ALLOWED + "14 days (stated), 7 days are left", "seven of fourteen"),
        ("Sun 2026-12-20", "P14D", ALLOWED + "14 days (stated), 1 day is left", "one day left"),
        ("Mon 2026-12-21", "P2W", ALLOWED + "2 weeks (stated), 0 days are left", "the last day"),
        ("Tue 2026-12-22", "P2W", ALLOWED + "2 weeks (stated), now exceeded: begin again", "past it"),
        ("Thu 2027-01-07", "P1M", ALLOWED + "1 month (stated), 0 days are left", "a month by the calendar"),
        ("Fri 2027-01-08", "P1M", ALLOWED + "1 month (stated), now exceeded: begin again", "and past it"),
    ],
)  # fmt: skip
def test_what_the_protocol_allows_next(infusion, longest, expected, reason):
    small = replace(TRIAL, hold=HoldRule(offset(longest), "begin again", STATED))
    plan = project(small, days(infusion=infusion, ld="Wed 2026-12-02 actual"))
    assert message(plan, "hold").endswith(f"; {expected}"), reason


def test_an_assumed_longest_hold_says_so():
    small = replace(TRIAL, hold=HoldRule(offset("P14D"), "begin again", ASSUMED))
    plan = project(small, days(infusion="Mon 2026-12-14", ld="Wed 2026-12-02 actual"))
    assert "allows 14 days (assumed), 7 days are left" in message(plan, "hold")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (days(infusion="Sat 2026-12-12", ld="Wed 2026-12-02"), "chemotherapy is only planned"),
        (days(infusion="Sun 2026-12-06", ld="Wed 2026-12-02 actual"), "the infusion is earlier, not later"),
        (days(ld="Wed 2026-12-02 actual"), "no infusion is known"),
        (days(infusion="Sat 2026-12-12"), "chemotherapy follows the infusion"),
        (days(infusion="Sat 2026-12-12", enrolment="Wed 2026-12-02 actual"),
         "enrolment is no point of no return"),
    ],
)  # fmt: skip
def test_no_hold(given, reason):
    plan = project(TRIAL, given)
    assert find_hold(TRIAL, plan.anchors) is None, reason
    assert "hold" not in warned(plan)
    assert not any(planned.lengthened for planned in plan.visits)


def test_only_the_rest_of_the_held_block_is_longer():
    others = (
        visit("talk", over("-P2D", "-P1D")),
        visit("stay", over("-P2D", "-P1D"), block="other"),
        visit("walk", over("P8D", "P9D"), CHEMOTHERAPY, block="conditioning"),
    )
    small = protocol(*CONDITIONING, *others, blocks=(Block("conditioning", "C"), Block("other", "O")))
    plan = project(small, days(infusion="Sat 2026-12-12", ld="Wed 2026-12-02 actual"))
    assert [planned.code for planned in plan.visits if planned.lengthened] == []
    assert dated(by_code(plan)["walk"])[0] == "Thu 2026-12-10", "chemotherapy's own days end on the 11th"
    later = project(small, days(infusion="Mon 2026-12-14", ld="Wed 2026-12-02 actual"))
    assert dated(by_code(later)["rest"])[0] == "Sat 2026-12-12", "the day after them"
    assert [planned.code for planned in later.visits if planned.lengthened] == []
    alone = protocol(*CONDITIONING, *others[:2], blocks=(Block("conditioning", "C"), Block("other", "O")))
    held = project(alone, days(infusion="Sat 2026-12-12", ld="Wed 2026-12-02 actual"))
    assert [planned.code for planned in held.visits if planned.lengthened] == ["rest"]


def test_without_a_block_nothing_is_lengthened_but_the_hold_is_told():
    loose = tuple(replace(rule, block=None) for rule in CONDITIONING)
    plan = project(protocol(*loose), days(infusion="Sat 2026-12-12", ld="Wed 2026-12-02 actual"))
    assert dated(by_code(plan)["rest"])[0] == "Thu 2026-12-10"
    assert warned(plan) == ["hold"]


def test_consent_before_a_hold_is_no_contradiction():
    given = days(infusion="Mon 2026-12-14", ld="Wed 2026-12-02 actual", consent="Mon 2026-11-09 actual")
    assert warned(project(TRIAL, given)) == ["hold"]


TWICE = protocol(
    visit("chemo-1", each("P0D", "P1D"), "ld-1", block="one"),
    visit("rest-1", over("-P1D", "-P1D"), "inf-1", block="one"),
    visit("d-1", at("P0D"), "inf-1", block="one"),
    visit("chemo-2", each("P0D", "P1D"), "ld-2", block="two"),
    visit("rest-2", over("-P1D", "-P1D"), "inf-2", block="two"),
    visit("d-2", at("P0D"), "inf-2", block="two"),
    day_zero="inf-1",
    anchors=(
        anchor("ld-1", "inf-1", "-P3D", not_after=("inf-1",), point_of_no_return=True),
        anchor("inf-1"),
        anchor("ld-2", "inf-2", "-P3D", not_after=("inf-2",), point_of_no_return=True),
        anchor("inf-2", "inf-1", "P56D"),
    ),
    blocks=(Block("one", "One"), Block("two", "Two")),
)


def test_each_of_two_infusions_that_slip_is_a_hold_of_its_own():
    """The first was two days late, and the second is four days later than its chemotherapy was given for."""
    given = days(
        **{
            "ld-1": "Fri 2026-12-04 actual",
            "inf-1": "Wed 2026-12-09 actual",
            "ld-2": "Mon 2027-02-01 actual",
        },
        **{"inf-2": "Mon 2027-02-08"},
    )
    plan = project(TWICE, given)
    rests = {one.code: dated(one) for one in plan.visits if one.lengthened}
    assert rests["rest-1"] == ("Sun 2026-12-06", "Sun 2026-12-06", "Tue 2026-12-08")
    assert rests["rest-2"] == ("Wed 2027-02-03", "Wed 2027-02-03", "Sun 2027-02-07")
    assert [w.message.split(" is ")[1].split(" later")[0] for w in plan.warnings if w.code == "hold"] == [
        "2 days",
        "4 days",
    ]
    lasts = find_hold(TWICE, plan.anchors)
    assert (lasts.anchor, lasts.days) == ("ld-2", 4), "that of the infusion to come"
