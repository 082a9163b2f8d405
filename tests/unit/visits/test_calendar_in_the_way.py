"""What a site's calendar and its beds put in the way of a visit, around the Spring Festival of 2026.

The clinic is shut from Monday 16 to Monday 23 February; it works on the Saturdays 14 and 28.
"""

from __future__ import annotations

import pytest

from schedules.domain.plan.projection import project
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.readiness.beds import Beds, Occupied, critical_days, days_in_hospital, is_critical
from schedules.domain.visits.calendar_conflicts import clinic_days_left, hindrances
from tests.unit.plan.small import (
    CLINIC,
    CONDITIONING,
    SHANGHAI,
    at,
    by_code,
    days,
    each,
    on,
    over,
    protocol,
    said,
    visit,
    window,
    within,
)
from trials.domain.protocols.protocol import Place, Stay

FESTIVAL = ("Tue 2026-02-17", "Thu 2026-02-19", "Sat 2026-02-21")
AROUND = ("Thu 2026-02-12", "Mon 2026-02-16", "Fri 2026-02-20")
BEFORE = ("Sun 2026-02-08", "Tue 2026-02-17", "Fri 2026-02-20")
AFTER = ("Fri 2026-02-20", "Mon 2026-02-23", "Wed 2026-02-25")
WEEK = ("Mon 2026-03-02", "Wed 2026-03-04", "Sun 2026-03-08")
WEEKEND = ("Sun 2026-03-08", "Sun 2026-03-08", "Sun 2026-03-08")
LAST_SATURDAY = "last-clinic-day 2026-02-14, target-closed 2026-02-16 holiday"
NEXT_YEAR = ("Mon 2027-03-01", "Wed 2027-03-03", "Fri 2027-03-05")


def span(texts) -> VisitWindow:
    return VisitWindow(*(on(text) for text in texts))


@pytest.mark.parametrize(
    ("texts", "place", "today", "left", "found", "reason"),
    [
        (WEEK, "clinic", "Sun 2026-03-01", 5, "", "Monday to Friday"),
        (WEEK, "clinic", "Wed 2026-03-04", 3, "", "today counts"),
        (WEEK, "clinic", "Thu 2026-03-05", 2, "", "its target is past: nothing to say of it"),
        (WEEK, "clinic", "Fri 2026-03-06", 1, "last-clinic-day 2026-03-06", "the last that is left"),
        (WEEK, "clinic", "Sat 2026-03-07", 0, "no-clinic-day-left 2026-03-08", "a Saturday"),
        (WEEK, "clinic", "Mon 2026-03-09", 0, "", "the window has closed: that is another matter"),
        (WEEKEND, "clinic", "Sun 2026-03-01", 0, "no-clinic-day 2026-03-08", "one day, a Sunday"),
        (FESTIVAL, "clinic", "Sun 2026-02-01", 0, "no-clinic-day 2026-02-19 holiday", "all of it"),
        (AROUND, "clinic", "Sun 2026-02-01", 3, "target-closed 2026-02-16 holiday", "Saturday is made up"),
        (AROUND, "clinic", "Sat 2026-02-14", 1, LAST_SATURDAY, "the Saturday is left"),
        (AFTER, "clinic", "Sun 2026-02-01", 2, "target-closed 2026-02-23 holiday", "Tuesday and Wednesday"),
        (WEEK, "ward", "Sun 2026-03-01", 7, "", "the ward works every day"),
        (WEEK, "ward", "Sat 2026-03-07", 2, "", "the weekend too"),
        (WEEK, "ward", "Mon 2026-03-09", 0, "", "but not once the window has closed"),
        (FESTIVAL, "ward", "Sun 2026-02-01", 5, "holiday-on-ward 2026-02-19 holiday", "with few people"),
        (FESTIVAL, "ward", "Fri 2026-02-20", 2, "", "that day is past"),
        (NEXT_YEAR, "clinic", "Sun 2026-03-01", 5, "provisional 2027-03-05", "2027 is not out yet"),
    ],
)  # fmt: skip
def test_what_a_calendar_puts_in_the_way(texts, place, today, left, found, reason):
    asked = (span(texts), Place(place), CLINIC, on(today))
    assert clinic_days_left(*asked) == left, reason
    told = [" ".join(map(str, filter(None, (one.kind, one.day, one.holiday)))) for one in hindrances(*asked)]
    assert ", ".join(told) == found.replace(" holiday", " Spring Festival"), reason


