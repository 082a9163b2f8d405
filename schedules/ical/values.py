"""What a calendar is made of before it is bytes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
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


ASSUMED_LENGTH = timedelta(hours=1)
"""How long a booking lasts whose end nobody said: an event without an end is refused by four parsers."""


@dataclass(frozen=True, slots=True)
class Hours:
    """From one instant to another, or from one whose end nobody said, which then lasts as long as is usual.

    Both carry a zone.
    """

    starts: datetime
    ends: datetime | None = None
    usual: timedelta = ASSUMED_LENGTH

    @property
    def open_ended(self) -> bool:
        """Whether nobody said when it ends, or it would last no time at all."""
        return self.ends is None or self.ends <= self.starts

    @property
    def end(self) -> datetime:
        """The instant at which it ends: its usual length later where nobody said."""
        return self.starts + self.usual if self.ends is None or self.open_ended else self.ends


@dataclass(frozen=True, slots=True)
class Alarm:
    """When a phone speaks up, counted from the start of an entry (negative: before it), and what it shows."""

    after_start: timedelta
    text: str


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
    location: str = ""
    alarm: Alarm | None = None


@dataclass(frozen=True, slots=True)
class CalendarHead:
    """What stands above the events: the calendar's name, and the IANA name of the site's zone."""

    name: str
    zone: str
