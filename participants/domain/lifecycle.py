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

from trials.domain.refusals import IN_THE_FUTURE, REASON_MISSING, Refusal
from trials.domain.words import Code, listed
from trials.domain.words import mark as _


class Phase(StrEnum):
    """Where in a trial somebody stands."""

    SCREENING = "screening"
    CONDITIONING = "conditioning"
    ON_HOLD = "on-hold"
    REPEATING = "repeating"
    FOLLOW_UP = "follow-up"
    OFF_TREATMENT = "off-treatment"
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


class Extent(StrEnum):
    """What an end ends; the narrowest first.

    The end of treatment and the end of the study are two days: anyone who ends treatment goes on with the
    visits. An end of the protocol's visits leaves those that the protocol says stay after an early
    end. After an end of all contact nothing is to come.
    """

    TREATMENT = "treatment"
    VISITS = "visits"
    CONTACT = "contact"


class Move(NamedTuple):
    """From which phases a step may be taken, and to which it leads; None leaves the phase as it is."""

    after: frozenset[Phase]
    to: Phase | None


TREATED = frozenset({Phase.FOLLOW_UP, Phase.OFF_TREATMENT})
"""The phases after the infusion: under treatment or after its early end, the visits go on."""

GOES_ON = TREATED | {Phase.SCREENING, Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING}
"""The phases of a course that goes on."""

ENDS = frozenset(Phase) - GOES_ON
"""The phases in which no visit is to come, but for those that stay after an early end."""

MOVES: Mapping[Step, Move] = {
    Step.SCREEN_FAILURE: Move(frozenset({Phase.SCREENING}), Phase.SCREEN_FAILED),
    Step.RESCREENING: Move(frozenset({Phase.SCREEN_FAILED, Phase.SCREENING}), Phase.SCREENING),
    Step.HOLD: Move(frozenset({Phase.CONDITIONING}), Phase.ON_HOLD),
    Step.RESUMPTION: Move(frozenset({Phase.ON_HOLD}), Phase.CONDITIONING),
    Step.NEVER_INFUSED: Move(
        frozenset({Phase.SCREENING, Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING}), Phase.NEVER_INFUSED
    ),
    Step.EARLY_TERMINATION: Move(
        TREATED | {Phase.CONDITIONING, Phase.ON_HOLD, Phase.REPEATING}, Phase.TERMINATED
    ),
    Step.WITHDRAWAL: Move(GOES_ON | {Phase.TERMINATED}, Phase.WITHDRAWN),
    Step.LOST: Move(TREATED | {Phase.ON_HOLD, Phase.REPEATING, Phase.TERMINATED}, Phase.LOST),
    Step.DEATH: Move(frozenset(Phase) - {Phase.DIED, Phase.COMPLETED}, Phase.DIED),
    Step.TRANSFER: Move(TREATED | {Phase.SCREENING}, None),
    Step.COMPLETION: Move(TREATED | {Phase.TERMINATED}, Phase.COMPLETED),
}
"""The whole of what may follow what. Between chemotherapy and infusion nobody changes the site."""

EXTENTS: Mapping[Step, tuple[Extent, ...]] = {
    Step.SCREEN_FAILURE: (Extent.VISITS,),
    Step.NEVER_INFUSED: (Extent.VISITS,),
    Step.EARLY_TERMINATION: (Extent.VISITS, Extent.TREATMENT, Extent.CONTACT),
    Step.WITHDRAWAL: (Extent.CONTACT, Extent.VISITS, Extent.TREATMENT),
    Step.LOST: (Extent.CONTACT,),
    Step.DEATH: (Extent.CONTACT,),
    Step.COMPLETION: (Extent.CONTACT,),
}
"""What each end may end, what it ends unless somebody says otherwise first."""

CANNOT_BE_AFTER = frozenset({Step.DEATH})
"""The ends after which nothing can have taken place; after the others what did is recorded with a reason."""