@pytest.mark.parametrize(
    ("texts", "place", "today", "booked", "found", "reason"),
    [
        (AROUND, "clinic", "Sun 2026-02-01", "Thu 2026-02-12", "", "booked on a clinic day"),
        (AROUND, "clinic", "Sat 2026-02-14", "Sat 2026-02-14", "", "the only one left, and taken"),
        (AROUND, "clinic", "Sun 2026-02-01", "Tue 2026-02-17", "target-closed", "booked on a closed day"),
        (AROUND, "clinic", "Sun 2026-02-01", "Wed 2026-02-11", "target-closed", "booked on the eve of it"),
        (AROUND, "clinic", "Fri 2026-02-13", "Thu 2026-02-12", "target-closed", "nobody came"),
        (WEEKEND, "clinic", "Sun 2026-03-01", "Sun 2026-03-08", "no-clinic-day", "booked all the same"),
        (FESTIVAL, "ward", "Sun 2026-02-01", "Tue 2026-02-17", "holiday-on-ward", "a holiday too"),
        (FESTIVAL, "clinic", "Sun 2026-02-01", "Tue 2026-02-17", "no-clinic-day", "all of it"),
        (AROUND, "ward", "Sun 2026-02-01", "Sat 2026-02-14", "", "the ward works on Saturdays"),
        (BEFORE, "ward", "Sun 2026-02-01", "Sun 2026-02-08", "", "and on Sundays, unlike the clinic"),
        (NEXT_YEAR, "clinic", "Sun 2026-03-01", "Mon 2027-03-01", "provisional", "2027 may still change"),
    ],
)  # fmt: skip
def test_what_a_booking_has_met_is_in_the_way_no_longer(texts, place, today, booked, found, reason):
    told = hindrances(span(texts), Place(place), CLINIC, on(today), on(booked))
    assert " ".join(one.kind for one in told) == found, reason


def test_a_site_without_a_calendar_says_so_instead_of_guessing():
    asked = (span(WEEK), Place.CLINIC, None, on("Sun 2026-03-01"))
    assert clinic_days_left(*asked) is None
    assert [one.kind for one in hindrances(*asked)] == ["no-calendar"]
    ward = (span(WEEK), Place.WARD, None, on("Sun 2026-03-01"))
    assert (clinic_days_left(*ward), hindrances(*ward)) == (7, ()), "the ward needs none"


PLAN = project(
    protocol(
        *CONDITIONING,
        visit("screening", within("-P28D", "-P7D")),
        visit("d7", at("P7D"), place=Place.WARD),
        visit("d14", at("P14D", "P2D"), place=Place.WARD),
        visit("d28", at("P28D")),
        visit("watch", over("P1D", "P3D"), place=Place.WARD),
        visit("phone", each("P8D", "P9D")),
        windows=(window("infusion P0D", "infusion P5D", Stay()), window("infusion P30D", None, Stay())),
    ),
    days(infusion="Mon 2026-12-07"),
)


@pytest.mark.parametrize(
    ("code", "critical", "reason"),
    [
        ("ld-1", True, "chemotherapy, in the block"),
        ("rest", True, "the rest too: the block keeps its shape"),
        ("d7", True, "on the ward, at no tolerance"),
        ("d14", False, "on the ward, but two days either way"),
        ("d28", False, "at no tolerance, but in the clinic"),
        ("watch", False, "over days of which any can be a holiday"),
    ],
)
def test_visits_that_hold_their_days(code, critical, reason):
    assert is_critical(by_code(PLAN)[code]) is critical, reason


def test_the_days_that_cannot_leave_their_places_and_those_that_need_a_bed():
    block = ["Wed 2026-12-02", "Thu 2026-12-03", "Fri 2026-12-04", "Sat 2026-12-05", "Sun 2026-12-06"]
    zero, week, fortnight = "Mon 2026-12-07", "Mon 2026-12-14", "Mon 2026-12-21"
    assert [said(day) for day in critical_days(PLAN)] == [*block, zero, week]
    stay = ["Tue 2026-12-08", "Wed 2026-12-09", "Thu 2026-12-10", "Fri 2026-12-11", "Sat 2026-12-12"]
    asked = [said(day) for day in days_in_hospital(PLAN, SHANGHAI)]
    assert asked == [*block, zero, *stay, week, fortnight], (
        "each day once; a stay without an end asks for none"
    )


def test_a_participant_takes_one_bed_a_day_however_often_named():
    first, last = on("Mon 2026-12-07"), on("Wed 2026-12-09")
    others = [
        Occupied(((first, last), (last, last)), infusion=first),
        Occupied(((last, last),)),
        Occupied((), infusion=first),
    ]
    beds = Beds.of(2, 1, others)
    assert {said(day): count for day, count in beds.taken.items()} == {
        "Mon 2026-12-07": 1,
        "Tue 2026-12-08": 1,
        "Wed 2026-12-09": 2,
    }
    assert dict(beds.infusions) == {first: 2}
    assert (beds.ward_beds, beds.infusions_per_day) == (2, 1)
