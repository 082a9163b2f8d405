"""Offsets: their notation, and where they lead on a wall calendar."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trials.domain.errors import DomainError, OffsetError
from trials.domain.protocols.offsets import MonthLength, Offset, Unit, shift_day, shift_instant

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
CALENDAR, DAYS_28, DAYS_30 = MonthLength


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("-P5D", Offset(-5, Unit.DAYS), "5 days"),
        ("P1D", Offset(1, Unit.DAYS), "1 day"),
        ("P0D", Offset(0, Unit.DAYS), "0 days"),
        ("P8W", Offset(8, Unit.WEEKS), "8 weeks"),
        ("P24M", Offset(24, Unit.MONTHS), "24 months"),
        ("P1Y", Offset(1, Unit.YEARS), "1 year"),
        ("-PT48H", Offset(-48, Unit.HOURS), "48 hours"),
    ],
)
def test_an_offset_is_written_as_it_is_read(text, offset, words):
    assert Offset.parse(text) == offset
    assert offset.iso == text
    assert offset.words == words
    assert Offset.parse((-offset).iso) == -offset


@pytest.mark.parametrize(
    ("text", "iso"), [("+P5D", "P5D"), ("P007D", "P7D"), ("-P0D", "P0D"), ("-PT0H", "PT0H")]
)
def test_other_ways_to_write_the_same_become_one(text, iso):
    assert Offset.parse(text).iso == iso


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing"),
        ("5D", "no P"),
        ("P5", "no unit"),
        ("PD", "no number"),
        ("P5X", "no such unit"),
        ("P5H", "hours take a T"),
        ("PT5M", "minutes are no unit of a visit"),
        ("P1M2D", "one unit each"),
        ("P1.5D", "whole numbers only"),
        ("P-5D", "the sign stands first"),
        ("--P5D", "one sign"),
        (" P5D", "no blanks"),
        ("P5D\n", "no line's end"),
        ("p5d", "capital letters"),
    ],
)
def test_what_is_no_offset_is_named(text, reason):
    with pytest.raises(OffsetError) as refused:
        Offset.parse(text)
    assert repr(text) in str(refused.value), reason
    assert isinstance(refused.value, DomainError)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize(
    ("offset", "month", "days", "reason"),
    [
        ("P8W", CALENDAR, 56, "a week is seven days"),
        ("-P5D", CALENDAR, -5, "signed"),
        ("P2M", CALENDAR, None, "59 to 62 days"),
        ("P2M", DAYS_28, 56, "four weeks each"),
        ("P2M", DAYS_30, 60, "thirty days each"),
        ("P1Y", DAYS_30, None, "a year is no number of months of 30 days"),
        ("PT48H", CALENDAR, None, "hours are no days when the clocks change"),
        ("P0M", CALENDAR, 0, "nothing is nothing in any unit"),
        ("PT0H", CALENDAR, 0, "nothing is nothing in any unit"),
    ],
)
def test_days_are_fixed_only_where_no_anchor_can_change_them(offset, month, days, reason):
    assert Offset.parse(offset).days(month) == days, reason


@pytest.mark.parametrize(
    ("day", "offset", "month", "lands", "reason"),
    [
        (date(2026, 12, 7), "P0D", CALENDAR, date(2026, 12, 7), "day 0 is the anchor"),
        (date(2026, 12, 7), "-P28D", CALENDAR, date(2026, 11, 9), "four Mondays earlier"),
        (date(2026, 12, 7), "P12W", CALENDAR, date(2027, 3, 1), "twelve Mondays later"),
        (date(2026, 2, 1), "P28D", CALENDAR, date(2026, 3, 1), "a February of 28 days"),
        (date(2028, 2, 1), "P28D", CALENDAR, date(2028, 2, 29), "a February of 29 days"),
        (date(2026, 8, 31), "P6M", CALENDAR, date(2027, 2, 28), "there is no 31 February"),
        (date(2027, 8, 31), "P6M", CALENDAR, date(2028, 2, 29), "nor a 30 in a leap year"),
        (date(2026, 1, 31), "P1M", CALENDAR, date(2026, 2, 28), "clamped to the month's end"),
        (date(2026, 1, 31), "P2M", CALENDAR, date(2026, 3, 31), "from the anchor, not from 28 February"),
        (date(2026, 3, 31), "-P1M", CALENDAR, date(2026, 2, 28), "backwards too"),
        (date(2026, 2, 28), "P1M", CALENDAR, date(2026, 3, 28), "the month's end does not stick"),
        (date(2028, 2, 29), "P1Y", CALENDAR, date(2029, 2, 28), "a leap day in a common year"),
        (date(2028, 2, 29), "P4Y", CALENDAR, date(2032, 2, 29), "and in the next leap year"),
        (date(2028, 2, 29), "P12M", CALENDAR, date(2029, 2, 28), "twelve months are a year"),
        (date(2096, 2, 29), "P4Y", CALENDAR, date(2100, 2, 28), "2100 is no leap year"),
        (date(2026, 8, 31), "P6M", DAYS_28, date(2027, 2, 15), "168 days"),
        (date(2026, 8, 31), "P6M", DAYS_30, date(2027, 2, 27), "180 days"),
        (date(2026, 8, 31), "P1Y", DAYS_30, date(2027, 8, 31), "years go by the calendar all the same"),
        (date(2026, 12, 7), "PT0H", CALENDAR, date(2026, 12, 7), "no hours move no day"),
    ],
)
def test_a_day_is_moved_as_on_a_wall_calendar(day, offset, month, lands, reason):
    assert shift_day(day, Offset.parse(offset), month) == lands, reason


@pytest.mark.parametrize(
    "offset", ["P8000Y", "-P2027Y", "P999999999D", "-P800000D", "P99999M", f"P{10**30}D", f"P{10**30}M"]
)
def test_outside_the_calendar_is_said_with_the_offset_and_the_day(offset):
    with pytest.raises(OffsetError) as refused:
        shift_day(date(2026, 12, 7), Offset.parse(offset))
    assert f"{offset} from 2026-12-07 leads outside the years 1 to 9999" in str(refused.value)


def test_hours_need_an_instant():
    with pytest.raises(OffsetError, match="PT48H counts hours: it needs an instant, not the day 2026-12-07"):
        shift_day(date(2026, 12, 7), Offset.parse("PT48H"))


@pytest.mark.parametrize(
    ("start", "zone", "offset", "lands", "reason"),
    [
        ("2026-12-07T14:00", SHANGHAI, "-PT48H", "2026-12-05T14:00+08:00", "no clock changes in China"),
        ("2026-03-28T14:00", BERLIN, "PT24H", "2026-03-29T15:00+02:00", "a day of 23 hours"),
        ("2026-03-28T14:00", BERLIN, "P1D", "2026-03-29T14:00+02:00", "a day keeps the time of day"),
        ("2026-10-24T14:00", BERLIN, "PT24H", "2026-10-25T13:00+01:00", "a day of 25 hours"),
        ("2026-10-24T14:00", BERLIN, "P1W", "2026-10-31T14:00+01:00", "a week keeps the time of day"),
        ("2026-10-25T01:30", BERLIN, "PT1H", "2026-10-25T02:30+02:00", "the first half past two"),
        ("2026-10-25T01:30", BERLIN, "PT2H", "2026-10-25T02:30+01:00", "and the second"),
        ("2026-08-31T08:00", SHANGHAI, "P6M", "2027-02-28T08:00+08:00", "clamped as a day is"),
        ("2026-12-31T23:00", SHANGHAI, "PT1H", "2027-01-01T00:00+08:00", "into the next year"),
    ],
)
def test_an_instant_is_moved_in_elapsed_hours_or_in_local_days(start, zone, offset, lands, reason):
    instant = datetime.fromisoformat(start).replace(tzinfo=zone)
    moved = shift_instant(instant, Offset.parse(offset))
    assert moved.isoformat(timespec="minutes") == lands, reason
    assert moved.tzinfo is zone


def by_month_table(day, months):
    """The naive oracle: count months on twelve fingers and ask a table for the month's length."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))
