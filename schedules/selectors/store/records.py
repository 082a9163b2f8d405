"""All that is on record of participants and that a plan is made of, read for any number at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, QuerySet

from participants.domain.anchors import RecordedAnchor
from participants.domain.fact_rows import FactRow
from participants.domain.fact_rows import facts_of as facts_of_rows
from participants.domain.facts import Facts
from participants.domain.moments import on_record
from participants.models import Absence, Anchor, CourseStep, Fact, Participant
from participants.selectors.participants import fact_row, recorded
from schedules.domain.plan.recorded_anchors import anchor_days, put_on_record
from schedules.domain.plan.values import AnchorDay, AnchorKind, Known
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.replanning.amendments import Outcome
from schedules.domain.replanning.window_and_gate_changes import WindowSpan, span_of
from schedules.domain.visits.order import anchors_of_rule
from schedules.domain.visits.visit import COLUMNS, VisitState
from schedules.domain.windows.eligibility import known_of
from schedules.models import AmendmentStep, ProtocolWindow, Visit, VisitActivity, VisitPreparation
from schedules.selectors.store.absences import absences_counted, away_days, away_days_of
from schedules.selectors.store.calendars import days_of_tables, working_day_tables
from schedules.selectors.store.first_days import first_approvals, first_signatures, standing_steps
from trials.domain.protocols.protocol import Derivation, Protocol
from trials.domain.sites.working_days import WorkingDays
from trials.models import ProtocolVersion
from trials.selectors.records import protocol_of
from trials.selectors.together import Asked, read_together
from trials.zones import zone_of

_FEW = 20
"""Up to so many participants, one statement is quicker than ten; for more, the rows are what counts."""
_DAY = timedelta(days=1)
_VERSION = Prefetch("protocol_version", ProtocolVersion.objects.defer("document"))


@dataclass(slots=True)
class Record:
    """One participant's record: anchors, visits, protocol windows, activities, facts and half-lives.

    `calendar` is the site's working days without the days `closed` by absences; `older` holds the
    versions before the present one under which visits were done or that an amendment ended, `ended` on which
    day it did so with each, the last first; `begun` when chemotherapy that was
    repeated since was first given. `site_days` are the site's own, whether or not somebody is away.
    `steps` are those of the course that stand, `signed_on` is the day of the first consent form on record,
    `began_on` the day from which the trial was approved at the site. `prepared` are the visits of which
    something is ticked as prepared.
    """

    participant: Participant
    calendar: WorkingDays | None
    closed: Mapping[date, str] = field(default_factory=dict)
    anchors: dict[str, RecordedAnchor] = field(default_factory=dict)
    visits: list[VisitState] = field(default_factory=list)
    windows: list[ProtocolWindow] = field(default_factory=list)
    activities: dict[str, AnchorDay] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    half_lives: dict[str, timedelta] = field(default_factory=dict)
    older: dict[int, ProtocolVersion] = field(default_factory=dict)
    ended: list[tuple[date, int]] = field(default_factory=list)
    begun: dict[str, AnchorDay] = field(default_factory=dict)
    site_days: WorkingDays | None = None
    steps: list[CourseStep] = field(default_factory=list)
    signed_on: date | None = None
    began_on: date | None = None
    prepared: set[int] = field(default_factory=set)

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the participant's site."""
        return zone_of(self.participant.site)

    @property
    def attempt(self) -> int:
        """Which attempt at screening or conditioning this is; the visits are those of the latest alone."""
        return self.visits[0].attempt if self.visits else 1

    @property
    def held_since(self) -> date | None:
        """Since when the visits to come wait for the infusion; None where they do not."""
        return next((visit.held_on for visit in self.visits if visit.live and visit.held_on), None)

    @property
    def known(self) -> Known:
        """What the plan by the participant's version knows besides the anchors."""
        return self.known_under(protocol_of(self.participant.protocol_version))

    def known_under(self, protocol: Protocol) -> Known:
        """Return what a plan by this version goes by besides anchors, with visits by that version's codes."""
        of_age = self.participant.comes_of_age_on
        performed = {visit.code_under(protocol): day for visit, day in self.performed()}
        missed = frozenset(v.code_under(protocol) for v in self.visits if v.missed_on or v.cancelled_on)
        booked = {v.code_under(protocol): v.booked_on for v in self.visits if v.live and v.booked_on}
        known = Known(performed, self.activities, self.half_lives, of_age, self.begun, booked, missed)
        given_by = dict(self._given_by(protocol))
        return replace(known, given_by=given_by) if given_by else known

    def _given_by(self, protocol: Protocol) -> Iterator[tuple[str, Derivation]]:
        """Yield the anchors that happened under another version, with its derivations."""
        present = self.participant.protocol_version
        if not self.older and protocol is protocol_of(present):
            return
        for rule in protocol.anchors:
            stands = self.anchors.get(rule.code)
            if not (rule.derived and stands and stands.actual_on):
                continue
            then = protocol_of(self._version_on(stands.actual_on)).anchor_by_code.get(rule.code)
            if then and then.derived and then.derived.anchor in protocol.anchor_by_code:
                derived = replace(then.derived, visit=rule.derived.visit)  # called as this version calls it
                if derived != rule.derived:
                    yield rule.code, derived

    def _version_on(self, day: date) -> ProtocolVersion:
        """The version in force on a day: of those in force until then or longer the one that ended first.

        By the visits that were done under an older version, and by the days on which amendments ended one.
        """
        under = [
            (visit.performed_on, visit.done_under_id)
            for visit in self.visits
            if visit.done_under_id and visit.performed_on
        ]
        first = min((one for one in (*under, *self.ended) if one[0] >= day), key=itemgetter(0), default=None)
        return self.older[first[1]] if first else self.participant.protocol_version

    def anchor_days(self, changed: Mapping[str, RecordedAnchor]) -> dict[str, AnchorDay]:
        """The anchors that the plan counts from, with some of them changed."""
        return anchor_days({**self.anchors, **changed}, self.zone)

    def working_days(self, calendar: WorkingDays | None) -> WorkingDays | None:
        """Other working days of the site, without the days on which somebody is away."""
        return calendar.with_corrections(closures=self.closed) if calendar and self.closed else calendar

    def standing(self) -> list[VisitState]:
        """The visits as they stand, each with its rule."""
        rules = protocol_of(self.participant.protocol_version).visit_by_code
        return [
            visit if visit.unscheduled else visit._replace(rule=rules.get(visit.rule_code))
            for visit in self.visits
        ]

    def hours_gone_by(self, today: date) -> dict[str, tuple[datetime, VisitWindow]]:
        """The targets in hours of visits that are ended or over, each with the days that it had."""
        return {
            visit.code: (visit.target_at, visit.window)
            for visit in self.visits
            if visit.target_at and not visit.unscheduled and (not visit.live or visit.closes < today)
        }

    def spans(self) -> dict[str, WindowSpan]:
        """The protocol windows as they stand."""
        return {window.code: _span(window) for window in self.windows if window.cancelled_on is None}

    def done_before(self, version: ProtocolVersion | None = None) -> dict[ProtocolVersion, list[VisitState]]:
        """The visits done under other versions than the one that is planned by; they stay under theirs.

        The version of the last of them comes first.
        """
        present = self.participant.protocol_version
        planned_by = version or present
        if planned_by == present and not self.older:
            return {}
        found: dict[ProtocolVersion, list[VisitState]] = defaultdict(list)
        for visit in self.visits:
            under = self.older[visit.done_under_id] if visit.done_under_id else present
            if visit.performed_on and under != planned_by and not visit.unscheduled:
                found[under].append(visit)
        return dict(sorted(found.items(), key=lambda one: last_done(one[1]), reverse=True))

    def in_force_before(
        self, version: ProtocolVersion | None = None, today: date | None = None
    ) -> list[tuple[ProtocolVersion, date]]:
        """The versions before the one that is planned by, each with a day until which it was in force.

        At least until then; the last of them first. `today` is the day on which the present one would end, by
        an amendment to `version`.
        """
        found = [(one, last_done(done)) for one, done in self.done_before(version).items()]
        found += [(self.older[ended], day - _DAY) for day, ended in self.ended]
        present = self.participant.protocol_version
        if version is not None and version != present and today is not None:
            found.append((present, today - _DAY))
        return sorted(found, key=itemgetter(1), reverse=True)

    def performed(self) -> Iterator[tuple[VisitState, AnchorDay]]:
        """The visits that were done, each with when it was."""
        for visit in self.visits:
            if visit.performed_on:
                at = on_record(visit.performed_at, visit.performed_zone, self.zone)
                yield visit, AnchorDay(visit.performed_on, AnchorKind.ACTUAL, at)


