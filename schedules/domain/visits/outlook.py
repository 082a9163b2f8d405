"""What lies ahead of a visit that is still to come: the days that remain, and what asks for help in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.calendar_conflicts import Hindrance, HindranceKind, clinic_days_left, hindrances
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays

FEW = 2
"""So many clinic days left are few, where absences take others."""


class Help(StrEnum):
    """What asks for help, the most severe first."""

    ALL_AWAY = "all-away"
    NO_CLINIC_DAY = "no-clinic-day"
    NO_CLINIC_DAY_LEFT = "no-clinic-day-left"
    BOOKED_CLOSED = "booked-closed"
    BOOKED_OUTSIDE = "booked-outside"
    LAST_CLINIC_DAY = "last-clinic-day"
    FEW_BESIDE_ABSENCES = "few-beside-absences"
    HOLIDAY_ON_WARD = "holiday-on-ward"


_GRAVE = {
    HindranceKind.NO_CLINIC_DAY: Help.NO_CLINIC_DAY,
    HindranceKind.NO_CLINIC_DAY_LEFT: Help.NO_CLINIC_DAY_LEFT,
    HindranceKind.LAST_CLINIC_DAY: Help.LAST_CLINIC_DAY,
    HindranceKind.HOLIDAY_ON_WARD: Help.HOLIDAY_ON_WARD,
}


@dataclass(frozen=True, slots=True)
class Ahead:
    """A visit still to come: where, within which days, and the day that it is booked for, if any.

    `booking_lost`: the booking no longer fits, so the visit has no appointment.
    """

    window: VisitWindow
    place: Place
    booked_on: date | None = None
    booking_lost: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """What lies ahead of a visit.

    `days_left` are the clinic days that remain, today among them, without those on which somebody
    is away; `lost` how many absences take. None where the site's working days are not known.
    `last_day` is the last day on which the visit can be on time.
    """

    days_left: int | None
    lost: int
    last_day: date | None
    warnings: tuple[Help, ...]
    hindrances: tuple[Hindrance, ...]

    @property
    def provisional(self) -> bool:
        """Whether holidays of that year may still change."""
        return any(each.kind is HindranceKind.PROVISIONAL for each in self.hindrances)


def outlook(visit: Ahead, calendar: WorkingDays | None, away: Mapping[date, str], today: date) -> Outlook:
    """What lies ahead of a visit on a day; `away` are the days on which somebody needed is not there."""
    closed = {day: why for day, why in away.items() if today <= day <= visit.window.closes}
    present = calendar.with_corrections(closures=closed) if calendar and closed else calendar
    whole = clinic_days_left(visit.window, visit.place, calendar, today)
    left = _days_left(visit, present, closed, today)
    lost = (whole or 0) - (left or 0)
    found = hindrances(visit.window, visit.place, calendar, today, visit.booked_on)
    return Outlook(
        days_left=left,
        lost=lost,
        last_day=_last_day(visit, present, closed, today),
        warnings=tuple(_warnings(visit, present, closed, today, lost)),
        hindrances=found,
    )


def _days_left(
    visit: Ahead, present: WorkingDays | None, closed: Mapping[date, str], today: date
) -> int | None:
    left = clinic_days_left(visit.window, visit.place, present, today)
    if visit.place is Place.WARD and left is not None:
        return left - sum(1 for day in closed if day >= visit.window.opens)
    return left


def _warnings(
    visit: Ahead, present: WorkingDays | None, closed: Mapping[date, str], today: date, lost: int
) -> Iterator[Help]:
    """What asks for help; a visit that is booked on a good day asks for none."""
    booked = visit.booked_on
    if visit.booking_lost:
        yield Help.BOOKED_OUTSIDE
    elif booked and booked >= today:
        yield from _of_booking(visit, booked, present, closed)
        return
    left = _days_left(visit, present, closed, today)
    if lost and left == 0:
        yield Help.ALL_AWAY
        return
    grave = [
        _GRAVE[each.kind]
        for each in hindrances(visit.window, visit.place, present, today)
        if each.kind in _GRAVE
    ]
    yield from grave
    if lost and not grave and left is not None and left <= FEW:
        yield Help.FEW_BESIDE_ABSENCES


def _of_booking(
    visit: Ahead, booked: date, present: WorkingDays | None, closed: Mapping[date, str]
) -> Iterator[Help]:
    if _shut(visit.place, booked, present, closed):
        yield Help.BOOKED_CLOSED
    if not visit.window.holds(booked):
        yield Help.BOOKED_OUTSIDE


def _shut(place: Place, day: date, present: WorkingDays | None, closed: Mapping[date, str]) -> bool:
    if day in closed:
        return True
    return place is not Place.WARD and present is not None and not present.is_working_day(day)


def _last_day(
    visit: Ahead, present: WorkingDays | None, closed: Mapping[date, str], today: date
) -> date | None:
    opens, _, closes = visit.window
    first = max(opens, today)
    if visit.place is Place.WARD:
        days = (closes.fromordinal(each) for each in range(closes.toordinal(), first.toordinal() - 1, -1))
        return next((day for day in days if day not in closed), None)
    return present.nearest_working_day(first, closes, closes) if present else None


def days_past(day: date, planned_end: date | None) -> int:
    """Days by which something passes the planned end of its trial; 0 where it does not."""
    return max(0, (day - planned_end).days) if planned_end else 0
