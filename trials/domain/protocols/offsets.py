"""Signed amounts of time from an anchor: hours, days, weeks, months, years.

Source of the notation: ISO 8601-1 durations, one unit each, with a leading sign as in
ISO 8601-2. Weeks are seven days. Months are counted by the calendar from the anchor and
clamped to the month's end, unless the protocol says that a month is 28 or 30 days.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from trials.domain.errors import OffsetError


class Unit(StrEnum):
    """The unit of an offset, by its ISO 8601 designator."""

    HOURS = "H"
    DAYS = "D"
    WEEKS = "W"
    MONTHS = "M"
    YEARS = "Y"


class MonthLength(StrEnum):
    """What a protocol means by a month: by the calendar, or a fixed number of days."""

    CALENDAR = "calendar"
    DAYS_28 = "28"
    DAYS_30 = "30"


DAYS_PER_WEEK = 7
HOURS_PER_DAY = 24
_MONTHS = 12
_SHORTEST_MONTH = 28
_FORM = re.compile(r"(?P<sign>[+-]?)P(?:(?P<days>[0-9]+)(?P<unit>[DWMY])|T(?P<hours>[0-9]+)H)")
_WORDS = {
    Unit.HOURS: ("hour", "hours"),
    Unit.DAYS: ("day", "days"),
    Unit.WEEKS: ("week", "weeks"),
    Unit.MONTHS: ("month", "months"),
    Unit.YEARS: ("year", "years"),
}


@dataclass(frozen=True, slots=True)
class Offset:
    """A signed amount of one unit, such as −5 days or +24 months."""

    amount: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Offset:
        """Read an ISO 8601 duration of one unit: `-P5D`, `P8W`, `P24M`, `P1Y`, `PT48H`.

        Raises OffsetError, naming the text, for anything else.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise OffsetError(
                f"{text!r} is not an offset: write a sign, P, a whole number and one of D, W, M, Y, "
                "or PT, a number and H; for instance -P5D, P8W, P24M, PT48H"
            )
        amount = int(found["days"] or found["hours"])
        unit = Unit(found["unit"]) if found["unit"] else Unit.HOURS
        return cls(-amount if found["sign"] == "-" else amount, unit)

    @property
    def iso(self) -> str:
        """The ISO 8601 text that `parse` reads back to this value."""
        sign = "-" if self.amount < 0 else ""
        time = "T" if self.unit is Unit.HOURS else ""
        return f"{sign}P{time}{abs(self.amount)}{self.unit}"

    @property
    def words(self) -> str:
        """The amount without its sign, in words: `1 day`, `24 months`."""
        size = abs(self.amount)
        return f"{size} {_WORDS[self.unit][size != 1]}"

    def __neg__(self) -> Offset:
        return Offset(-self.amount, self.unit)

    def days(self, month: MonthLength = MonthLength.CALENDAR) -> int | None:
        """The offset as a fixed number of days, or None where that depends on the anchor."""
        match self.unit:
            case Unit.DAYS:
                return self.amount
            case Unit.WEEKS:
                return self.amount * DAYS_PER_WEEK
            case Unit.MONTHS if month is not MonthLength.CALENDAR:
                return self.amount * int(month)
        return 0 if self.amount == 0 else None

    def plus(self, other: Offset, month: MonthLength = MonthLength.CALENDAR) -> Offset | None:
        """Give two offsets as one where both count by the calendar, else None.

        Months of a target and of its tolerance are added before a month's end is clamped, so that
        31 August + 6 months − 1 month is 31 January, not the 28th.
        """
        calendar = (self.days(month), other.days(month)) == (None, None)
        if not calendar or Unit.HOURS in (self.unit, other.unit):
            return None
        return Offset(self.calendar_months + other.calendar_months, Unit.MONTHS)

    @property
    def calendar_months(self) -> int:
        """How many months an offset of months or years is."""
        return self.amount * (_MONTHS if self.unit is Unit.YEARS else 1)


def shift_day(day: date, offset: Offset, month: MonthLength = MonthLength.CALENDAR) -> date:
    """The day that lies `offset` from `day`; not for hours, which need an instant.

    Months and years go by the calendar and are clamped to the month's end, so 31 August
    plus six months is 28 February (29 in a leap year). Raises OffsetError outside the
    years 1 to 9999.
    """
    fixed = offset.days(month)
    if fixed is None and offset.unit is Unit.HOURS:
        raise OffsetError(f"{offset.iso} counts hours: it needs an instant, not the day {day}")
    try:
        if fixed is not None:
            return day + timedelta(days=fixed)
        return _add_months(day, offset.calendar_months)
    except (OverflowError, ValueError) as error:
        raise OffsetError(f"{offset.iso} from {day} leads outside the years 1 to 9999") from error


def shift_beside(day: date, target: Offset, reach: Offset, month: MonthLength = MonthLength.CALENDAR) -> date:
    """The day that lies `reach` from the target, which lies `target` from `day`.

    Where both go by the calendar they are counted from `day` together. Raises as `shift_day`.
    """
    both = target.plus(reach, month)
    return shift_day(day, both) if both else shift_day(shift_day(day, target, month), reach, month)


def day_not_there(
    day: date, offset: Offset, month: MonthLength = MonthLength.CALENDAR
) -> tuple[int, int] | None:
    """The month and the day of it that `offset` from `day` asks for and the month does not have, or None.

    (2, 31) for 31 August and six months, which is 28 February.
    """
    if offset.unit is Unit.HOURS or offset.days(month) is not None:
        return None
    found = shift_day(day, offset, month)
    return (found.month, day.day) if found.day < day.day else None


def shift_date(day: date, offset: Offset, month: MonthLength = MonthLength.CALENDAR) -> date:
    """Return the day that lies `offset` from a day whose hour is not known; 24 hours are a day.

    Nothing is guessed of the hour, so that a night in which the clocks change makes no difference.
    Raises OffsetError as `shift_day` does.
    """
    if offset.unit is Unit.HOURS:
        offset = Offset(offset.amount // HOURS_PER_DAY, Unit.DAYS)
    return shift_day(day, offset, month)


def _add_months(day: date, months: int) -> date:
    """Clamped to the month's end; a fifth of what dateutil takes, and plans do little else."""
    year, before = divmod(day.year * _MONTHS + day.month - 1 + months, _MONTHS)
    month = before + 1
    if day.day <= _SHORTEST_MONTH:
        return date(year, month, day.day)
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def shift_instant(instant: datetime, offset: Offset, month: MonthLength = MonthLength.CALENDAR) -> datetime:
    """The instant that lies `offset` from `instant` (which must carry its zone).

    Hours are elapsed hours, whatever the clocks do in between; every other unit keeps the
    local time of day and moves the local day.
    """
    if offset.unit is Unit.HOURS:
        # In UTC: Python adds hours to an instant with a zone by the clock on the wall.
        moved = instant.astimezone(UTC) + timedelta(hours=offset.amount)
        return moved.astimezone(instant.tzinfo)
    day = shift_day(instant.date(), offset, month)
    return instant.replace(year=day.year, month=day.month, day=day.day)