def last_done(visits: Iterable[VisitState]) -> date:
    """The day of the last of these visits that was done: until then their version was in force."""
    return max(visit.performed_on for visit in visits if visit.performed_on)


def _span(window: ProtocolWindow) -> WindowSpan:
    starts, ends = window.starts_at or window.starts_on, window.ends_at or window.ends_on
    return span_of(window.code, window.label, starts, ends)


def anchors_on_record(record: Record, anchors: Mapping[str, RecordedAnchor]) -> dict[str, RecordedAnchor]:
    """Return proposed anchors as they go on record beside those that stand: each hour with its zone."""
    return {
        code: put_on_record(anchor, record.anchors.get(code), record.zone) for code, anchor in anchors.items()
    }


def records_of(ids: Sequence[int], *, lock: bool = False) -> list[Record]:
    """The records of these participants, by their ids; the number of queries does not depend on how many.

    With `lock` the participants' rows are locked until the transaction ends, in the order of their
    ids, so that two re-plannings wait for each other and never for ever.
    """
    people = _people(ids, lock=lock)
    return records_read(list(people.prefetch_related("site", "trial", _VERSION)))


def record_of(pk: int, *, lock: bool = False) -> Record:
    """The record of one participant, as `records_of` reads it; their places come along, in one statement."""
    people = _people([pk], lock=lock).select_related("site", "trial", "protocol_version")
    (record,) = records_read(list(people.defer("protocol_version__document")))
    return record


