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


AHEAD = timedelta(minutes=1)
"""How far ahead of the database's clock an instant may lie before it counts as written by a wrong clock."""

WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
)
"""How long a message waits after its first, second, … temporary failure; after the last one as long again."""


@dataclass(frozen=True, slots=True)
class ClinicDaysLeft:
    """What a window that closes soon still has: its last clinic day from today on, None for none."""

    last: date | None
    closes: date

    @property
    def is_worth_a_word(self) -> bool:
        """Whether the day on which the window closes does not say it already."""
        return self.last != self.closes


def last_clinic_day(today: date, closes: date, is_clinic_day: Callable[[date], bool]) -> ClinicDaysLeft:
    """Give the last clinic day of a window from today on."""
    days = (closes - timedelta(days=number) for number in range((closes - today).days + 1))
    return ClinicDaysLeft(next((day for day in days if is_clinic_day(day)), None), closes)


@dataclass(frozen=True, slots=True)
class Notice:
    """A reminder as it goes to one person: the facts it tells, who is told, and at which address.

    `key` is the reminder's, the same each time that it is sent; `trial` is the trial's name outside;
    `opens` and `closes` are the visit's window, `day` is what a reminder of a rule is about, `thing` what two
    reminders of the same thing have in common, `link` the page where something can be done about it.
    `left` is of a visit to be booked, where its site has a table of working days.
    """

    reminder: int
    key: str
    trial: str
    subject_code: str
    label: str
    opens: date
    closes: date
    recipient: int
    address: str
    kind: str = CLOSING
    day: date | None = None
    thing: str = ""
    link: str = ""
    left: ClinicDaysLeft | None = None


def is_worth_saying(
    *, due_on: date, closes: date, today: date, booked_on: date | None = None, booking_lost: bool = False
) -> bool:
    """Say whether "this window closes soon" is true and news on this day at the site.

    Not before it is due (a clock that ran ahead wrote it), nor once the window has closed, nor while
    the visit has an appointment that is still to come; a booking that no longer fits is none.
    """
    appointed = booked_on is not None and booked_on >= today and not booking_lost
    return due_on <= today <= closes and not appointed


def wait_after(attempts: int) -> timedelta:
    """Give how long to wait after so many attempts that failed."""
    return WAITS[min(max(attempts, 1), len(WAITS)) - 1]


KEY_PARTS = ("uid", "closes")
"""The columns of a visit that stand in the key of a closing reminder, behind its kind.

A key that was written is what keeps a thing from being said twice: it keeps its spelling. The sweep and
the queries that ask for the present key write it in SQL, from these parts too.
"""
BETWEEN = ":"


def closing_key(uid: str, closes: date) -> str:
    """The key of the one reminder that a visit's window closes on that day; a moved window is a new one."""
    values = {"uid": uid, "closes": closes.isoformat()}
    return BETWEEN.join((CLOSING, *(values[part] for part in KEY_PARTS)))


def start_key(participant: int, day: date, lines: str) -> str:
    """The key of the one reminder that the list before a start says no, for these lines and this day."""
    return BETWEEN.join((START, str(participant), day.isoformat(), lines[:40]))


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
