"""Rules about when visits happen: ranges, repeats, tolerances, and windows that overlap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from trials.domain.findings import Findings, days_in_words, fault, listed, warning
from trials.domain.mentions import mentions, offsets, timing_offsets
from trials.domain.occurrences import average_days, is_many, occurrence_offsets
from trials.domain.offsets import Offset, Unit
from trials.domain.positions import Days, Positions, turned
from trials.domain.protocol import AtOffset, Each, Over, Protocol, Reference, VisitRule, Within

FARTHEST_YEARS = 150
_DAYS_PER_YEAR = 365.25


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
        if isinstance(timing, AtOffset) or Unit.HOURS in units:
            continue
        path = f"visits[{index}].{timing.kind}"
        first, last = (positions.at(visit.counts_from, end) for end in (timing.first, timing.last))
        if turned(first, last):
            message = f"the range from {timing.first.iso} to {timing.last.iso} is turned round"
            yield fault("range-turned", path, message, "give the earlier end as `first`")
        elif isinstance(timing, Within) and timing.target is not None:
            target = positions.at(visit.counts_from, timing.target)
            if turned(first, target) or turned(target, last):
                message = (
                    f"the target {timing.target.iso} lies outside {timing.first.iso} to {timing.last.iso}"
                )
                yield fault("target-outside", f"{path}.target", message, "give a target inside the range")


@dataclass(frozen=True, slots=True)
class _Span:
    """The days of one visit that may slip: when it opens and closes, after the root's first days."""

    index: int
    visit: VisitRule
    code: str
    opens: Days
    closes: Days

    def shared_days(self, other: _Span) -> float:
        """The most days that both windows hold, over all first days."""
        if max(self.closes) < min(other.opens) or max(other.closes) < min(self.opens):
            return 0
        ends = zip(self.opens, self.closes, other.opens, other.closes, strict=True)
        return max(min(c1, c2) - max(o1, o2) + 1 for o1, c1, o2, c2 in ends)


def overlapping_windows(positions: Positions) -> Findings:
    """Two visits from the same anchor should not be on time on the same day (worst case of months).

    Only visits that may slip are looked at (at an offset, within a range). Visits for disjoint
    traits are taken for alternatives, unless every participant has one of the traits.
    """
    groups: dict[Reference, list[_Span]] = {}
    for span in _spans(positions):
        groups.setdefault(span.visit.counts_from, []).append(span)
    told: set[tuple[int, int]] = set()
    for spans in groups.values():
        for one, other in combinations(spans, 2):
            shared, pair = one.shared_days(other), (one.index, other.index)
            if shared < 1 or pair in told:
                continue
            if alternatives(positions.protocol, one.visit.applies_to, other.visit.applies_to):
                continue
            told.add(pair)
            both = f"{one.code!r} and {other.code!r}"
            message = f"the windows of {both} overlap by up to {days_in_words(shared)}"
            remedy = "narrow a tolerance, or leave it so if the protocol does"
            yield warning("overlapping-windows", f"visits[{other.index}]", message, remedy)


def alternatives(protocol: Protocol, one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether rules for these traits are for different participants: both name some, none in common.

    A trait that every participant has makes a rule hold for everybody.
    """
    always = {trait.code for trait in protocol.traits if trait.always}
    if not one or not other or always.intersection(one + other):
        return False
    return set(one).isdisjoint(other)


def _spans(positions: Positions) -> Iterator[_Span]:
    """The windows of all visits that may slip, each repeat by itself."""
    for index, visit in enumerate(positions.protocol.visits):
        for code, opens, closes in _ends(positions, visit):
            yield _Span(index, visit, code, opens, closes)


def _ends(positions: Positions, visit: VisitRule) -> Iterator[tuple[str, Days, Days]]:
    timing = visit.timing
    if isinstance(timing, Within):
        first, last = (positions.at(visit.counts_from, end) for end in (timing.first, timing.last))
        if first and last:
            yield visit.code, first.days, last.days
    elif isinstance(timing, AtOffset) and timing.offset.unit is not Unit.HOURS:
        for code, offset in occurrence_offsets(visit).items():
            opens = positions.beside(visit.counts_from, offset, -timing.tolerance.before)
            closes = positions.beside(visit.counts_from, offset, timing.tolerance.after)
            if opens and closes:
                yield code, opens.days, closes.days


def _at_offset(visit: VisitRule) -> bool:
    return not isinstance(visit.timing, Each | Over | Within)
