"""What counts from a visit that is still to come, and a visit that says which anchor it sets."""

from datetime import date

import pytest

from schedules.domain.plan.explanations import because_visit
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import Known
from schedules.domain.visits.order import anchors_of_rule
from trials.domain.protocols.protocol import Reference, ReferenceKind

from .small import ANCHORS, anchor, at, by_code, dated, day_of, days, each, over, protocol, visit, within

BASE = visit("dose", within("P21D", "P28D"))
AFTER = visit("after", at("P28D", "P3D"), "visit:dose")
LATER = visit("later", at("P7D", "P1D"), "visit:after")
INFUSION = days(infusion="Mon 2026-12-07")

# what is known of the dose, opens/target/closes of what comes 28 days after it
CASES = [
    (Known(), ("Fri 2027-01-22", "Mon 2027-01-25", "Thu 2027-02-04"), "any day of 28 December to 4 January"),
    (
        Known(booked={"dose": date(2026, 12, 31)}),
        ("Fri 2027-01-22", "Thu 2027-01-28", "Thu 2027-02-04"),
        "booked: the target follows, the window stays open for every day it may still be given",
    ),
    (
        Known(performed={"dose": day_of("Sat 2027-01-02 actual")}),
        ("Wed 2027-01-27", "Sat 2027-01-30", "Tue 2027-02-02"),
        "given on 2 January: one day to count from",
    ),
    (
        Known(missed=frozenset({"dose"})),
        ("Fri 2027-01-22", "Mon 2027-01-25", "Thu 2027-01-28"),
        "missed: it lends its target",
    ),
]


@pytest.mark.parametrize(("known", "expected", "reason"), CASES)
def test_until_its_base_has_happened_a_visit_may_be_on_all_days_that_follow_from_it(known, expected, reason):
    plan = project(protocol(BASE, AFTER), INFUSION, known=known)
    assert dated(by_code(plan)["after"]) == expected


def test_the_days_of_a_chain_add_up():
    plan = project(protocol(BASE, AFTER, LATER), INFUSION)
    assert dated(by_code(plan)["later"]) == ("Thu 2027-01-28", "Mon 2027-02-01", "Fri 2027-02-12")


def test_a_base_with_a_tolerance_is_awaited_as_long_as_its_window_is_open():
    plan = project(protocol(visit("dose", at("P21D", "P2D")), AFTER), INFUSION)
    assert dated(by_code(plan)["after"]) == ("Wed 2027-01-20", "Mon 2027-01-25", "Sat 2027-01-30")


def test_an_anchor_that_a_visit_dates_follows_the_day_expected_of_the_visit():
    screened = visit("screening", within("-P28D", "-P6D", "-P14D"))
    looking_back = visit("call", at("-P2D"), "screening")
    trial = protocol(screened, looking_back)
    assert dated(by_code(project(trial, INFUSION))["call"])[1] == "Sat 2026-11-21"
    booked = Known(booked={"screening": date(2026, 11, 26)})
    assert dated(by_code(project(trial, INFUSION, known=booked))["call"])[1] == "Tue 2026-11-24"


SECOND = anchor("dose-2", "infusion", "P21D")


@pytest.mark.parametrize("counted_from", ["infusion", "dose-2"])
def test_a_visit_sets_the_anchor_that_it_names_whatever_its_tolerance(counted_from):
    offset = "P21D" if counted_from == "infusion" else "P0D"
    dose = visit("dose-2", at(offset, "P2D"), counted_from, sets="dose-2")
    after = visit("after", at("P28D", "P3D"), "dose-2")
    trial = protocol(dose, after, anchors=(*ANCHORS, SECOND))
    assert anchors_of_rule(dose, 1) == ("dose-2",)
    given = INFUSION | {"dose-2": day_of("Wed 2026-12-30 actual")}
    plan = by_code(project(trial, given))
    assert dated(plan["after"])[1] == "Wed 2027-01-27", "28 days after day 23"
    assert dated(plan["dose-2"]) == ("Sat 2026-12-26", "Mon 2026-12-28", "Wed 2026-12-30"), "its own stays"


def test_what_a_visit_sets_today_it_sets_still():
    assert anchors_of_rule(visit("d0", at("P0D")), 1) == ("infusion",)
    assert anchors_of_rule(visit("d0", at("P0D", "P2D")), 1) == ()
    assert anchors_of_rule(visit("ld", each("P0D", "P2D"), sets="start"), 1) == ("infusion", "start")
    assert anchors_of_rule(visit("ld", each("P0D", "P2D"), sets="start"), 2) == ()


def test_a_visit_over_a_range_is_counted_from_its_first_day():
    trial = protocol(visit("stay", over("P1D", "P3D")), visit("call", at("P7D"), "visit:stay"))
    assert dated(by_code(project(trial, INFUSION))["call"])[1] == "Tue 2026-12-15"
    assert Reference(ReferenceKind.VISIT, "stay") == trial.visits[1].counts_from


@pytest.mark.parametrize(("known", "expected", "reason"), CASES[:2])
def test_a_window_that_waits_for_its_base_says_why_it_is_wide(known, expected, reason):
    """It said “Tolerance 3 days before, 3 days after” over a window of thirteen days."""
    told = because_visit(
        protocol(BASE, AFTER), by_code(project(protocol(BASE, AFTER), INFUSION, known=known))["after"]
    )
    assert (
        "Dose is still to come: all days that follow from its window count, "
        "Friday 2027-01-22 to Thursday 2027-02-04." in told
    )


@pytest.mark.parametrize(("known", "expected", "reason"), CASES[2:])
def test_a_window_whose_base_is_over_has_nothing_to_add(known, expected, reason):
    plan = project(protocol(BASE, AFTER), INFUSION, known=known)
    assert "still to come" not in because_visit(plan.protocol, by_code(plan)["after"])


def test_a_day_more_for_an_hour_that_is_not_on_record_is_explained():
    hours = visit("v", at("PT36H", "P0D"))
    given = protocol(hours)
    plan = project(given, days(infusion="Mon 2026-12-07 actual"))
    assert dated(by_code(plan)["v"]) == ("Tue 2026-12-08", "Tue 2026-12-08", "Wed 2026-12-09")
    assert (
        "The hour of Infusion is not on record: a day more counts, until Wednesday 2026-12-09."
        in because_visit(given, by_code(plan)["v"])
    )
    planned = project(given, INFUSION)
    assert "a day more" not in because_visit(given, by_code(planned)["v"])
