"""What somebody wants to see in a calendar subscription."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class AlarmAhead(StrEnum):
    """When a phone reminds of a booked visit."""

    NONE = "none"
    HOUR = "hour"
    DAY = "day"


CANCELLED_DAYS = timedelta(days=30)
"""How long a cancelled visit is still shown, struck through, so that nobody wonders where it went."""

BOOK_AHEAD = timedelta(days=14)
"""How long before its window opens a visit is shown as still to be booked."""


@dataclass(frozen=True, slots=True)
class FeedContent:
    """What goes into a calendar, in which language, and how far back and ahead (None: without limit)."""

    language: str = "en"
    only_booked: bool = False
    window_bars: bool = False
    protocol_windows: bool = False
    to_book: bool = False
    keep_cancelled: bool = True
    subject_codes: bool = True
    alarm: AlarmAhead = AlarmAhead.NONE
    days_back: int | None = None
    days_ahead: int | None = None

    def style(self, links: str) -> str:
        """Name all that decides how an entry is written: calendars of one style share their bytes.

        `links` is the address of a participant's page with `{}` for the id.
        """
        chosen = (
            self.only_booked,
            self.window_bars,
            self.protocol_windows,
            self.to_book,
            self.keep_cancelled,
            self.subject_codes,
        )
        flags = "".join("1" if one else "0" for one in chosen)
        place = hashlib.sha256(links.encode()).hexdigest()[:12]
        return f"2 {self.language} {flags} {self.alarm.value} {place}"

    def shows(self, first: date, last: date, today: date) -> bool:
        """Say whether an entry from a first to a last day is neither too far back nor too far ahead."""
        if self.days_back is not None and last < today - timedelta(days=self.days_back):
            return False
        return self.days_ahead is None or first <= today + timedelta(days=self.days_ahead)
