"""Rules about protocol windows, gates and blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

from trials.domain.errors import Problem, Severity
from trials.domain.protocols.findings import Findings, days_in_words, fault
from trials.domain.protocols.mentions import intervals
from trials.domain.protocols.offsets import Unit
from trials.domain.protocols.positions import Days, Positions, turned
from trials.domain.protocols.protocol import (
    PRODUCT_STEPS,
    AtOffset,
    Observation,
    Protocol,
    Reference,
    VisitRule,
    Within,
    applies,
)

_MOST_TRAITS = 20


def turned_windows(positions: Positions) -> Findings:
    """A window opens no later than it closes, where both ends can be compared."""
    for index, window in enumerate(positions.protocol.windows):
        if window.starts is None or window.ends is None:
            continue
        starts = positions.bound(window.starts)
        if found := turned(starts, positions.bound(window.ends)):
            days, worst = found
            root = starts.root.code if starts else ""
            message = (
                f"it opens {days_in_words(days)} after it closes "
                f"(with {root} on {positions.first_days[worst]})"
            )
            yield fault("window-turned", f"windows[{index}]", message, "let it start no later than it ends")


def empty_gates(protocol: Protocol) -> Findings:
    """A gate asks for something, and what it waits for is an observation."""
    windows = {window.code: window for window in protocol.windows}
    for index, gate in enumerate(protocol.gates):
        path = f"gates[{index}]"
        asks = (gate.observation, gate.interval, gate.first_of_level_interval)
        if all(part is None for part in asks) and not gate.review:
            remedy = "give observation, interval, first_of_level_interval or review: true"
            yield fault("empty-gate", path, f"the gate {gate.code!r} asks for nothing", remedy)
        window = windows.get(gate.observation or "")
        if window is not None and not isinstance(window.terms, Observation):
            message = f"the window {window.code!r} is one of {window.kind}, not of observation"
            yield fault("gate-not-observation", f"{path}.observation", message, _observations(protocol))


def gate_intervals(protocol: Protocol) -> Findings:
    """An interval between two participants, a hold and the days of a product go forward."""
    for path, offset in intervals(protocol):
        if offset.amount < 0:
            remedy = f"give it without a sign: {(-offset).iso}"
            yield fault("negative-interval", path, f"{offset.iso} is negative", remedy)


def hold_lengths(protocol: Protocol) -> Findings:
    """The clocks of a hold and of a product run in hours, days or weeks: no month changes their length."""
    hold = protocol.hold
    lengths = {"hold.afebrile": hold.afebrile, "hold.escalate_after": hold.escalate_after} if hold else {}
    product = protocol.product
    for step in PRODUCT_STEPS if product else ():
        lengths[f"product.{step}"] = getattr(product, step)
    for key, offset in lengths.items():
        if offset is not None and offset.unit in (Unit.MONTHS, Unit.YEARS):
            message = f"{offset.iso} counts months or years"
            yield fault("uneven-days", key, message, "count hours, days or weeks")


def _observations(protocol: Protocol) -> str:
    found = [window.code for window in protocol.windows if isinstance(window.terms, Observation)]
    return f"possible are {', '.join(found)}" if found else "declare a window of observation"


@dataclass(frozen=True, slots=True)
class _Member:
    """A visit of a block, with the days it takes after the root's first days."""

    index: int
    visit: VisitRule
    root: Reference
    first: Days
    last: Days


def blocks(positions: Positions) -> Findings:
    """The visits of a block have fixed days that follow each other without a hole and without overlap.

    Judged for participants without any trait and for those with each of the traits by itself,
    since a visit of the block may be for some participants only.
    """
    protocol = positions.protocol
    for block in protocol.blocks:
        visits = [(index, visit) for index, visit in enumerate(protocol.visits) if visit.block == block.code]
        loose = [problem for index, visit in visits for problem in _unfixed(index, visit)]
        yield from loose
        if not loose:
            members = [_member(positions, index, visit) for index, visit in visits]
            if all(members):
                known = [member for member in members if member]
                found = list(_shape(protocol, known, _groups(protocol, known)))
                yield from found or _where_traits_meet(protocol, known)


