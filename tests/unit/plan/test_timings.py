"""When visits open, are due and close, for an infusion on Monday 7 December 2026 unless a row says else."""

from __future__ import annotations

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.plan.slots import slots_of
from tests.unit.plan.small import (
    CONDITIONING,
    at,
    by_code,
    dated,
    days,
    each,
    message,
    on,
    over,
    plan_of,
    protocol,
    repeated,
    visit,
    warned,
    within,
)
from trials.domain.protocols.offsets import MonthLength


@pytest.mark.parametrize(
    ("timing", "infusion", "expected", "reason"),
    [
        (at("P28D", "P3D"), "Mon 2026-12-07", ("Fri 2027-01-01", "Mon 2027-01-04", "Thu 2027-01-07"), "±3"),
        (at("P28D"), "Mon 2026-12-07", ("Mon 2027-01-04",) * 3, "a tolerance of nought is one day"),
        (at("P28D", "P2D", "P3D"), "Sun 2026-02-01", ("Fri 2026-02-27", "Sun 2026-03-01", "Wed 2026-03-04"),
         "two days early, three late, past a short February"),
        (at("P28D", "P0D", "P7D"), "Mon 2026-12-07", ("Mon 2027-01-04", "Mon 2027-01-04", "Mon 2027-01-11"),
         "never early"),
        (at("P8W", "P1W"), "Mon 2026-12-07", ("Mon 2027-01-25", "Mon 2027-02-01", "Mon 2027-02-08"),
         "weeks keep the weekday, in the tolerance too"),
        (at("P6M", "P14D"), "Mon 2026-08-31", ("Sun 2027-02-14", "Sun 2027-02-28", "Sun 2027-03-14"),
         "six months after 31 August, clamped, and days around that"),
        (at("P6M", "P1M"), "Mon 2026-08-31", ("Sun 2027-01-31", "Sun 2027-02-28", "Wed 2027-03-31"),
         "a tolerance in months counts from the anchor, not from the clamped target"),
        (at("P6M", "P2M", "P1M"), "Sun 2026-08-30", ("Wed 2026-12-30", "Sun 2027-02-28", "Tue 2027-03-30"),
         "also where the two sides differ, and from the 30th"),
        (at("P1Y", "P6M"), "Tue 2028-02-29", ("Tue 2028-08-29", "Wed 2029-02-28", "Wed 2029-08-29"),
         "half a year around a year after a leap day"),
        (at("P18M", "P1Y"), "Mon 2026-08-31", ("Sun 2027-02-28", "Tue 2028-02-29", "Wed 2029-02-28"),
         "a tolerance in years too: each end is clamped for itself"),
        (at("-P6M", "P1M"), "Mon 2026-08-31", ("Sat 2026-01-31", "Sat 2026-02-28", "Tue 2026-03-31"),
         "before the anchor as well"),
        (at("P1M", "P1M"), "Sun 2027-01-31", ("Sun 2027-01-31", "Sun 2027-02-28", "Wed 2027-03-31"),
         "an end that is the anchor's own day"),
        (at("P28D", "P1M"), "Sun 2027-01-03", ("Thu 2026-12-31", "Sun 2027-01-31", "Sun 2027-02-28"),
         "a target in days is never clamped: months of its tolerance count from it"),
        (at("P12M", "P0D"), "Tue 2028-02-29", ("Wed 2029-02-28",) * 3, "a year after a leap day"),
        (at("-P5D", "P1D", "P0D"), "Sat 2027-01-02", ("Sun 2026-12-27", "Mon 2026-12-28", "Mon 2026-12-28"),
         "before the anchor, across the year's end"),
        (at("P1Y", "P2W"), "Mon 2026-12-07", ("Tue 2027-11-23", "Tue 2027-12-07", "Tue 2027-12-21"),
         "a year"),
        (within("-P28D", "-P6D"), "Mon 2026-12-07", ("Mon 2026-11-09", "Mon 2026-11-09", "Tue 2026-12-01"),
         "once within a range: its first day is the target"),
        (within("-P28D", "-P6D", "-P14D"), "Mon 2026-12-07",
         ("Mon 2026-11-09", "Mon 2026-11-23", "Tue 2026-12-01"), "unless the protocol names another"),
        (within("-P1M", "-P1W"), "Tue 2026-03-31", ("Sat 2026-02-28", "Sat 2026-02-28", "Tue 2026-03-24"),
         "a range may begin by the month and end by the week"),
        (within("-P1M", "-P6D", "-P14D"), "Tue 2026-03-31",
         ("Sat 2026-02-28", "Tue 2026-03-17", "Wed 2026-03-25"), "and have its target by the day"),
        (over("-P2D", "-P1D"), "Mon 2026-12-07", ("Sat 2026-12-05", "Sat 2026-12-05", "Sun 2026-12-06"),
         "over a range: the first day opens and is the target, the last closes"),
        (over("-P1M", "P0D"), "Mon 2026-12-07", ("Sat 2026-11-07", "Sat 2026-11-07", "Mon 2026-12-07"),
         "over a month"),
    ],
)  # fmt: skip
def test_one_visit(timing, infusion, expected, reason):
    (planned,) = plan_of(visit("v", timing), infusion=infusion).visits
    assert dated(planned) == expected, reason
    assert (planned.code, planned.label, planned.occurrence) == ("v", "V", 1)
    assert planned.day == (on(expected[1]) - on(infusion)).days


