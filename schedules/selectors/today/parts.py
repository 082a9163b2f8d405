"""Which visits stand in which part of the Today page, and how soon what is to be booked closes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum

from django.db.models import F, Q

from schedules.domain.visits.status import Appointment, ClinicDays
from schedules.models import LOST_BOOKING, VisitPlace, VisitTiming
from schedules.selectors.today.worklist import SOON, Part, in_part
from schedules.selectors.visits.status_query import (
    BOOKED,
    WAITS,
    appointment_condition,
    at_each,
    before_its_end,
    by_today,
)

AHEAD = timedelta(days=4)
"""How far ahead what is to be prepared is looked for: over a weekend."""
_DAY = timedelta(days=1)
Days = Mapping[ClinicDays, Sequence[int]]
"""The ids of sites by the day that it is there, with its clinic days."""
GIVEN = Q(place=VisitPlace.WARD) & (Q(opens=F("closes")) | Q(timing=VisitTiming.OVER))
"""`needs_no_booking` of the domain as a condition: a day on the ward that is given by its block."""


class Section(StrEnum):
    """A part of the page with visits as its rows."""

    COMING = "coming"
    PREPARE = "prepare"
    BOOK = "book"
    RECORD = "record"


class Closing(StrEnum):
    """How soon the windows of a group close that are to be booked."""

    TOMORROW = "tomorrow"
    THIS_WEEK = "this-week"
    NEXT_WEEK = "next-week"
    LATER = "later"


def closing_ends(today: date) -> dict[Closing, date]:
    """The last day of each group but the last one, seen from a day."""
    week = today + (6 - today.weekday()) * _DAY
    return {
        Closing.TOMORROW: today + _DAY,
        Closing.THIS_WEEK: week,
        Closing.NEXT_WEEK: week + 7 * _DAY,
    }


def closing_on(closes: date, today: date) -> Closing:
    """How soon a window that closes on a day does so, seen from a day."""
    ends = closing_ends(today)
    return next((each for each, end in ends.items() if closes <= end), Closing.LATER)


def closing_by(days: Days) -> dict[Closing, Q]:
    """The conditions on what closes by the end of each group but the last one."""
    ends = {day: closing_ends(day) for day in by_today(days)}

    def by_end(each: Closing) -> Q:
        return at_each(by_today(days), lambda day: Q(closes__lte=ends[day][each]))

    return {each: by_end(each) for each in (Closing.TOMORROW, Closing.THIS_WEEK, Closing.NEXT_WEEK)}


def closed(days: Days) -> Q:
    """The condition on what has closed."""
    return at_each(by_today(days), lambda day: Q(closes__lt=day))


def conditions_of(days: Days) -> dict[Section, tuple[Q, ...]]:
    """The conditions on the rows of each part, of which one holds.

    A day on the ward that needs no booking comes on its day. A booking that no longer fits and is still to
    come is to be made again, however far away the window has moved: the person would come in vain.
    """
    today = by_today(days)
    unbooked = Q(booked_on=None)
    to_book = appointment_condition(Appointment.TO_BOOK, days) & before_its_end(days)
    to_book &= at_each(today, lambda day: Q(opens__lte=day + SOON))
    on_ward = GIVEN & unbooked & at_each(today, lambda day: Q(opens__lte=day, closes__gte=day))
    soon = GIVEN & unbooked & at_each(today, lambda day: Q(opens__gt=day, opens__lte=day + AHEAD))
    booked = BOOKED & at_each(today, lambda day: Q(booked_on__gt=day, booked_on__lte=day + AHEAD))
    lost = Q(booked_on__isnull=False) & ~BOOKED & ~WAITS & at_each(today, lambda day: Q(booked_on__gte=day))
    # in words of indexes, and implied: windows that are over are left out of what is to be booked, what lies
    # ahead out of what is to be recorded
    still_open, last = Q(closes__gte=min(today)), max(today)
    behind = Q(booked_on__lt=last) | Q(arrived_on__isnull=False) | Q(closes__lt=last)
    return {
        Section.COMING: (in_part(Part.COMING, days) | (on_ward & Q(arrived_on=None)),),
        Section.PREPARE: (booked | soon,),
        Section.BOOK: (to_book & ~(GIVEN & unbooked) & still_open, lost & LOST_BOOKING),
        Section.RECORD: (in_part(Part.TO_RECORD, days) & behind,),
    }
