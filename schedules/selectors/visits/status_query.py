"""Both axes of a visit as conditions on rows: `window_position` and `appointment` in the database's words.

The two tellings are proved equal by tests/integration/visits/test_status_properties.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, timedelta
from typing import TypeVar

from django.db.models import F, Q

from schedules.domain.plan.values import AnchorKind
from schedules.domain.visits.edc_words import EdcStatus
from schedules.domain.visits.status import LAST_DAYS, Appointment, ClinicDays, WindowPosition
from schedules.models import (
    CANCELLED,
    COUNTS_FROM_PLANNED,
    LIVE,
    MISSED,
    NOT_APPLICABLE,
    OVER,
    SKIPPED,
    STOPPED,
    VisitPlace,
)

Day = TypeVar("Day")

WAITS = Q(held_on__isnull=False)
"""The condition on visits whose window does not run."""

BOOKED = (Q(booked_on__gte=F("opens"), booked_on__lte=F("closes")) | ~Q(outside_reason="")) & Q(
    booked_on__isnull=False
)
"""The condition on visits whose booking still stands, as `booking_no_longer_fits` has it."""

_WARD = Q(place=VisitPlace.WARD)
_DONE = Q(performed_on__isnull=False)
_UNRECORDED = Q(performed_on=None, missed_on=None, cancelled_on=None, applies=True)

_RECORDED = {
    Appointment.DONE: _DONE,
    Appointment.CANCELLED: CANCELLED,
    Appointment.MISSED: MISSED,
}


_STARTED = BOOKED | Q(arrived_on__isnull=False)

_EDC = {
    EdcStatus.COMPLETED: _DONE,
    EdcStatus.STOPPED: STOPPED,
    EdcStatus.SKIPPED: SKIPPED,
    EdcStatus.SCHEDULED: _UNRECORDED & _STARTED,
}


def edc_condition(wanted: EdcStatus) -> Q:
    """Select the visits that stand so in the words of an EDC; of all words exactly one holds."""
    if wanted is EdcStatus.NOT_SCHEDULED:
        lost = Q(outside_reason="") & _off_window()
        return _UNRECORDED & Q(arrived_on=None) & (Q(booked_on=None) | lost)
    return _EDC[wanted]


def window_condition(position: WindowPosition, days: Mapping[ClinicDays, Collection[int]]) -> Q:
    """Select the visits in this position of their window; of all positions exactly one holds.

    `days` are the ids of sites by the day that it is there and the clinic days that come next.
    """
    if position is WindowPosition.NOT_APPLICABLE:
        return NOT_APPLICABLE
    if position is WindowPosition.WAITING:
        awaited = at_each(by_record(days), lambda day: Q(opens__lte=day[0]) & _awaits_base(min(day)))
        return Q(applies=True) & (WAITS | awaited)
    return Q(applies=True) & ~WAITS & at_each(days, lambda here: _in_window(position, here))


def before_its_end(days: Mapping[ClinicDays, Collection[int]]) -> Q:
    """Select the visits whose window is ahead or open, with clinic days left in it or without.

    Of these four positions one holds whichever clinic days come next: only the day tells sites apart.
    """

    def there(day: tuple[date, date]) -> Q:
        return Q(opens__gt=day[0]) | (Q(opens__lte=day[0], closes__gte=day[0]) & base_happened(min(day)))

    return Q(applies=True) & ~WAITS & at_each(by_record(days), there)


RARE = frozenset({WindowPosition.NO_CLINIC_DAY_LEFT, WindowPosition.WAITING})
"""The positions that few visits are in: these are found by an index of their own, and not on the way."""


def rare_window(position: WindowPosition, days: Mapping[ClinicDays, Collection[int]]) -> Q:
    """The condition that each visit in a rare position fulfils at any site, by what stands in indexes."""
    if position is WindowPosition.WAITING:
        last = max((min(day) for day in by_record(days)), default=date.min)  # before the first site
        return WAITS | (COUNTS_FROM_PLANNED & Q(anchor_on__lt=last))
    # a site that sees participants today has none: its windows were read for nothing,
    # 25,800 pages among 100,000 people
    closed = {here: sites for here, sites in days.items() if here.first > here.today}
    if not closed:
        return Q(pk__in=[])
    closing = Q(closes__gte=min(here.today for here in closed), closes__lt=max(here.first for here in closed))
    found = (LIVE & closing) | (OVER & closing)
    if len(closed) == len(days):
        return found
    return found & Q(participant__site__in=[site for sites in closed.values() for site in sites])


def closing_between(
    wanted: Collection[WindowPosition], days: Mapping[ClinicDays, Collection[int]]
) -> Q | None:
    """The days between which each visit in one of these positions closes, at whatever site.

    One stretch of days; None where they are not, or no day says of a position who can be in it.
    """
    asked = frozenset(wanted)
    if not asked or not days or asked & {WindowPosition.WAITING, WindowPosition.NOT_APPLICABLE}:
        return None
    if asked == {WindowPosition.CLOSED}:
        return Q(closes__lt=max(here.today for here in days))
    if WindowPosition.CLOSED in asked:
        return None
    there = Q(closes__gte=min(here.today for here in days))  # who opens later closes later, too
    if asked & {WindowPosition.UPCOMING, WindowPosition.OPEN}:
        return there
    last_on_ward = max(here.today for here in days) + timedelta(days=LAST_DAYS)
    return there & Q(closes__lt=max(last_on_ward, *(here.after_last for here in days)))


def appointment_condition(wanted: Appointment, days: Mapping[ClinicDays, Collection[int]]) -> Q:
    """Select the visits about which people did this; of all appointments exactly one holds."""
    if wanted in _RECORDED:
        return _RECORDED[wanted]
    return _UNRECORDED & at_each(by_record(days), lambda day: _appointed(wanted, *day))


def by_today(days: Mapping[ClinicDays, Collection[int]]) -> dict[date, list[int]]:
    """The ids of sites by the day that it is there alone."""
    found: dict[date, list[int]] = {}
    for here, sites in days.items():
        found.setdefault(here.today, []).extend(sites)
    return found


def by_record(days: Mapping[ClinicDays, Collection[int]]) -> dict[tuple[date, date], list[int]]:
    """The ids of sites by the day that it is there and the day until which things can be on record."""
    found: dict[tuple[date, date], list[int]] = {}
    for here, sites in days.items():
        found.setdefault((here.today, here.known), []).extend(sites)
    return found


def at_each(days: Mapping[Day, Collection[int]], condition: Callable[[Day], Q]) -> Q:
    """Join the conditions of each group of sites; a single group needs no list of sites."""
    if len(days) == 1:
        return condition(next(iter(days)))
    joined = Q(pk__in=[])
    for day, sites in days.items():
        joined |= Q(participant__site__in=sites) & condition(day)
    return joined


def _in_window(position: WindowPosition, days: ClinicDays) -> Q:
    today, first, after_last, known = days
    if position is WindowPosition.UPCOMING:
        return Q(opens__gt=today)
    runs = Q(opens__lte=today) & base_happened(min(today, known))
    if position is WindowPosition.CLOSED:
        return runs & Q(closes__lt=today)
    ward_after = today + timedelta(days=LAST_DAYS)
    return (
        runs
        & Q(closes__gte=today)
        & {
            WindowPosition.NO_CLINIC_DAY_LEFT: ~_WARD & Q(closes__lt=first),
            WindowPosition.LAST_DAYS: (_WARD & Q(closes__lt=ward_after))
            | (~_WARD & Q(closes__gte=first, closes__lt=after_last)),
            WindowPosition.OPEN: (_WARD & Q(closes__gte=ward_after)) | (~_WARD & Q(closes__gte=after_last)),
        }[position]
    )


def _appointed(wanted: Appointment, today: date, known: date) -> Q:
    here = Q(arrived_on=today)
    away = Q(arrived_on=None) | ~here
    ahead = Q(booked_on__gte=today)
    booked = BOOKED & ahead
    not_booked = Q(booked_on=None) | ~ahead | (Q(outside_reason="") & _off_window())
    closed = Q(closes__lt=today) & base_happened(min(today, known))
    over = ~WAITS & (Q(booked_on__lt=today) | Q(arrived_on__lt=today) | closed)
    not_over = WAITS | (
        (Q(closes__gte=today) | _awaits_base(min(today, known)))
        & (Q(arrived_on=None) | Q(arrived_on__gte=today))
        & (Q(booked_on=None) | Q(booked_on__gte=today))
    )
    return {
        Appointment.ARRIVED: here,
        Appointment.BOOKED: away & booked,
        Appointment.TO_RECORD: away & not_booked & over,
        Appointment.TO_BOOK: away & not_booked & not_over,
    }[wanted]


def _awaits_base(today: date) -> Q:
    """`VisitState.awaits_base` as a condition."""
    return COUNTS_FROM_PLANNED & Q(anchor_on__lt=today)


def base_happened(today: date) -> Q:
    """Select the visits that do not wait for the day they count from: the contrary of `awaits_base`."""
    happened = ~Q(anchor_kind=AnchorKind.PLANNED) | Q(unscheduled=True)
    return happened | Q(anchor_on__gte=today) | Q(target__lte=F("anchor_on"))


def _off_window() -> Q:
    return Q(booked_on__lt=F("opens")) | Q(booked_on__gt=F("closes"))