@pytest.mark.parametrize(
    ("month", "target", "reason"),
    [
        (MonthLength.CALENDAR, "Mon 2027-06-07", "by the calendar"),
        (MonthLength.DAYS_28, "Mon 2027-05-24", "168 days"),
        (MonthLength.DAYS_30, "Sat 2027-06-05", "180 days"),
    ],
)
def test_what_a_month_is_the_protocol_says(month, target, reason):
    (planned,) = plan_of(visit("m6", at("P6M", "P1M")), month=month).visits
    assert dated(planned)[1] == target, reason


def test_a_fixed_month_is_fixed_in_the_tolerance_too():
    (planned,) = plan_of(visit("m6", at("P6M", "P1M")), month=MonthLength.DAYS_28).visits
    assert dated(planned) == ("Mon 2027-04-26", "Mon 2027-05-24", "Mon 2027-06-21")


def test_a_fixed_month_around_a_calendar_year():
    (planned,) = plan_of(
        visit("v", at("P1Y", "P1M")), infusion="Tue 2028-02-29", month=MonthLength.DAYS_28
    ).visits
    assert dated(planned) == ("Wed 2029-01-31", "Wed 2029-02-28", "Wed 2029-03-28")


def test_every_repeat_has_its_months_of_tolerance_from_the_anchor():
    rule = visit("v", repeated(at("P3M", "P1M"), "P3M", "P9M"))
    visits = plan_of(rule, infusion="Mon 2026-08-31").visits
    assert [dated(planned) for planned in visits] == [
        ("Sat 2026-10-31", "Mon 2026-11-30", "Thu 2026-12-31"),
        ("Sun 2027-01-31", "Sun 2027-02-28", "Wed 2027-03-31"),
        ("Fri 2027-04-30", "Mon 2027-05-31", "Wed 2027-06-30"),
    ]


@pytest.mark.parametrize(
    ("timing", "infusion", "targets", "reason"),
    [
        (each("-P5D", "-P3D"), "Mon 2026-12-07", ("Wed 2026-12-02", "Thu 2026-12-03", "Fri 2026-12-04"),
         "one visit on each day"),
        (each("-P1W", "-P6D"), "Mon 2026-12-07", ("Mon 2026-11-30", "Tue 2026-12-01"),
         "a week is seven days"),
        (each("P0D", "P0D"), "Mon 2026-12-07", ("Mon 2026-12-07",), "a range of one day is still numbered"),
        (each("P0D", "P2D"), "Sun 2028-02-27", ("Sun 2028-02-27", "Mon 2028-02-28", "Tue 2028-02-29"),
         "a leap day is a day"),
    ],
)  # fmt: skip
def test_each_day_of_a_range(timing, infusion, targets, reason):
    visits = plan_of(visit("ld", timing), infusion=infusion).visits
    assert [dated(planned) for planned in visits] == [(target,) * 3 for target in targets], reason
    assert [planned.code for planned in visits] == [f"ld-{n}" for n in range(1, len(targets) + 1)]
    assert [planned.label for planned in visits] == [f"Ld {n}" for n in range(1, len(targets) + 1)]


@pytest.mark.parametrize(
    ("timing", "infusion", "expected", "reason"),
    [
        (repeated(at("P3M", "P7D"), "P3M", "P24M"), "Mon 2026-08-31",
         {"v-1": "Mon 2026-11-30", "v-2": "Sun 2027-02-28", "v-3": "Mon 2027-05-31", "v-4": "Tue 2027-08-31",
          "v-5": "Tue 2027-11-30", "v-6": "Tue 2028-02-29", "v-7": "Wed 2028-05-31", "v-8": "Thu 2028-08-31"},
         "every three months to month 24, each counted from 31 August: no clamped day is carried on"),
        (repeated(at("P1W", "P1D"), "P2W", "P6W"), "Mon 2026-12-07",
         {"v-1": "Mon 2026-12-14", "v-2": "Mon 2026-12-28", "v-3": "Mon 2027-01-11"},
         "the last one is the last that is not past the end"),
        (repeated(at("P1W", "P1D"), "P2W", "P5W"), "Mon 2026-12-07",
         {"v-1": "Mon 2026-12-14", "v-2": "Mon 2026-12-28", "v-3": "Mon 2027-01-11"},
         "the end itself is inside"),
        (repeated(at("P1W", "P1D"), "P2W", "P2W"), "Mon 2026-12-07", {"v": "Mon 2026-12-14"},
         "what happens once has no number"),
    ],
)  # fmt: skip
def test_a_rule_said_again(timing, infusion, expected, reason):
    visits = plan_of(visit("v", timing), infusion=infusion).visits
    assert {planned.code: dated(planned)[1] for planned in visits} == expected, reason
    assert {planned.offset.unit for planned in visits} == {timing.offset.unit}


