"""How full the days of a site are: slots by the hours of its rooms, and who is booked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from django.db.models import Count, Q

from participants.models import Participant
from participants.selectors.participants import ids_of_few
from schedules.models import Visit, VisitPlace
from trials.domain.sites.resources import ResourceKind, ResourceTerms
from trials.domain.sites.working_days import WorkingDays
from trials.selectors.records import read_once
from trials.selectors.resources import terms_in_use

ASSUMED_OPENING, ASSUMED_CLOSING = 9 * 60, 17 * 60
"""When a room without hours is taken to be used, in minutes of the day. Assumed: no record states it."""


def slots_of_day(day: date, calendar: WorkingDays | None, terms: Mapping[int, ResourceTerms]) -> int:
    """How many can be seen on a day, by the rooms' hours and usual lengths; 0 where no room is on record."""
    if calendar is not None and not calendar.is_working_day(day):
        return 0
    slots = 0
    for one in terms.values():
        if one.kind is not ResourceKind.ROOM or one.closed_on(day) is not None or not one.used_on(day):
            continue
        first = one.opens_at.hour * 60 + one.opens_at.minute if one.opens_at else ASSUMED_OPENING
        last = one.closes_at.hour * 60 + one.closes_at.minute if one.closes_at else ASSUMED_CLOSING
        slots += one.capacity * max(0, (last - first) // one.minutes)
    return slots


def at_one_of(sites: Collection[int]) -> Q:
    """The condition on visits of those who are at one of these sites (ids); one query, or none.

    Few are named by their ids, for the index of days and participants: joined, the bookings of everybody
    everywhere on a day are read, and a planner takes a list that a query finds for ten people.
    """
    people = Participant.objects.filter(site__in=sites)
    few = read_once(("people at", frozenset(sites)), lambda: ids_of_few(people))
    return Q(participant__site__in=sites) if few is None else Q(participant__in=few)


def booked_at_clinics(sites: Collection[int], first: date, last: date) -> dict[tuple[int, date], int]:
    """How many participants are booked at each site (id) on each of these days; two queries."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    booked = Visit.objects.filter(at_one_of(sites), booked_on__in=days)
    clinic = booked.filter(place=VisitPlace.CLINIC, cancelled_on=None, missed_on=None).order_by()
    found = clinic.values_list("participant__site", "booked_on").annotate(Count("participant", distinct=True))
    return {(site, day): count for site, day, count in found if day}


@dataclass(frozen=True, slots=True)
class FullDays:
    """The days of sites that have no slot left, and which participants have one of those slots themselves."""

    slots: Mapping[tuple[int, date], int] = field(default_factory=dict)
    there: frozenset[tuple[int, date]] = frozenset()

    def of(self, participant: int, site: int, day: date) -> int:
        """How many slots a day has that are all taken, by others; 0 where one is left.

        Somebody who is booked on that day anyway takes no second slot by another visit of the same journey.
        """
        return 0 if (participant, day) in self.there else self.slots.get((site, day), 0)


def full_days(participants: Collection[int], sites: Collection[int], first: date, last: date) -> FullDays:
    """Return the days of these sites that are full, as these participants meet them; one to four queries."""
    terms = terms_in_use(sites)
    full = {}
    for (site, day), taken in booked_at_clinics(sites, first, last).items() if any(terms.values()) else ():
        slots = slots_of_day(day, None, terms.get(site, {}))
        if slots and taken >= slots:
            full[site, day] = slots
    if not full:
        return FullDays()
    booked = Visit.objects.running().filter(participant__in=participants, place=VisitPlace.CLINIC)
    days = {day for _site, day in full}
    there = booked.filter(booked_on__in=days).order_by().values_list("participant", "booked_on")
    return FullDays(full, frozenset((person, day) for person, day in there if day))
