"""What a new plan means for the visits that stand: nothing moves unseen, and nothing done moves at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum

from schedules.domain.holds import Hold, find_hold
from schedules.domain.plan import Plan, PlannedVisit
from schedules.domain.status import VisitFacts, VisitStatus, visit_status
from schedules.domain.windows import VisitWindow


class Effect(StrEnum):
    """What a new plan does to one visit or window; the gravest first."""

    CHEMOTHERAPY_GIVEN = "chemotherapy-given"
    BLOCK_BROKEN = "block-broken"
    EXPIRED = "expired"
    BOOKING_OUTSIDE = "booking-outside"
    NOW_MISSED = "now-missed"
    NOW_LATE = "now-late"
    DONE_LATE = "done-late"
    DONE_EARLY = "done-early"
    CANCELLED = "cancelled"
    ADDED = "added"
    MOVED = "moved"
    KEPT = "kept"
    UNCHANGED = "unchanged"


GRAVITY = {effect: place for place, effect in enumerate(Effect)}


@dataclass(frozen=True, slots=True)
class StandingVisit:
    """A visit as it stands on record; `unscheduled` ones belong to no rule and never move."""

    code: str
    label: str
    facts: VisitFacts
    booked_on: date | None = None
    unscheduled: bool = False

    @property
    def live(self) -> bool:
        """Whether nothing has ended it yet."""
        return not (self.facts.performed_on or self.facts.missed or self.facts.cancelled)


@dataclass(frozen=True, slots=True)
class VisitChange:
    """One visit before and after, its effects (gravest first), and activities to `repeat`."""

    code: str
    label: str
    before: VisitWindow | None
    after: VisitWindow | None
    effects: tuple[Effect, ...]
    booked_on: date | None = None
    performed_on: date | None = None
    repeat: tuple[str, ...] = ()

    @property
    def gravest(self) -> Effect:
        """The effect that matters most."""
        return self.effects[0]

    @property
    def days(self) -> int:
        """Days by which the target moves; negative for earlier."""
        return (self.after.target - self.before.target).days if self.before and self.after else 0


@dataclass(frozen=True, slots=True)
class WindowSpan:
    """The two ends of a protocol window as text that compares: days or instants, empty where not known."""

    code: str
    label: str
    starts: str
    ends: str


def span_of(
    code: str, label: str, starts: date | datetime | None, ends: date | datetime | None
) -> WindowSpan:
    """The span of a window, stored or planned; instants in UTC, so that they compare."""
    return WindowSpan(code, label, _text(starts), _text(ends))


def _text(point: date | datetime | None) -> str:
    if isinstance(point, datetime):
        return point.astimezone(UTC).isoformat()
    return point.isoformat() if point else ""


@dataclass(frozen=True, slots=True)
class WindowChange:
    """One protocol window before and after."""

    code: str
    label: str
    before: WindowSpan | None
    after: WindowSpan | None
    effect: Effect


def compare_visits(standing: Sequence[StandingVisit], plan: Plan, today: date) -> tuple[VisitChange, ...]:
    """Every visit that stands or is planned, with what the plan does to it on this day; the gravest first.

    A performed visit stays and is judged by its new window; a booking stays and is named where the
    window has left it; a live visit that the plan no longer has is cancelled.
    """
    planned = {visit.code: visit for visit in plan.visits}
    hold = find_hold(plan.protocol, plan.anchors)
    changes = [_change(visit, planned.get(visit.code), plan, today) for visit in standing]
    known = {visit.code for visit in standing}
    changes += [
        VisitChange(visit.code, visit.label, None, visit.window, _added(visit, today))
        for visit in plan.visits
        if visit.code not in known
    ]
    if hold:
        changes = [_under_hold(change, planned.get(change.code), hold) for change in changes]
    order = {change.code: place for place, change in enumerate(changes)}
    return tuple(sorted(changes, key=lambda change: (GRAVITY[change.gravest], order[change.code])))


def compare_windows(
    standing: Mapping[str, WindowSpan], planned: Mapping[str, WindowSpan]
) -> tuple[WindowChange, ...]:
    """Every protocol window that stands or is planned, with what becomes of it, in the plan's order."""
    codes = dict.fromkeys((*planned, *standing))
    return tuple(_window_change(code, standing.get(code), planned.get(code)) for code in codes)