@pytest.mark.parametrize(
    ("applies_to", "traits", "there", "reason"),
    [
        ((), (), True, "a rule for everybody"),
        ((), ("minor",), True, "also for those with a trait"),
        (("minor",), (), False, "a rule for minors"),
        (("minor",), ("minor",), True, "applies to a minor"),
        (("minor", "fertile"), ("fertile",), True, "any of the traits will do"),
        (("minor",), ("fertile",), False, "another trait will not"),
        (("treated",), (), True, "a trait that every participant of the trial has"),
    ],
)
def test_rules_apply_by_trait(applies_to, traits, there, reason):
    small = protocol(visit("v", at("P1D"), applies_to=applies_to))
    plan = project(small, days(infusion="Mon 2026-12-07"), frozenset(traits))
    assert bool(plan.visits) is there, reason
    assert plan.warnings == ()


def test_visits_stand_by_target_then_opening_then_in_the_order_of_the_document():
    plan = plan_of(
        visit("late", at("P9D")),
        visit("narrow", at("P7D", "P1D")),
        visit("wide", at("P1W", "P3D")),
        visit("early", at("-P1D")),
        visit("second", at("P7D", "P1D")),
    )
    assert [planned.code for planned in plan.visits] == ["early", "wide", "narrow", "second", "late"]


@pytest.mark.parametrize(
    ("visits", "pairs", "reason"),
    [
        ([visit("a", at("P7D", "P3D")), visit("b", at("P14D", "P4D"))], ["a b"], "they share a day"),
        ([visit("a", at("P7D", "P3D")), visit("b", at("P14D", "P3D"))], [], "the morrow is another day"),
        ([visit("a", at("P7D")), visit("b", at("P7D"))], [],
         "two visits that never move may share their day"),
        ([visit("a", at("P7D")), visit("b", at("P8D", "P1D"))], ["a b"], "one of them could move away"),
        ([visit("a", at("P7D", "P1D")), visit("b", at("P8D"))], ["a b"], "whichever of the two"),
        ([visit("a", at("P30D", "P30D")), visit("b", at("P14D", "P1D")), visit("c", at("P40D", "P1D"))],
         ["a b", "a c"], "a wide window meets both, though they do not meet each other"),
        ([visit("a", over("P1D", "P9D")), visit("b", at("P7D", "P3D"))], [], "a stay is no window"),
        ([visit("a", within("P1D", "P9D")), visit("b", at("P7D", "P3D"))], ["a b"], "once within a range is"),
    ],
)  # fmt: skip
def test_windows_that_overlap(visits, pairs, reason):
    plan = plan_of(*visits)
    assert warned(plan) == ["overlapping-windows"] * len(pairs), reason
    for warning, pair in zip(plan.warnings, pairs, strict=True):
        first, second = (by_code(plan)[code] for code in pair.split())
        assert warning.message == (
            f"the windows of {first.label} ({first.window.opens} to {first.window.closes}) and "
            f"{second.label} ({second.window.opens} to {second.window.closes}) overlap"
        )


def test_slots_wait_for_an_anchor_and_are_placed_on_any():
    slots = slots_of(protocol(*CONDITIONING[1:], visit("m1", at("P1M", "P1D"))), frozenset())
    assert [slot.steps is None for slot in slots] == [False, False, True]
    assert [(slot.code, slot.window(on("Sun 2027-01-31")).target) for slot in slots] == [
        ("rest", on("Fri 2027-01-29")),
        ("d0", on("Sun 2027-01-31")),
        ("m1", on("Sun 2027-02-28")),
    ]


def test_without_its_anchor_a_visit_waits_and_the_plan_says_for_what():
    small = protocol(*CONDITIONING, visit("aftercare", at("P7D"), "discharge"))
    plan = project(small, days(infusion="Mon 2026-12-07"))
    assert "aftercare" not in by_code(plan)
    assert message(plan, "anchor-missing") == (
        "discharge is not known: no date yet for Aftercare; set discharge"
    )


def test_without_any_anchor_nothing_is_dated_and_nothing_fails():
    plan = project(protocol(*CONDITIONING, visit("d14", at("P14D"))), {})
    assert (plan.visits, dict(plan.anchors), plan.day_zero) == ((), {}, None)
    assert [warning.message for warning in plan.warnings] == [
        "Lymphodepletion start is not known: no date yet for Ld 1, Ld 2, Ld 3; set Lymphodepletion start",
        "Infusion is not known: no date yet for Rest, D0, D14; set Infusion",
    ]


def test_the_same_inputs_give_the_same_plan():
    assert plan_of(*CONDITIONING) == plan_of(*CONDITIONING)
