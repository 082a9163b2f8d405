"""The way from an empty database to the first participant: which steps there are, and which is next."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum


class FirstStep(StrEnum):
    """A step on the way to the first participant, in the order in which they are taken."""

    SITE = "site"
    CALENDAR = "calendar"
    TRIAL = "trial"
    VERSION = "version"
    TRIAL_SITE = "trial-site"
    PEOPLE = "people"
    APPROVAL = "approval"
    SIGNATURE = "signature"
    CONSENT_FORM = "consent-form"
    PARTICIPANT = "participant"


NEEDS: dict[FirstStep, tuple[FirstStep, ...]] = {
    FirstStep.CALENDAR: (FirstStep.SITE,),
    FirstStep.VERSION: (FirstStep.TRIAL,),
    FirstStep.TRIAL_SITE: (FirstStep.SITE, FirstStep.TRIAL),
    FirstStep.PEOPLE: (FirstStep.SITE,),
    FirstStep.APPROVAL: (FirstStep.VERSION, FirstStep.TRIAL_SITE),
    FirstStep.SIGNATURE: (FirstStep.APPROVAL, FirstStep.PEOPLE),
    FirstStep.CONSENT_FORM: (FirstStep.TRIAL,),
    FirstStep.PARTICIPANT: (FirstStep.CALENDAR, FirstStep.SIGNATURE),
}
"""What has to be there before a step can be taken; a step that is not named needs nothing."""


class StepState(StrEnum):
    """Where a step stands."""

    DONE = "done"
    NEXT = "next"
    POSSIBLE = "possible"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class StepStanding:
    """A step, its number from 1, and where it stands."""

    step: FirstStep
    number: int
    state: StepState


def steps_from(done: Collection[FirstStep]) -> tuple[StepStanding, ...]:
    """Return every step in its order; the first one that is not done and can be taken is the next one."""
    return tuple(_standings(frozenset(done)))


def next_step(done: Collection[FirstStep]) -> FirstStep | None:
    """Return the step to take next; None once all are done."""
    return next((one.step for one in steps_from(done) if one.state is StepState.NEXT), None)


def _standings(done: frozenset[FirstStep]) -> Iterator[StepStanding]:
    found_next = False
    for number, step in enumerate(FirstStep, start=1):
        if step in done:
            state = StepState.DONE
        elif not done.issuperset(NEEDS.get(step, ())):
            state = StepState.LATER
        else:
            state = StepState.POSSIBLE if found_next else StepState.NEXT
            found_next = True
        yield StepStanding(step, number, state)
