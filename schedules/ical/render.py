"""From values to bytes: the head by the icalendar library, each event by lines of our own, the same bytes.

The same values give the same bytes. Raise RENDERER with every change of what is written, so
that phones fetch again what did not change itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import icalendar
from icalendar import Calendar, vText

from schedules.ical.clean_text import clean, clean_line
from schedules.ical.lines import day, duration, joined, text, texts
from schedules.ical.values import CalendarEvent, CalendarHead, WholeDays
from schedules.ical.zones import vtimezone

RENDERER = f"3/{icalendar.__version__}"
PRODID = "-//Dayzero//Visit calendar 1//EN"
REFRESH = timedelta(hours=1)
COLOUR = "teal"
END = b"END:VCALENDAR\r\n"
_DAY = timedelta(days=1)


def calendar_bytes(head: CalendarHead, events: Iterable[CalendarEvent]) -> bytes:
    """A whole calendar: the head, the zone, and each event in the order given."""
    return b"".join([head_bytes(head), *map(event_bytes, events), END])


def event_bytes(event: CalendarEvent) -> bytes:
    """One VEVENT. Its caller keeps the bytes until the event changes."""
    return joined(list(_lines(event)))


@lru_cache(maxsize=256)
def head_bytes(head: CalendarHead) -> bytes:
    """Everything above the events. No METHOD: PUBLISH without an organizer fails strict checks."""
    calendar = Calendar()
    calendar.add("VERSION", "2.0")
    calendar.add("PRODID", PRODID)
    calendar.add("CALSCALE", "GREGORIAN")
    name = clean_line(head.name)
    # the library knows neither as text and would write a comma of the name as it is
    calendar.add("NAME", vText(name))
    calendar.add("X-WR-CALNAME", vText(name))
    calendar.add("X-WR-TIMEZONE", head.zone)
    # Calendar.new() leaves the parameter out, and Home Assistant then rejects the feed
    calendar.add("REFRESH-INTERVAL", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", "PT1H")
    calendar.add("COLOR", COLOUR)
    calendar.add_component(vtimezone(head.zone))
    rendered: bytes = calendar.to_ical()
    return rendered.removesuffix(END)


def _lines(event: CalendarEvent) -> Iterator[str]:
    """The lines of an event, in the order in which the library writes them."""
    # never "now": clients would take every fetch for a change
    stamp = _instant(event.changed_at)
    yield "BEGIN:VEVENT"
    yield f"SUMMARY:{text(clean_line(event.title))}"
    yield from _when(event)
    yield f"DTSTAMP:{stamp}"
    yield f"UID:{text(event.uid)}"
    yield f"SEQUENCE:{event.sequence}"
    if event.categories:
        yield f"CATEGORIES:{texts([clean_line(category) for category in event.categories])}"
    if event.description:
        yield f"DESCRIPTION:{text(clean(event.description))}"
    yield f"LAST-MODIFIED:{stamp}"
    if event.location:
        yield f"LOCATION:{text(clean_line(event.location))}"
    yield f"STATUS:{event.status.value}"
    yield f"TRANSP:{'OPAQUE' if event.busy else 'TRANSPARENT'}"
    if event.url:
        yield f"URL:{event.url}"
    yield f"X-MICROSOFT-CDO-BUSYSTATUS:{'BUSY' if event.busy else 'FREE'}"
    if event.alarm:
        yield "BEGIN:VALARM"
        yield "ACTION:DISPLAY"
        # Home Assistant rejects the whole feed for a display alarm without a description
        yield f"DESCRIPTION:{text(clean_line(event.alarm.text))}"
        yield f"TRIGGER:{duration(event.alarm.after_start)}"
        yield "END:VALARM"
    yield "END:VEVENT"


def _when(event: CalendarEvent) -> Iterator[str]:
    """Days as dates whose end is the next morning, hours in UTC."""
    when = event.when
    if isinstance(when, WholeDays):
        yield f"DTSTART;VALUE=DATE:{day(when.first)}"
        yield f"DTEND;VALUE=DATE:{day(when.last + _DAY)}"
    else:
        yield f"DTSTART:{_instant(when.starts)}"
        yield f"DTEND:{_instant(when.end)}"


def _instant(value: datetime) -> str:
    at = value.astimezone(UTC)
    return f"{day(at)}T{at.hour:02}{at.minute:02}{at.second:02}Z"
