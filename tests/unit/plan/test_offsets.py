"""Amounts of time from a day, each row checkable on a wall calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.unit.plan.small import on, protocol, said
from trials.domain.errors import DomainError, OffsetError
from trials.domain.protocols.offsets import MonthLength, Offset, Unit, shift_day, shift_instant
from trials.domain.protocols.protocol import DayCount, study_day

CALENDAR, DAYS_28, DAYS_30 = MonthLength.CALENDAR, MonthLength.DAYS_28, MonthLength.DAYS_30


@pytest.mark.parametrize(
    ("text", "amount", "unit", "reason"),
    [
        ("P28D", 28, Unit.DAYS, "days after"),
        ("-P5D", -5, Unit.DAYS, "days before"),
        ("+P5D", 5, Unit.DAYS, "a plus says nothing new"),
        ("P8W", 8, Unit.WEEKS, "weeks"),
        ("P24M", 24, Unit.MONTHS, "months stay months: 24 are not 2 years here"),
        ("-P1Y", -1, Unit.YEARS, "years"),
        ("PT48H", 48, Unit.HOURS, "hours stand behind a T"),
        ("-PT48H", -48, Unit.HOURS, "hours before"),
        ("P0D", 0, Unit.DAYS, "the day itself"),
        ("P007D", 7, Unit.DAYS, "leading noughts do no harm"),
    ],
)
def test_an_offset_is_read(text, amount, unit, reason):
    assert Offset.parse(text) == Offset(amount, unit), reason


@pytest.mark.parametrize(
    "text",
    [
        *("", "5", "P", "PD", "5D", "P5", "P5H", "PT5D", "PT5M", "P1M2D", "P1.5D", "P-5D", "--P5D"),
        *("p5d", " P5D", "P5D\n", "P5D ", "P٥D", "P５D", "P1S", "−P5D", "PT48", "P48HT"),
    ],
)
def test_anything_else_is_refused_and_named(text):
    with pytest.raises(OffsetError) as refused:
        Offset.parse(text)
    assert str(refused.value).startswith(f"{text!r} is not an offset: write a sign, P, a whole number")
    assert isinstance(refused.value, DomainError)
    assert isinstance(refused.value, ValueError)


@pytest.mark.parametrize(
    ("offset", "iso", "words", "days", "reason"),
    [
        (Offset(1, Unit.DAYS), "P1D", "1 day", (1, 1, 1), "one is singular"),
        (Offset(-5, Unit.DAYS), "-P5D", "5 days", (-5, -5, -5), "words carry no sign"),
        (Offset(0, Unit.DAYS), "P0D", "0 days", (0, 0, 0), "nought has no sign and is plural"),
        (Offset(-1, Unit.WEEKS), "-P1W", "1 week", (-7, -7, -7), "minus one is singular too"),
        (Offset(12, Unit.WEEKS), "P12W", "12 weeks", (84, 84, 84), "a week is seven days"),
        (Offset(3, Unit.MONTHS), "P3M", "3 months", (None, 84, 90), "only a fixed month has days"),
        (Offset(-1, Unit.MONTHS), "-P1M", "1 month", (None, -28, -30), "the sign stays"),
        (Offset(0, Unit.MONTHS), "P0M", "0 months", (0, 0, 0), "no month at all is no day"),
        (Offset(1, Unit.YEARS), "P1Y", "1 year", (None, None, None), "a year is by the calendar, always"),
        (Offset(0, Unit.YEARS), "P0Y", "0 years", (0, 0, 0), "no year at all is no day"),
        (Offset(48, Unit.HOURS), "PT48H", "48 hours", (None, None, None), "hours are no days: clocks change"),
        (Offset(-1, Unit.HOURS), "-PT1H", "1 hour", (None, None, None), "hours before"),
        (Offset(0, Unit.HOURS), "PT0H", "0 hours", (0, 0, 0), "no hour at all is no day"),
    ],
)
def test_an_offset_speaks(offset, iso, words, days, reason):
    assert (offset.iso, offset.words) == (iso, words), reason
    assert (offset.days(), offset.days(DAYS_28), offset.days(DAYS_30)) == days, reason
    assert Offset.parse(iso) == offset
    assert -offset == Offset(-offset.amount, offset.unit)


@pytest.mark.parametrize(
    ("start", "offset", "month", "expected", "reason"),
    [
        ("Mon 2026-12-07", "P0D", CALENDAR, "Mon 2026-12-07", "no day is the day itself"),
        ("Mon 2026-12-07", "-P5D", CALENDAR, "Wed 2026-12-02", "chemotherapy five days before"),
        ("Mon 2026-12-07", "P28D", CALENDAR, "Mon 2027-01-04", "across the year's end"),
        ("Mon 2026-12-07", "P52W", CALENDAR, "Mon 2027-12-06", "52 weeks are 364 days, the same weekday"),
        ("Mon 2026-12-07", "-P4W", CALENDAR, "Mon 2026-11-09", "four weeks before"),
        ("Sat 2028-02-26", "P3D", CALENDAR, "Tue 2028-02-29", "a leap day counts as a day"),
        ("Fri 2027-02-26", "P3D", CALENDAR, "Mon 2027-03-01", "a common year has none"),
        ("Mon 2026-08-31", "P6M", CALENDAR, "Sun 2027-02-28", "31 August + 6 months: clamped"),
        ("Tue 2027-08-31", "P6M", CALENDAR, "Tue 2028-02-29", "in a leap year the month ends on the 29th"),
        ("Mon 2026-08-31", "P1M", CALENDAR, "Wed 2026-09-30", "September has 30 days"),
        ("Mon 2026-08-31", "P2M", CALENDAR, "Sat 2026-10-31", "from the anchor, not from 30 September"),
        ("Tue 2026-03-31", "-P1M", CALENDAR, "Sat 2026-02-28", "clamped backwards too"),
        ("Thu 2026-04-30", "P1M", CALENDAR, "Sat 2026-05-30", "the 30th stays the 30th, though May has 31"),
        ("Sat 2026-02-28", "P1M", CALENDAR, "Sat 2026-03-28", "the 28th, not the last of March"),
        ("Tue 2028-02-29", "P1Y", CALENDAR, "Wed 2029-02-28", "a year after a leap day is the 28th"),
        ("Tue 2028-02-29", "P12M", CALENDAR, "Wed 2029-02-28", "twelve months are a year"),
        ("Tue 2028-02-29", "P4Y", CALENDAR, "Sun 2032-02-29", "four years later it is there again"),
        ("Tue 2028-02-29", "-P1Y", CALENDAR, "Sun 2027-02-28", "and a year before it is not"),
        ("Mon 2027-02-01", "P1Y", CALENDAR, "Tue 2028-02-01", "a year is 365 days"),
        ("Tue 2028-02-01", "P1Y", CALENDAR, "Thu 2029-02-01", "or 366"),
        ("Thu 2026-12-31", "P2M", CALENDAR, "Sun 2027-02-28", "across the year's end and clamped"),
        ("Sun 2027-01-31", "-P2M", CALENDAR, "Mon 2026-11-30", "across it backwards"),
        ("Mon 2026-12-07", "P24M", CALENDAR, "Thu 2028-12-07", "two years of months"),
        ("Mon 2026-12-07", "P1M", DAYS_28, "Mon 2027-01-04", "a month of 28 days keeps the weekday"),
        ("Mon 2026-12-07", "P3M", DAYS_28, "Mon 2027-03-01", "84 days"),
        ("Mon 2026-12-07", "P3M", DAYS_30, "Sun 2027-03-07", "90 days"),
        ("Mon 2026-08-31", "P6M", DAYS_30, "Sat 2027-02-27", "180 days, and nothing to clamp"),
        ("Mon 2026-12-07", "-P1M", DAYS_30, "Sat 2026-11-07", "30 days before"),
        ("Mon 2026-12-07", "P1Y", DAYS_28, "Tue 2027-12-07", "a year stays a year of the calendar"),
        ("Wed 0001-01-03", "-P2D", CALENDAR, "Mon 0001-01-01", "the first day there is"),
        ("Wed 9999-12-29", "P2D", CALENDAR, "Fri 9999-12-31", "the last day there is"),
        ("Mon 2026-12-07", "PT0H", CALENDAR, "Mon 2026-12-07", "no hour needs no instant"),
    ],
)
def test_a_day_is_moved(start, offset, month, expected, reason):
    assert said(shift_day(on(start), Offset.parse(offset), month)) == expected, reason


@pytest.mark.parametrize(
    ("start", "offset", "message"),
    [
        (date(1, 1, 1), "-P1D", "-P1D from 0001-01-01 leads outside the years 1 to 9999"),
        (date(1, 1, 31), "-P1M", "-P1M from 0001-01-31 leads outside the years 1 to 9999"),
        (date(9999, 12, 31), "P1W", "P1W from 9999-12-31 leads outside the years 1 to 9999"),
        (date(9999, 2, 1), "P1Y", "P1Y from 9999-02-01 leads outside the years 1 to 9999"),
        (
            date(2026, 1, 1),
            "P9999999999D",
            "P9999999999D from 2026-01-01 leads outside the years 1 to 9999",
        ),
        (
            date(2026, 1, 1),
            "P9999999999Y",
            "P9999999999Y from 2026-01-01 leads outside the years 1 to 9999",
        ),
        (date(2026, 1, 1), "PT48H", "PT48H counts hours: it needs an instant, not the day 2026-01-01"),
    ],
)
def test_a_day_outside_the_calendar_and_hours_without_an_instant_are_refused(start, offset, message):
    with pytest.raises(OffsetError) as refused:
        shift_day(start, Offset.parse(offset))
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("zone", "start", "offset", "expected", "reason"),
    [
        ("Asia/Shanghai", "2026-12-02T09:00", "-PT48H", "2026-11-30T09:00+08:00", "no clock change in China"),
        ("Europe/Berlin", "2026-03-30T09:00", "-PT48H", "2026-03-28T08:00+01:00", "forward on 29 March"),
        ("Europe/Berlin", "2026-10-26T09:00", "-PT48H", "2026-10-24T10:00+02:00", "and back on 25 October"),
        ("Europe/Berlin", "2026-10-25T02:30", "PT1H", "2026-10-25T02:30+01:00", "2:30 comes twice"),
        ("Europe/Berlin", "2026-03-29T01:30", "PT1H", "2026-03-29T03:30+02:00", "2:30 does not come"),
        ("America/New_York", "2026-03-09T08:00", "-PT48H", "2026-03-07T07:00-05:00", "forward on 8 March"),
        ("America/New_York", "2026-11-02T08:00", "-PT48H", "2026-10-31T09:00-04:00", "back on 1 November"),
        ("Pacific/Apia", "2011-12-31T09:00", "-PT24H", "2011-12-29T09:00-10:00", "no 30 December there"),
        ("Pacific/Apia", "2011-12-29T23:00", "PT1H", "2011-12-31T00:00+14:00", "midnight leads to the 31st"),
        ("Europe/Berlin", "2026-03-28T09:00", "P1D", "2026-03-29T09:00+02:00", "a day keeps the hour"),
        ("Europe/Berlin", "2026-08-31T09:00", "P6M", "2027-02-28T09:00+01:00", "months too, clamped"),
    ],
)
def test_an_instant_is_moved(zone, start, offset, expected, reason):
    moved = shift_instant(datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone)), Offset.parse(offset))
    assert moved.isoformat(timespec="minutes") == expected, reason


def test_hours_between_instants_are_elapsed_hours_across_a_clock_change():
    start = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    moved = shift_instant(start, Offset(24, Unit.HOURS))
    assert (moved.hour, (moved.astimezone(UTC) - start.astimezone(UTC)).total_seconds()) == (13, 24 * 3600)


def test_a_month_of_fixed_length_moves_an_instant_too():
    start = datetime(2026, 12, 7, 9, tzinfo=UTC)
    assert shift_instant(start, Offset(1, Unit.MONTHS), DAYS_30) == datetime(2027, 1, 6, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "day_0", "day_1", "reason"),
    [
        (-28, "D-28", "D-28", "before the anchor both count alike"),
        (-1, "D-1", "D-1", "the eve"),
        (0, "D0", "D1", "the anchor's own day is Day 0 or Day 1"),
        (1, "D1", "D2", "the morrow"),
        (28, "D28", "D29", "offsets do not change, labels do"),
    ],
)
def test_day_labels(days, day_0, day_1, reason):
    assert protocol().day_label(days) == day_0, reason
    assert protocol(day_count=DayCount.DAY_1).day_label(days) == day_1, reason


@pytest.mark.parametrize(
    ("day", "expected", "reason"),
    [
        ("Sun 2026-12-06", -1, "the eve is day -1"),
        ("Mon 2026-12-07", 1, "the reference itself is day 1: there is no day 0"),
        ("Tue 2026-12-08", 2, "the morrow"),
        ("Mon 2027-01-04", 29, "28 days later"),
        ("Mon 2026-11-09", -28, "28 days before"),
    ],
)
def test_the_cdisc_study_day_has_no_day_nought(day, expected, reason):
    assert study_day(on(day), on("Mon 2026-12-07")) == expected, reason
