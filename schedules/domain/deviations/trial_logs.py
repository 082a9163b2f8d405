"""Who was screened and who was enrolled, derived from the steps of a course and the anchors' actual days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from participants.domain.lifecycle import ENDS, MOVES, STEP_LABELS, Extent, Step, StepTaken
from trials.domain.protocols.protocol import Protocol, Role
from trials.domain.words import mark as _

ENROLMENT = "enrolment"
IN_SCREENING, ENROLLED, REPEATED = _("In screening"), _("Enrolled"), _("Screening repeated")


OUTCOMES: Mapping[str, str] = {
    "in-screening": IN_SCREENING,
    "enrolled": ENROLLED,
    "repeated": REPEATED,
    **{step.value: STEP_LABELS[step] for step, move in MOVES.items() if move.to in ENDS},
}
"""What can have come of a screening, by the word that a filter asks for it with."""


@dataclass(frozen=True, slots=True)
class StepOnRecord:
    """A step of a course with the reason that was given, and what it ends."""

    step: Step
    on: date
    attempt: int
    reason: str = ""
    ends: Extent | None = None

    @property
    def taken(self) -> StepTaken:
        """The step in the form that the rules of a course take."""
        return StepTaken(self.step, self.on, self.attempt, self.ends)


@dataclass(frozen=True, slots=True)
class Screened:
    """One attempt at screening: since when, and what came of it, marked for translation, when and why."""

    attempt: int
    since: date | None
    outcome: str
    on: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """When somebody was enrolled, and which anchor says so.

    Where the day of the enrolment is not on record, anyone who was treated had been enrolled by then.
    """

    on: date
    anchor: str

    @property
    def on_record(self) -> bool:
        """Whether the enrolment itself is on record, and not only what comes after it."""
        return self.anchor == ENROLMENT


def attempts_of(
    steps: Sequence[StepOnRecord], since: date | None, enrolled: Enrolled | None
) -> Iterator[Screened]:
    """Every attempt at screening, the first first; `since` is the day on which the first one began.

    Chemotherapy that is repeated counts as an attempt in the course, and as none at screening.
    """
    began_with = [index for index, taken in enumerate(steps) if taken.step is Step.RESCREENING]
    bounds = [0, *began_with, len(steps)]
    for attempt, (first, end) in enumerate(pairwise(bounds), start=1):
        mine = steps[first:end]
        began = since if attempt == 1 else mine[0].on
        failed = next((taken for taken in mine if taken.step is Step.SCREEN_FAILURE), None)
        if failed:
            yield _ended(attempt, began, failed)
        elif attempt <= len(began_with):
            yield Screened(attempt, began, REPEATED, steps[end].on, steps[end].reason)
        elif enrolled:
            yield Screened(attempt, began, ENROLLED, enrolled.on)
        elif ended := end_of(mine):
            yield _ended(attempt, began, ended)
        else:
            yield Screened(attempt, began, IN_SCREENING)


def _ended(attempt: int, since: date | None, by: StepOnRecord) -> Screened:
    return Screened(attempt, since, STEP_LABELS[by.step], by.on, by.reason)


def enrolled_of(protocol: Protocol, actual: Mapping[str, date]) -> Enrolled | None:
    """When somebody with these actual days was enrolled; None before."""
    code = protocol.code_of(Role.ENROLMENT)
    if code in actual:
        return Enrolled(actual[code], ENROLMENT)
    days = [(actual[code], code) for code in treatments(protocol) if code in actual]
    return Enrolled(*min(days)) if days else None


def treatments(protocol: Protocol) -> tuple[str, ...]:
    """The anchors that nobody reaches without being enrolled: points of no return, and day zero."""
    marked = [rule.code for rule in protocol.anchors if rule.point_of_no_return]
    return tuple(dict.fromkeys([*marked, protocol.day_zero]))


def end_of(steps: Sequence[StepOnRecord]) -> StepOnRecord | None:
    """The step that ended the course for now; None while it goes on."""
    last = steps[-1] if steps else None
    return last if last and last.taken.ends_course else None
