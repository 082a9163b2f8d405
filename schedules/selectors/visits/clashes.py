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
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from participants.models import Participant
from schedules.domain.plan.labels import why_closed
from schedules.domain.visits.clashes import BookedTime, Clash, DayAtSite, OpenVisit, clashes_of
from schedules.models import Visit, VisitPlace
from schedules.selectors.store.absences import AwayDays, away_days
from schedules.selectors.store.calendars import working_days_by_site
from schedules.selectors.visits.load import at_one_of
from trials.domain.sites.resources import DEFAULT_MINUTES, ResourceTerms
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Say, plain
from trials.models import Site
from trials.selectors.resources import resource_terms
from trials.zones import DAY, begins, zone_named, zone_of


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

    bookings: Mapping[tuple[int, date], Sequence[BookedTime]]
    of_person: Mapping[tuple[int, date], Sequence[BookedTime]]
    open_visits: Mapping[int, Sequence[OpenVisit]]
    resources: Mapping[int, ResourceTerms]
    calendars: Mapping[int, WorkingDays]
    away: AwayDays
    seen: frozenset[int]
    say: Say

    def day(self, booked: BookedTime, site: int) -> DayAtSite:
        """What is known of the day of a booking, proposed or on record, at its site."""
        participant, on = booked.participant, booked.on
        days = booked.days(_terms(booked, self.resources))
        lists = [
            *(self.bookings.get((site, day), ()) for day in days),
            *(self.of_person.get((participant, day), ()) for day in days),
        ]
        others = {one.visit: one for found in lists for one in found}  # one over midnight is in two of them
        away = self.away.closures(participant, site).get(on)
        return DayAtSite(
            closed=why_closed(self.calendars.get(site), on, self.say),
            away=self.say(away) if away else None,
            others=tuple(others.values()),
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
    sites = {one.participant.site_id: one.participant.site for one in asked}
    people = {one.participant.pk for one in asked}
    resources, proposed = resource_terms(sites), [_proposed(one) for one in asked]
    days = {day for booked in proposed for day in booked.days(_terms(booked, resources))}
    over = _Overnight.into(days, sites.values(), resources.values())
    known = _known(_concerned(sites, people, days, over), people, resources, set(sites), seen_trials, say)
    places = [one.participant.site_id for one in asked]
    return [clashes_of(one, known.day(one, site)) for one, site in zip(proposed, places, strict=True)]


def _proposed(asked: ProposedBooking) -> BookedTime:
    """A booking that somebody thinks of, its hours by the clocks of its site."""
    person = asked.participant
    zone = zone_of(person.site)
    start, end = (at.astimezone(zone) if at else None for at in (asked.start, asked.end))
    return BookedTime(
        *(person.pk, asked.on, start, end, asked.resource, asked.staff, asked.visit, asked.ward),
        trial=person.trial_id,
    )


def _terms(booked: BookedTime, resources: Mapping[int, ResourceTerms]) -> ResourceTerms | None:
    """The terms of what a booking takes that has the longest usual length; None where it takes nothing."""
    taken = [resources[pk] for pk in booked.takes() if pk in resources]
    return max(taken, key=lambda terms: terms.minutes, default=None)


@dataclass(frozen=True, slots=True)
class _Overnight:
    """Which bookings of the days before may go on past midnight into days that are asked about.

    That is those that end after `until`, or begin within the usual length before it and have no end.
    """

    before: frozenset[date]
    until: datetime
    usual: timedelta

    @classmethod
    def into(
        cls, days: Collection[date], sites: Iterable[Site], terms: Iterable[ResourceTerms]
    ) -> _Overnight:
        """Those that go on into these days at these sites."""
        before = frozenset(day - DAY for day in days if day > date.min).difference(days)
        first = min(before, default=min(days)) + DAY
        usual = max((one.minutes for one in terms), default=0)
        return cls(
            before,
            min(begins(first, zone_of(site)) for site in sites),
            timedelta(minutes=max(usual, DEFAULT_MINUTES)),
        )

    @property
    def condition(self) -> Q:
        """The same as a condition on visits."""
        late = Q(booked_end=None, booked_start__gt=self.until - self.usual)
        return Q(booked_on__in=self.before) & (Q(booked_end__gt=self.until) | late)


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


def _concerned(
    sites: Collection[int], people: Collection[int], days: Collection[date], over: _Overnight
) -> QuerySet[Visit]:
    """The live visits booked at these sites on these days, and those of these people open on one of them.

    Also those that go on into one of these days from the day before.
    """
    first, last = min(days), max(days)
    running = Visit.objects.running().order_by()
    there = Q(booked_on__in=days) | over.condition
    # the days alone first: they are looked up along an index
    at_sites = running.filter(at_one_of(sites), booked_on__in=over.before.union(days)).filter(there)
    open_ = Q(opens__lte=last, closes__gte=first)
    theirs = running.filter(open_ | there, participant__in=people)
    # one list of ids: joined by OR, the bookings of all other sites on these days are read as well
    return Visit.objects.filter(pk__in=at_sites.values("pk").union(theirs.values("pk")))


_COLUMNS = (
    *("pk", "participant_id", "participant__site_id", "participant__trial_id", "participant__subject_code"),
    *("participant__site__zone", "label", "place", "timing", "opens", "closes", "unscheduled", "rule_code"),
    *("booked_on", "booked_start", "booked_end", "booked_resource_id", "booked_staff_id"),
)


def _known(
    visits: QuerySet[Visit],
    people: Collection[int],
    resources: Mapping[int, ResourceTerms],
    sites: Collection[int],
    seen: Collection[int],
    say: Say,
) -> _Known:
    bookings: dict[tuple[int, date], list[BookedTime]] = defaultdict(list)
    of_person: dict[tuple[int, date], list[BookedTime]] = defaultdict(list)
    open_visits: dict[int, list[OpenVisit]] = defaultdict(list)
    wanted = set(people)
    for row in visits.values_list(*_COLUMNS, named=True).order_by("booked_start", "pk"):
        person = row.participant_id
        if row.booked_on:
            booked = _booked(row)
            for day in booked.days(_terms(booked, resources)):
                bookings[row.participant__site_id, day].append(booked)
                of_person[person, day].append(booked)
        if person in wanted and row.place == VisitPlace.CLINIC and not row.unscheduled:
            open_visits[person].append(OpenVisit(row.pk, row.label, row.opens, row.closes, row.booked_on))
    return _Known(
        *(bookings, of_person, open_visits, resources, working_days_by_site(sites)),
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
