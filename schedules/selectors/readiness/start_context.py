"""All that a start is judged by, read from the record in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from participants.domain.lifecycle import phase_of
from participants.models import CourseStep, Participant
from participants.selectors.consents import consent_standing
from participants.selectors.products import product_of
from schedules.domain.plan.labels import in_language
from schedules.domain.readiness.beds import Beds, Occupied
from schedules.domain.readiness.gates import Cohorts
from schedules.domain.readiness.start_context import Person, Start
from schedules.models import ProtocolWindow, ReadinessCheck, Visit, VisitPlace, VisitTiming
from schedules.selectors.readiness.board import courses_of, is_gated, names_of
from schedules.selectors.store.absences import away_days
from schedules.selectors.store.calendars import today_at, working_days_by_site
from schedules.selectors.store.course import course_of, standing_of
from schedules.selectors.store.first_days import STEPS
from schedules.selectors.windows.evaluation import ParticipantWindows, ended_on, windows_of_participants
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
    (participant_windows,) = windows_of_participants([participant.pk], say)
    record, person, protocol = (
        participant_windows.record,
        participant_windows.record.participant,
        participant_windows.protocol,
    )
    today = today_at(person.site, now)
    cohorts, names, begun = _gated(protocol, person.trial_id, person.site)
    return Start(
        protocol=protocol,
        anchors=record.anchor_days({}),
        traits=frozenset(person.traits),
        calendar=record.calendar,
        zone=record.zone,
        today=today,
        cohorts=cohorts,
        names=names,
        others_begun=begun,
        beds=beds_at(person.site, today, but=person.pk),
        known=record.known,
        person=_person(participant_windows, today),
        away=away_days(participants=[person.pk], sites=[person.site_id]).closures(person.pk, person.site_id),
    )


def start_of_newcomer(newcomer: Newcomer, now: datetime, say: Say = plain) -> Start:
    """What the start of somebody who is not enrolled yet is judged by: the site and the gates."""
    site, protocol = newcomer.site, in_language(protocol_of(newcomer.version), say)
    today = today_at(site, now)
    away = away_days(participants=(), sites=[site.pk])
    cohorts, names, _begun = _gated(protocol, newcomer.version.trial_id, site)
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


def beds_at(site: Site, today: date, but: int | None = None) -> Beds:
    """A site's beds and infusions a day, with what its participants (all but one) take; three queries."""
    others = _occupied(site, today, but) if site.ward_beds or site.infusions_per_day else []
    return Beds.of(site.ward_beds, site.infusions_per_day, others)


def _person(participant_windows: ParticipantWindows, today: date) -> Person:
    person = participant_windows.record.participant
    ended = {
        visit.code
        for visit in participant_windows.record.visits
        if visit.missed_on or visit.cancelled_on or visit.held_on
    }
    return Person(
        subject=person.subject_code,
        level=person.cohort.code if person.cohort else None,
        consent=consent_standing(person, today),
        phase=phase_of(course_of(standing_of(person))),
        product=product_of(person),
        facts=participant_windows.facts,
        ended=ended,
    )


def _gated(protocol: Protocol, trial: int, site: Site) -> tuple[Cohorts, dict[str, Value], frozenset[str]]:
    """The gates with all who went before; anyone who is at another site is to be named by that site alone."""
    if not is_gated(protocol):
        return Cohorts((), ()), {}, frozenset()
    read = courses_of(protocol, trial)
    names = names_of(read, frozenset(one.pk for one in read.people.values() if one.site_id == site.pk))
    return Cohorts.of(protocol, read.courses, read.reviews), names, read.begun


def _occupied(site: Site, today: date, but: int | None) -> Iterator[Occupied]:
    spans: dict[int, list[tuple[date, date]]] = defaultdict(list)
    infusions: dict[int, date] = {}
    until = today + AHEAD
    for visit in _ward_visits(site, today, until):
        ranged = visit.timing in (VisitTiming.EACH, VisitTiming.OVER)
        first, last = (visit.opens, visit.closes) if ranged else (visit.target, visit.target)
        spans[visit.participant_id].append((first, last))
        if visit.offset == "P0D" and not ranged and visit.anchor_code == _day_zero(visit):
            infusions[visit.participant_id] = visit.target
    stays = ProtocolWindow.objects.filter(
        participant__site=site,
        kind=WindowKind.STAY,
        cancelled_on=None,
        starts_on__lte=until,
        ends_on__gte=today,
    )
    for pk, starts, ends in stays.values_list("participant_id", "starts_on", "ends_on"):
        if starts and ends:
            spans[pk].append((starts, ends))
    spans.pop(but or 0, None)
    over = _ended(set(spans))
    for pk, found in spans.items():
        last = over.get(pk, date.max)
        kept = tuple((one, min(other, last)) for one, other in found if one <= last)
        yield Occupied(kept, infusions.get(pk) if infusions.get(pk, last) <= last else None)


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


def _day_zero(visit: Visit) -> str:
    return protocol_of(visit.participant.protocol_version).day_zero


def _ended(ids: Collection[int]) -> dict[int, date]:
    steps: dict[int, list[CourseStep]] = defaultdict(list)
    for step in CourseStep.objects.filter(participant__in=ids, undone=False, step__in=STEPS).order_by("pk"):
        steps[step.participant_id].append(step)
    return {pk: day for pk, taken in steps.items() if (day := ended_on(taken))}
