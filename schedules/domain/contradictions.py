"""Anchors that cannot be true together, each with the day that would mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta

from schedules.domain.anchors import applicable_anchors, follow
from schedules.domain.plan import AnchorDay, AnchorKind
from trials.domain.protocol import AnchorRule, Protocol, ReferenceKind


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two anchors that contradict each other; `mends` names anchors and the days that would mend it."""

    anchor: str
    other: str
    message: str
    mends: tuple[tuple[str, date], ...]


def find_contradictions(
    protocol: Protocol, anchors: Mapping[str, AnchorDay], traits: AbstractSet[str]
) -> tuple[Contradiction, ...]:
    """Every pair of anchors that cannot be true together.

    Two rules: an anchor that carries a block must stand where its derivation puts it (a
    later base after the point of no return is a hold, not a contradiction), and no anchor
    may follow one that its `not_after` names.
    """
    rules = [rule for rule in applicable_anchors(protocol, traits) if rule.code in anchors]
    firm = _carriers_of_blocks(protocol)
    shapes = [
        found for rule in rules if rule.code in firm for found in _out_of_shape(protocol, rule, anchors)
    ]
    orders = [found for rule in rules for found in _out_of_order(protocol, rule, anchors, firm)]
    known = {(found.anchor, found.other) for found in shapes}
    return (*shapes, *(found for found in orders if (found.anchor, found.other) not in known))


def _carriers_of_blocks(protocol: Protocol) -> set[str]:
    """The derived anchors whose derivation holds a block together."""
    return {
        rule.counts_from.code
        for rule in protocol.visits
        if rule.block
        and rule.counts_from.kind is ReferenceKind.ANCHOR
        and protocol.anchor_by_code[rule.counts_from.code].derived
    }


def _out_of_shape(
    protocol: Protocol, rule: AnchorRule, anchors: Mapping[str, AnchorDay]
) -> Iterator[Contradiction]:
    day, derived = anchors[rule.code], rule.derived
    base = anchors.get(derived.anchor) if derived else None
    if derived is None or base is None or not day.given:
        return
    implied = follow(base, derived.offset, protocol).day
    gap = (day.day - implied).days
    on_hold = rule.point_of_no_return and day.kind is AnchorKind.ACTUAL and gap < 0
    if gap == 0 or on_hold:
        return
    base_day = base.day + timedelta(days=gap)
    label = _labels(protocol)
    place = f"{derived.offset.words} {'before' if derived.offset.amount < 0 else 'after'}"
    yield Contradiction(
        rule.code,
        derived.anchor,
        f"{label[rule.code]} on {day.day} does not fit {label[derived.anchor]} on {base.day}: the protocol "
        f"puts it {place}; set {rule.code} to {implied} or {derived.anchor} to {base_day}",
        ((rule.code, implied), (derived.anchor, base_day)),
    )


def _out_of_order(
    protocol: Protocol, rule: AnchorRule, anchors: Mapping[str, AnchorDay], firm: AbstractSet[str]
) -> Iterator[Contradiction]:
    day = anchors[rule.code]
    label = _labels(protocol)
    for code in rule.not_after:
        other = anchors.get(code)
        if (
            other is None
            or day.day <= other.day
            or not all(_binding(c, anchors, firm) for c in (rule.code, code))
        ):
            continue
        root, root_day = _root(protocol, code, anchors, (day.day - other.day).days)
        yield Contradiction(
            rule.code,
            code,
            f"{label[rule.code]} on {day.day} is after {label[code]} on {other.day}, which it may not "
            f"follow; set {rule.code} to {other.day} or earlier, or {root} to {root_day} or later",
            ((rule.code, other.day), (root, root_day)),
        )


def _binding(code: str, anchors: Mapping[str, AnchorDay], firm: AbstractSet[str]) -> bool:
    """Whether the anchor's day was set or follows from a block; a merely expected day binds nobody."""
    return anchors[code].given or code in firm


def _root(protocol: Protocol, code: str, anchors: Mapping[str, AnchorDay], days: int) -> tuple[str, date]:
    """The set anchor that would have to move for `code` to move by so many days, and its new day."""
    derived = protocol.anchor_by_code[code].derived
    while derived and not anchors[code].given:
        code = derived.anchor
        derived = protocol.anchor_by_code[code].derived
    return code, anchors[code].day + timedelta(days=days)


def _labels(protocol: Protocol) -> dict[str, str]:
    return {anchor.code: anchor.label for anchor in protocol.anchors}