def _people(ids: Sequence[int], *, lock: bool) -> QuerySet[Participant]:
    # By their ids, as everybody locks them, or two who each hold some would wait for one another; and of
    # themselves alone: their site and trial come along, and a lock on those would hold up everybody there.
    people = Participant.objects.filter(pk__in=ids).order_by("pk")
    return people.select_for_update(of=("self",), no_key=True) if lock else people


def records_read(found: Sequence[Participant]) -> list[Record]:
    """The records of participants who were read already; anchors that came with them are not read again.

    One statement for a few participants, one for each table for many.
    """
    if not found:
        return []
    ids, sites = [person.pk for person in found], {person.site_id for person in found}
    trials = {person.trial_id for person in found}
    known = all("anchors" in getattr(person, "_prefetched_objects_cache", ()) for person in found)
    queries = (
        Asked.of(working_day_tables, sites),
        Asked.of(absences_counted, participants=ids, sites=sites),
        Asked.of(_anchors, () if known else ids),
        Asked.of(_visits, ids),
        Asked.of(_windows, ids),
        Asked.of(_activities, ids),
        Asked.of(_facts, ids),
        Asked.of(standing_steps, ids),
        Asked.of(first_signatures, ids),
        Asked.of(first_approvals, sites, trials),
        Asked.of(_amendments, ids),
        Asked.of(_prepared, ids),
    )
    read = read_together(*queries) if len(found) <= _FEW else [list(asked.query) for asked in queries]
    return _records(found, _Read(*read))


class _Read(NamedTuple):
    """What is read of participants, table by table."""

    tables: list[Any]
    absences: list[Absence]
    anchors: list[Anchor]
    visits: list[Any]
    windows: list[ProtocolWindow]
    activities: list[Any]
    facts: list[Fact]
    steps: list[CourseStep]
    signed: list[Any]
    began: list[Any]
    amended: list[Any]
    prepared: list[Any]


def _records(found: Sequence[Participant], read: _Read) -> list[Record]:
    calendars = days_of_tables(read.tables)
    away = away_days_of(read.absences)
    signed = dict(read.signed)
    began = {(site, trial): first for site, trial, first in read.began}
    records = {
        person.pk: Record(
            person,
            away.applied(calendars.get(person.site_id), person.pk, person.site_id),
            away.closures(person.pk, person.site_id),
            site_days=calendars.get(person.site_id),
            signed_on=signed.get(person.pk),
            began_on=began.get((person.site_id, person.trial_id)),
        )
        for person in found
    }
    for step in read.steps:
        records[step.participant_id].steps.append(step)
    for pk, day, version in read.amended:
        records[pk].ended.insert(0, (day, version))
    for pk, visit in read.prepared:
        records[pk].prepared.add(visit)
    _add_anchors(records, read.anchors)
    _add_visits(records, read.visits, read.windows)
    _add_facts(records, read.activities, read.facts)
    return list(records.values())


def without_absence(records: Sequence[Record], absence: Absence) -> list[Record]:
    """The records as they are, to be planned without the days of one absence; one query."""
    people = [record.participant for record in records]
    ids, sites = [person.pk for person in people], {person.site_id for person in people}
    away = away_days(participants=ids, sites=sites, but=absence)
    return [
        replace(record, closed=away.closures(record.participant.pk, record.participant.site_id))
        for record in records
    ]


def _add_anchors(records: Mapping[int, Record], read: Iterable[Anchor]) -> None:
    """Add what was read, or what came with the participants."""
    people = [record.participant for record in records.values()]
    came = (person for person in people if "anchors" in getattr(person, "_prefetched_objects_cache", ()))
    for anchor in (*read, *(anchor for person in came for anchor in person.anchors.all())):
        records[anchor.participant_id].anchors[anchor.code] = recorded(anchor)


