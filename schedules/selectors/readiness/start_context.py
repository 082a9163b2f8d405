"""All that a start is judged by, read from the record in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db.models import prefetch_related_objects

from participants.domain.lifecycle import phase_of
from participants.domain.product import Product
from participants.models import CourseStep, Participant
from participants.selectors.consents import consent_standings
from participants.selectors.products import products_of
from schedules.domain.plan.labels import in_language
from schedules.domain.readiness.beds import Beds, Occupied
from schedules.domain.readiness.gates import Cohorts
from schedules.domain.readiness.start_context import Person, Start
from schedules.models import ProtocolWindow, ReadinessCheck, Visit, VisitPlace, VisitTiming
from schedules.selectors.readiness.board import TrialCourses, courses_of, is_gated, names_of
from schedules.selectors.store.absences import away_days
from schedules.selectors.store.calendars import today_at, working_days_by_site
from schedules.selectors.store.course import CourseState, courses_by_person
from schedules.selectors.store.first_days import STEPS
from schedules.selectors.store.records import Record
from schedules.selectors.windows.evaluation import ended_on, windows_of_participants
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.terms import WindowKind
from trials.domain.words import Say, Value, plain
from trials.models import Cohort, ProtocolVersion, Site
from trials.selectors.records import protocol_of
from trials.zones import zone_of

AHEAD = timedelta(days=400)
"""How far ahead the beds of a site are read: further than any day that is asked about."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is not enrolled yet: where, under which version, with which traits, at which level."""

    version: ProtocolVersion
    site: Site
    traits: frozenset[str] = frozenset()
    cohort: Cohort | None = None


def start_of(participant: Participant, now: datetime, say: Say = plain) -> Start:
    """What a participant's start is judged by, labels in the language of `say`."""
    (start,) = starts_of([participant.pk], now, say).values()
    return start


def starts_of(ids: Sequence[int], now: datetime, say: Say = plain) -> dict[int, Start]:
    """The same of several participants, by their ids.

    The number of queries depends on how many sites and versions there are, not on that of participants.
    """
    read = windows_of_participants(ids, say)
    records = [one.record for one in read]
    people = [record.participant for record in records]
    prefetch_related_objects(people, "cohort")
    todays = {person.pk: today_at(person.site, now) for person in people}
    consents = consent_standings(people, todays)
    products, courses = products_of(ids), courses_by_person(map(_standing, records))
    places = _Places()
    found = {}
    for one, record, person in zip(read, records, people, strict=True):
        today = todays[person.pk]
        cohorts, names, begun = places.gated(one.protocol, person, now)
        found[person.pk] = Start(
            protocol=one.protocol,
            anchors=record.anchor_days({}),
            traits=frozenset(person.traits),
            calendar=record.calendar,
            zone=record.zone,
            today=today,
            cohorts=cohorts,
            names=names,
            others_begun=begun,
            beds=places.beds(person.site, today, but=person.pk),
            known=record.known,
            person=Person(
                subject=person.subject_code,
                level=person.cohort.code if person.cohort else None,
                consent=consents[person.pk],
                phase=phase_of(courses[person.pk]),
                product=products.get(person.pk, Product()),
                facts=one.facts,
                ended={
                    visit.code_under(one.protocol)
                    for visit in record.visits
                    if visit.missed_on or visit.cancelled_on or visit.held_on
                },
            ),
            away=record.closed,
        )
    return found


def start_of_newcomer(newcomer: Newcomer, now: datetime, say: Say = plain) -> Start:
    """What the start of somebody who is not enrolled yet is judged by: the site and the gates."""
    site, protocol = newcomer.site, in_language(protocol_of(newcomer.version), say)
    today = today_at(site, now)
    away = away_days(participants=(), sites=[site.pk])
    read = courses_of(protocol, newcomer.version.trial_id, now) if is_gated(protocol) else None
    cohorts, names, _begun = _gated(protocol, read, site.pk)
    calendar = working_days_by_site([site.pk]).get(site.pk)
    return Start(
        protocol=protocol,
        anchors={},
        traits=newcomer.traits,
        calendar=away.applied(calendar, None, site.pk),
        zone=zone_of(site),
        today=today,
        cohorts=cohorts,
        names=names,
        beds=beds_at(site, today),
        level=newcomer.cohort.code if newcomer.cohort else None,
        away=away.closures(None, site.pk),
    )


def checks_of(participant: Participant) -> list[ReadinessCheck]:
    """The lists that were recorded when a start went on record, the newest first."""
    checks = ReadinessCheck.objects.filter(participant=participant).select_related("checked_by")
    return list(checks.order_by("-checked_at", "-pk"))


