"""Participants' protocol windows with everything that they are judged by, for any number at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds import TestResult
from participants.domain.facts import Facts
from participants.domain.lifecycle import Extent, Phase, Step
from participants.domain.moments import day_of, first_after
from participants.domain.performed import PerformedVisit
from participants.models import CourseStep
from schedules.domain.plan.labels import in_language
from schedules.domain.plan.projection import lay_out
from schedules.domain.plan.values import Plan, PlannedWindow
from schedules.domain.replanning.amendments import keep_over
from schedules.domain.windows.judges import judge, next_change_at
from schedules.domain.windows.verdict_changes import Judged
from schedules.domain.windows.verdicts import Verdict
from schedules.models import ProtocolWindow
from schedules.selectors.store.first_days import STEPS
from schedules.selectors.store.records import Record, records_of
from trials.domain.language import Named
from trials.domain.protocols.occurrences import label_of_rule, names_of
from trials.domain.protocols.protocol import Place, Protocol
from trials.domain.words import Say, plain
from trials.selectors.records import protocol_of


@dataclass(frozen=True, slots=True)
class JudgedWindow:
    """A stored window, as the record places it now, and what it comes to."""

    stored: ProtocolWindow
    planned: PlannedWindow
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ParticipantWindows:
    """One participant's windows and all that is on record about them."""

    record: Record
    protocol: Protocol
    facts: Facts
    plan: Plan

    @property
    def zone(self) -> ZoneInfo:
        """The site's zone."""
        return self.record.zone

    def placed(self) -> Iterator[tuple[ProtocolWindow, PlannedWindow]]:
        """The stored windows that the protocol asks for now, as the record places them."""
        planned = {window.rule.code: window for window in self.plan.windows}
        for stored in self.record.windows:
            if stored.cancelled_on is None and stored.code in planned:
                yield stored, planned[stored.code]

    def judged(self, now: datetime, only: Collection[int] | None = None) -> list[JudgedWindow]:
        """The verdicts at an instant, of all windows or of those with these ids."""
        return [
            JudgedWindow(stored, planned, self.judge(planned, now))
            for stored, planned in self.placed()
            if only is None or stored.pk in only
        ]

    def judge(self, planned: PlannedWindow, now: datetime) -> Verdict:
        """What one window comes to."""
        return judge(planned, self.facts, now, self.zone, self.plan.protocol_of(planned).month)

    def verdicts(self, now: datetime) -> dict[str, Judged]:
        """Every window that is asked for, stored or not yet, with its verdicts now and at its end."""
        found = {}
        for planned in self.plan.windows:
            over = first_after(planned.ends, self.zone) if planned.ends is not None else now
            at_end = self.judge(planned, max(now, over))
            found[planned.rule.code] = Judged(planned.rule, self.judge(planned, now), at_end)
        return found

    def as_planned(self, plan: Plan, expected: Mapping[str, date]) -> ParticipantWindows:
        """The same record under another plan, with the days on which visits are then expected."""
        facts = replace(self.facts, expected=dict(expected))
        return ParticipantWindows(self.record, plan.protocol, facts, plan)

    def next_change_at(self, planned: PlannedWindow, now: datetime) -> datetime | None:
        """When the verdict of one window changes by time alone; None where it never does."""
        return next_change_at(planned, self.facts, now, self.zone, self.plan.protocol_of(planned).month)


def windows_of_participants(
    ids: Sequence[int], say: Say = plain, *, lock: bool = False
) -> list[ParticipantWindows]:
    """The dockets of these participants, labels in the language of `say`.

    The number of queries does not depend on how many there are. With `lock` the participants' rows
    are locked until the transaction ends.
    """
    return dockets_read(records_of(ids, lock=lock), say)


def dockets_read(records: Sequence[Record], say: Say = plain) -> list[ParticipantWindows]:
    """The dockets of records that were read already, labels in the language of `say`; one query."""
    steps = steps_by_person([record.participant.pk for record in records])
    protocols: dict[int, Protocol] = {}
    found = []
    for record in records:
        version = record.participant.protocol_version
        protocol = protocols.setdefault(version.pk, _spoken(protocol_of(version), say))
        found.append(_docket(record, protocol, steps.get(record.participant.pk, ()), say))
    return found


def docket_of_record(record: Record) -> ParticipantWindows:
    """The docket of a record that was read already; no query."""
    return _docket(record, protocol_of(record.participant.protocol_version), record.steps)


