"""What must be said once, and on which day it is due where it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

CLOSING = "closing"
"""The kind of reminder that says: this visit's window closes soon."""

START = "start"
"""The kind of reminder that says: the list before this start says no."""

STALE_AFTER = timedelta(minutes=15)
"""How old a claim without a sending grows before somebody else takes it up."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A reminder as it goes out: the facts it tells, and the addresses of those who are told.

    `key` is the reminder's, the same each time that it is sent; `opens` and `closes` are the
    visit's window. Of a start, `opens` is its day and `why` what the list says, as it is stored.
    """

    reminder: int
    key: str
    trial: str
    subject_code: str
    label: str
    opens: date
    closes: date
    addresses: tuple[str, ...]
    kind: str = CLOSING
    why: str = ""


def closing_key(uid: str, closes: date) -> str:
    """The key of the one reminder that a visit's window closes on that day; a moved window is a new one."""
    return f"{CLOSING}:{uid}:{closes.isoformat()}"


def local_days(
    zones: Iterable[str], now: datetime, read: Callable[[str], ZoneInfo] = ZoneInfo
) -> Mapping[date, tuple[str, ...]]:
    """The days that it is at this instant in these zones, each with its zones, both in order.

    `read` makes a zone of a name.

    Never more than three, however many zones: the earth is on two dates, and for an hour or
    two a day on three.
    """
    days: dict[date, list[str]] = {}
    for zone in sorted(set(zones)):
        days.setdefault(now.astimezone(read(zone)).date(), []).append(zone)
    return {day: tuple(days[day]) for day in sorted(days)}
