"""Bytes that every client can read: for any text, any day, any number of events."""
# ruff: noqa: DTZ001 (hypothesis adds the zone)

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import icalendar
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from schedules.ical.clean_text import clean, clean_line
from schedules.ical.render import PRODID, calendar_bytes, event_bytes
from schedules.ical.values import CalendarEvent, CalendarHead, EventStatus, Hours, WholeDays

HEAD = CalendarHead("NCT07274059 S01-003", "Asia/Shanghai")
CHANGED = datetime(2026, 11, 20, 9, 30, 15, 250_000, tzinfo=timezone(timedelta(hours=8)))
EVENT = CalendarEvent(
    uid="6f0d7c1e-0000-4000-8000-000000000001",
    sequence=2,
    changed_at=CHANGED,
    when=WholeDays(date(2027, 1, 4), date(2027, 1, 4)),
    title="NCT07274059 S01-003 D28 ±3",
    description="Day 28 (clinic)",
    categories=("NCT07274059",),
    url="https://dayzero.example/participants/7/",
)

days = st.dates(date(2000, 1, 1), date(2099, 1, 1))
instants = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC))
any_text = st.text(max_size=200)
chinese = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), max_size=120)
events = st.builds(
    CalendarEvent,
    uid=st.uuids().map(str),
    sequence=st.integers(0, 99),
    changed_at=instants,
    when=st.one_of(
        st.tuples(days, days).map(lambda pair: WholeDays(*sorted(pair))),
        st.tuples(instants, instants).map(lambda pair: Hours(*sorted(pair))),
        instants.map(Hours),
    ),
    title=any_text | chinese,
    description=any_text | chinese,
    status=st.sampled_from(EventStatus),
    busy=st.booleans(),
    categories=st.tuples(any_text),
)


def lines_of(body: bytes) -> list[str]:
    """The lines as they were before they were folded."""
    return body.decode().replace("\r\n ", "").split("\r\n")


def test_a_whole_calendar() -> None:
    assert lines_of(calendar_bytes(HEAD, [EVENT])) == [
        "BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODID}", "CALSCALE:GREGORIAN",
        "NAME:NCT07274059 S01-003", "X-WR-CALNAME:NCT07274059 S01-003", "COLOR:teal",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H", "X-PUBLISHED-TTL:PT1H", "X-WR-TIMEZONE:Asia/Shanghai",
        "BEGIN:VTIMEZONE", "TZID:Asia/Shanghai", "BEGIN:STANDARD", "DTSTART:20150101T000000", "TZNAME:CST",
        "TZOFFSETFROM:+0800", "TZOFFSETTO:+0800", "END:STANDARD", "END:VTIMEZONE",
        "BEGIN:VEVENT", "SUMMARY:NCT07274059 S01-003 D28 ±3", "DTSTART;VALUE=DATE:20270104",
        "DTEND;VALUE=DATE:20270105", "DTSTAMP:20261120T013015Z", "UID:6f0d7c1e-0000-4000-8000-000000000001",
        "SEQUENCE:2", "CATEGORIES:NCT07274059", "DESCRIPTION:Day 28 (clinic)",
        "LAST-MODIFIED:20261120T013015Z", "STATUS:TENTATIVE", "TRANSP:TRANSPARENT",
        "URL:https://dayzero.example/participants/7/", "X-MICROSOFT-CDO-BUSYSTATUS:FREE", "END:VEVENT",
        "END:VCALENDAR", "",
    ]  # fmt: skip


def test_an_empty_calendar_still_has_its_zone() -> None:
    lines = lines_of(calendar_bytes(HEAD, []))
    assert "TZID:Asia/Shanghai" in lines
    assert "BEGIN:VEVENT" not in lines


