"""What stands in the way of a visit that is still to come, as its site's calendar knows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays

_DAY = timedelta(days=1)


class HindranceKind(StrEnum):
    """The ways in which a calendar hinders a visit, the most severe first."""

    NO_CALENDAR = "no-calendar"
    NO_CLINIC_DAY = "no-clinic-day"
    NO_CLINIC_DAY_LEFT = "no-clinic-day-left"
    LAST_CLINIC_DAY = "last-clinic-day"
    HOLIDAY_ON_WARD = "holiday-on-ward"
    TARGET_CLOSED = "target-closed"
    PROVISIONAL = "provisional"


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One thing in the way; `day` is the day it is about, `holiday` its public holiday if it is one."""

    kind: HindranceKind
    day: date
    holiday: str | None = None


def clinic_days_left(
    window: VisitWindow, place: Place, calendar: WorkingDays | None, today: date
) -> int | None:
    """How many days remain on which the visit can take place on time, today included.

    The ward works every day. None where the site's working days are not known.
    """
    first = max(today, window.opens)
    if place is Place.WARD:
        return max(0, (window.closes - first).days + 1)
    return None if calendar is None else calendar.working_days_between(first, window.closes)


_MET_BY_BOOKING = frozenset(
    {HindranceKind.LAST_CLINIC_DAY, HindranceKind.HOLIDAY_ON_WARD, HindranceKind.TARGET_CLOSED}
)


def hindrances(
    window: VisitWindow,
    place: Place,
    calendar: WorkingDays | None,
    today: date,
    booked_on: date | None = None,
) -> tuple[Hindrance, ...]:
    """What stands in the way of a visit not done yet, the most severe first; nothing once its window closed.

    Nothing of what a booking on a good day, to come and within the window, has met already.
    """
    if today > window.closes:
        return ()
    if calendar is None:
        return () if place is Place.WARD else (Hindrance(HindranceKind.NO_CALENDAR, window.target),)
    found = _on_ward(window, calendar, today) if place is Place.WARD else _in_clinic(window, calendar, today)
    if booked_on and window.holds(booked_on) and today <= booked_on and _good(booked_on, place, calendar):
        found = tuple(one for one in found if one.kind not in _MET_BY_BOOKING)
    provisional = calendar.is_provisional(window.closes)
    return (*found, *([Hindrance(HindranceKind.PROVISIONAL, window.closes)] if provisional else ()))


def _good(day: date, place: Place, calendar: WorkingDays) -> bool:
    return not calendar.is_public_holiday(day) if place is Place.WARD else calendar.is_working_day(day)


def _on_ward(window: VisitWindow, calendar: WorkingDays, today: date) -> tuple[Hindrance, ...]:
    holiday = calendar.holiday_name(window.target)
    if holiday is None or window.target < today:
        return ()
    return (Hindrance(HindranceKind.HOLIDAY_ON_WARD, window.target, holiday),)


def _in_clinic(window: VisitWindow, calendar: WorkingDays, today: date) -> tuple[Hindrance, ...]:
    if not calendar.working_days_between(window.opens, window.closes):
        holiday = calendar.holiday_name(window.target)
        return (Hindrance(HindranceKind.NO_CLINIC_DAY, window.target, holiday),)
    left = calendar.working_days_between(max(today, window.opens), window.closes)
    if left == 0:
        return (Hindrance(HindranceKind.NO_CLINIC_DAY_LEFT, window.closes),)
    found = []
    if left == 1 and window.opens < window.closes:
        last = calendar.nearest_working_day(max(today, window.opens), window.closes, window.closes)
        found.append(Hindrance(HindranceKind.LAST_CLINIC_DAY, last or window.closes))
    if window.target >= today and not calendar.is_working_day(window.target):
        holiday = calendar.holiday_name(window.target)
        found.append(Hindrance(HindranceKind.TARGET_CLOSED, window.target, holiday))
    return tuple(found)