def _unfixed(index: int, visit: VisitRule) -> Findings:
    """Why a visit of a block has no fixed days."""
    path, timing = f"visits[{index}]", visit.timing
    if isinstance(timing, Within):
        message = f"{visit.code!r} is in a block, but may happen on any day of a range"
        yield fault("block-range", f"{path}.within", message, "use at, each or over, or leave the block out")
    if not isinstance(timing, AtOffset):
        return
    if timing.tolerance.before.amount or timing.tolerance.after.amount:
        message = f"{visit.code!r} is in a block, but may slip"
        yield fault("block-tolerance", f"{path}.tolerance", message, "give before: P0D and after: P0D")
    if timing.repeat is not None:
        message = f"{visit.code!r} is in a block, but repeats"
        yield fault("block-repeat", f"{path}.repeat", message, "use each, or leave the block out")


def _member(positions: Positions, index: int, visit: VisitRule) -> _Member | None:
    timing = visit.timing
    ends = (timing.offset, timing.offset) if isinstance(timing, AtOffset) else (timing.first, timing.last)
    first, last = (positions.at(visit.counts_from, end) for end in ends)
    if first is None or last is None or turned(first, last):
        return None
    return _Member(index, visit, first.root, first.days, last.days)


def _where_traits_meet(protocol: Protocol, members: list[_Member]) -> Findings:
    """What breaks a block for somebody with two traits: a warning, since they may exclude each other."""
    traits = dict.fromkeys(code for member in members for code in member.visit.applies_to)
    meeting = combinations(traits, 2) if len(traits) <= _MOST_TRAITS else [tuple(traits)]
    pairs = (protocol.effective_traits(set(pair)) for pair in meeting)
    for problem in dict.fromkeys(_shape(protocol, members, pairs)):
        remedy = f"{problem.remedy}, or leave it so if nobody has both traits"
        yield replace(problem, severity=Severity.WARNING, remedy=remedy)


def _shape(protocol: Protocol, members: list[_Member], groups: Iterable[frozenset[str]]) -> Findings:
    """What breaks the shape of a block, for each group of participants."""
    for group in groups:
        present = [member for member in members if applies(member.visit.applies_to, group)]
        stray = next((member for member in present if member.root != present[0].root), None)
        if stray:
            yield _stray(present[0], stray)
            continue
        present.sort(key=lambda member: member.first)
        for before, after in pairwise(present):
            yield from _join(before, after)


def _groups(protocol: Protocol, members: list[_Member]) -> Iterator[frozenset[str]]:
    """The traits of participants to try: none, and each that the block asks for, by itself."""
    yield protocol.effective_traits(frozenset())
    for trait in dict.fromkeys(code for member in members for code in member.visit.applies_to):
        yield protocol.effective_traits({trait})


def _stray(first: _Member, stray: _Member) -> Problem:
    """The fault of a visit that would not move with the rest of its block."""
    message = f"{first.visit.code!r} and {stray.visit.code!r} hang on days that do not move together"
    remedy = f"count both from one anchor, or derive {stray.root.code!r} from {first.root.code!r} or its base"
    return fault("loose-block", f"visits[{stray.index}]", message, remedy)


def _join(before: _Member, after: _Member) -> Findings:
    """What is wrong where one visit of a block ends and the next begins."""
    path = f"visits[{after.index}]"
    gaps = [start - end - 1 for start, end in zip(after.first, before.last, strict=True)]
    if max(gaps) > 0:
        between = f"{before.visit.code!r} and {after.visit.code!r}"
        message = f"the block has a hole of {days_in_words(max(gaps))} between {between}"
        yield fault("block-hole", path, message, "let the visits of a block follow each other day by day")
    elif min(gaps) < 0:
        message = f"{before.visit.code!r} and {after.visit.code!r} share {days_in_words(-min(gaps))}"
        yield fault("block-overlap", path, message, "give each day of a block to one visit")