NOT_BEFORE_LAST_VISIT = frozenset(Step) - {
    Step.SCREEN_FAILURE,
    Step.NEVER_INFUSED,
    Step.EARLY_TERMINATION,
    Step.WITHDRAWAL,
    Step.LOST,
}
"""The steps that no visit can have followed when they are taken; after an early end one may have been."""

NOT_APPLICABLE = frozenset({Step.SCREEN_FAILURE, Step.NEVER_INFUSED})
"""After these the visits to come never applied; after the other ends they are cancelled."""

WITHOUT_REASON = frozenset({Step.COMPLETION, Step.DEATH, Step.RESUMPTION})
"""Steps that say all by themselves; every other one needs a reason."""

PHASE_LABELS: Mapping[Phase, str] = {
    Phase.SCREENING: _("in screening"),
    Phase.CONDITIONING: _("in treatment before day zero"),
    Phase.ON_HOLD: _("on hold before day zero"),
    Phase.REPEATING: _("before repeated treatment"),
    Phase.FOLLOW_UP: _("in follow-up"),
    Phase.OFF_TREATMENT: _("treatment ended, visits go on"),
    Phase.SCREEN_FAILED: _("screen failure"),
    Phase.NEVER_INFUSED: _("day zero not reached"),
    Phase.TERMINATED: _("terminated early"),
    Phase.WITHDRAWN: _("withdrawn"),
    Phase.LOST: _("lost to follow-up"),
    Phase.DIED: _("died"),
    Phase.COMPLETED: _("completed"),
}

STEP_LABELS: Mapping[Step, str] = {
    Step.SCREEN_FAILURE: _("Screen failure"),
    Step.RESCREENING: _("Rescreening"),
    Step.HOLD: _("Hold before day zero"),
    Step.RESUMPTION: _("Resumption"),
    Step.NEVER_INFUSED: _("Day zero not reached"),
    Step.EARLY_TERMINATION: _("Early termination"),
    Step.WITHDRAWAL: _("Withdrawal"),
    Step.LOST: _("Lost to follow-up"),
    Step.DEATH: _("Death"),
    Step.TRANSFER: _("Transfer to another site"),
    Step.COMPLETION: _("Completion"),
}


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step on record, with its day, the attempt at screening that it belongs to, and what it ends.

    `ends` is None where nobody said (and for a step that ends nothing): then the first of EXTENTS.
    """

    step: Step
    on: date
    attempt: int = 1
    ends: Extent | None = None

    @property
    def extent(self) -> Extent | None:
        """What the step ends; None for one that ends nothing."""
        return self.ends or next(iter(EXTENTS.get(self.step, ())), None)

    @property
    def to(self) -> Phase | None:
        """The phase to which the step leads; None where it leaves the phase as it is."""
        return Phase.OFF_TREATMENT if self.extent is Extent.TREATMENT else MOVES[self.step].to

    @property
    def ends_course(self) -> bool:
        """Whether the protocol's visits end with it."""
        return self.to in ENDS


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

    @property
    def treatment_ended_on(self) -> date | None:
        """The day of the first step that ended treatment, or more than that; None while it goes on."""
        first = first_end(self.steps, treatment=True)
        return first.on if first else None

    @property
    def study_ended_on(self) -> date | None:
        """The day since which all contact has ended; None while any may be to come."""
        last = self.steps[-1] if self.steps else None
        return last.on if last and last.ends_course and last.extent is Extent.CONTACT else None


def phase_of(course: Course) -> Phase:
    """Where somebody stands."""
    phase = _phase_by_treatment(course)
    for taken in course.steps:
        if taken.to in ENDS or taken.to is Phase.OFF_TREATMENT:
            phase = taken.to or phase
        elif taken.step is Step.RESCREENING:
            phase = _phase_by_treatment(course)
    return phase


def first_end(steps: Sequence[StepTaken], *, treatment: bool = False) -> StepTaken | None:
    """Find the step by which the protocol's visits ended first, or treatment; None while they go on.

    Screening again begins again: what was ended before it is no end.
    """
    found: StepTaken | None = None
    for taken in steps:
        if taken.step is Step.RESCREENING:
            found = None
        elif found is None and (taken.ends_course or (treatment and taken.extent is Extent.TREATMENT)):
            found = taken
    return found


