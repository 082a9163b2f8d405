"""What visits are called that nobody planned; the infusion is on Monday 7 December 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import permutations

import pytest

from schedules.domain.visits.unscheduled import Added, Happening, Neighbour, names_of_added
from tests.unit.plan.small import on, protocol
from trials.domain.protocols.protocol import DayCount

ZERO = "Mon 2026-12-07"


def when(text: str) -> Happening:
    """`Mon 2026-12-07` or `Mon 2026-12-07 09:00`."""
    day, hour = text[:14], text[15:]
    at = datetime.fromisoformat(f"{day[4:]}T{hour}").replace(tzinfo=UTC) if hour else None
    return Happening(on(day), at)


def labels(added: list[str], day_count: DayCount = DayCount.DAY_0, **planned: str) -> list[str]:
    """The labels of visits on these days, in the order in which they were entered.

    `planned` names the protocol's visits by their day numbers, m5 for D-5, and says when each happened.
    """
    visits = [
        Neighbour(int(name[1:]) * (-1 if name[0] == "m" else 1), when(day), f"epoch-{name}")
        for name, day in planned.items()
    ]
    entered = [Added(n, when(day), (n,)) for n, day in enumerate(added)]
    found = names_of_added(protocol(day_count=day_count), on(ZERO), visits, entered)
    return [found[n].label for n in range(len(added))]


@pytest.mark.parametrize(
    ("added", "planned", "expected", "reason"),
    [
        (["Fri 2027-01-08"], {"d14": "Mon 2026-12-21", "d28": "Mon 2027-01-04"}, ["28.1"], "after D28"),
        (["Tue 2027-01-05"], {"d14": "Mon 2026-12-21", "d28": "Wed 2027-01-06"}, ["14.1"],
         "D28 is booked for the day after, though its target has passed"),
        (["Sun 2027-01-03"], {"d14": "Mon 2026-12-21", "d28": "Sat 2027-01-02"}, ["28.1"],
         "D28 was done before, though its target is to come"),
        (["Mon 2027-01-04 09:00"], {"d14": "Mon 2026-12-21", "d28": "Mon 2027-01-04 14:00"}, ["14.1"],
         "in the morning before D28 in the afternoon"),
        (["Mon 2027-01-04 15:00"], {"d14": "Mon 2026-12-21", "d28": "Mon 2027-01-04 14:00"}, ["28.1"],
         "in the afternoon after it"),
        (["Mon 2027-01-04"], {"d14": "Mon 2026-12-21", "d28": "Mon 2027-01-04 14:00"}, ["28.1"],
         "on one day and no hour: the protocol's comes first"),
        (["Wed 2026-12-09"], {"m5": "Wed 2026-12-02"}, ["0.1"], "after day zero, which has no visit"),
        (["Wed 2026-12-09"], {"m5": "Wed 2026-12-02", "d0": ZERO}, ["0.1"], "or has one"),
    ],
)  # fmt: skip
def test_the_number_follows_what_happened_before(added, planned, expected, reason):
    assert labels(added, **planned) == [f"Unscheduled {number}" for number in expected], reason


DAYS = (
    "Mon 2026-11-30",
    "Thu 2026-12-03",
    "Wed 2026-12-09",
    "Tue 2027-01-05",
    "Fri 2027-01-08",
    "Sat 2027-01-09",
)
NAMES = (
    "Unscheduled (before D0) 1", "Unscheduled (before D0) 2", "Unscheduled 0.1", "Unscheduled 14.1",
    "Unscheduled 28.1", "Unscheduled 28.2",
)  # fmt: skip


def test_the_order_of_entry_changes_no_label():
    expected = dict(zip(DAYS, NAMES, strict=True))
    for entered in permutations(DAYS):
        found = labels(
            list(entered),
            m7="Mon 2026-11-30",
            m5="Wed 2026-12-02",
            d0=ZERO,
            d14="Mon 2026-12-21",
            d28="Wed 2027-01-06",
        )
        assert dict(zip(entered, found, strict=True)) == expected


def test_before_day_zero_no_label_reads_as_a_negative_number():
    assert labels(["Tue 2026-12-01"], m7="Mon 2026-11-30") == ["Unscheduled (before D0) 1"]
    assert labels(["Sun 2026-11-01"], m7="Mon 2026-11-30") == ["Unscheduled (before D0) 1"], (
        "before the first"
    )


def test_a_protocol_that_counts_from_day_one_names_it():
    assert labels(["Tue 2026-12-01"], DayCount.DAY_1, m7="Mon 2026-11-30") == ["Unscheduled (before D1) 1"]
    assert labels(["Tue 2026-12-08"], DayCount.DAY_1, d0=ZERO) == ["Unscheduled 1.1"]


def test_the_epoch_is_that_of_the_visit_before():
    visits = [
        Neighbour(-7, when("Mon 2026-11-30"), "screening"),
        Neighbour(14, when("Mon 2026-12-21"), "treatment"),
    ]
    added = [
        Added(1, when("Sun 2026-11-01"), (1,)),
        Added(2, when("Tue 2026-12-08"), (2,)),
        Added(3, when("Tue 2026-12-22"), (3,)),
    ]
    found = names_of_added(protocol(), date(2026, 12, 7), visits, added)
    assert [found[n].epoch for n in (1, 2, 3)] == ["", "screening", "treatment"]
