"""The visits of a protocol as slots, prepared once and then placed on any calendar."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from schedules.domain.windows import VisitWindow
from trials.domain.occurrences import occurrence_offsets
from trials.domain.offsets import MonthLength, Offset, Unit, shift_day
from trials.domain.protocol import AtOffset, Each, Protocol, Timing, VisitRule, applies

_DAY = timedelta(days=1)
_new = tuple.__new__  # a third quicker than calling VisitWindow, and plans make them by the hundred thousand


@dataclass(frozen=True, slots=True)
class Slot:
    """One occurrence of a visit rule, still without a date.

    `opens`, `target` and `closes` are days from the anchor where they are the same for
    every anchor day; None where months, years or hours make them depend on it.
    """

    rule: VisitRule
    occurrence: int
    code: str
    offset: Offset
    month: MonthLength
    steps: tuple[timedelta, timedelta, timedelta] | None

    def window(self, anchor: date) -> VisitWindow:
        """The slot's window, counted from this anchor day; an offset in hours counts from its midnight."""
        return _new(VisitWindow, self.days(anchor))

    def days(self, anchor: date) -> tuple[date, date, date]:
        """Opens, target and closes as a plain tuple, which costs half of what making the window does."""
        if steps := self.steps:
            opens, target, closes = steps
            return anchor + opens, anchor + target, anchor + closes
        return self._days_by_calendar(anchor)

    def _days_by_calendar(self, anchor: date) -> VisitWindow:
        timing = self.rule.timing
        if isinstance(timing, AtOffset):
            return around(self._shift(anchor, self.offset), timing, self.month)
        first, last = self._shift(anchor, timing.first), self._shift(anchor, timing.last)
        if isinstance(timing, Each):
            day = first + (self.occurrence - 1) * _DAY
            return VisitWindow(day, day, day)
        return VisitWindow(first, self._shift(anchor, self.offset), last)

    def _shift(self, anchor: date, offset: Offset) -> date:
        if offset.unit is Unit.HOURS:
            return anchor + timedelta(days=offset.amount // 24)
        return shift_day(anchor, offset, self.month)


def around(target: date, timing: AtOffset, month: MonthLength) -> VisitWindow:
    """The window of a visit at an offset whose target is `target`."""
    tolerance = timing.tolerance
    return VisitWindow(
        shift_day(target, -tolerance.before, month), target, shift_day(target, tolerance.after, month)
    )


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


def _slots_of_rule(rule: VisitRule, month: MonthLength) -> Iterator[Slot]:
    for occurrence, (code, offset) in enumerate(occurrence_offsets(rule).items(), start=1):
        yield Slot(rule, occurrence, code, offset, month, _steps(rule.timing, offset, month))


def _steps(
    timing: Timing, offset: Offset, month: MonthLength
) -> tuple[timedelta, timedelta, timedelta] | None:
    """Opens, target and closes as days from the anchor, where no calendar is needed to know them."""
    target = offset.days(month)
    if isinstance(timing, AtOffset):
        before, after = timing.tolerance.before.days(month), timing.tolerance.after.days(month)
        opens = None if target is None or before is None else target - before
        closes = None if target is None or after is None else target + after
    elif isinstance(timing, Each):
        opens = closes = target
    else:
        opens, closes = timing.first.days(month), timing.last.days(month)
    if opens is None or target is None or closes is None:
        return None
    return timedelta(days=opens), timedelta(days=target), timedelta(days=closes)
