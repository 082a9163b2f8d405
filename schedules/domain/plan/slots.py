"""The visits of a protocol as slots, prepared once and then placed on any calendar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.protocols.occurrences import label_of_one, names_of, occurrence_offsets
from trials.domain.protocols.offsets import (
    HOURS_PER_DAY,
    MonthLength,
    Offset,
    Unit,
    shift_beside,
    shift_date,
    shift_day,
)
from trials.domain.protocols.protocol import (
    Activity,
    AtOffset,
    Each,
    Protocol,
    Timing,
    Tolerance,
    VisitRule,
    applies,
)

_DAY = timedelta(days=1)
Days = tuple[timedelta, timedelta, timedelta]


@dataclass(frozen=True, slots=True)
class Slot:
    """One occurrence of a visit rule, still without a date.

    `steps` are the days from the anchor to opens, target and closes where they are the same for
    every anchor day; None where months, years or hours make them depend on it. `reach` are the
    days before and after a target alike. `by_hour`: on which of two days it ends hangs on the anchor's hour.
    """

    rule: VisitRule
    occurrence: int
    code: str
    offset: Offset
    month: MonthLength
    steps: Days | None
    reach: tuple[timedelta, timedelta] | None
    by_hour: bool = False

    @property
    def label(self) -> str:
        """The rule's label, numbered where the rule makes several visits."""
        return label_of_one(self.rule, self.code, self.occurrence, self.offset)

    def window(self, anchor: date) -> VisitWindow:
        """The slot's window, counted from this anchor day; an offset in hours counts from its midnight."""
        return VisitWindow(*self.days(anchor))

    def days(self, anchor: date) -> tuple[date, date, date]:
        """Opens, target and closes as a plain tuple, which costs half of what making the window does."""
        if steps := self.steps:
            opens, target, closes = steps
            return anchor + opens, anchor + target, anchor + closes
        return self._days_by_calendar(anchor)

    def _days_by_calendar(self, anchor: date) -> VisitWindow:
        timing = self.rule.timing
        if isinstance(timing, AtOffset):
            return self._around_target(anchor, timing.tolerance)
        first, last = self._shift(anchor, timing.first), self._shift(anchor, timing.last)
        if isinstance(timing, Each):
            day = first + (self.occurrence - 1) * _DAY
            return VisitWindow(day, day, day)
        return VisitWindow(first, self._shift(anchor, self.offset), last)

    def around(self, target: date, tolerance: Tolerance) -> VisitWindow:
        """The window around a target, as far as the tolerance reaches."""
        if self.reach:
            before, after = self.reach
            return VisitWindow(target - before, target, target + after)
        opens = shift_day(target, -tolerance.before, self.month)
        return VisitWindow(opens, target, shift_day(target, tolerance.after, self.month))

    def _around_target(self, anchor: date, tolerance: Tolerance) -> VisitWindow:
        """The window of a target by the calendar: months of a tolerance count from the anchor as well."""
        target = self._shift(anchor, self.offset)
        if self.reach or self.offset.unit is Unit.HOURS:
            return self.around(target, tolerance)
        opens = shift_beside(anchor, self.offset, -tolerance.before, self.month)
        return VisitWindow(opens, target, shift_beside(anchor, self.offset, tolerance.after, self.month))

    def _shift(self, anchor: date, offset: Offset) -> date:
        return shift_date(anchor, offset, self.month)


class Same:
    """A protocol that is told from others by being the very same value.

    To compare two of them would cost more than what is kept for them here.
    """

    __slots__ = ("protocol",)

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.protocol is other.protocol

    def __hash__(self) -> int:
        # The protocol is held here, so that no other one can get its id while something is kept under it.
        return id(self.protocol)


def slots_of(protocol: Protocol, traits: AbstractSet[str]) -> tuple[Slot, ...]:
    """Every visit that the protocol asks of somebody with these traits, in document order."""
    return _slots_of(Same(protocol), frozenset(traits))


@lru_cache(maxsize=64)
def _slots_of(same: Same, traits: frozenset[str]) -> tuple[Slot, ...]:
    return tuple(
        slot
        for rule in same.protocol.visits
        if applies(rule.applies_to, traits)
        for slot in _slots_of_rule(rule, same.protocol.month)
    )


def activities_at(
    protocol: Protocol, rule: VisitRule, occurrence: int, traits: AbstractSet[str]
) -> tuple[Activity, ...]:
    """What the protocol asks to be done at one visit of a rule, of somebody with these traits."""
    names, held = names_of(rule, occurrence), protocol.effective_traits(traits)
    return tuple(
        activity
        for activity in protocol.activities
        if not names.isdisjoint(activity.visits) and applies(activity.applies_to, held)
    )


def codes_by_rule(protocol: Protocol) -> Mapping[tuple[str, int], str]:
    """What a version calls each visit that it makes, by the visit's rule and number.

    A visit is stored under the code that it was enrolled with; an amendment may call it otherwise since.
    """
    return _codes_by_rule(Same(protocol))


@lru_cache(maxsize=64)
def _codes_by_rule(same: Same) -> dict[tuple[str, int], str]:
    return {
        (rule.code, number): code
        for rule in same.protocol.visits
        for number, code in enumerate(occurrence_offsets(rule), start=1)
    }


def _slots_of_rule(rule: VisitRule, month: MonthLength) -> Iterator[Slot]:
    for occurrence, (code, offset) in enumerate(occurrence_offsets(rule).items(), start=1):
        steps, reach = _steps(rule.timing, offset, month), _reach(rule.timing, month)
        yield Slot(rule, occurrence, code, offset, month, steps, reach, _ends_by_hour(rule.timing, offset))


def _ends_by_hour(timing: Timing, offset: Offset) -> bool:
    """Whether the last day of a window hangs on the hour that it counts from: 36 hours, and not 48."""
    if not isinstance(timing, AtOffset):  # the ends of ranges are whole days
        return False
    return offset.unit is Unit.HOURS and offset.amount % HOURS_PER_DAY != 0


def _steps(timing: Timing, offset: Offset, month: MonthLength) -> Days | None:
    """Opens, target and closes as days from the anchor, where no calendar is needed to know them."""
    target = _days(offset, month)
    if target is None:
        return None
    if isinstance(timing, AtOffset):
        reach = _reach(timing, month)
        return (target - reach[0], target, target + reach[1]) if reach else None
    if isinstance(timing, Each):
        return target, target, target
    opens, closes = _days(timing.first, month), _days(timing.last, month)
    return None if opens is None or closes is None else (opens, target, closes)


def _reach(timing: Timing, month: MonthLength) -> tuple[timedelta, timedelta] | None:
    """How far a visit may lie before and after its target, where that is the same for every target."""
    if not isinstance(timing, AtOffset):
        return None
    before, after = _days(timing.tolerance.before, month), _days(timing.tolerance.after, month)
    return None if before is None or after is None else (before, after)


def _days(offset: Offset, month: MonthLength) -> timedelta | None:
    days = offset.days(month)
    return None if days is None else timedelta(days=days)