def beds_at(site: Site, today: date) -> Beds:
    """A site's beds and infusions a day, with what its participants take; three queries."""
    return _Places().beds(site, today)


def _standing(record: Record) -> CourseState:
    actual = {code: anchor.actual_on for code, anchor in record.anchors.items() if anchor.actual_on}
    person = record.participant
    return CourseState(person, protocol_of(person.protocol_version), record.steps, actual)


@dataclass(frozen=True, slots=True)
class _Places:
    """What starts at one site, or under one version, are judged by alike: read once for all of them."""

    occupied: dict[int, dict[int, Occupied]] = field(default_factory=dict)
    read: dict[int, TrialCourses] = field(default_factory=dict)
    judged: dict[tuple[int, int], _Gated] = field(default_factory=dict)

    def beds(self, site: Site, today: date, but: int | None = None) -> Beds:
        """The beds of a site with what its participants, all `but` one, take."""
        if not (site.ward_beds or site.infusions_per_day):
            return Beds.of(site.ward_beds, site.infusions_per_day, [])
        if site.pk not in self.occupied:
            self.occupied[site.pk] = dict(_occupied(site, today))
        others = (taken for pk, taken in self.occupied[site.pk].items() if pk != but)
        return Beds.of(site.ward_beds, site.infusions_per_day, others)

    def gated(self, protocol: Protocol, person: Participant, now: datetime) -> _Gated:
        """The gates of a participant's version, as they may be told at the site."""
        version = person.protocol_version_id
        key = (version, person.site_id)
        if key not in self.judged:
            if is_gated(protocol) and version not in self.read:
                self.read[version] = courses_of(protocol, person.trial_id, now)
            self.judged[key] = _gated(protocol, self.read.get(version), person.site_id)
        return self.judged[key]


_Gated = tuple[Cohorts, dict[str, Value], frozenset[str]]


def _gated(protocol: Protocol, read: TrialCourses | None, site: int) -> _Gated:
    """The gates with all who went before; anyone who is at another site is to be named by that site alone."""
    if read is None:
        return Cohorts((), ()), {}, frozenset()
    names = names_of(read, frozenset(one.pk for one in read.people.values() if one.site_id == site))
    return Cohorts.of(protocol, read.courses, read.reviews), names, read.begun


def _occupied(site: Site, today: date) -> Iterator[tuple[int, Occupied]]:
    """What each participant of a site takes of its beds, with their ids; three queries."""
    spans: dict[int, list[tuple[date, date]]] = defaultdict(list)
    infusions: dict[int, date] = {}
    until = today + AHEAD
    for visit in _ward_visits(site, today, until):
        ranged = visit.timing in (VisitTiming.EACH, VisitTiming.OVER)
        first, last = (visit.opens, visit.closes) if ranged else (visit.target, visit.target)
        spans[visit.participant_id].append((first, last))
        if visit.offset == "P0D" and not ranged and visit.anchor_code == _day_zero(visit):
            infusions[visit.participant_id] = visit.target
    for pk, stay in _stays(site, today, until):
        spans[pk].append(stay)
    over = _ended(set(spans))
    for pk, found in spans.items():
        last = over.get(pk, date.max)
        kept = tuple((one, min(other, last)) for one, other in found if one <= last)
        yield pk, Occupied(kept, infusions.get(pk) if infusions.get(pk, last) <= last else None)


def _ward_visits(site: Site, today: date, until: date) -> Iterator[Visit]:
    visits = Visit.objects.filter(
        participant__site=site,
        place=VisitPlace.WARD,
        missed_on=None,
        cancelled_on=None,
        closes__gte=today,
        opens__lte=until,
    )
    yield from visits.select_related("participant__protocol_version").defer(
        "participant__protocol_version__document"
    )


def _stays(site: Site, today: date, until: date) -> Iterator[tuple[int, tuple[date, date]]]:
    stays = ProtocolWindow.objects.filter(
        participant__site=site,
        kind=WindowKind.STAY,
        cancelled_on=None,
        starts_on__lte=until,
        ends_on__gte=today,
    )
    for pk, starts, ends in stays.values_list("participant_id", "starts_on", "ends_on"):
        if starts and ends:
            yield pk, (starts, ends)


def _day_zero(visit: Visit) -> str:
    return protocol_of(visit.participant.protocol_version).day_zero


def _ended(ids: Collection[int]) -> dict[int, date]:
    steps: dict[int, list[CourseStep]] = defaultdict(list)
    for step in CourseStep.objects.filter(participant__in=ids, undone=False, step__in=STEPS).order_by("pk"):
        steps[step.participant_id].append(step)
    return {pk: day for pk, taken in steps.items() if (day := ended_on(taken))}
