"""What a proposal would do to a calendar: worked out from a record, without writing and without asking."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

from django.utils.translation import gettext

from participants.domain.anchors import RecordedAnchor
from schedules.domain.errors import ReplanningRefused
from schedules.domain.plan.anchors import as_given, resolve_anchors
from schedules.domain.plan.contradictions import Contradiction, find_contradictions
from schedules.domain.plan.days_on_record import keep_days
from schedules.domain.plan.holds import Hold, find_hold
from schedules.domain.plan.projection import lay_out, warnings_of
from schedules.domain.plan.values import Plan, PlanWarning
from schedules.domain.replanning.amendments import keep_codes, keep_done, keep_over
from schedules.domain.replanning.ended_courses import without_what_ended
from schedules.domain.replanning.protocol_departures import Case, Departure, DepartureKind, Ruling, rule_on
from schedules.domain.replanning.visit_effects import Effect, VisitChange, compare_visits
from schedules.domain.replanning.window_and_gate_changes import (
    GateChange,
    WindowChange,
    WindowSpan,
    compare_windows,
    span_of,
)
from schedules.domain.visits.order import anchors_of_rule
from schedules.domain.windows.verdict_changes import VerdictChange
from schedules.selectors.store.records import Record, anchors_on_record
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import run_on
from trials.models import ProtocolVersion
from trials.selectors.records import protocol_of
from trials.services.sites.plausible_days import impossible_days

WARD = Place.WARD.value


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to change: anchors set or moved, traits, the protocol version, the site's working days.

    `accept_unbookable` says that bookings which lose their window or their visit may do so: anyone who
    proposes has seen them. `recorded` are anchors that a visit on record has just dated; `withdrawn`
    says that a day on record is withdrawn, which plans nothing. `sure`: unlikely days were confirmed.
    """

    anchors: Mapping[str, RecordedAnchor] = field(default_factory=dict)
    traits: frozenset[str] | None = None
    version: ProtocolVersion | None = None
    calendar: WorkingDays | None = None
    accept_unbookable: bool = False
    recorded: frozenset[str] = frozenset()
    withdrawn: bool = False
    sure: bool = False


@dataclass(frozen=True, slots=True)
class SideEffects:
    """What a re-planning does beside the calendar: reminders withdrawn and due again, others' gates.

    `verdicts` are the windows whose verdict changes; `start` says what speaks against a start that is put
    on record; `drafted` which deviations are drafted, `lapsed` which are no longer one, each with its kind
    and what the record says.
    """

    cancelled: int = 0
    renewed: int = 0
    gates: tuple[GateChange, ...] = ()
    start: tuple[Departure, ...] = ()
    drafted: tuple[tuple[str, str], ...] = ()
    lapsed: tuple[tuple[str, str], ...] = ()
    verdicts: tuple[VerdictChange, ...] = ()


@dataclass(frozen=True)
class Preview:
    """What a proposal would do, for every visit and protocol window; `digest` stands for exactly this.

    `now` is the instant at which it was asked for. Each part is worked out when somebody looks at it:
    re-planning thousands looks at next to nothing. `around` is empty where nobody asked the database for it.
    """

    record: Record
    proposal: Proposal
    plan: Plan
    now: datetime
    around: SideEffects = SideEffects()

    @cached_property
    def today(self) -> date:
        """The day that it is at the participant's site."""
        return self.now.astimezone(self.record.zone).date()

    @cached_property
    def visits(self) -> tuple[VisitChange, ...]:
        """Every visit before and after, the most severe effect first."""
        standing = self.record.standing()
        return compare_visits(standing, self.plan, self.today, self._closed(), self.traits)

    @cached_property
    def windows(self) -> tuple[WindowChange, ...]:
        """Every protocol window before and after."""
        return compare_windows(self.record.spans(), _spans(self.plan))

    @cached_property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """Anchors that cannot be true together, with the days that would mend them."""
        traits = self.plan.protocol.effective_traits(self.traits)
        return find_contradictions(self.plan.protocol, self.plan.anchors, traits)

    @cached_property
    def ruling(self) -> Ruling:
        """Which contradictions are refused, and which have happened and are kept in the audit trail."""
        return rule_on(self.contradictions, self.case) if self.contradictions else Ruling()

    @property
    def case(self) -> Case:
        """The anchors before and after, as contradictions are judged by them."""
        person = self.record.participant
        protocol = as_given(protocol_of(person.protocol_version), self.record.known)
        traits = protocol.effective_traits(frozenset(person.traits))
        before = resolve_anchors(protocol, self.record.anchor_days({}), traits, self.record.known)
        stood = {(one.anchor, one.other) for one in find_contradictions(protocol, before, traits)}
        asked = self.proposal
        return Case(self.plan.protocol, before, self.plan.anchors, stood, asked.recorded, asked.withdrawn)

    @property
    def departures(self) -> tuple[Departure, ...]:
        """What happened against the protocol, the most severe first; empty of starts where nobody asked."""
        found = (*self.ruling.departures, *self.around.start)
        return tuple(sorted(found, key=lambda one: list(DepartureKind).index(one.kind)))

    @cached_property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """What the new plan warns of."""
        anchors = self.record.anchor_days(self.proposal.anchors)
        calendar = calendar_for(self.record, self.proposal)
        return tuple(warnings_of(self.plan, anchors, self.traits, calendar))

    @cached_property
    def hold(self) -> Hold | None:
        """The hold that the new plan comes to, if any."""
        return find_hold(self.plan.protocol, self.plan.anchors)

    def _closed(self) -> frozenset[date]:
        """The booked days on which the site worked before, and no longer would."""
        return closed_days(self.record, self.record.calendar, calendar_for(self.record, self.proposal))

    @property
    def traits(self) -> frozenset[str]:
        """The traits that the participant would have."""
        own = self.record.participant.traits if self.proposal.traits is None else self.proposal.traits
        return frozenset(own)

    @property
    def changed(self) -> tuple[VisitChange, ...]:
        """The visits that something happens to."""
        return tuple(change for change in self.visits if change.effects != (Effect.UNCHANGED,))

    @property
    def orphans(self) -> tuple[VisitChange, ...]:
        """The visits whose bookings no window and no visit would ask for any more."""
        return tuple(change for change in self.visits if change.orphans_booking)

    @cached_property
    def digest(self) -> str:
        """Stands for the proposal, the record that it met and everything that would follow."""
        return hashlib.sha256(json.dumps(self._seen(), sort_keys=True).encode()).hexdigest()

    def _seen(self) -> dict[str, object]:
        person, asked = self.record.participant, self.proposal
        return {
            "participant": [person.pk, person.version],
            "anchors": {code: str(anchor) for code, anchor in sorted(asked.anchors.items())},
            "traits": sorted(asked.traits) if asked.traits is not None else None,
            "version": asked.version.pk if asked.version else None,
            "calendar": self.plan.calendar,
            "rows": [[visit.pk, visit.version] for visit in self.record.visits],
            "visits": [
                [change.code, str(change.after), str(change.suggested[1]), list(change.effects)]
                for change in self.visits
            ],
            "windows": {code: [span.starts, span.ends] for code, span in _spans(self.plan).items()},
            **self._seen_beside(),
        }

    def _seen_beside(self) -> dict[str, object]:
        """What follows beside the calendar; left out where there is none."""
        departures = [str(one) for one in self.departures]
        # Which test must be repeated follows from its window and these verdicts.
        verdicts = [
            [one.code, one.before, one.after, one.end_before, one.end_after] for one in self.around.verdicts
        ]
        found = {"departures": departures, "verdicts": verdicts}
        return {name: seen for name, seen in found.items() if seen}