def docket_of_steps(record: Record, steps: Sequence[CourseStep], say: Say = plain) -> ParticipantWindows:
    """The docket of a record and of steps that were read already; no query."""
    return _docket(record, _spoken(protocol_of(record.participant.protocol_version), say), steps, say)


def _spoken(protocol: Protocol, say: Say) -> Protocol:
    return protocol if say is plain else in_language(protocol, say)


def _docket(
    record: Record, protocol: Protocol, steps: Sequence[CourseStep], say: Say = plain
) -> ParticipantWindows:
    traits, anchors = frozenset(record.participant.traits), record.anchor_days({})
    plan = lay_out(protocol, anchors, traits, None, record.known, record.zone)
    called = _called(record, protocol)
    for version, until in record.in_force_before():
        older = _spoken(protocol_of(version), say)
        old = lay_out(older, anchors, traits, None, record.known_under(older), record.zone)
        plan = keep_over(plan, old, until, record.zone)
        for code, names in _called(record, older).items() if plan.older else ():
            called[code] = called.get(code, frozenset()) | names
    zero = record.anchors.get(protocol.day_zero)
    facts = replace(
        record.facts,
        tests=tuple(_tests(record)),
        performed=tuple(_performed(record)),
        visit_names=_visit_names(record, protocol),
        called=called,
        expected=_expected(record),
        ended_at=ended_on(steps, infused=bool(zero and zero.actual_on)),
        on_hold=any(visit.held_on and visit.live for visit in record.visits),
    )
    return ParticipantWindows(record, protocol, facts, plan)


def _tests(record: Record) -> Iterator[TestResult]:
    """The tests on record, and samples of which only the visit tells that they were taken."""
    yield from record.facts.tests
    known = {(test.test, day_of(test.taken_at, record.zone)) for test in record.facts.tests}
    for code, done in record.activities.items():
        if (code, done.day) not in known:
            yield TestResult(code, done.at or done.day)


def _performed(record: Record) -> Iterator[PerformedVisit]:
    for visit, day in record.performed():
        yield PerformedVisit(Named(visit.code, visit.label), day.at or day.day, Place(visit.place))


def _visit_names(record: Record, protocol: Protocol) -> dict[str, str]:
    """What people call the visits of a protocol and those on record, by their codes."""
    rules = {rule.code: label_of_rule(rule) for rule in protocol.visits}
    version = protocol_of(record.participant.protocol_version)
    called = {visit.code_under(version): visit.label for visit in record.visits}
    return rules | called | {visit.code: visit.label for visit in record.visits}


def _called(record: Record, protocol: Protocol) -> dict[str, frozenset[str]]:
    """By which codes the protocol may name the visits that were done, or at which somebody was asked."""
    rules, asked = protocol.visit_by_code, {one.visit for one in record.facts.confirmations}
    return {
        visit.code: names_of(rules[visit.rule_code], visit.occurrence)
        for visit in record.visits
        if (visit.performed_on or visit.code in asked) and not visit.unscheduled and visit.rule_code in rules
    }


def _expected(record: Record) -> dict[str, date]:
    """The visits still to come, by the day for which they are booked, while that fits, or planned."""
    return {
        visit.code: visit.target if visit.booking_lost else visit.booked_on or visit.target
        for visit in record.visits
        if visit.applies and visit.live
    }


def steps_by_person(ids: Iterable[int]) -> dict[int, list[CourseStep]]:
    """The steps of these participants' courses that stand, in order; one query."""
    steps = CourseStep.objects.filter(participant__in=ids, undone=False, step__in=STEPS).order_by("pk")
    taken: dict[int, list[CourseStep]] = defaultdict(list)
    for step in steps:
        taken[step.participant_id].append(step)
    return taken


def ended_on(steps: Iterable[CourseStep], *, infused: bool = True) -> date | None:
    """The day on which a participant's part ended, by the steps that stand; None while it goes on.

    A participant who was infused and ends the visits early is still followed, unless all contact ends.
    One who ends before the infusion will not be infused, and is not asked for what follows it.
    """
    ended: date | None = None
    for step in (row.taken for row in steps):
        followed = infused and step.to is Phase.TERMINATED and step.extent is not Extent.CONTACT
        if step.ends_course and not followed:
            ended = min(ended or step.on, step.on)  # a death can be before the day on which nobody answered
        elif step.step is Step.RESCREENING:
            ended = None
    return ended
