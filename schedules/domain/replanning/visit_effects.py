"""What a new plan means for the visits that stand: nothing moves unseen, and nothing done moves at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from schedules.domain.plan.contradictions import find_contradictions
from schedules.domain.plan.holds import find_holds
from schedules.domain.plan.slots import activities_at
from schedules.domain.plan.values import Plan, PlannedVisit
from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.visit import VisitState


class Effect(StrEnum):
    """What a new plan does to one visit or window; the most severe first."""

    CHEMOTHERAPY_GIVEN = "chemotherapy-given"
    BLOCK_BROKEN = "block-broken"
    GATE_AFFECTED = "gate-affected"
    EXPIRED = "expired"
    BOOKING_OUTSIDE = "booking-outside"
    BOOKING_CLOSED = "booking-closed"
    BOOKING_ALREADY_OUTSIDE = "still-outside"
    NOW_MISSED = "now-missed"
    NOW_LATE = "now-late"
    DONE_LATE = "done-late"
    DONE_EARLY = "done-early"
    CANCELLED = "cancelled"
    CANCELLED_BY_COURSE = "called-off"
    NOT_APPLICABLE = "not-applicable"
    UNBOOKED = "unbooked"
    HELD = "held"
    RESUMED = "resumed"
    RESTORED = "restored"
    ADDED = "added"
    MOVED = "moved"
    SUGGESTED = "suggested"
    RETAINED = "kept"
    UNCHANGED = "unchanged"


_ORPHANING = frozenset({Effect.BOOKING_OUTSIDE, Effect.BOOKING_CLOSED, Effect.CANCELLED})
GRAVITY = {effect: place for place, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True)
class VisitChange:
    """One visit before and after, its effects (gravest first), and activities to `repeat`.

    `suggested` are the days that the site would choose, before and after.
    """

    code: str
    label: str
    before: VisitWindow | None
    after: VisitWindow | None
    effects: tuple[Effect, ...]
    booked_on: date | None = None
    performed_on: date | None = None
    repeat: tuple[str, ...] = ()
    suggested: tuple[date | None, date | None] = (None, None)

    @property
    def gravest(self) -> Effect:
        """The effect that matters most."""
        return self.effects[0]

    @property
    def orphans_booking(self) -> bool:
        """Whether a booking would be left that no window and no visit asks for any more."""
        return self.booked_on is not None and bool(_ORPHANING & set(self.effects))

    @property
    def days(self) -> int:
        """Days by which the target moves; negative for earlier."""
        return (self.after.target - self.before.target).days if self.before and self.after else 0


def compare_visits(
    standing: Sequence[VisitState],
    plan: Plan,
    today: date,
    closed: AbstractSet[date] = frozenset(),
    traits: AbstractSet[str] = frozenset(),
) -> tuple[VisitChange, ...]:
    """Every visit that stands or is planned, with what the plan does to it today; the most severe first.

    A performed visit stays and is judged by its new window; a booking stays and is named where the
    window has left it, or where it is on one of the days that are `closed` now and were not before; a
    live visit that the plan no longer has is cancelled. `traits` are the participant's.
    """
    planned = {visit.code: visit for visit in plan.visits}
    judging = _Judging(plan, today, plan.protocol.effective_traits(traits))
    changes = [_change(visit, planned.get(visit.code), judging) for visit in standing]
    changes += _new_visits(plan, {visit.code for visit in standing}, today)
    ended = {visit.code for visit in standing if not (visit.live or visit.gone)}
    changes = [change if change.code in ended else _booked_on(change, closed) for change in changes]
    changes = _under_hold(_broken_blocks(changes, standing, plan), plan)
    told = [_told(change) for change in changes]
    return tuple(sorted(told, key=lambda change: GRAVITY[change.gravest]))


def _told(change: VisitChange) -> VisitChange:
    """Where something happens, it goes without saying that nothing else does."""
    rest = tuple(effect for effect in change.effects if effect is not Effect.UNCHANGED)
    return replace(change, effects=rest) if rest and rest != change.effects else change


def _broken_blocks(
    changes: list[VisitChange], standing: Sequence[VisitState], plan: Plan
) -> list[VisitChange]:
    """The same changes with those in front that belong to a block which loses its shape."""
    blocks: dict[str, str | None] = {visit.code: visit.block for visit in standing if visit.block}
    blocks |= {visit.code: visit.rule.block for visit in plan.visits}
    broken = frozenset(_broken(changes, blocks, plan))
    lengthened = {visit.code for visit in plan.visits if visit.lengthened}

    def falls_out(change: VisitChange) -> bool:
        """Whether a visit stands outside its block now: one done in its place, or kept, does not."""
        if change.code in lengthened:
            return True
        done_in_place = change.performed_on and not _OUT_OF_PLACE & set(change.effects)
        return (
            blocks.get(change.code) in broken and not done_in_place and change.gravest is not Effect.RETAINED
        )

    return [
        replace(change, effects=(Effect.BLOCK_BROKEN, *change.effects)) if falls_out(change) else change
        for change in changes
    ]


def _broken(changes: Sequence[VisitChange], blocks: Mapping[str, str | None], plan: Plan) -> Iterator[str]:
    """The blocks of which a part is done and another part goes, or was done on another day than now planned.

    So are those whose anchors contradict each other.
    """
    traits = frozenset(trait.code for trait in plan.protocol.traits)
    torn = {found.anchor for found in find_contradictions(plan.protocol, plan.anchors, traits)}
    yield from (v.rule.block for v in plan.visits if v.rule.block and v.rule.counts_from.code in torn)
    for block in dict.fromkeys(block for block in blocks.values() if block):
        if _half_done([change for change in changes if blocks.get(change.code) == block]):
            yield block


def _half_done(members: Sequence[VisitChange]) -> bool:
    """Whether a part of a block is done and another goes, or was done on another day than now planned."""
    done = [change for change in members if change.performed_on]
    lost = any(Effect.CANCELLED in change.effects for change in members)
    return bool(done) and (lost or any(_OUT_OF_PLACE & set(change.effects) for change in done))


_OUT_OF_PLACE = frozenset({Effect.EXPIRED, Effect.DONE_EARLY, Effect.DONE_LATE})


@dataclass(frozen=True, slots=True)
class _Judging:
    """By what visits are judged: the plan, the day, and the participant's traits."""

    plan: Plan
    today: date
    traits: AbstractSet[str]

    def to_repeat(self, planned: PlannedVisit) -> tuple[str, ...]:
        """The activities of a visit that are repeated once it has expired."""
        asked = activities_at(self.plan.protocol, planned.rule, planned.occurrence, self.traits)
        return tuple(activity.label for activity in asked if activity.repeat_when_expired)