def next_steps(course: Course) -> tuple[Step, ...]:
    """The steps that may be taken now, in the order of the table.

    Screening again needs one that failed, or one that was done and has expired since.
    """
    phase = phase_of(course)
    possible = (step for step, move in MOVES.items() if phase in move.after)
    if phase is Phase.SCREENING and not course.last_visit_on:
        return tuple(step for step in possible if step is not Step.RESCREENING)
    return tuple(possible)


def refusals_of_step(
    course: Course,
    step: Step,
    on: date,
    today: date,
    *,
    ends: Extent | None = None,
    reason: str = "",
    live_visits: int = 0,
) -> Iterator[Refusal]:
    """Everything that forbids a step on a day: its place in the course, the order of days, no reason.

    `ends` is what an end is to end, None for what it ends unless somebody says otherwise;
    `live_visits` counts the visits still to come or to be recorded, which a completion must not leave.
    """
    taken = StepTaken(step, on, ends=ends)
    if step not in next_steps(course):
        yield _refusal_of_place(course, step)
    yield from _refusals_of_extent(course, taken)
    yield from _refusals_of_day(course, taken, today)
    if not reason.strip() and step not in WITHOUT_REASON:
        yield Refusal("reason", REASON_MISSING, {})
    if step is Step.COMPLETION and live_visits:
        message = _("%(count)d visits are neither done, missed nor cancelled: record what became of them.")
        yield Refusal("step", message, {"count": live_visits})


def _phase_by_treatment(course: Course) -> Phase:
    if course.infused_on:
        return Phase.FOLLOW_UP
    if not course.conditioned_on:
        return Phase.SCREENING
    if course.repeating:
        return Phase.REPEATING
    pauses = [taken.step for taken in course.steps if taken.step in {Step.HOLD, Step.RESUMPTION}]
    return Phase.ON_HOLD if pauses and pauses[-1] is Step.HOLD else Phase.CONDITIONING


def _refusal_of_place(course: Course, step: Step) -> Refusal:
    phase = phase_of(course)
    words = {
        "step": STEP_LABELS[step],
        "phase": PHASE_LABELS[phase],
        "possible": listed(Code(STEP_LABELS[other]) for other in next_steps(course))
        if next_steps(course)
        else "–",
    }
    return Refusal(
        "step",
        _("“%(step)s” is not possible in the current phase (%(phase)s). Possible: %(possible)s."),
        words,
    )


def _refusals_of_extent(course: Course, taken: StepTaken) -> Iterator[Refusal]:
    possible = EXTENTS.get(taken.step, ())
    if taken.ends and taken.ends not in possible:
        message = _("%(step)s cannot end that.")
        yield Refusal("ends", message, {"step": STEP_LABELS[taken.step]})
    elif taken.ends is Extent.TREATMENT and phase_of(course) is not Phase.FOLLOW_UP:
        yield Refusal("ends", _("No treatment goes on that could end: say what else ends."), {})


def _refusals_of_day(course: Course, asked: StepTaken, today: date) -> Iterator[Refusal]:
    on = asked.on
    if on > today:
        yield Refusal("on", IN_THE_FUTURE, {"day": on, "today": today})
    given = (
        (course.conditioned_on, _("the first treatment")),
        (course.infused_on, _("day zero")),
        (
            course.last_visit_on if asked.step in NOT_BEFORE_LAST_VISIT else None,
            _("the last visit that was done"),
        ),
    )
    # of whom nobody knew anything it can become known that they had died before that was said
    known = (one for one in course.steps if asked.step is not Step.DEATH or one.step is not Step.LOST)
    events = [(taken.on, STEP_LABELS[taken.step]) for taken in known]
    events += [(day, label) for day, label in given if day]
    latest = max(events, default=None)
    if latest and on < latest[0]:
        message = _("%(day)s is before %(event)s on %(other)s: give that day or a later one.")
        yield Refusal("on", message, {"day": on, "event": latest[1], "other": latest[0]})
