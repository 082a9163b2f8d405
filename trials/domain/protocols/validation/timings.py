"""Rules about when visits happen: ranges, repeats, tolerances, and windows that overlap."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from trials.domain.protocols.findings import Findings, days_in_words, fault, listed, warning
from trials.domain.protocols.mentions import mentions, offsets, timing_offsets
from trials.domain.protocols.occurrences import average_days, is_many, occurrence_offsets
from trials.domain.protocols.offsets import MonthLength, Offset, Unit
from trials.domain.protocols.positions import Days, Positions, turned
from trials.domain.protocols.protocol import (
    AtOffset,
    Each,
    Over,
    Protocol,
    Reference,
    VisitRule,
    Within,
)

FARTHEST_YEARS = 150
_DAYS_PER_YEAR = 365.25
_MONTHS_VARY = 4.0
"""Days by which n calendar months differ at most from n average ones: February, leap days, a clamped 31st."""


def far_offsets(protocol: Protocol) -> Findings:
    """No offset is longer than a life; a longer one is a slip of the pen and may leave the calendar."""
    for path, offset in offsets(protocol):
        if abs(average_days(offset)) > FARTHEST_YEARS * _DAYS_PER_YEAR:
            remedy = f"an offset is at most {FARTHEST_YEARS} years"
            yield fault("far-offset", path, f"{offset.iso} is {offset.words}", remedy)


def hours_in_days(protocol: Protocol) -> Findings:
    """Ranges and tolerances are whole days; hours need an instant."""
    for index, visit in enumerate(protocol.visits):
        for key, offset in timing_offsets(visit.timing):
            if offset.unit is Unit.HOURS and (key.startswith("tolerance") or not _at_offset(visit)):
                message = f"{offset.iso} counts hours"
                remedy = "a range and a tolerance count days, weeks, months or years"
                yield fault("hours-in-days", f"visits[{index}].{key}", message, remedy)


def repeats(protocol: Protocol) -> Findings:
    """A repeat goes forward in its offset's unit and ends no earlier than it begins."""
    for index, visit in enumerate(protocol.visits):
        timing = visit.timing
        if not isinstance(timing, AtOffset) or timing.repeat is None:
            continue
        path = f"visits[{index}].repeat"
        every, until, first = timing.repeat.every, timing.repeat.until, timing.offset
        if every.amount <= 0:
            message = f"{every.iso} does not go forward"
            yield fault("repeat-not-forward", f"{path}.every", message, "give a length of time, such as P3M")
        for key, offset in (("every", every), ("until", until)):
            if offset.unit is not first.unit:
                message = f"{offset.iso} has another unit than `at`, which is {first.iso}"
                remedy = "give all in one unit, so that each time is one offset from the anchor"
                yield fault("repeat-unit", f"{path}.{key}", message, remedy)
        last = repeat_end(visit)
        if last is not None and last != until:
            message = f"the last visit is at {last.iso}, not at {until.iso}"
            yield warning(
                "repeat-remainder", f"{path}.until", message, f"give {last.iso}, or another `every`"
            )
        if average_days(until) < average_days(first):
            message = f"{until.iso} is before `at`, which is {first.iso}"
            yield fault("repeat-ends-early", f"{path}.until", message, f"give {first.iso} or later")


