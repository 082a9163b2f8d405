"""The course of a participant through a trial: its phases, its steps, and which may follow which.

A phase is derived: from the steps on record, and from whether chemotherapy began and the infusion
was given. ICH E6(R3) and CDISC's disposition terms name the ends: screen failure, withdrawal,
death, lost to follow-up, completion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple


def _(message: str) -> str:
    """Marks a message for translation without translating it."""
    return message


class Phase(StrEnum):
    """Where in a trial somebody stands."""

    SCREENING = "screening"
    CONDITIONING = "conditioning"
    ON_HOLD = "on-hold"
    REPEATING = "repeating"
    FOLLOW_UP = "follow-up"
    SCREEN_FAILED = "screen-failed"
    NEVER_INFUSED = "never-infused"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"
    LOST = "lost"
    DIED = "died"
    COMPLETED = "completed"


class Step(StrEnum):
    """Something that changes where somebody stands; what visits change by themselves is no step."""

    SCREEN_FAILURE = "screen-failure"
    RESCREENING = "rescreening"
    HOLD = "hold"
    RESUMPTION = "resumption"
    NEVER_INFUSED = "never-infused"
    EARLY_TERMINATION = "early-termination"
    WITHDRAWAL = "withdrawal"
    LOST = "lost-to-follow-up"
    DEATH = "death"
    TRANSFER = "transfer"
    COMPLETION = "completion"


class Move(NamedTuple):
    """From which phases a step may be taken, and to which it leads; None leaves the phase as it is."""

    after: frozenset[Phase]
    to: Phase | None


GOES_ON = frozenset({Phase.SCREENING, Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING, Phase.FOLLOW_UP})
"""The phases of a course that goes on."""

ENDS = frozenset(Phase) - GOES_ON
"""The phases in which no visit is to come, but for the one that an early termination asks for."""

MOVES: Mapping[Step, Move] = {
    Step.SCREEN_FAILURE: Move(frozenset({Phase.SCREENING}), Phase.SCREEN_FAILED),
    Step.RESCREENING: Move(frozenset({Phase.SCREEN_FAILED}), Phase.SCREENING),
    Step.HOLD: Move(frozenset({Phase.CONDITIONING}), Phase.ON_HOLD),
    Step.RESUMPTION: Move(frozenset({Phase.ON_HOLD}), Phase.CONDITIONING),
    Step.NEVER_INFUSED: Move(
        frozenset({Phase.SCREENING, Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING}), Phase.NEVER_INFUSED
    ),
    Step.EARLY_TERMINATION: Move(
        frozenset({Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING, Phase.FOLLOW_UP}), Phase.TERMINATED
    ),
    Step.WITHDRAWAL: Move(GOES_ON | {Phase.TERMINATED}, Phase.WITHDRAWN),
    Step.LOST: Move(
        frozenset({Phase.ON_HOLD, Phase.REPEATING, Phase.FOLLOW_UP, Phase.TERMINATED}), Phase.LOST
    ),
    Step.DEATH: Move(frozenset(Phase) - {Phase.DIED, Phase.COMPLETED}, Phase.DIED),
    Step.TRANSFER: Move(frozenset({Phase.SCREENING, Phase.FOLLOW_UP}), None),
    Step.COMPLETION: Move(frozenset({Phase.FOLLOW_UP, Phase.TERMINATED}), Phase.COMPLETED),
}
"""The whole of what may follow what. Between chemotherapy and infusion nobody changes the site."""

NOT_APPLICABLE = frozenset({Step.SCREEN_FAILURE, Step.NEVER_INFUSED})
"""After these the visits to come never applied; after the other ends they are cancelled."""

WITHOUT_REASON = frozenset({Step.COMPLETION, Step.DEATH, Step.RESUMPTION})
"""Steps that say all by themselves; every other one needs a reason."""

PHASE_LABELS: Mapping[Phase, str] = {
    Phase.SCREENING: _("in screening"),
    Phase.CONDITIONING: _("in chemotherapy"),
    Phase.ON_HOLD: _("on hold after chemotherapy"),
    Phase.REPEATING: _("before repeated chemotherapy"),
    Phase.FOLLOW_UP: _("in follow-up"),
    Phase.SCREEN_FAILED: _("screen failure"),
    Phase.NEVER_INFUSED: _("never infused"),
    Phase.TERMINATED: _("terminated early"),
    Phase.WITHDRAWN: _("withdrawn"),
    Phase.LOST: _("lost to follow-up"),
    Phase.DIED: _("died"),
    Phase.COMPLETED: _("completed"),
}

STEP_LABELS: Mapping[Step, str] = {
    Step.SCREEN_FAILURE: _("Screen failure"),
    Step.RESCREENING: _("Rescreening"),
    Step.HOLD: _("Hold after chemotherapy"),
    Step.RESUMPTION: _("Resumption"),
    Step.NEVER_INFUSED: _("Never infused"),
    Step.EARLY_TERMINATION: _("Early termination"),
    Step.WITHDRAWAL: _("Withdrawal"),
    Step.LOST: _("Lost to follow-up"),
    Step.DEATH: _("Death"),
    Step.TRANSFER: _("Transfer to another site"),
    Step.COMPLETION: _("Completion"),
}


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step on record, with its day and the attempt at screening that it belongs to."""

    step: Step
    on: date
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Course:
    """What is on record of a course: the steps that stand, in order, what was given, the last visit done.

    `repeating` where chemotherapy was given and a new block of it is planned that has not begun.
    """

    steps: Sequence[StepTaken] = ()
    conditioned_on: date | None = None
    repeating: bool = False
    infused_on: date | None = None
    last_visit_on: date | None = None

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1: at screening, or at chemotherapy."""
        return max((taken.attempt for taken in self.steps), default=1)

    @property
    def screenings(self) -> int:
        """Which attempt at screening this is, from 1; chemotherapy that is repeated begins none."""
        return 1 + sum(taken.step is Step.RESCREENING for taken in self.steps)

    @property
    def ended_on(self) -> date | None:
        """The day of the step that ended the course; None while it goes on."""
        return self.steps[-1].on if self.steps and phase_of(self) in ENDS else None


class StepRefusal(NamedTuple):
    """Why a step cannot be taken: the field it is about, a marked message and its words."""

    field: str
    message: str
    words: Mapping[str, object]


def phase_of(course: Course) -> Phase:
    """Where somebody stands."""
    phase = _phase_by_treatment(course)
    for taken in course.steps:
        to = MOVES[taken.step].to
        if to in ENDS:
            phase = to
        elif taken.step is Step.RESCREENING:
            phase = _phase_by_treatment(course)
    return phase


def next_steps(course: Course) -> tuple[Step, ...]:
    """The steps that may be taken now, in the order of the table."""
    phase = phase_of(course)
    return tuple(step for step, move in MOVES.items() if phase in move.after)


def refusals_of_step(
    course: Course, step: Step, on: date, today: date, *, reason: str = "", live_visits: int = 0
) -> Iterator[StepRefusal]:
    """Everything that forbids a step on a day: its place in the course, the order of days, no reason.

    `live_visits` counts the visits still to come or to be recorded, which a completion must not leave.
    """
    if step not in next_steps(course):
        yield _refusal_of_place(course, step)
    yield from _refusals_of_day(course, on, today)
    if not reason.strip() and step not in WITHOUT_REASON:
        yield StepRefusal("reason", _("Say why: the reason goes on record."), {})
    if step is Step.COMPLETION and live_visits:
        message = _("%(count)d visits are neither done, missed nor cancelled: record what became of them.")
        yield StepRefusal("step", message, {"count": live_visits})


def _phase_by_treatment(course: Course) -> Phase:
    if course.infused_on:
        return Phase.FOLLOW_UP
    if not course.conditioned_on:
        return Phase.SCREENING
    if course.repeating:
        return Phase.REPEATING
    pauses = [taken.step for taken in course.steps if taken.step in {Step.HOLD, Step.RESUMPTION}]
    return Phase.ON_HOLD if pauses and pauses[-1] is Step.HOLD else Phase.CONDITIONING


def _refusal_of_place(course: Course, step: Step) -> StepRefusal:
    phase = phase_of(course)
    words = {
        "step": STEP_LABELS[step],
        "phase": PHASE_LABELS[phase],
        "possible": ", ".join(STEP_LABELS[other] for other in next_steps(course)) or "–",
    }
    return StepRefusal(
        "step",
        _("%(step)s is not possible where the participant stands: %(phase)s. Possible are: %(possible)s."),
        words,
    )


def _refusals_of_day(course: Course, on: date, today: date) -> Iterator[StepRefusal]:
    if on > today:
        message = _("%(day)s is in the future: today is %(today)s at the site.")
        yield StepRefusal("on", message, {"day": on, "today": today})
    given = (
        (course.conditioned_on, _("the start of chemotherapy")),
        (course.infused_on, _("the infusion")),
        (course.last_visit_on, _("the last visit that was done")),
    )
    events = [(taken.on, STEP_LABELS[taken.step]) for taken in course.steps]
    events += [(day, label) for day, label in given if day]
    latest = max(events, default=None)
    if latest and on < latest[0]:
        message = _("%(day)s is before %(event)s on %(other)s: give that day or a later one.")
        yield StepRefusal("on", message, {"day": on, "event": latest[1], "other": latest[0]})
