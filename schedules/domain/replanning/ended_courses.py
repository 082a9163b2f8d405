"""What a plan asks of somebody whose course has ended: nothing to come that was not there before the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from participants.domain.lifecycle import NOT_APPLICABLE, Extent, Step, StepTaken
from schedules.domain.plan.values import AnchorKind, Plan, PlannedVisit
from schedules.domain.visits.visit import VisitState


def without_what_ended(plan: Plan, standing: Iterable[VisitState], steps: Sequence[StepTaken]) -> Plan:
    """Return the plan without new visits that the course's end would have cancelled.

    A visit that waited for an activity would come when that is put on record, even of somebody who died.
    What stands keeps its place: the end itself says what becomes of it, and taking that back plans again.
    """
    ends = _ends_of(steps)
    if not ends:
        return plan
    known = {visit.code for visit in standing if not visit.gone}
    visits = (one for one in plan.visits if one.code in known or not any(_ended(one, end) for end in ends))
    return replace(plan, visits=tuple(visits))


def _ends_of(steps: Iterable[StepTaken]) -> list[StepTaken]:
    """The ends that stand; screening again begins again."""
    found: list[StepTaken] = []
    for taken in steps:
        if taken.step is Step.RESCREENING:
            found = []
        elif taken.ends_course:
            found.append(taken)
    return found


def _ended(visit: PlannedVisit, end: StepTaken) -> bool:
    """Whether an end cancels a visit that was to come: all but those that stay after an early one."""
    leaves_some = end.extent is Extent.VISITS and end.step not in NOT_APPLICABLE
    stays = leaves_some and visit.rule.stays_after_early_end and visit.base.kind is not AnchorKind.PLANNED
    return visit.window.closes >= end.on and not stays
