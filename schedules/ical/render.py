"""From values to bytes: built with the icalendar library, joined by hand.

The same values give the same bytes. Raise RENDERER with every change of what is written, so
that phones fetch again what did not change itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, timedelta
from functools import lru_cache

import icalendar
from icalendar import Alarm, Calendar, Event, vText

from schedules.ical.text import clean, clean_line
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
    """One VEVENT; the library takes 0.4 ms for it, so its caller keeps the bytes until the event changes."""
    rendered: bytes = _event(event).to_ical()
    return rendered


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


def _event(event: CalendarEvent) -> Event:
    changed_at = event.changed_at.astimezone(UTC).replace(microsecond=0)
    made = Event()
    made.add("UID", event.uid)
    made.add("SEQUENCE", event.sequence)
    # never "now": clients would take every fetch for a change
    made.add("DTSTAMP", changed_at)
    made.add("LAST-MODIFIED", changed_at)
    _add_when(made, event)
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
        alarm = Alarm()
        alarm.add("ACTION", "DISPLAY")
        # Home Assistant rejects the whole feed for a display alarm without a description
        alarm.add("DESCRIPTION", clean_line(event.alarm.text))
        alarm.add("TRIGGER", event.alarm.after_start)
        made.add_component(alarm)
    return made


def _add_when(made: Event, event: CalendarEvent) -> None:
    """Days as dates whose end is the next morning, hours in UTC."""
    when = event.when
    if isinstance(when, WholeDays):
        made.add("DTSTART", when.first)
        made.add("DTEND", when.last + _DAY)
        return
    made.add("DTSTART", when.starts.astimezone(UTC).replace(microsecond=0))
    made.add("DTEND", when.end.astimezone(UTC).replace(microsecond=0))