def _window_change(code: str, before: WindowSpan | None, after: WindowSpan | None) -> WindowChange:
    if before is None or after is None:
        effect = Effect.CANCELLED if before else Effect.ADDED
    else:
        effect = Effect.UNCHANGED if before == after else Effect.MOVED
    label = (after or before or WindowSpan(code, code, "", "")).label
    return WindowChange(code, label, before, after, effect)


def _change(visit: StandingVisit, planned: PlannedVisit | None, plan: Plan, today: date) -> VisitChange:
    before = visit.facts.window
    after = before if visit.unscheduled else (planned.window if planned else None)
    change = VisitChange(
        visit.code, visit.label, before, after, (), visit.booked_on, visit.facts.performed_on
    )
    if visit.facts.performed_on:
        return _performed(change, visit, planned, plan, today)
    if after is None:
        return replace(change, effects=(Effect.CANCELLED if visit.live else Effect.KEPT,))
    effects = tuple(_live(visit, after, today)) if visit.live else (_again(visit, before, after),)
    return replace(change, effects=effects)


def _again(visit: StandingVisit, before: VisitWindow, after: VisitWindow) -> Effect:
    """A visit that was cancelled or missed stays so, with its new window."""
    return Effect.UNCHANGED if before == after else Effect.KEPT


def _performed(
    change: VisitChange, visit: StandingVisit, planned: PlannedVisit | None, plan: Plan, today: date
) -> VisitChange:
    if change.after is None or planned is None:
        return replace(change, after=change.before, effects=(Effect.KEPT,))
    was = visit_status(visit.facts, today)
    now = visit_status(replace(visit.facts, window=change.after), today)
    if now is was:
        return replace(change, effects=(Effect.UNCHANGED if change.before == change.after else Effect.KEPT,))
    if now is VisitStatus.DONE_EARLY and visit.facts.is_range:
        code = planned.rule.code
        repeat = [a.label for a in plan.protocol.activities if code in a.visits and a.repeat_when_expired]
        return replace(change, effects=(Effect.EXPIRED,), repeat=tuple(repeat))
    judged = {VisitStatus.DONE_EARLY: Effect.DONE_EARLY, VisitStatus.DONE_LATE: Effect.DONE_LATE}
    return replace(change, effects=(judged.get(now, Effect.KEPT),))


def _live(visit: StandingVisit, after: VisitWindow, today: date) -> Iterator[Effect]:
    """The effects on a visit still to come, the gravest first; never none."""
    before = visit.facts.window
    if before == after:
        yield Effect.UNCHANGED
        return
    if visit.booked_on and before.holds(visit.booked_on) and not after.holds(visit.booked_on):
        yield Effect.BOOKING_OUTSIDE
    yield from _lateness(visit_status(replace(visit.facts, window=after), today))
    yield Effect.MOVED


def _lateness(status: VisitStatus) -> Iterator[Effect]:
    if status is VisitStatus.MISSED:
        yield Effect.NOW_MISSED
    if status is VisitStatus.OVERDUE:
        yield Effect.NOW_LATE


def _added(visit: PlannedVisit, today: date) -> tuple[Effect, ...]:
    late = Effect.NOW_MISSED if visit.window.closes < today else None
    return (late, Effect.ADDED) if late else (Effect.ADDED,)


def _under_hold(change: VisitChange, planned: PlannedVisit | None, hold: Hold) -> VisitChange:
    """Chemotherapy that was given for an earlier day zero says so first."""
    given = planned and planned.rule.counts_from.code == hold.anchor and change.performed_on
    return replace(change, effects=(Effect.CHEMOTHERAPY_GIVEN, *change.effects)) if given else change
