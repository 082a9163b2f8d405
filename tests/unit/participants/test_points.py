"""Days and instants compared: a whole day where only the day is known, elapsed time where the hour is.

In Berlin Sunday 25 October 2026 has 25 hours, and Sunday 28 March 2027 has 23.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from participants.domain.moments import (
    after,
    at_or_after,
    at_or_before,
    between,
    day_of,
    first_after,
    first_instant,
)

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
MONDAY, TUESDAY = date(2026, 12, 7), date(2026, 12, 8)


def at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


NINE, TEN = at("2026-12-07T09:00"), at("2026-12-07T10:00")


@pytest.mark.parametrize(
    ("point", "bound", "not_before", "not_after", "reason"),
    [
        (MONDAY, MONDAY, True, True, "a day and itself"),
        (MONDAY, TUESDAY, False, True, "the eve"),
        (TUESDAY, MONDAY, True, False, "the morrow"),
        (NINE, MONDAY, True, True, "an hour of that day"),
        (at("2026-12-07T23:59"), TUESDAY, False, True, "a minute before that day"),
        (at("2026-12-08T00:00"), MONDAY, True, False, "the first instant of the morrow"),
        (NINE, NINE, True, True, "an instant and itself"),
        (NINE, TEN, False, True, "an hour earlier"),
        (TEN, NINE, True, False, "an hour later"),
        (NINE, NINE.astimezone(UTC), True, True, "one instant on two clocks"),
        (MONDAY, NINE, None, None, "some hour of that day: nobody knows which"),
        (TUESDAY, NINE, True, False, "any hour of the morrow is later"),
        (MONDAY, at("2026-12-08T00:00"), False, True, "any hour of that day is before midnight"),
        (MONDAY, at("2026-12-07T00:00"), True, None, "no hour is before its first, one may be it"),
    ],
)
def test_a_point_and_a_bound(point, bound, not_before, not_after, reason):
    assert at_or_after(point, bound, SHANGHAI) is not_before, reason
    assert at_or_before(point, bound, SHANGHAI) is not_after, reason
    assert after(point, bound, SHANGHAI) is (None if not_after is None else not not_after), reason


@pytest.mark.parametrize(
    ("point", "starts", "ends", "inside", "reason"),
    [
        (MONDAY, MONDAY, MONDAY, True, "both ends inside"),
        (MONDAY, None, None, True, "no bound at all"),
        (MONDAY, None, MONDAY, True, "open to the past"),
        (MONDAY, TUESDAY, None, False, "before its start"),
        (MONDAY, NINE, TUESDAY, None, "the hour decides"),
        (MONDAY, TUESDAY, NINE, False, "one bound is broken, whatever the hour"),
        (TEN, NINE, TEN, True, "the last instant"),
    ],
)
def test_a_point_between_two_bounds(point, starts, ends, inside, reason):
    assert between(point, starts, ends, SHANGHAI) is inside, reason


@pytest.mark.parametrize(
    ("day", "zone", "hours", "reason"),
    [
        (date(2026, 10, 25), BERLIN, 25, "the clocks go back"),
        (date(2027, 3, 28), BERLIN, 23, "the clocks go forward"),
        (date(2026, 10, 25), SHANGHAI, 24, "no change of clocks"),
        (date(2026, 11, 1), ZoneInfo("America/Havana"), 25, "they go back over midnight itself"),
    ],
)
def test_a_day_lasts_as_long_as_it_lasts_there(day, zone, hours, reason):
    assert first_after(day, zone) - first_instant(day, zone) == timedelta(hours=hours), reason
    assert day_of(first_instant(day, zone), zone) == day, reason
    assert day_of(first_after(day, zone), zone) == day + timedelta(days=1), reason


def test_one_hour_that_a_clock_shows_twice_is_two_instants():
    first = at("2026-10-25T02:30", BERLIN)
    second = first.replace(fold=1)
    assert after(second, first, BERLIN)
    assert not after(first, second, BERLIN)
    assert day_of(first, SHANGHAI) == day_of(second, SHANGHAI) == date(2026, 10, 25)


@pytest.mark.parametrize(
    ("point", "zone", "day"),
    [
        (at("2026-12-07T07:59"), UTC, "2026-12-06"),
        (at("2026-12-07T08:00"), UTC, "2026-12-07"),
        (MONDAY, UTC, "2026-12-07"),
    ],
)
def test_the_day_of_an_instant_is_the_zones(point, zone, day):
    assert day_of(point, zone) == date.fromisoformat(day)