def preview_of(record: Record, proposal: Proposal, now: datetime) -> Preview:
    """What a proposal would do to this record; what was done under another version stays under it."""
    person = record.participant
    _refuse_years(record, proposal)
    anchors = {**_dated_by_version(record, proposal.version), **proposal.anchors}
    proposal = replace(proposal, anchors=anchors_on_record(record, anchors))
    plan = _plan_by(proposal.version or person.protocol_version, record, proposal)
    today = now.astimezone(record.zone).date()
    for version, done in record.done_before(proposal.version).items():
        plan = keep_done(plan, _plan_by(version, record, proposal), [visit.code for visit in done])
    for version, until in record.in_force_before(proposal.version, today):
        plan = keep_over(plan, _plan_by(version, record, proposal), until, record.zone)
    plan = without_what_ended(plan, record.visits, [step.taken for step in record.steps])
    return Preview(record, proposal, keep_days(plan, record.hours_gone_by(today)), now)


def _dated_by_version(record: Record, version: ProtocolVersion | None) -> dict[str, RecordedAnchor]:
    """The anchors whose day is by this version that of a visit which was done before it said so.

    One that only the older version's visit set keeps its day: what was done under that version counts
    from it.
    """
    present = record.participant.protocol_version
    if version is None or version == present:
        return {}
    old, new = (protocol_of(one).visit_by_code for one in (present, version))
    found: dict[str, RecordedAnchor] = {}
    for visit, day in record.performed():
        if visit.unscheduled:
            continue
        before, after = (
            anchors_of_rule(rules.get(visit.rule_code), visit.occurrence) for rules in (old, new)
        )
        for code in set(after).difference(before):
            stood = record.anchors.get(code, RecordedAnchor(code))
            if stood.actual_on is None:
                found[code] = replace(
                    stood, actual_on=day.day, actual_at=day.at, actual_zone=visit.performed_zone
                )
    return found


def _refuse_years(record: Record, proposal: Proposal) -> None:
    """Raise ReplanningRefused for days that nobody can have meant, before anything is counted from them."""
    closes = [visit.closes for visit in record.visits if not visit.unscheduled]
    end = max((day for day in (record.participant.trial.planned_end, *closes) if day), default=None)
    for anchor in proposal.anchors.values():
        days = {"planned": anchor.planned_on, "actual": anchor.actual_on}
        for messages in impossible_days(days, end).values():
            raise ReplanningRefused(run_on(messages, gettext))


def _plan_by(version: ProtocolVersion, record: Record, proposal: Proposal) -> Plan:
    protocol = protocol_of(version)
    plan = lay_out(
        protocol,
        record.anchor_days(proposal.anchors),
        frozenset(record.participant.traits if proposal.traits is None else proposal.traits),
        calendar_for(record, proposal),
        record.known_under(protocol),
        record.zone,
    )
    return keep_codes(plan, record.visits)


def calendar_for(record: Record, proposal: Proposal) -> WorkingDays | None:
    """The working days that are planned by: the site's, or those proposed, without days of absence."""
    return record.working_days(proposal.calendar) if proposal.calendar else record.calendar


def closed_days(record: Record, before: WorkingDays | None, after: WorkingDays | None) -> frozenset[date]:
    """The booked days on which the site worked before, and no longer does."""
    if after is None or before == after:
        return frozenset()
    booked = {visit.booked_on for visit in record.visits if visit.booked_on and visit.place != WARD}
    return frozenset(
        day
        for day in booked
        if not after.is_working_day(day) and (before is None or before.is_working_day(day))
    )


def _spans(plan: Plan) -> dict[str, WindowSpan]:
    return {
        window.rule.code: span_of(window.rule.code, window.rule.label, window.starts, window.ends)
        for window in plan.windows
    }