def _new_visits(plan: Plan, known: AbstractSet[str], today: date) -> Iterator[VisitChange]:
    """The visits that the plan has and nobody had before."""
    for visit in plan.visits:
        if visit.code not in known:
            yield VisitChange(visit.code, visit.label, None, visit.window, _added(visit, today))


def _change(visit: VisitState, planned: PlannedVisit | None, judging: _Judging) -> VisitChange:
    change = _beside_the_plan(visit, planned)
    if visit.performed_on:
        return _performed(change, visit, planned, judging)
    if change.after is None:
        return replace(change, effects=(Effect.CANCELLED if visit.live else Effect.RETAINED,))
    if visit.gone and planned:
        return _back(change, planned, judging)
    if not visit.live:
        return replace(change, effects=(_again(change),))
    if change.before == change.after:
        return replace(change, effects=(_suggested_anew(change),))
    return replace(change, effects=tuple(_moved(visit, change.after, judging.today)))


def _beside_the_plan(visit: VisitState, planned: PlannedVisit | None) -> VisitChange:
    """A visit before and after, whatever that means for it; one that nobody planned keeps its window."""
    after = planned.window if planned else None
    return VisitChange(
        visit.code,
        visit.label,
        visit.window,
        visit.window if visit.unscheduled else after,
        (),
        visit.booked_on,
        visit.performed_on,
        suggested=(visit.suggested, planned.suggested if planned else None),
    )


