"""By when somebody can have recorded what took place on the ward, where the clinic is shut on some days."""

from __future__ import annotations

from datetime import date, timedelta

from trials.domain.sites.working_days import WorkingDays

_LONGEST_SHUT = 31
"""A site that is shut for longer is waited for no more."""


def recorded_by(closes: date, calendar: WorkingDays | None) -> date:
    """Return the day by whose end a visit that closes on a day can have been recorded.

    That day itself where the clinic is open, else the next clinic day. Without working days every day is one.
    """
    days = (closes + timedelta(days=n) for n in range(_LONGEST_SHUT))
    return closes if calendar is None else next((day for day in days if calendar.is_working_day(day)), closes)


def last_recorded(today: date, calendar: WorkingDays | None) -> date:
    """Return the last closing day of which everybody has had a clinic day to record, seen from today.

    The reverse of `recorded_by`: a visit that closed on this day or before was to be recorded before today.
    """
    days = (today - timedelta(days=n) for n in range(1, _LONGEST_SHUT))
    yesterday = today - timedelta(days=1)
    if calendar is None:
        return yesterday
    return next((day for day in days if calendar.is_working_day(day)), yesterday)
