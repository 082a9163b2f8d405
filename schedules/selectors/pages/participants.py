"""The list of participants: who, where, on which day of theirs, and what comes next."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import overload

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber

from participants.domain.lifecycle import ENDS, GOES_ON, PHASE_LABELS, Phase
from participants.models import Participant
from participants.selectors.participants import participants_called, participants_visible_to
from schedules.domain.visits.short_names import visit_mark
from schedules.domain.visits.status import ClinicDays, Standing, standing
from schedules.models import Visit
from schedules.selectors.store.calendars import clinic_days_of, working_days_by_site
from schedules.selectors.store.phases import with_phase
from schedules.selectors.store.stored_visits import day_zero_of, planned_visit, record_of
from trials.models import ProtocolVersion, Site, Trial, User
from trials.selectors.records import protocol_of
from trials.spoken import say
from trials.zones import roles_day, zone_of


@dataclass(frozen=True, slots=True)
class ListedParticipant:
    """One line of the list; `number` is today's day label, None while day zero is not known.

    Nor is there one for somebody who is no longer in the trial: `phase` is marked for translation.
    """

    participant: Participant
    phase: str
    zero: date | None
    number: str | None
    visit: Visit | None
    mark: str
    standing: Standing | None


class InOrder:
    """Participants by the codes of trials and their own, counted and cut as a list is, for pages.

    Sorting by the code of the trial reads everybody before the first row. Each trial has its own order in an
    index: what a page shows is found by how many people each trial has, and only those are read.
    """

    def __init__(self, people: QuerySet[Participant]) -> None:
        self.people = people

    def __len__(self) -> int:
        return sum(count for _trial, count in self._trials)

    def __iter__(self) -> Iterator[Participant]:
        return iter(self[:])

    @cached_property
    def _trials(self) -> list[tuple[int, int]]:
        """The trials in the order of their codes, with how many of the people each has; two queries.

        Counted by the codes, everybody would be joined with their trial, and told apart by a text.
        """
        counted = self.people.order_by().values_list("trial").annotate(Count("pk"))
        people = dict(counted.order_by("trial"))
        codes = Trial.objects.filter(pk__in=people).order_by("code").values_list("pk", flat=True)
        return [(trial, people[trial]) for trial in codes]

    @overload
    def __getitem__(self, place: int, /) -> Participant: ...
    @overload
    def __getitem__(self, place: slice, /) -> list[Participant]: ...
    def __getitem__(self, place: int | slice, /) -> Participant | list[Participant]:
        if isinstance(place, int):
            return self[place : place + 1][0]
        start, stop = place.start or 0, len(self) if place.stop is None else place.stop
        found: list[Participant] = []
        for trial, count in self._trials:
            if start < count and stop > 0:
                own = self.people.filter(trial=trial).order_by("subject_code", "pk")
                found += own[max(0, start) : min(stop, count)]
            start, stop = start - count, stop - count
        return found


@dataclass(frozen=True, slots=True)
class Listing:
    """The participants that match, and what stands beside each of those on a page."""

    participants: InOrder
    now: datetime

    def rows(self, page: Collection[Participant]) -> list[ListedParticipant]:
        """The lines of a page; seven queries, however many participants it has."""
        people = with_phase(Participant.objects.filter(pk__in=[one.pk for one in page]))
        people = people.select_related("trial", "site", "cohort").prefetch_related("anchors")
        known = people.in_bulk()
        return self._rows([known[one.pk] for one in page if one.pk in known])

    def _rows(self, page: Sequence[Participant]) -> list[ListedParticipant]:
        versions = ProtocolVersion.objects.in_bulk({one.protocol_version_id for one in page})
        sites = {one.site_id: one.site for one in page}
        days = clinic_days_of(sites.values(), working_days_by_site(sites), self.now)
        visits = _next_visits(page, min((here.today for here in days.values()), default=None))
        return [
            _row(one, versions[one.protocol_version_id], visits.get(one.pk), days[one.site_id])
            for one in page
        ]


IN_TRIAL, ENDED = "in-trial", "ended"
GROUPS = {IN_TRIAL: GOES_ON, ENDED: ENDS}
"""Several phases that are asked for by one word."""


@dataclass(frozen=True, slots=True)
class WantedPeople:
    """Which participants are asked for: part of a subject code, a site, a trial, a phase or a group of it."""

    search: str = ""
    site: Site | None = None
    trial: Trial | None = None
    phase: str = ""


def participants_listed(user: User, now: datetime, wanted: WantedPeople) -> Listing:
    """The participants in sight that are asked for, in the order of their trials and codes."""
    here = roles_day(now)
    seen = participants_visible_to(user, here)
    if wanted.search:
        seen = participants_called(seen, wanted.search)
    if wanted.site:
        seen = seen.filter(site=wanted.site)
    if wanted.trial:
        seen = seen.filter(trial=wanted.trial)
    phases = GROUPS.get(wanted.phase) or ({Phase(wanted.phase)} if wanted.phase else ())
    return Listing(InOrder(with_phase(seen, phases) if phases else seen), now)


def _next_visits(page: Sequence[Participant], today: date | None) -> dict[int, Visit]:
    """The first visit to come of each participant, by the participant's id."""
    if today is None:
        return {}
    rank = Window(RowNumber(), partition_by=F("participant"), order_by=("target", "opens", "pk"))
    live = Visit.objects.running().to_come_by(today).filter(participant__in=[one.pk for one in page])
    return {visit.participant_id: visit for visit in live.annotate(rank=rank).filter(rank=1)}


def _row(
    participant: Participant, version: ProtocolVersion, visit: Visit | None, days: ClinicDays
) -> ListedParticipant:
    protocol, zone = protocol_of(version), zone_of(participant.site)
    zero, today = day_zero_of(participant, protocol, zone), days.today
    phase = Phase(getattr(participant, "phase"))  # noqa: B009 - annotated
    gone = phase in ENDS and visit is None
    return ListedParticipant(
        participant=participant,
        phase=PHASE_LABELS[phase],
        zero=zero,
        number=protocol.day_label((today - zero).days) if zero and not gone else None,
        visit=visit,
        mark=say(visit_mark(protocol, planned_visit(visit, protocol, zone), zero)) if visit else "",
        standing=standing(record_of(visit), days) if visit else None,
    )
