"""Where the parts of a protocol lie relative to each other, for every kind of first day.

A month has no fixed number of days, so a rule about days is tried with many first days and
holds only if it holds with each: the 1st, 29th, 30th and 31st of every month in four years, one
of them a leap year (days up to the 28th are never clamped, so the 1st stands for them). That is
the worst case, not the average month of 30.4375 days.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from trials.domain.errors import OffsetError
from trials.domain.protocols.occurrences import occurrence_offsets, occurrence_rules
from trials.domain.protocols.offsets import MonthLength, Offset, Unit, shift_day
from trials.domain.protocols.protocol import (
    AtOffset,
    Bound,
    Each,
    HalfLives,
    Pick,
    Protocol,
    Reference,
    ReferenceKind,
)

_HOURS_PER_DAY = 24
Days = tuple[float, ...]


def _first_days() -> Iterator[date]:
    for year in range(2023, 2027):
        for month in range(1, 13):
            length = calendar.monthrange(year, month)[1]
            yield from (date(year, month, day) for day in (1, 29, 30, 31) if day <= length)


FIRST_DAYS = tuple(_first_days())


@dataclass(frozen=True, slots=True)
class Position:
    """How many days after its root something lies, once for each first day of the root."""

    root: Reference
    days: Days


class Positions:
    """The nominal positions of anchors and visits: derived anchors where their rule puts them.

    A root is an anchor that follows no other, or something whose day only its happening shows:
    an activity, or a visit on one day of a range.
    """

    def __init__(self, protocol: Protocol, first_days: tuple[date, ...] = FIRST_DAYS) -> None:
        self.protocol = protocol
        self.first_days = first_days
        self._fixed = {
            code: (visit.counts_from, offset)
            for visit in protocol.visits
            if isinstance(visit.timing, AtOffset | Each)
            for code, offset in occurrence_offsets(visit).items()
        }
        self._rules = occurrence_rules(protocol.visits)
        self._known: dict[Reference, Position | None] = {}

    def of(self, reference: Reference) -> Position | None:
        """Where the referenced thing lies; None if it is unknown, hangs on itself or is too far."""
        chain: list[tuple[Reference, Offset]] = []
        current, seen = reference, {reference}
        while current not in self._known:
            if not self._is_declared(current):
                self._known[current] = None
            elif (base := self._base(current)) is None:
                self._known[current] = Position(current, (0,) * len(self.first_days))
            elif base[0] in seen:
                self._known[current] = None
            else:
                chain.append((current, base[1]))
                current = base[0]
                seen.add(current)
        found = self._known[current]
        for later, offset in reversed(chain):
            found = self._known[later] = self.shifted(found, offset)
        return found

    def at(self, reference: Reference, offset: Offset) -> Position | None:
        """Where a point so far from the referenced thing lies; None as for `of`."""
        return self.shifted(self.of(reference), offset)

    def beside(self, reference: Reference, target: Offset, reach: Offset) -> Position | None:
        """Where a point lies that is `reach` from a target, months counted as a plan counts them."""
        if both := target.plus(reach, self.protocol.month):
            return self.shifted(self.of(reference), both, MonthLength.CALENDAR)
        return self.shifted(self.at(reference, target), reach)

    def shifted(
        self, position: Position | None, offset: Offset, month: MonthLength | None = None
    ) -> Position | None:
        """The position moved by an offset; None where it leaves the calendar."""
        if position is None:
            return None
        try:
            days = _shifted(position.days, offset, month or self.protocol.month, self.first_days)
        except OffsetError:
            return None
        return Position(position.root, days)

    def bound(self, bound: Bound) -> Position | None:
        """Where one end of a window lies; None where its moments have no common root."""
        found = []
        for moment in bound.moments:
            if isinstance(moment.offset, HalfLives):
                return None
            found.append(self.at(moment.counts_from, moment.offset))
        known = [position for position in found if position is not None]
        if len(known) < len(found) or len({position.root for position in known}) != 1:
            return None
        pick = min if bound.pick is Pick.EARLIEST else max
        columns = zip(*(position.days for position in known), strict=True)
        return Position(known[0].root, tuple(map(pick, columns)))

    def _is_declared(self, reference: Reference) -> bool:
        match reference.kind:
            case ReferenceKind.ANCHOR:
                return reference.code in self.protocol.anchor_by_code
            case ReferenceKind.VISIT:
                return reference.code in self._rules
            case ReferenceKind.ACTIVITY:
                return any(activity.code == reference.code for activity in self.protocol.activities)

    def _base(self, reference: Reference) -> tuple[Reference, Offset] | None:
        """What a declared thing counts from and how far; None for a root."""
        if reference.kind is ReferenceKind.ANCHOR:
            derived = self.protocol.anchor_by_code[reference.code].derived
            return (Reference(ReferenceKind.ANCHOR, derived.anchor), derived.offset) if derived else None
        if reference.kind is ReferenceKind.VISIT:
            return self._fixed.get(reference.code)
        return None


def turned(earlier: Position | None, later: Position | None) -> tuple[float, int] | None:
    """By how many days what should be earlier is later, and with which first day; None if nowhere.

    Also None where the two have no common root: then only the participant's days can tell.
    """
    if earlier is None or later is None or earlier.root != later.root:
        return None
    gaps = [first - second for first, second in zip(earlier.days, later.days, strict=True)]
    worst = max(range(len(gaps)), key=gaps.__getitem__)
    return (gaps[worst], worst) if gaps[worst] > 0 else None


@lru_cache(maxsize=512)
def _shifted(days: Days, offset: Offset, month: MonthLength, first_days: tuple[date, ...]) -> Days:
    """The days after each first day, moved by the offset. Raises OffsetError outside the calendar."""
    if offset.unit is Unit.HOURS:
        return tuple(day + offset.amount / _HOURS_PER_DAY for day in days)
    fixed = offset.days(month)
    if fixed is not None:
        return tuple(day + fixed for day in days)
    moved = []
    for first, day in zip(first_days, days, strict=True):
        whole = math.floor(day)
        try:
            start = first + timedelta(days=whole)
        except OverflowError as error:
            raise OffsetError(f"{whole} days from {first} lead outside the calendar") from error
        moved.append((shift_day(start, offset, month) - first).days + (day - whole))
    return tuple(moved)
