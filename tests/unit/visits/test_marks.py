"""What a visit is called at a glance, and why a site does not work on a day.

The infusion is on Monday 7 December 2026; the clinic is the one of the Spring Festival of 2026.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from schedules.domain.plan.labels import why_closed
from schedules.domain.plan.projection import project
from schedules.domain.visits.short_names import day_range, visit_mark
from tests.unit.plan.small import (
    CHEMOTHERAPY,
    CLINIC,
    CONDITIONING,
    at,
    by_code,
    days,
    on,
    over,
    protocol,
    repeated,
    visit,
    within,
)
from trials.domain.protocols.protocol import DayCount

VISITS = (
    *CONDITIONING,
    visit("screening", within("-P28D", "-P7D")),
    visit("d28", at("P28D", "P3D"), label="One month"),
    visit("w8", at("P8W", "P7D")),
    visit("m3", repeated(at("P3M", "P7D"), "P3M", "P6M")),
    visit("y1", at("P1Y", "P14D")),
    visit("rest-of-week", over("P1D", "P6D")),
    visit("ld-later", at("P1W"), CHEMOTHERAPY),
)
ZERO = on("Mon 2026-12-07")


def planned(code: str, **more: object):
    trial = protocol(*VISITS, **more)
    return trial, by_code(project(trial, days(infusion="Mon 2026-12-07")))[code]


@pytest.mark.parametrize(
    ("code", "mark", "unknown", "reason"),
    [
        ("d0", "D0", "D0", "day zero itself"),
        ("d28", "D28", "One month", "days from day zero"),
        ("ld-1", "D-5", "Ld 1", "chemotherapy counts from its own start; the day is told from day zero"),
        ("ld-later", "D2", "Ld-later", "a week after it: not W1, which would be told from day zero"),
        ("w8", "W8", "W8", "weeks as the protocol says them"),
        ("m3-1", "M3", "M3", "months"),
        ("m3-2", "M6", "M6", "and their repeats"),
        ("y1", "Y1", "Y1", "years"),
        ("screening", "Screening", "Screening", "a range has no day of its own"),
        ("rest-of-week", "Rest-of-week", "Rest-of-week", "nor has a stretch of days"),
    ],
)
def test_the_shortest_name_that_a_visit_is_known_by(code, mark, unknown, reason):
    trial, found = planned(code)
    assert visit_mark(trial, found, ZERO) == mark, reason
    assert visit_mark(trial, found, None) == unknown, f"{reason}: without a day zero no day is counted"


@pytest.mark.parametrize(
    ("count", "marks", "reason"),
    [
        (DayCount.DAY_0, ("D0", "D-5", "D28"), "the day of the infusion is D0"),
        (DayCount.DAY_1, ("D1", "D-5", "D29"), "the day of the infusion is D1, its eve D-1: there is no D0"),
    ],
)
def test_days_are_counted_as_the_protocol_counts_them(count, marks, reason):
    found = [visit_mark(*planned(code, day_count=count), ZERO) for code in ("d0", "ld-1", "d28")]
    assert tuple(found) == marks, reason


@pytest.mark.parametrize(
    ("code", "first_and_last"),
    [("d28", ("D25", "D31")), ("screening", ("D-28", "D-7")), ("d0", ("D0", "D0"))],
)
def test_the_window_in_days_from_day_zero(code, first_and_last):
    trial, found = planned(code)
    assert day_range(trial, found, ZERO) == first_and_last
    assert day_range(trial, found, None) is None, "while day zero is not known"


OWN = replace(
    CLINIC,
    closures={on("Thu 2026-03-12"): "Stocktaking", on("Fri 2026-03-13"): ""},
    make_up_days=CLINIC.make_up_days | {on("Sun 2026-03-22")},
    follows={on("Sun 2026-03-22"): 7},
)


@pytest.mark.parametrize(
    ("day", "why", "reason"),
    [
        ("Wed 2026-03-11", None, "it works"),
        ("Thu 2026-03-12", "closed (Stocktaking)", "the site's own word comes first"),
        ("Fri 2026-03-13", "closed", "closed, and nobody said why"),
        ("Tue 2026-02-17", "public holiday (Spring Festival)", "a public holiday by its name"),
        ("Sat 2026-02-28", None, "a Saturday that is made up for"),
        (
            "Sun 2026-03-22",
            "worked as a Sunday, not a clinic day",
            "made up for, without clinic",
        ),
        ("Sun 2026-03-15", "Sunday", "a day of the week on which nobody works"),
    ],
)
def test_why_a_site_does_not_work_on_a_day(day, why, reason):
    assert why_closed(OWN, on(day), str) == why, reason
    assert why_closed(None, on(day), str) is None, "nothing is said where nothing is known"


def test_day_zero_moved_by_a_day_renames_every_day_but_no_month():
    trial, found = planned("d28")
    assert visit_mark(trial, found, ZERO + timedelta(days=1)) == "D27"
    trial, month = planned("m3-1")
    assert visit_mark(trial, month, ZERO + timedelta(days=1)) == "M3"