def _back(change: VisitChange, planned: PlannedVisit, judging: _Judging) -> VisitChange:
    """The change of a visit that no plan asked for, and that the plan asks for again."""
    lost = change.booked_on and not planned.window.holds(change.booked_on)
    outside = (Effect.BOOKING_OUTSIDE,) if lost else ()
    return replace(change, before=None, effects=(*outside, *_added(planned, judging.today)))


def _suggested_anew(change: VisitChange) -> Effect:
    """A visit that keeps its window may still be better on another day of it."""
    before, after = change.suggested
    return Effect.UNCHANGED if after is None or before == after else Effect.SUGGESTED


def _booked_on(change: VisitChange, closed: AbstractSet[date]) -> VisitChange:
    """A booking on a day that is closed now says so before all that only moves."""
    if change.booked_on not in closed or Effect.CANCELLED in change.effects:
        return change
    kept = () if change.effects == (Effect.UNCHANGED,) else change.effects
    effects = sorted({Effect.BOOKING_CLOSED, *kept}, key=GRAVITY.__getitem__)
    return replace(change, effects=tuple(effects))


def _again(change: VisitChange) -> Effect:
    """A visit that was cancelled or missed stays so, with its new window."""
    return Effect.UNCHANGED if change.before == change.after else Effect.RETAINED


def _performed(
    change: VisitChange, visit: VisitState, planned: PlannedVisit | None, judging: _Judging
) -> VisitChange:
    if change.after is None or planned is None:
        return replace(change, after=change.before, effects=(Effect.RETAINED,))
    was, now = _side(visit), _side(visit.within(change.after))
    if now is was:
        return replace(
            change, effects=(Effect.UNCHANGED if change.before == change.after else Effect.RETAINED,)
        )
    if now is Effect.DONE_EARLY and visit.is_range:
        repeat = judging.to_repeat(planned)
        return replace(change, effects=(Effect.EXPIRED,), repeat=repeat)
    return replace(change, effects=(now or Effect.RETAINED,))


def _side(visit: VisitState) -> Effect | None:
    """On which side of its window a visit was done; None inside."""
    outside = visit.days_outside
    return (Effect.DONE_EARLY if outside < 0 else Effect.DONE_LATE) if outside else None


def _moved(visit: VisitState, after: VisitWindow, today: date) -> Iterator[Effect]:
    """The effects on a visit still to come whose window moves, the most severe first; never none."""
    if visit.booked_on and not after.holds(visit.booked_on):
        inside = visit.window.holds(visit.booked_on)
        yield Effect.BOOKING_OUTSIDE if inside else Effect.BOOKING_ALREADY_OUTSIDE
    # What is on hold waits for another window still: by this one it is neither late nor missed.
    if not visit.waits:
        yield from _lateness(after, visit.is_range, today)
    yield Effect.MOVED


def _lateness(window: VisitWindow, is_range: bool, today: date) -> Iterator[Effect]:
    if window.closes < today:
        yield Effect.NOW_MISSED
    elif window.target < today and not is_range:
        yield Effect.NOW_LATE


def _added(visit: PlannedVisit, today: date) -> tuple[Effect, ...]:
    late = Effect.NOW_MISSED if visit.window.closes < today else None
    return (late, Effect.ADDED) if late else (Effect.ADDED,)


def _under_hold(changes: Sequence[VisitChange], plan: Plan) -> list[VisitChange]:
    """The same changes; of chemotherapy that was given for an earlier day zero that is said first."""
    held = {hold.anchor for hold in find_holds(plan.protocol, plan.anchors)}
    block = {visit.code for visit in plan.visits if visit.rule.counts_from.code in held}
    return [
        replace(change, effects=(Effect.CHEMOTHERAPY_GIVEN, *change.effects))
        if change.performed_on and change.code in block
        else change
        for change in changes
    ]
