"""The rows of steps of a course, written and marked undone; the use cases are those of schedules."""

from __future__ import annotations

from participants.domain.lifecycle import StepTaken
from participants.models import CourseStep, Participant
from trials.audit.acts import recorded
from trials.models import User


@recorded
def insert_step(*, participant: Participant, record: StepTaken, by: User | None, reason: str) -> CourseStep:
    """One step of a course on record; whether it may be taken is for the caller to ask the lifecycle."""
    return CourseStep.objects.create(
        participant=participant,
        step=record.step.value,
        happened_on=record.on,
        reason=reason.strip(),
        attempt=record.attempt,
        ends=record.extent.value if record.extent else "",
    )


@recorded
def mark_undone(*, step: CourseStep, by: User | None, reason: str) -> CourseStep:
    """A step that stands no more; the row stays, and the trail says who took it back and why."""
    step.undone = True
    step.save(update_fields=["undone"])
    return step
