"""All that a participant's page shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch

from participants.domain.anchors import RecordedAnchor
from participants.domain.lifecycle import Course, Phase, phase_of
from participants.models import Participant
from participants.selectors.participants import anchor_days, participants_visible_to
from schedules.domain.plan.labels import in_language
from schedules.domain.plan.projection import project
from schedules.domain.plan.recorded_anchors import anchor_days as days_of_anchors
from schedules.domain.plan.values import AnchorDay, Plan
from schedules.domain.replanning.hold_clock import waiting_of
from schedules.domain.visits.status import clinic_days
from schedules.models import ProtocolWindow, Visit
from schedules.selectors.readiness.holds import pause_after
from schedules.selectors.store.calendars import today_at
from schedules.selectors.store.course import CourseState, course_by_visits, steps_of
from schedules.selectors.store.plan_rows import (
    Reading,
    VisitRow,
    WindowRow,
    reading_of,
    stored_row,
    window_row,
)
from schedules.selectors.store.records import Record, records_read
from schedules.selectors.store.stored_visits import day_zero_of, planned_visit
from schedules.selectors.windows.evaluation import ParticipantWindows, docket_of_steps
from trials.domain.errors import DomainError
from trials.domain.words import Say, plain
from trials.models import User
from trials.selectors.records import protocol_of
from trials.zones import zone_of


@dataclass(frozen=True, slots=True)
class AnchorRow:
    """An anchor of the protocol: what is on record of it, and the day that the plan counts from."""

    code: str
    label: str
    recorded: RecordedAnchor | None
    day: AnchorDay | None

    @property
    def slipped(self) -> bool:
        """Whether the anchor came on another day than was planned."""
        recorded = self.recorded
        return bool(
            recorded
            and recorded.planned_on
            and recorded.actual_on
            and recorded.planned_on != recorded.actual_on
        )


@dataclass(frozen=True, slots=True)
class ParticipantPage:
    """A participant on a day: anchors, visits, protocol windows, and the plan that the record makes.

    `waits` between chemotherapy and infusion; `ended` where a step ended the course.
    """

    participant: Participant
    reading: Reading
    plan: Plan | None
    anchors: Sequence[AnchorRow]
    visits: Sequence[VisitRow]
    windows: Sequence[WindowRow]
    waits: bool
    ended: bool
    course: Course
    participant_windows: ParticipantWindows

    @property
    def phase(self) -> Phase:
        """Where the participant stands."""
        return phase_of(self.course)


def participant_in_sight(user: User, today: date, pk: int) -> Participant | None:
    """The participant with this id, with all that a page needs, or None where the user may not see them."""
    related = ("trial", "site", "cohort", "protocol_version")
    stored = Visit.objects.select_related("done_under").defer("done_under__document")
    visits = Prefetch("visits", stored.order_by("target", "opens", "pk"))
    seen = participants_visible_to(user, today).select_related(*related)
    return seen.prefetch_related("anchors", visits).filter(pk=pk).first()


def participant_page(participant: Participant, now: datetime, say: Say = plain) -> ParticipantPage:
    """The page of a participant that `participant_in_sight` gave, in the language of `say`.

    Eight queries more, for the calendar and for what windows are placed and judged by.
    """
    steps, (record,) = steps_of(participant), records_read([participant])
    reading = _reading(record, now, say)
    plan, pause = _plan(record, reading), pause_after(steps)
    participant_windows = docket_of_steps(record, steps, say)
    actual = {code: day.actual_on for code, day in record.anchors.items() if day.actual_on}
    standing = CourseState(participant, protocol_of(participant.protocol_version), steps, actual)
    waits = pause.since or (plan and waiting_of(plan.protocol, plan.anchors))
    return ParticipantPage(
        participant=participant,
        reading=reading,
        plan=plan,
        anchors=_anchor_rows(participant, reading, plan),
        visits=[_visit_row(visit, reading) for visit in participant.visits.all()],
        windows=_window_rows(record, reading, plan),
        waits=bool(waits) and not pause.ended,
        ended=pause.ended,
        course=course_by_visits(standing, participant.visits.all()),
        participant_windows=participant_windows,
    )


def _visit_row(visit: Visit, reading: Reading) -> VisitRow:
    reading = reading_of(visit, reading)
    planned = planned_visit(visit, reading.protocol, reading.zone)
    return stored_row(visit, planned, reading)


def _reading(record: Record, now: datetime, say: Say) -> Reading:
    participant, site = record.participant, record.participant.site
    protocol = in_language(protocol_of(participant.protocol_version), say)
    zone = zone_of(site)
    zero = day_zero_of(participant, protocol, zone)
    days = clinic_days(today_at(site, now), record.site_days)
    return Reading(protocol, zone, zero, record.calendar, days, say)


def _plan(record: Record, reading: Reading) -> Plan | None:
    """The plan that what is on record makes; None where it can no longer be made."""
    participant = record.participant
    anchors = days_of_anchors(anchor_days(participant), reading.zone)
    traits = frozenset(participant.traits)
    try:
        return project(reading.protocol, anchors, traits, reading.calendar, record.known, reading.zone)
    except (DomainError, OverflowError, ValueError):
        return None


def _anchor_rows(participant: Participant, reading: Reading, plan: Plan | None) -> list[AnchorRow]:
    recorded, days = anchor_days(participant), plan.anchors if plan else {}
    return [
        AnchorRow(rule.code, rule.label, recorded.get(rule.code), days.get(rule.code))
        for rule in reading.protocol.anchors
        if rule.code in recorded or rule.code in days
    ]


def _window_rows(record: Record, reading: Reading, plan: Plan | None) -> list[WindowRow]:
    """The stored windows; each explained in the reader's language where the plan puts it on the same days."""
    planned = {window.rule.code: window_row(window, reading) for window in (plan.windows if plan else ())}
    labels = {rule.code: rule.label for rule in reading.protocol.windows}
    rows = []
    for stored in record.windows:
        row = planned.get(stored.code)
        same = row and (row.starts_on, row.ends_on) == (stored.starts_on, stored.ends_on)
        label = labels.get(stored.code, stored.label)
        rows.append(row if row and same else _stored_row(stored, label, reading))
    return rows


def _stored_row(window: ProtocolWindow, label: str, reading: Reading) -> WindowRow:
    return WindowRow(
        window.code,
        label,
        window.kind,
        window.starts_on,
        window.ends_on,
        window.starts_at.astimezone(reading.zone) if window.starts_at else None,
        window.ends_at.astimezone(reading.zone) if window.ends_at else None,
        window.basis == "assumed",
        window.because,
    )
