"""Where a visit stands on a day, on two axes: its window by the calendar, its appointment by what people did.

Both are derived and never stored; today is an argument. Pages, the API and feeds use these values and no
others; `Standing.said` is the one table that says which of the two is read first.
"""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from schedules.domain.visits.visit import VisitState
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays

LAST_DAYS = 3
"""So many clinic days left, or fewer, are a window's last days (ours: half a working week)."""

FARTHEST = timedelta(days=92)
"""How far ahead a clinic day is looked for; a site that is shut longer than a quarter has none."""


class WindowPosition(StrEnum):
    """Where a day lies in a visit's window."""

    UPCOMING = "upcoming"
    OPEN = "open"
    LAST_DAYS = "last-days"
    NO_CLINIC_DAY_LEFT = "no-clinic-day-left"
    CLOSED = "closed"
    WAITING = "waiting"
    NOT_APPLICABLE = "not-applicable"


class Appointment(StrEnum):
    """What people did about a visit."""

    TO_BOOK = "to-book"
    BOOKED = "booked"
    ARRIVED = "arrived"
    TO_RECORD = "to-record"
    DONE = "done"
    MISSED = "missed"
    CANCELLED = "cancelled"


class ClinicDays(NamedTuple):
    """A day at a site with the days on which it next sees participants.

    `first` is the first clinic day from `today` on, `after_last` the one after the next LAST_DAYS of
    them. A window that closes before `first` has no clinic day left; one that closes before
    `after_last` is in its last days. Two days per site let a query compare columns only. `known` is the day
    until which things can be on record, where `today` is asked about and still to come.
    """

    today: date
    first: date
    after_last: date
    known: date = date.max


class Standing(NamedTuple):
    """Both axes of a visit on a day; `days_outside` belongs to one that was done out of its window."""

    window: WindowPosition
    appointment: Appointment
    days_outside: int = 0

    @property
    def said(self) -> WindowPosition | Appointment:
        """Which of the two is read first: what is recorded, what waits, what people did, then the window."""
        if self.appointment in RECORDED:
            never = self.window is WindowPosition.NOT_APPLICABLE
            return self.window if never and self.appointment is Appointment.CANCELLED else self.appointment
        if self.window is WindowPosition.WAITING and self.appointment is Appointment.TO_BOOK:
            return self.window
        return self.window if self.appointment is Appointment.TO_BOOK else self.appointment

    @property
    def live(self) -> bool:
        """Whether the visit is still to come, or to be recorded."""
        return self.appointment not in RECORDED


RECORDED = frozenset({Appointment.DONE, Appointment.MISSED, Appointment.CANCELLED})
"""What a person or a plan has settled, whatever the day."""


def clinic_days(today: date, calendar: WorkingDays | None) -> ClinicDays:
    """Find the clinic days that come next at a site.

    Without a table of working days every day counts, since nobody said that one does not.
    """
    if calendar is None:
        return ClinicDays(today, today, today + timedelta(days=LAST_DAYS))
    days = (today + timedelta(days=n) for n in range(FARTHEST.days))
    found: list[date] = []
    for day in days:
        if calendar.is_working_day(day):
            found.append(day)
        if len(found) > LAST_DAYS:
            return ClinicDays(today, found[0], found[LAST_DAYS])
    beyond = today + FARTHEST
    return ClinicDays(today, found[0] if found else beyond, beyond)


def standing(visit: VisitState, days: ClinicDays) -> Standing:
    """Both axes of a visit on a day at its site."""
    return Standing(
        window_position(visit, days), appointment(visit, days.today, days.known), visit.days_outside
    )


def window_position(visit: VisitState, days: ClinicDays) -> WindowPosition:
    """Where the day lies in the visit's window; the first that holds of these, in this order.

    A window that the calendar has reached is neither open nor closed while the day it counts from has not
    happened: it waits. A ward works every day, so its windows count calendar days.
    """
    if not visit.applies:
        return WindowPosition.NOT_APPLICABLE
    if visit.waits:
        return WindowPosition.WAITING
    if days.today < visit.opens:
        return WindowPosition.UPCOMING
    if visit.awaits_base(min(days.today, days.known)):
        return WindowPosition.WAITING
    if days.today > visit.closes:
        return WindowPosition.CLOSED
    _, first, after_last, _ = days if visit.place != Place.WARD else clinic_days(days.today, None)
    if visit.closes < first:
        return WindowPosition.NO_CLINIC_DAY_LEFT
    return WindowPosition.LAST_DAYS if visit.closes < after_last else WindowPosition.OPEN


def appointment(visit: VisitState, today: date, known: date = date.max) -> Appointment:
    """What people did about the visit; what is recorded first, then what the day asks for.

    A visit is to be recorded once its booked day is over or its window has closed, and nothing was
    entered: nobody but a person makes it missed. What is on hold is never to be recorded, and the end of a
    window says nothing while its base has not happened; `known` as in ClinicDays.
    """
    if visit.performed_on is not None:
        return Appointment.DONE
    if visit.cancelled_on or not visit.applies:
        return Appointment.CANCELLED
    if visit.missed_on:
        return Appointment.MISSED
    if visit.arrived_on == today:
        return Appointment.ARRIVED
    booked = visit.booked_on is not None and visit.booked_on >= today and not visit.booking_lost
    if not visit.waits and not booked and _is_over(visit, today, known):
        return Appointment.TO_RECORD
    return Appointment.BOOKED if booked else Appointment.TO_BOOK


def _is_over(visit: VisitState, today: date, known: date) -> bool:
    """Whether the day on which the visit was to be is over: booked, begun, or the last of its window."""
    booked, arrived = visit.booked_on, visit.arrived_on
    if (booked and booked < today) or (arrived and arrived < today):
        return True
    return visit.closes < today and not visit.awaits_base(min(today, known))