def repeat_end(visit: VisitRule) -> Offset | None:
    """Return where the last visit of a sound repeat lies; None where the repeat makes no sense."""
    timing = visit.timing
    if not isinstance(timing, AtOffset) or timing.repeat is None:
        return None
    every, until, first = timing.repeat.every, timing.repeat.until, timing.offset
    if every.amount <= 0 or {every.unit, until.unit} != {first.unit} or until.amount < first.amount:
        return None
    return Offset(first.amount + (until.amount - first.amount) // every.amount * every.amount, first.unit)


def uneven_days(protocol: Protocol) -> Findings:
    """A visit on each day of a range needs a number of days that does not depend on the anchor."""
    for index, visit in enumerate(protocol.visits):
        if not isinstance(visit.timing, Each):
            continue
        for key, offset in timing_offsets(visit.timing):
            if offset.days() is None and offset.unit is not Unit.HOURS:
                message = f"{offset.iso} is not a fixed number of days"
                remedy = "give each day of a range in days or weeks"
                yield fault("uneven-days", f"visits[{index}].{key}", message, remedy)


def tolerances(protocol: Protocol) -> Findings:
    """A tolerance has no sign: a negative one would open the visit's window after it closes."""
    for index, visit in enumerate(protocol.visits):
        for key, offset in timing_offsets(visit.timing):
            if key.startswith("tolerance") and offset.amount < 0:
                message = f"{offset.iso} is negative"
                remedy = f"give it without a sign: {(-offset).iso}"
                yield fault("negative-tolerance", f"visits[{index}].{key}", message, remedy)


def references_to_many(protocol: Protocol) -> Findings:
    """What counts from a visit needs one day: a rule on several days has none to count from."""
    many = {visit.code: visit for visit in protocol.visits if is_many(visit)}
    for mention in mentions(protocol):
        if mention.kind == "visit" and mention.path.endswith(".visit") and mention.code in many:
            each = tuple(occurrence_offsets(many[mention.code]))
            message = f"{mention.code!r} is not one visit, but {len(each)}"
            yield fault("many-visits", mention.path, message, f"name one of {listed(each)}")


def turned_ranges(positions: Positions) -> Findings:
    """A range ends no earlier than it begins, and its target lies in it."""
    for index, visit in enumerate(positions.protocol.visits):
        timing = visit.timing
        units = {offset.unit for _, offset in timing_offsets(timing)}
        if not isinstance(timing, AtOffset) and Unit.HOURS not in units:
            yield from _turned_range(positions, visit, timing, f"visits[{index}].{timing.kind}")


def _turned_range(
    positions: Positions, visit: VisitRule, timing: Within | Each | Over, path: str
) -> Findings:
    first, last = (positions.at(visit.counts_from, end) for end in (timing.first, timing.last))
    if turned(first, last):
        message = f"the range from {timing.first.iso} to {timing.last.iso} is turned round"
        yield fault("range-turned", path, message, "give the earlier end as `first`")
    elif isinstance(timing, Within) and timing.target is not None:
        target = positions.at(visit.counts_from, timing.target)
        if turned(first, target) or turned(target, last):
            message = f"the target {timing.target.iso} lies outside {timing.first.iso} to {timing.last.iso}"
            yield fault("target-outside", f"{path}.target", message, "give a target inside the range")


@dataclass(frozen=True, slots=True)
class _Span:
    """One visit that may slip, and its nominal days, widened by what months can add to them."""

    index: int
    visit: VisitRule
    code: str
    offset: Offset
    opens: float
    closes: float


def overlapping_windows(positions: Positions) -> Findings:
    """Two visits from the same anchor should not be on time on the same day (worst case of months).

    Only visits that may slip are looked at (at an offset, within a range). Visits for disjoint
    traits are taken for alternatives, unless every participant has one of the traits.
    """
    told: set[tuple[int, int]] = set()
    for spans in _spans(positions).values():
        for one, other in _near(spans, told, positions.protocol):
            shared, pair = _shared_days(positions, one, other), (one.index, other.index)
            if shared < 1:
                continue
            told.add(pair)
            both = f"{one.code!r} and {other.code!r}"
            message = f"the windows of {both} overlap by up to {days_in_words(shared)}"
            remedy = "narrow a tolerance, or leave it so if the protocol does"
            yield warning("overlapping-windows", f"visits[{other.index}]", message, remedy)


def _near(
    spans: list[_Span], told: set[tuple[int, int]], protocol: Protocol
) -> Iterator[tuple[_Span, _Span]]:
    """Pairs that may share a day by their nominal days, the earlier first; none of rules that are told.

    One walk along the days: of each rule only the windows still open are looked at, so that a
    thousand visits of a rule cost what a thousand visits cost and not their square.
    """

    @cache
    def are_alternatives(one: int, other: int) -> bool:
        return alternatives(protocol, protocol.visits[one].applies_to, protocol.visits[other].applies_to)

    open_now: dict[int, deque[_Span]] = {}
    for span in sorted(spans, key=lambda span: (span.opens, span.index)):
        for index, others in open_now.items():
            pair = (min(index, span.index), max(index, span.index))
            if pair in told or are_alternatives(*pair):
                continue
            while others and others[0].closes < span.opens:
                others.popleft()
            for other in others:
                if pair in told:  # the caller tells of it between two of them
                    break
                yield (other, span) if other.index <= span.index else (span, other)
        open_now.setdefault(span.index, deque()).append(span)


def _shared_days(positions: Positions, one: _Span, other: _Span) -> float:
    """The most days that both windows hold, over all first days."""
    first, second = _days_of(positions, one), _days_of(positions, other)
    if not first or not second:
        return 0
    ends = zip(*first, *second, strict=True)
    return max(min(c1, c2) - max(o1, o2) + 1 for o1, c1, o2, c2 in ends)


def alternatives(protocol: Protocol, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether rules for these traits are for different participants: both name some, none in common.

    A trait that every participant has makes a rule hold for everybody.
    """
    always = {trait.code for trait in protocol.traits if trait.always}
    if not one or not other or always.intersection(one + other):
        return False
    return set(one).isdisjoint(other)


def _spans(positions: Positions) -> dict[Reference, list[_Span]]:
    """The windows of all visits that may slip, each repeat by itself, by what they count from."""
    groups: dict[Reference, list[_Span]] = {}
    for index, visit in enumerate(positions.protocol.visits):
        timing = visit.timing
        if isinstance(timing, Within):
            ends = [(visit.code, timing.first, *_nominal(positions, timing.first, timing.last))]
        elif isinstance(timing, AtOffset) and timing.offset.unit is not Unit.HOURS:
            ends = [
                (code, at, *_around(positions, at, timing)) for code, at in occurrence_offsets(visit).items()
            ]
        else:
            continue
        spans = groups.setdefault(visit.counts_from, [])
        spans += [_Span(index, visit, code, offset, opens, closes) for code, offset, opens, closes in ends]
    return groups


def _nominal(positions: Positions, first: Offset, last: Offset) -> tuple[float, float]:
    month = positions.protocol.month
    return _days_about(first, month) - _slack(first, month), _days_about(last, month) + _slack(last, month)


def _around(positions: Positions, at: Offset, timing: AtOffset) -> tuple[float, float]:
    before, after = timing.tolerance.before, timing.tolerance.after
    month, whole = positions.protocol.month, (at, before, after)
    slack = sum(_slack(offset, month) for offset in whole)
    target = _days_about(at, month)
    return target - _days_about(before, month) - slack, target + _days_about(after, month) + slack


def _days_about(offset: Offset, month: MonthLength) -> float:
    fixed = offset.days(month)
    return average_days(offset) if fixed is None else fixed


def _slack(offset: Offset, month: MonthLength) -> float:
    """How far a number of months may be from so many average ones."""
    return 0 if offset.days(month) is not None else _MONTHS_VARY


def _days_of(positions: Positions, span: _Span) -> tuple[Days, Days] | None:
    """When a window opens and closes, after the root's first days."""
    visit, timing = span.visit, span.visit.timing
    if isinstance(timing, Within):
        first, last = (positions.at(visit.counts_from, end) for end in (timing.first, timing.last))
        return (first.days, last.days) if first and last else None
    assert isinstance(timing, AtOffset), "only such visits have spans"
    target = positions.at(visit.counts_from, span.offset)
    opens = positions.shifted(target, -timing.tolerance.before)
    closes = positions.shifted(target, timing.tolerance.after)
    return (opens.days, closes.days) if opens and closes else None


def _at_offset(visit: VisitRule) -> bool:
    return not isinstance(visit.timing, Each | Over | Within)
