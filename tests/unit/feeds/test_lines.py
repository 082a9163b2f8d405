"""An event's lines are, byte for byte, what the icalendar library writes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules.ical.clean_text import clean, clean_line
from schedules.ical.lines import duration, folded
from schedules.ical.render import event_bytes
from schedules.ical.values import Alarm, CalendarEvent, EventStatus, Hours, WholeDays

_FIRST = datetime(2015, 1, 1, tzinfo=UTC)
_DAYS = st.dates(date(2015, 1, 1), date(2045, 1, 1))
_INSTANTS = st.integers(0, 30 * 365 * 86_400).map(lambda seconds: _FIRST + timedelta(seconds=seconds))
_WORDS = st.text(max_size=200) | st.text(alphabet="\\^;,nN: \n中狼疮é\x07", max_size=200)
_SHORT = st.text(alphabet="abcD28;,\\ 中", max_size=90)


@st.composite
def events(draw: st.DrawFn) -> CalendarEvent:
    first = draw(_DAYS)
    hours = Hours(draw(_INSTANTS), draw(st.none() | _INSTANTS))
    whole = WholeDays(first, first + timedelta(days=draw(st.integers(0, 40))))
    minutes = st.integers(-60 * 24 * 3, 60 * 24).map(lambda count: timedelta(minutes=count))
    return CalendarEvent(
        uid=draw(st.uuids()).hex,
        sequence=draw(st.integers(0, 99_999)),
        changed_at=draw(_INSTANTS),
        when=draw(st.sampled_from((hours, whole))),
        title=draw(_WORDS),
        description=draw(_WORDS),
        status=draw(st.sampled_from(list(EventStatus))),
        busy=draw(st.booleans()),
        categories=tuple(draw(st.lists(_SHORT.filter(str.strip), max_size=2))),
        url=draw(st.sampled_from(("", "https://dayzero.example/participants/4711/;a,b"))),
        location=draw(_SHORT),
        alarm=draw(st.none() | st.builds(Alarm, minutes.filter(bool), _SHORT)),
    )


@given(events())
@settings(max_examples=60, deadline=None)
def test_an_event_is_what_the_library_writes(event: CalendarEvent) -> None:
    assert event_bytes(event) == by_the_library(event)


@given(_WORDS.map(lambda text: text.replace("\n", "")))
def test_lines_are_cut_between_characters_and_join_again(line: str) -> None:
    pieces = folded(line.encode(errors="ignore").decode()).split(b"\r\n ")
    assert all(len(piece) <= 74 for piece in pieces)
    assert "".join(piece.decode() for piece in pieces) == line.encode(errors="ignore").decode()


@pytest.mark.parametrize(
    ("span", "written"),
    [
        (timedelta(hours=-1), "-PT1H"),
        (timedelta(hours=8), "PT8H"),
        (timedelta(hours=-15), "-PT15H"),
        (timedelta(days=-1), "-P1D"),
        (timedelta(0), "PT0S"),
        (timedelta(days=1, minutes=90), "P1DT1H30M"),
    ],
)
def test_spans_of_time(span: timedelta, written: str) -> None:
    assert duration(span) == written
    assert icalendar.vDuration.from_ical(written) == span


def by_the_library(event: CalendarEvent) -> bytes:
    changed_at = event.changed_at.astimezone(UTC).replace(microsecond=0)
    made = icalendar.Event()
    made.add("UID", event.uid)
    made.add("SEQUENCE", event.sequence)
    made.add("DTSTAMP", changed_at)
    made.add("LAST-MODIFIED", changed_at)
    when = event.when
    if isinstance(when, WholeDays):
        made.add("DTSTART", when.first)
        made.add("DTEND", when.last + timedelta(days=1))
    else:
        made.add("DTSTART", when.starts.astimezone(UTC).replace(microsecond=0))
        made.add("DTEND", when.end.astimezone(UTC).replace(microsecond=0))
    made.add("STATUS", event.status.value)
    made.add("TRANSP", "OPAQUE" if event.busy else "TRANSPARENT")
    made.add("X-MICROSOFT-CDO-BUSYSTATUS", "BUSY" if event.busy else "FREE")
    made.add("SUMMARY", clean_line(event.title))
    if event.description:
        made.add("DESCRIPTION", clean(event.description))
    if event.location:
        made.add("LOCATION", clean_line(event.location))
    if event.categories:
        made.add("CATEGORIES", [clean_line(category) for category in event.categories])
    if event.url:
        made.add("URL", event.url)
    if event.alarm:
        alarm = icalendar.Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("DESCRIPTION", clean_line(event.alarm.text))
        alarm.add("TRIGGER", event.alarm.after_start)
        made.add_component(alarm)
    written: bytes = made.to_ical()
    return written