def _add_visits(
    records: Mapping[int, Record], rows: Iterable[tuple[Any, ...]], windows: Iterable[ProtocolWindow]
) -> None:
    for visit in (VisitState(*row) for row in rows):
        records[visit.participant_id].visits.append(visit)
    for record in records.values():  # what was tried before is over
        latest = max((visit.attempt for visit in record.visits), default=1)
        if latest > 1:
            record.begun = _begun(record, latest)
        record.visits = [visit for visit in record.visits if visit.attempt == latest]
    _add_older(records)
    for window in windows:
        records[window.participant_id].windows.append(window)


def _begun(record: Record, latest: int) -> dict[str, AnchorDay]:
    """When the point of no return was first passed in an attempt before the `latest`."""
    protocol = protocol_of(record.participant.protocol_version)
    marked = {rule.code for rule in protocol.anchors if rule.point_of_no_return}
    found: dict[str, AnchorDay] = {}
    for visit in record.visits:
        rule, on = protocol.visit_by_code.get(visit.rule_code), visit.performed_on
        if visit.attempt == latest or on is None:
            continue
        for code in marked.intersection(anchors_of_rule(rule, visit.occurrence)):
            if code not in found or on < found[code].day:
                at = on_record(visit.performed_at, visit.performed_zone, record.zone)
                found[code] = AnchorDay(on, AnchorKind.ACTUAL, at)
    return found


def _add_older(records: Mapping[int, Record]) -> None:
    """The versions that were in force before the present ones; a query only where there are any."""
    ids = {
        visit.done_under_id for record in records.values() for visit in record.visits if visit.done_under_id
    }
    ids |= {version for record in records.values() for _day, version in record.ended}
    older = ProtocolVersion.objects.defer("document").in_bulk(ids) if ids else {}
    for record in records.values():
        record.older = older


def _anchors(ids: Collection[int]) -> QuerySet[Anchor]:
    return Anchor.objects.filter(participant__in=ids).order_by("pk")


def _visits(ids: Collection[int]) -> QuerySet[Any, Any]:
    return Visit.objects.filter(participant__in=ids).order_by("pk").values_list(*COLUMNS)


def _windows(ids: Collection[int]) -> QuerySet[ProtocolWindow]:
    return ProtocolWindow.objects.filter(participant__in=ids).order_by("pk")


def _amendments(ids: Collection[int]) -> QuerySet[Any, Any]:
    """The days on which amendments ended a version for somebody, in their order."""
    done = AmendmentStep.objects.filter(participant__in=ids, outcome=Outcome.DONE, done_on__isnull=False)
    return done.order_by("done_at", "pk").values_list("participant_id", "done_on", "run__from_version_id")


def _prepared(ids: Collection[int]) -> QuerySet[Any, Any]:
    ticked = VisitPreparation.objects.filter(visit__participant__in=ids)
    return ticked.order_by().values_list("visit__participant_id", "visit_id")


def _facts(ids: Collection[int]) -> QuerySet[Fact]:
    return Fact.objects.filter(participant__in=ids, withdrawn_at=None).order_by("pk")


def _activities(ids: Collection[int]) -> QuerySet[Any, Any]:
    """The activities that were done, in the order in which they were."""
    done = VisitActivity.objects.filter(participant__in=ids, done=True)
    return done.order_by("visit__performed_on", "done_at").values_list(
        "participant_id", "code", "done_at", "visit__performed_on", "visit__performed_zone", "visit__attempt"
    )


def _add_facts(
    records: Mapping[int, Record], activities: Iterable[tuple[Any, ...]], facts: Iterable[Fact]
) -> None:
    """When activities were done, the latest of each; what people recorded; and the half-lives of drugs."""
    for pk, code, done_at, performed_on, zone, attempt in activities:
        record = records[pk]
        if performed_on and attempt == record.attempt:
            at = on_record(done_at, zone, record.zone)
            day = AnchorDay(performed_on, AnchorKind.ACTUAL)
            record.activities[code] = AnchorDay.at_instant(at, AnchorKind.ACTUAL) if at else day
    rows: dict[int, list[FactRow]] = defaultdict(list)
    for fact in facts:
        rows[fact.participant_id].append(fact_row(fact))
    for pk, found in rows.items():
        _take_in(records[pk], facts_of_rows(found, records[pk].zone))


def _take_in(record: Record, facts: Facts) -> None:
    """The facts on record, with what a plan is told of them: the later day of an activity counts."""
    known = known_of(facts, record.zone)
    record.facts, record.half_lives = facts, dict(known.half_lives)
    for code, day in known.activities.items():
        before = record.activities.get(code)
        if before is None or before.day <= day.day:
            record.activities[code] = day
