"""What a status change does to each visit, from the same visits before it and after it.

The change itself is `schedules/services/course/status_changes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter

from schedules.domain.plan.values import Plan
from schedules.domain.replanning.visit_effects import (
    GRAVITY,
    Effect,
    VisitChange,
    compare_visits,
)
from schedules.domain.visits.visit import VisitState


@dataclass(frozen=True, slots=True)
class Pair:
    """One visit before and after a step; None where it was not there, or belongs to another attempt then."""

    before: VisitState | None
    after: VisitState | None


def compare_pairs(
    pairs: Sequence[Pair],
    plan: Plan,
    today: date,
    closed: AbstractSet[date] = frozenset(),
    traits: AbstractSet[str] = frozenset(),
) -> tuple[VisitChange, ...]:
    """What became of every visit, the most severe first, by the `plan` that holds after the step.

    As `visit_effects.compare_visits` says it of a plan; besides, what the step itself
    called off, put on hold, let go on, brought back or left to an earlier attempt.
    """
    standing = [visit for pair in pairs if (visit := _standing(pair))]
    compared = {change.code: change for change in compare_visits(standing, plan, today, closed, traits)}
    changes = [
        _of_pair(pair, compared.pop(pair.after.code) if pair.after and pair.after.code in compared else None)
        for pair in pairs
    ]
    changes += compared.values()
    return tuple(sorted(changes, key=lambda change: GRAVITY[change.gravest]))


def _standing(pair: Pair) -> VisitState | None:
    """The visit as it stands after the step, where it stood before it; None for what is new or over."""
    before, after = pair.before, pair.after
    if after is None:
        return None
    if before:
        return after.within(before.window)._replace(suggested=before.suggested)
    return None if after.live else after


def _of_pair(pair: Pair, change: VisitChange | None) -> VisitChange:
    before, after = pair.before, pair.after
    if after is None:
        assert before is not None, "a visit is there before or after"
        return _left(before)
    if change is None:
        window = after.window
        return VisitChange(after.code, after.label, None, window, (Effect.ADDED,), after.booked_on)
    return _of_both(before, after, change) if before else change


def _of_both(before: VisitState, after: VisitState, change: VisitChange) -> VisitChange:
    if _shown(before) == _shown(after) and Effect.BOOKING_CLOSED not in change.effects:
        return replace(change, effects=(Effect.UNCHANGED,))
    if before.live and not after.live:
        return replace(change, after=None, booked_on=before.booked_on, effects=(_ended(after),))
    stepped = tuple(_stepped(before, after))
    if not stepped:
        return change
    untold = _TOLD_BY_RESTORED if Effect.RESTORED in stepped else {Effect.UNCHANGED}
    kept = [effect for effect in change.effects if effect not in untold]
    return replace(change, effects=(*kept, *stepped), booked_on=before.booked_on)


_shown = attrgetter(
    "code", "label", "window", "place", "booked_on", "outside_reason", "suggested", "arrived_on",
    "performed_on", "missed_on", "cancelled_on", "applies", "gone", "waits", "block",
)  # fmt: skip
"""What a page tells of a visit: a step that changes nothing of it leaves the visit as it was."""


_TOLD_BY_RESTORED = frozenset(
    {Effect.UNCHANGED, Effect.MOVED, Effect.SUGGESTED, Effect.RETAINED, Effect.ADDED}
)


def _left(visit: VisitState) -> VisitChange:
    """What stays with an earlier attempt once another one began; what was to come of a block goes with it."""
    window = visit.window
    change = VisitChange(
        visit.code,
        visit.label,
        window,
        window,
        (Effect.RETAINED,),
        visit.booked_on,
        visit.performed_on,
    )
    return replace(change, after=None, effects=(Effect.CANCELLED_BY_COURSE,)) if visit.live else change


def _ended(visit: VisitState) -> Effect:
    if visit.gone:
        return Effect.CANCELLED
    return Effect.CANCELLED_BY_COURSE if visit.applies else Effect.NOT_APPLICABLE


def _stepped(before: VisitState, after: VisitState) -> Iterator[Effect]:
    """What the step did to a visit, beside its days."""
    if before.booked_on and not after.booked_on:
        yield Effect.UNBOOKED
    if after.waits and not before.waits:
        yield Effect.HELD
    if before.waits and not after.waits and after.live:
        yield Effect.RESUMED
    if after.live and not before.live:
        yield Effect.RESTORED