AMOUNTS = st.integers(-600, 600)


@settings(max_examples=25)
@given(DAYS, AMOUNTS)
def test_months_and_years_agree_with_a_table_of_month_lengths(day, amount):
    assert shift_day(day, Offset(amount, Unit.MONTHS)) == by_month_table(day, amount)
    assert shift_day(day, Offset(amount // 12, Unit.YEARS)) == by_month_table(day, amount // 12 * 12)


@settings(max_examples=25)
@given(
    DAYS,
    AMOUNTS,
    st.sampled_from([(Unit.DAYS, CALENDAR, 1), (Unit.WEEKS, DAYS_28, 7), (Unit.MONTHS, DAYS_30, 30)]),
)
def test_fixed_units_are_so_many_days_and_come_back(day, amount, unit):
    kind, month, size = unit
    moved = shift_day(day, Offset(amount, kind), month)
    assert (moved - day).days == amount * size
    assert shift_day(moved, Offset(-amount, kind), month) == day


@settings(max_examples=25)
@given(
    DAYS,
    st.sampled_from([UTC, SHANGHAI, BERLIN]),
    AMOUNTS,
)
def test_hours_are_elapsed_whatever_the_clocks_do(day, zone, hours):
    instant = datetime.combine(day, time(1, 30), zone)
    moved = shift_instant(instant, Offset(hours, Unit.HOURS))
    assert moved.astimezone(UTC) - instant.astimezone(UTC) == timedelta(hours=hours)


@settings(max_examples=25)
@given(AMOUNTS, st.sampled_from(Unit))
def test_the_notation_comes_back(amount, unit):
    offset = Offset(amount, unit)
    assert Offset.parse(offset.iso) == offset
