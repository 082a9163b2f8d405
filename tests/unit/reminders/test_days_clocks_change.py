"""The eight o'clock of each zone on the days on which clocks change: once, at the right instant."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from schedules.domain.reminders.hours import Hours
from schedules.domain.reminders.rules import Manner

CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29), date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8), date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 10, 4), date(2026, 4, 5)),
    ("America/Santiago", date(2026, 9, 6), date(2026, 4, 5)),
    ("Asia/Shanghai", date(2026, 3, 29), date(2026, 10, 25)),
]


@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, *days in CHANGES for day in days])
def test_a_morning_s_message_leaves_once_at_eight_by_the_wall(zone: str, day: date) -> None:
    here = ZoneInfo(zone)
    hours = Hours(here, time(8), time(20), lambda _day: True, False)
    begins = datetime.combine(day - timedelta(days=1), time(12), here).astimezone(UTC)
    left = set()
    for minutes in range(0, 48 * 60, 5):
        now = begins + timedelta(minutes=minutes)
        leaves = hours.leaves(now, Manner.DIGEST)
        assert leaves.astimezone(here).time() >= time(8)
        left.add(leaves.astimezone(UTC))
    mornings = {one for one in left if one.astimezone(here).date() == day and one.astimezone(here).hour == 8}
    (morning,) = {one for one in mornings if one.astimezone(here).minute == 0}
    assert morning == datetime.combine(day, time(8), here).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "day", "earliest", "opens"),
    [
        ("Africa/Cairo", date(2026, 4, 24), time(0, 30), time(1)),
        ("Africa/Cairo", date(2026, 4, 24), time(0), time(1)),
        ("Africa/Cairo", date(2026, 4, 23), time(0, 30), time(0, 30)),
        ("Asia/Beirut", date(2026, 3, 29), time(0, 15), time(1)),
        ("Europe/Berlin", date(2026, 3, 29), time(2, 45), time(3)),
        ("Australia/Lord_Howe", date(2026, 10, 4), time(2, 10), time(2, 30)),
    ],
)
def test_an_hour_that_the_clocks_skip_opens_where_they_go_on(
    zone: str, day: date, earliest: time, opens: time
) -> None:
    """What may leave from 00:30 on left at 01:30 in Cairo, where the clocks go from 00:00 to 01:00."""
    here = ZoneInfo(zone)
    hours = Hours(here, earliest, time(20), lambda _day: True, False)
    opening = datetime.combine(day, opens, here).astimezone(UTC)
    night = opening - timedelta(minutes=5)
    assert hours.leaves(night, Manner.DIGEST).astimezone(UTC) == opening
    assert hours.leaves(night, Manner.AT_ONCE).astimezone(UTC) == opening
    assert hours.leaves(opening, Manner.AT_ONCE).astimezone(UTC) == opening
