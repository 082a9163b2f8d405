"""The steps of a participant's course, with what each does to the visits that were to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _

from participants.domain.errors import CourseRefused
from participants.domain.lifecycle import (
    NOT_APPLICABLE,
    Extent,
    Phase,
    Step,
    StepTaken,
    phase_of,
    refusals_of_step,
)
from participants.models import CourseStep, Participant
from participants.services.course import insert_step, mark_undone
from schedules.domain.visits.values import Clock
from schedules.models import Visit
from schedules.selectors.store.course import (
    CourseState,
    attempt_of,
    clock_at,
    course_of,
    first_consent,
    held_since,
    live_visits,
    standing_of,
    staying_visits,
    visits_to_come,
    waiting_visits,
)
from schedules.services.course.rescreening_and_transfer import plan_anew, rescreen, transfer
from schedules.services.replanning.departure_rows import settle_planned
from schedules.services.replanning.hold_rows import follow_person
from schedules.services.store.evaluation_marks import mark_for_evaluation
from schedules.services.store.unlikely_days import questions_about
from schedules.services.store.visit_writing import (
    cancelled_with,
    keep_held,
    lock_participant,
    write_visits,
)
from schedules.services.visits.completion import follow_cancelled
from schedules.services.visits.unscheduled import add_early_termination
from trials.audit.acts import recorded
from trials.domain.errors import Stale
from trials.models import Site, User
from trials.services.sites.plausible_days import ask_once, impossible_days
from trials.spoken import refuse, require_reason

RECORD = "participants.participant"
FOR_GOOD = frozenset({Step.RESCREENING, Step.TRANSFER})
"""Steps that are not withdrawn: what was done since hangs on them."""
HOLDING = frozenset({Step.HOLD, Step.RESUMPTION, Step.NEVER_INFUSED})
"""Steps that the drafted deviation and the flag of a hold follow."""
_WAITS = frozenset({Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING})
"""The phases in which somebody may wait for the infusion: whatever ends them ends that flag, too."""


@dataclass(frozen=True, slots=True)
class StepRequest:
    """A step that is asked for, on a day of the site.

    `ends` is what an end ends, None for what it ends by itself; `seen_by` is the last day for the
    visit of an early termination; `day_zero` the new planned day
    of a rescreening; `site` where a transfer goes, `release` whether the bookings at the old site
    are given up with it. `sure`: an unlikely day was confirmed.
    """

    step: Step
    on: date
    ends: Extent | None = None
    seen_by: date | None = None
    day_zero: date | None = None
    site: Site | None = None
    release: bool = False
    sure: bool = False


@recorded
def take_step(
    *,
    participant: Participant,
    version: int,
    request: StepRequest,
    by: User | None,
    reason: str,
    now: datetime,
) -> CourseStep:
    """Take a step of a course: the row, what becomes of the visits to come, and what the step brings with it.

    Raises CourseRefused, by field, for a step that the lifecycle does not allow now or on that day and
    for an unlikely day that nobody has said is meant, and Stale unless the participant is in this version.
    """
    person = locked(participant, version)
    standing, clock = standing_of(person), clock_at(person.site, now)
    asked = {"on": request.on, "seen_by": request.seen_by, "day_zero": request.day_zero}
    if impossible := impossible_days(asked, person.trial.planned_end or clock.today):
        raise CourseRefused(impossible)
    course, live = course_of(standing), live_visits(person).count()
    refuse(
        refusals_of_step(
            course, request.step, request.on, clock.today, ends=request.ends, reason=reason, live_visits=live
        ),
        CourseRefused,
    )
    if request.step not in HOLDING:
        unlikely = questions_about(person, asked.values(), consented=first_consent(person))
        ask_once(unlikely, CourseRefused, sure=request.sure)
    attempt = standing.attempt + (request.step is Step.RESCREENING)
    record = StepTaken(request.step, request.on, attempt, request.ends)
    step = insert_step(participant=person, record=record, by=by, reason=reason)
    _follow(step, request, standing, clock, by=by)
    if request.step in HOLDING or (record.ends_course and phase_of(course) in _WAITS):
        abandoned = reason.strip() if request.step is Step.NEVER_INFUSED else ""
        follow_person(person.pk, now, abandoned=abandoned)
    raise_version(person, now)
    return step


@recorded
def undo_last_step(
    *, participant: Participant, version: int, by: User | None, reason: str, now: datetime
) -> CourseStep:
    """Take back the last step of a course, with a reason; the visits that it cancelled are to come again.

    Raises CourseRefused where there is none, or one that is for good, and Stale.
    """
    person = locked(participant, version)
    steps = standing_of(person).steps
    require_reason(reason, CourseRefused)
    if not steps:
        raise CourseRefused({"": [_("No step is on record that could be undone.")]})
    step = steps[-1]
    if not may_be_undone(steps):
        raise CourseRefused({"": [_("This step is not undone: take the next one instead.")]})
    mark_undone(step=step, by=by, reason=reason)
    _restore(person, step, by=by, now=now, reason=reason)
    raise_version(person, now)
    return step


def may_be_undone(steps: Sequence[CourseStep]) -> bool:
    """Whether the last of the steps that stand may be withdrawn.

    One that repeated chemotherapy is withdrawn otherwise: see `schedules.services.course.repetition`.
    """
    return bool(steps) and Step(steps[-1].step) not in FOR_GOOD and not is_repetition(steps)


def is_repetition(steps: Sequence[CourseStep]) -> bool:
    """Whether the last of the steps that stand planned chemotherapy again, as a new block."""
    begun = bool(steps) and steps[-1].attempt > attempt_of(steps[:-1])
    return begun and Step(steps[-1].step) is Step.RESUMPTION


def _follow(
    step: CourseStep, request: StepRequest, standing: CourseState, clock: Clock, *, by: User | None
) -> None:
    """What a step brings with it."""
    person, now = standing.participant, clock.now
    if step.taken.ends_course:
        _cancel_what_follows(standing, step, clock, by=by)
        settle_planned(person.pk, now)
    match request.step:
        case Step.EARLY_TERMINATION:
            add_early_termination(standing=standing, on=request.on, seen_by=request.seen_by, now=now)
        case Step.RESCREENING:
            rescreen(standing=standing, attempt=step.attempt, day_zero=request.day_zero, by=by, now=now)
        case Step.TRANSFER:
            transfer(
                standing=standing, site=request.site, on=request.on, release=request.release, by=by, now=now
            )
    keep_held(person, now)


def _cancel_what_follows(standing: CourseState, step: CourseStep, clock: Clock, *, by: User | None) -> None:
    person = standing.participant
    to_come = visits_to_come(person, step.happened_on)
    if step.taken.extent is Extent.VISITS and Step(step.step) not in NOT_APPLICABLE:
        to_come = to_come.exclude(staying_visits(standing.protocol))
    values = {**cancelled_with(step, clock.today), "held_on": None}
    cancelled = list(to_come)
    write_visits(person.pk, [visit.pk for visit in cancelled], "cancelled", clock.now, **values)
    follow_cancelled(person, cancelled, standing.protocol, by=by, now=clock.now)


def _restore(person: Participant, step: CourseStep, *, by: User | None, now: datetime, reason: str) -> None:
    """Undo what a step did to visits; the visit of an early termination goes with its step."""
    today = clock_at(person.site, now).today
    cancelled = Visit.objects.filter(cancelled_by=step.pk, participant=person)
    since = held_since(person)
    held = list(waiting_visits(cancelled).values_list("pk", flat=True)) if since else []
    others = list(cancelled.exclude(pk__in=held).values_list("pk", flat=True))
    fresh = {"cancelled_on": None, "cancelled_by": None, "cancelled_reason": "", "applies": True}
    write_visits(person.pk, held, "restored", now, **fresh, held_on=since)  # on hold at once: no false draft
    write_visits(person.pk, others, "restored", now, **fresh)
    if Step(step.step) is Step.EARLY_TERMINATION:
        # a protocol may have a visit of this code: only the one that the end added goes with it
        own = live_visits(person).filter(rule_code=Step.EARLY_TERMINATION.value, unscheduled=True)
        pks = list(own.values_list("pk", flat=True))
        write_visits(person.pk, pks, "cancelled", now, cancelled_on=today, cancelled_reason=reason)
    plan_anew(person=person, by=by, now=now)
    keep_held(person, now)


def locked(participant: Participant, version: int) -> Participant:
    """The participant under their lock; raises Stale unless they are in this version."""
    person = lock_participant(participant.pk)
    if person.version != version:
        raise Stale(RECORD, person.pk, version, person.version)
    return person


def raise_version(person: Participant, now: datetime) -> None:
    """Raise the participant's version, so that anyone who was shown them before is asked to look again."""
    person.refresh_from_db(fields=["version"])
    person.version += 1
    person.save(update_fields=["version"])
    mark_for_evaluation([person.pk], now)
