"""What a calendar is made of before it is bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class EventStatus(StrEnum):
    """The only values that RFC 5545 knows for an event; any other makes a client reject the whole feed."""

    TENTATIVE = "TENTATIVE"
    CONFIRMED = "CONFIRMED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class WholeDays:
    """From a first to a last day, both included, with no hour."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Hours:
    """From one instant to another, or at an instant whose end nobody said; both carry a zone."""

    starts: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One entry of a calendar.

    `uid` is opaque and permanent; `sequence` rises when day, time, status or place change;
    `changed_at` (with its zone) is the last change of anything below; `busy` whether it takes
    up time that others could want.
    """

    uid: str
    sequence: int
    changed_at: datetime
    when: WholeDays | Hours
    title: str
    description: str = ""
    status: EventStatus = EventStatus.TENTATIVE
    busy: bool = False
    categories: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class CalendarHead:
    """What stands above the events: the calendar's name, and the IANA name of the site's zone."""

    name: str
    zone: str
