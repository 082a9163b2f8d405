"""What a re-planning does beside the calendar itself: reminders, and the gates of other participants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from participants.models import CourseStep, Participant
from schedules.domain.readiness.gates import Cohorts, Course, course_of
from schedules.domain.reminders import CLOSING
from schedules.domain.replanning.visit_effects import Effect
from schedules.domain.replanning.window_and_gate_changes import GateChange, compare_gates
from schedules.domain.windows.verdict_changes import VerdictChange, compare_verdicts
from schedules.models import Reminder
from schedules.selectors.readiness.board import TrialCourses, courses_of, is_gated
from schedules.selectors.reminders.candidates import base_of
from schedules.selectors.windows.evaluation import (
    ParticipantWindows,
    docket_of_record,
    docket_of_steps,
)
from schedules.services.replanning.previews import Preview, SideEffects
from trials.domain.protocols.protocol import Protocol
from trials.spoken import place_text

_LIVE = frozenset({Effect.MOVED, Effect.ADDED, Effect.RESTORED})
_ENDED = frozenset({Effect.CANCELLED, Effect.CANCELLED_BY_COURSE, Effect.NOT_APPLICABLE, Effect.RETAINED})
_REMINDED = frozenset({*_LIVE, Effect.CANCELLED, Effect.CANCELLED_BY_COURSE, Effect.NOT_APPLICABLE})


def with_side_effects(preview: Preview, now: datetime) -> Preview:
    """The preview with reminders, others' gates and verdicts; at most nine queries, whatever there is."""
    cancelled, renewed = _reminders(preview)
    gates, verdicts = gates_affected(preview), verdicts_changed(preview, now)
    around = SideEffects(cancelled, renewed, gates, preview.around.start, verdicts=verdicts)
    return replace(preview, around=around)


def with_verdicts(preview: Preview, now: datetime) -> Preview:
    """The preview with the verdicts that it changes, which its digest stands for as well; no query."""
    return _with(preview, verdicts_changed(preview, now))


def with_verdicts_of(previews: Sequence[Preview], now: datetime) -> tuple[Preview, ...]:
    """The same for any number of previews. Where nothing moves no verdict is worked out."""
    moving = [preview for preview in previews if _may_change_verdicts(preview)]
    found = {one.record.participant.pk: with_verdicts_by(one, one.record.steps, now) for one in moving}
    return tuple(found.get(preview.record.participant.pk, preview) for preview in previews)


def with_verdicts_by(preview: Preview, steps: Sequence[CourseStep], now: datetime) -> Preview:
    """The same for the steps of the participant's course, which were read already; no query."""
    return _with(preview, _changes(docket_of_steps(preview.record, steps), preview, now))


def verdicts_changed(preview: Preview, now: datetime) -> tuple[VerdictChange, ...]:
    """The windows whose verdict would be another one at this moment if the calendar moves."""
    return _changes(docket_of_record(preview.record), preview, now)


def _changes(before: ParticipantWindows, preview: Preview, now: datetime) -> tuple[VerdictChange, ...]:
    after = before.as_planned(preview.plan, _expected(preview))
    return compare_verdicts(before.verdicts(now), after.verdicts(now), preview.plan.protocol.named)


def _with(preview: Preview, verdicts: tuple[VerdictChange, ...]) -> Preview:
    return replace(preview, around=replace(preview.around, verdicts=verdicts))


def _may_change_verdicts(preview: Preview) -> bool:
    """Whether anything moves that a window is judged by; another version may judge by other terms."""
    if preview.proposal.version is not None or preview.proposal.traits is not None or preview.changed:
        return True
    return any(change.effect is not Effect.UNCHANGED for change in preview.windows)


def _expected(preview: Preview) -> dict[str, date]:
    """The visits to come, each by the day of its booking, while that fits, or by its new target."""
    found = {}
    for change in preview.visits:
        if change.after and change.performed_on is None and not _ENDED & set(change.effects):
            lost = change.orphans_booking or Effect.BOOKING_ALREADY_OUTSIDE in change.effects
            fits = change.booked_on is not None and not lost
            found[change.code] = change.booked_on if change.booked_on and fits else change.after.target
    return found


def _reminders(preview: Preview) -> tuple[int, int]:
    """How many reminders nobody has taken up yet fall away, and how many are due at once instead."""
    waiting = Reminder.objects.filter(visit__in=reminded_visits(preview), sent_at=None, lapsed_at=None)
    return waiting.count(), due_anew(preview)


def reminded_visits(preview: Preview) -> list[int]:
    """The visits that are reminded of otherwise, by their ids."""
    touched = {change.code for change in preview.visits if _REMINDED & set(change.effects)}
    return [visit.pk for visit in preview.record.visits if visit.code in touched]


def due_anew(preview: Preview) -> int:
    """How many reminders are due at once by the new days."""
    last = preview.today + timedelta(days=base_of(CLOSING).days[0])
    due = [
        change
        for change in preview.visits
        if _LIVE & set(change.effects) and change.after and preview.today <= change.after.closes <= last
    ]
    return len(due)


def gates_affected(preview: Preview) -> tuple[GateChange, ...]:
    """The starts of other participants whose gates open otherwise if this calendar moves.

    The codes of participants at other sites are not told, only the site's.
    """
    person, protocol = preview.record.participant, preview.plan.protocol
    if not is_gated(protocol):
        return ()
    read = courses_of(protocol, person.trial_id, preview.now)
    moved = _moved(preview, read)
    others = [course for course in read.courses if course.subject != person.subject_code]
    return gates_between(protocol, person, read, [*others, moved] if moved else others)


def gates_between(
    protocol: Protocol, person: Participant, read: TrialCourses, then: Sequence[Course]
) -> tuple[GateChange, ...]:
    """The same, from the courses of the trial as they were `read` and as they are `then`."""
    others = [course for course in read.courses if course.subject != person.subject_code]
    to_come = [course for course in others if course.subject not in read.begun]
    before = Cohorts.of(protocol, read.courses, read.reviews)
    after = Cohorts.of(protocol, then, read.reviews)
    changes = compare_gates(before, after, to_come)
    return tuple(_told(change, read, person.site_id) for change in changes)


def _moved(preview: Preview, read: TrialCourses) -> Course | None:
    """The participant's own course as it would be; how it ended stays."""
    person = preview.record.participant
    level = person.cohort.code if person.cohort else None
    course = course_of(preview.plan, person.subject_code, level, preview.record.zone, preview.today)
    stands = next((one for one in read.courses if one.subject == person.subject_code), None)
    if course is None or stands is None:
        return course
    late = course.late and not stands.ended_on
    return replace(course, ended_on=stands.ended_on, replaced=stands.replaced, late=late)


def _told(change: GateChange, read: TrialCourses, site: int) -> GateChange:
    other = read.people[change.subject]
    if other.site_id == site:
        return change
    return replace(change, subject="", site=place_text(other.site))
