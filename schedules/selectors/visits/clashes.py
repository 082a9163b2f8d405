"""The clashes of bookings, proposed or on record, in a constant number of queries.

How to use it, from a page, a service or the API:

    asked = ProposedBooking(participant, date(2026, 12, 1), start=..., resource=pk, visit=visit.pk)
    (found,) = clashes_of_bookings([asked], say)       # one tuple of clashes for each that is asked
    for clash in found:
        clash.words.text(say, day_text), clash.hint    # a sentence, and whether it is only a hint

A date strip asks for each row and day at once: days without an hour answer with closed days, absences,
the person's other visits and what could be together. `grave(found)` keeps what needs a reason; the
services refuse a booking that has any unless `Booking.anyway` is set and a reason is given.
`clashes_on_record` answers for the bookings that are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from participants.models import Participant
from schedules.domain.plan.labels import why_closed
from schedules.domain.visits.clashes import BookedTime, Clash, DayAtSite, OpenVisit, clashes_of
from schedules.models import Visit, VisitPlace
from schedules.selectors.store.absences import AwayDays, away_days
from schedules.selectors.store.calendars import working_days_by_site
from schedules.selectors.visits.load import at_one_of
from trials.domain.sites.resources import ResourceTerms
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Say, plain
from trials.selectors.resources import resource_terms
from trials.zones import zone_named, zone_of


@dataclass(frozen=True, slots=True)
class ProposedBooking:
    """A booking that somebody thinks of; its participant with its site. `visit` is its id, if stored."""

    participant: Participant
    on: date
    start: datetime | None = None
    end: datetime | None = None
    resource: int | None = None
    staff: int | None = None
    visit: int | None = None
    ward: bool = False


@dataclass(frozen=True, slots=True)
class _Known:
    """What six queries know of some days at some sites."""

    bookings: Mapping[tuple[int, date], tuple[BookedTime, ...]]
    of_person: Mapping[int, Sequence[BookedTime]]
    open_visits: Mapping[int, Sequence[OpenVisit]]
    resources: Mapping[int, ResourceTerms]
    calendars: Mapping[int, WorkingDays]
    away: AwayDays
    seen: frozenset[int]
    say: Say

    def day(self, participant: int, site: int, on: date) -> DayAtSite:
        """What is known of a day for one participant at their site."""
        at_site = self.bookings.get((site, on), ())
        known = {one.visit for one in at_site}
        elsewhere = [one for one in self.of_person.get(participant, ()) if one.visit not in known]
        away = self.away.closures(participant, site).get(on)
        return DayAtSite(
            closed=why_closed(self.calendars.get(site), on, self.say),
            away=self.say(away) if away else None,
            others=(*at_site, *(one for one in elsewhere if one.on == on)),
            open_visits=tuple(self.open_visits.get(participant, ())),
            resources=self.resources,
            seen_trials=self.seen,
        )


def clashes_of_bookings(
    asked: Sequence[ProposedBooking], say: Say = plain, *, seen_trials: Collection[int] = ()
) -> list[tuple[Clash, ...]]:
    """Return what clashes with each of these bookings, in their order, in words of `say`; seven queries.

    Participants of other trials are named only where their trial (id) is among `seen_trials`.
    """
    if not asked:
        return []
    sites = {one.participant.site_id for one in asked}
    people = {one.participant.pk for one in asked}
    days = {one.on for one in asked}
    known = _known(_concerned(sites, people, days), people, sites, seen_trials, say)
    found = []
    for one in asked:
        person = one.participant
        zone = zone_of(person.site)
        start, end = (at.astimezone(zone) if at else None for at in (one.start, one.end))
        booked = BookedTime(
            *(person.pk, one.on, start, end, one.resource, one.staff, one.visit, one.ward),
            trial=person.trial_id,
        )
        found.append(clashes_of(booked, known.day(person.pk, person.site_id, one.on)))
    return found


def clashes_on_record(
    visits: Iterable[Visit], say: Say = plain, *, seen_trials: Collection[int] = ()
) -> dict[int, tuple[Clash, ...]]:
    """Return what clashes with the bookings of these visits, by visit, if anything does; seven queries.

    Each visit comes with its participant and site; one that is recorded or not booked has none.
    """
    live = [(visit, visit.booked_on) for visit in visits if visit.booked_on and _is_running(visit)]
    asked = [
        ProposedBooking(
            visit.participant,
            on,
            *(visit.booked_start, visit.booked_end, visit.booked_resource_id, visit.booked_staff_id),
            *(visit.pk, visit.place == VisitPlace.WARD),
        )
        for visit, on in live
    ]
    found = clashes_of_bookings(asked, say, seen_trials=seen_trials)
    return {visit.pk: clashes for (visit, _on), clashes in zip(live, found, strict=True) if clashes}


def _is_running(visit: Visit) -> bool:
    ended = visit.performed_on or visit.missed_on or visit.cancelled_on or visit.held_on
    return not ended and visit.applies


def _concerned(sites: Collection[int], people: Collection[int], days: Collection[date]) -> QuerySet[Visit]:
    """The live visits booked at these sites on these days, and those of these people open on one of them."""
    first, last = min(days), max(days)
    running = Visit.objects.running().order_by()
    at_sites = running.filter(at_one_of(sites), booked_on__in=days)
    open_ = Q(opens__lte=last, closes__gte=first)
    theirs = running.filter(open_ | Q(booked_on__in=days), participant__in=people)
    # one list of ids: joined by OR, the bookings of all other sites on these days are read as well
    return Visit.objects.filter(pk__in=at_sites.values("pk").union(theirs.values("pk")))


_COLUMNS = (
    *("pk", "participant_id", "participant__site_id", "participant__trial_id", "participant__subject_code"),
    *("participant__site__zone", "label", "place", "timing", "opens", "closes", "unscheduled", "rule_code"),
    *("booked_on", "booked_start", "booked_end", "booked_resource_id", "booked_staff_id"),
)


def _known(
    visits: QuerySet[Visit], people: Collection[int], sites: Collection[int], seen: Collection[int], say: Say
) -> _Known:
    bookings: dict[tuple[int, date], list[BookedTime]] = defaultdict(list)
    of_person: dict[int, list[BookedTime]] = defaultdict(list)
    open_visits: dict[int, list[OpenVisit]] = defaultdict(list)
    wanted = set(people)
    for row in visits.values_list(*_COLUMNS, named=True).order_by("booked_start", "pk"):
        person = row.participant_id
        if row.booked_on:
            booked = _booked(row)
            bookings[row.participant__site_id, row.booked_on].append(booked)
            of_person[person].append(booked)
        if person in wanted and row.place == VisitPlace.CLINIC and not row.unscheduled:
            open_visits[person].append(OpenVisit(row.pk, row.label, row.opens, row.closes, row.booked_on))
    return _Known(
        {key: tuple(found) for key, found in bookings.items()},
        *(of_person, open_visits, resource_terms(sites), working_days_by_site(sites)),
        *(away_days(participants=people, sites=sites), frozenset(seen), say),
    )


def _booked(row: Any) -> BookedTime:
    zone = zone_named(row.participant__site__zone)
    start, end = (at.astimezone(zone) if at else None for at in (row.booked_start, row.booked_end))
    return BookedTime(
        *(row.participant_id, row.booked_on, start, end, row.booked_resource_id, row.booked_staff_id),
        *(row.pk, row.place == VisitPlace.WARD),
        who=row.participant__subject_code,
        what=row.label,
        trial=row.participant__trial_id,
    )
