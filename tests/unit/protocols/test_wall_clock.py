"""Hours that do not exist are refused, and hours that come twice must say which they are."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from trials.domain.sites.wall_clock import (
    HourElsewhere,
    HourMissing,
    HourTwice,
    exists,
    instant_at,
    instant_from,
    instants_of,
    read_offset,
    refusal_of,
)

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2027, 3, 28), date(2026, 10, 25)

MISSING = [
    ("Europe/Berlin", SPRING, time(2, 30), "from 02:00 to 03:00"),
    ("Europe/Berlin", SPRING, time(2, 0), "from 02:00 to 03:00"),
    ("America/New_York", date(2027, 3, 14), time(2, 59), "from 02:00 to 03:00"),
    ("Australia/Lord_Howe", date(2027, 10, 3), time(2, 15), "from 02:00 to 02:30"),
    ("Africa/Cairo", date(2027, 4, 30), time(0, 30), "from 00:00 to 01:00"),
    ("Pacific/Apia", date(2011, 12, 30), time(12), "from 2011-12-30 00:00 to 2011-12-31 00:00"),
]
TWICE = [
    ("Europe/Berlin", AUTUMN, time(2, 30), "from 03:00 back to 02:00", "+02:00", "+01:00"),
    ("Europe/Berlin", AUTUMN, time(2, 0), "from 03:00 back to 02:00", "+02:00", "+01:00"),
    ("America/New_York", date(2026, 11, 1), time(1, 15), "from 02:00 back to 01:00", "-04:00", "-05:00"),
    ("Australia/Lord_Howe", date(2027, 4, 4), time(1, 45), "from 02:00 back to 01:30", "+11:00", "+10:30"),
]


@pytest.mark.parametrize(("zone", "day", "hour", "words"), MISSING)
def test_an_hour_that_does_not_exist_is_refused_in_words(zone, day, hour, words):
    with pytest.raises(HourMissing, match=words):
        instant_at(day, hour, ZoneInfo(zone))
    assert instants_of(day, hour, ZoneInfo(zone)) == ()


@pytest.mark.parametrize(("zone", "day", "hour", "words", "first", "second"), TWICE)
def test_an_hour_that_comes_twice_must_say_which(zone, day, hour, words, first, second):
    with pytest.raises(HourTwice, match=words) as asked:
        instant_at(day, hour, ZoneInfo(zone))
    assert first in str(asked.value)
    assert second in str(asked.value)
    one, other = asked.value.instants
    assert one.astimezone(UTC) < other.astimezone(UTC)
    for at, offset in ((one, first), (other, second)):
        _hour, told = read_offset(f"{hour:%H:%M}{offset}")
        assert instant_at(day, hour.replace(tzinfo=told), ZoneInfo(zone)).astimezone(UTC) == at.astimezone(
            UTC
        )


@pytest.mark.parametrize("hour", [time(1, 59), time(3), time(3, 30), time(0), time(23, 59)])
@pytest.mark.parametrize("day", [SPRING, AUTUMN, date(2026, 7, 1)])
def test_every_other_hour_is_one_instant(day, hour):
    at = instant_at(day, hour, BERLIN)
    assert (at.date(), at.time()) == (day, hour)
    assert exists(at)


def test_an_offset_that_the_zone_does_not_have_then_is_refused():
    summer = time(14, tzinfo=timezone(timedelta(hours=1)))
    with pytest.raises(HourElsewhere, match=r"Europe/Berlin.*\+02:00"):
        instant_at(date(2026, 7, 1), summer, BERLIN)


def test_an_instant_is_read_with_and_without_its_offset():
    assert instant_from("2026-07-01T14:00", BERLIN) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    later = instant_from("2026-10-25T02:30+01:00", BERLIN)
    assert later.astimezone(UTC) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    with pytest.raises(HourTwice):
        instant_from("2026-10-25T02:30", BERLIN)
    with pytest.raises(ValueError, match="Invalid"):
        instant_from("tomorrow", BERLIN)


def test_a_wall_clock_that_never_shows_it_is_no_instant():
    never = datetime(2027, 3, 28, 2, 30, tzinfo=BERLIN)
    assert not exists(never)
    assert "02:00 to 03:00" in str(refusal_of(never))
    assert refusal_of(datetime(2027, 3, 28, 3, 30, tzinfo=BERLIN)) is None
    assert refusal_of(never.astimezone(UTC)) is None


@pytest.mark.parametrize("text", ["02:30", "", "x", "02:30+99:00", "02:30Z"])
def test_an_hour_without_an_offset_is_left_as_it_was_typed(text):
    assert read_offset(text) == (text, None)


@pytest.mark.parametrize(
    ("text", "offset"),
    [("02:30+23:59", timedelta(hours=23, minutes=59)), ("02:30-03:30", -timedelta(hours=3, minutes=30))],
)
def test_an_offset_is_less_than_a_day(text, offset):
    assert read_offset(text) == ("02:30", timezone(offset))
    assert read_offset("02:30+24:00") == ("02:30+24:00", None)