@pytest.mark.parametrize(
    ("when", "written", "why"),
    [
        (
            WholeDays(date(2026, 12, 31), date(2026, 12, 31)),
            ["DTSTART;VALUE=DATE:20261231", "DTEND;VALUE=DATE:20270101"],
            "a day ends the next morning, also at the year's end",
        ),
        (
            WholeDays(date(2028, 2, 28), date(2028, 2, 29)),
            ["DTSTART;VALUE=DATE:20280228", "DTEND;VALUE=DATE:20280301"],
            "a range ends the morning after its last day, over a leap day too",
        ),
        (
            Hours(CHANGED, CHANGED + timedelta(hours=1)),
            ["DTSTART:20261120T013015Z", "DTEND:20261120T023015Z"],
            "an hour is told in UTC",
        ),
        (
            Hours(CHANGED),
            ["DTSTART:20261120T013015Z", "DTEND:20261120T023015Z"],
            "an event without an end is refused by icalendar, libical, ical.js and node-ical",
        ),
        (
            Hours(CHANGED, CHANGED),
            ["DTSTART:20261120T013015Z", "DTEND:20261120T023015Z"],
            "nor does one take no time",
        ),
    ],
)
def test_when(when: WholeDays | Hours, written: list[str], why: str) -> None:
    lines = lines_of(event_bytes(replace(EVENT, when=when)))
    assert [line for line in lines if line.startswith(("DTSTART", "DTEND"))] == written, why


def test_busy_says_so_twice() -> None:
    lines = lines_of(event_bytes(replace(EVENT, busy=True)))
    assert "TRANSP:OPAQUE" in lines
    assert "X-MICROSOFT-CDO-BUSYSTATUS:BUSY" in lines


@given(st.lists(events, max_size=4))
def test_lines_are_short_whole_and_ended_right(entries: list[CalendarEvent]) -> None:
    body = calendar_bytes(HEAD, entries)
    assert body.endswith(b"\r\n")
    assert body.count(b"\n") == body.count(b"\r\n") == body.count(b"\r")
    for line in body.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is cut in two
    assert not re.search(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", body)


@given(st.lists(events, max_size=4))
def test_the_same_values_give_the_same_bytes(entries: list[CalendarEvent]) -> None:
    body = calendar_bytes(HEAD, entries)
    assert calendar_bytes(HEAD, entries) == body


@given(st.lists(events, max_size=4))
def test_icalendar_reads_back_what_was_said(entries: list[CalendarEvent]) -> None:
    calendar = icalendar.Calendar.from_ical(calendar_bytes(HEAD, entries))
    assert not any(event.errors for event in calendar.events)
    for event, entry in zip(calendar.events, entries, strict=True):
        assert str(event["SUMMARY"]) == clean_line(entry.title)
        assert str(event.get("DESCRIPTION", "")) == clean(entry.description)
        assert str(event["UID"]) == entry.uid
        if isinstance(entry.when, WholeDays):
            assert (event.start, event.end) == (entry.when.first, entry.when.last + timedelta(days=1))
        else:
            assert event.start == entry.when.starts.replace(microsecond=0)


@given(st.lists(events, max_size=4))
def test_vobject_reads_it_too(entries: list[CalendarEvent]) -> None:
    calendar = vobject.readOne(calendar_bytes(HEAD, entries).decode())
    read = {event.uid.value: event for event in getattr(calendar, "vevent_list", [])}
    assert set(read) == {entry.uid for entry in entries}
    for entry in entries:
        assert read[entry.uid].status.value == entry.status.value


@given(any_text)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    assert clean(clean(text)) == clean(text)
    assert "\n" not in clean_line(text)


@pytest.mark.parametrize(
    ("text", "cleaned", "why"),
    [
        ("a\x00b\x07c\x7f", "abc", "control characters make Google drop the whole feed"),
        ("a\tb", "a b", "a tab is a space"),
        ("a\r\nb\rc", "a\nb\nc", "every line break is one"),
        ("a\N{LINE SEPARATOR}b", "a\nb", "some parsers split there"),
        ("a\ud800b", "ab", "half a character has no bytes"),
        ("±3，访视", "±3，访视", "what can be read stays"),
    ],
)
def test_clean(text: str, cleaned: str, why: str) -> None:
    assert clean(text) == cleaned, why
