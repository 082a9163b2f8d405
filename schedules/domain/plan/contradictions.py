"""Anchors that cannot be true together, each with the day that would mend it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta

from schedules.domain.plan.anchors import applicable_anchors, follow
from schedules.domain.plan.explanations import offset_words
from schedules.domain.plan.values import AnchorDay, AnchorKind
from trials.domain.protocols.offsets import shift_day
from trials.domain.protocols.protocol import AnchorRule, Protocol, ReferenceKind, Within
from trials.domain.words import Code, Value, Words
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two anchors that contradict each other; `mends` names anchors and the days that would mend it.

    `shape` where a block would lose its shape; otherwise their order is turned round.
    """

    anchor: str
    other: str
    words: Words
    mends: tuple[tuple[str, date], ...]
    shape: bool = False

    @property
    def message(self) -> str:
        """What contradicts what, and the days that would mend it, in English."""
        return self.words.text()


def find_contradictions(
    protocol: Protocol, anchors: Mapping[str, AnchorDay], traits: AbstractSet[str]
) -> tuple[Contradiction, ...]:
    """Every pair of anchors that cannot be true together.

    Two rules: an anchor that carries a block must stand where its derivation puts it (a
    later base after the point of no return is a hold, not a contradiction), and no anchor
    may follow one that its `not_after` names. A screening that is still to come counts with the
    whole range in which it may be.
    """
    rules = [rule for rule in applicable_anchors(protocol, traits) if rule.code in anchors]
    firm = _carriers_of_blocks(protocol)
    shapes = [
        found for rule in rules if rule.code in firm for found in _out_of_shape(protocol, rule, anchors)
    ]
    orders = _out_of_order(protocol, rules, anchors, firm)
    known = {(found.anchor, found.other) for found in shapes}
    return (*shapes, *(found for found in orders if (found.anchor, found.other) not in known))


def _carriers_of_blocks(protocol: Protocol) -> set[str]:
    """The derived anchors whose derivation holds a block together.

    Not one from which the block's other anchors follow, as a second infusion from the first one: where that
    stands, the whole block does.
    """
    blocks: dict[str, set[str]] = {}
    for rule in protocol.visits:
        if rule.block and rule.counts_from.kind is ReferenceKind.ANCHOR:
            blocks.setdefault(rule.block, set()).add(rule.counts_from.code)
    bases = {one.code: one.derived.anchor for one in protocol.anchors if one.derived}
    return {
        code
        for carriers in blocks.values()
        for code in carriers.intersection(bases)
        if bases[code] in carriers or code not in {bases.get(other) for other in carriers}
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
    place = _("%(offset)s before") if derived.offset.amount < 0 else _("%(offset)s after")
    values: dict[str, Value] = {
        "anchor": label[rule.code],
        "day": day.day,
        "base": label[derived.anchor],
        "base_day": base.day,
        "place": Words.of(place, {"offset": offset_words(derived.offset)}),
        "one": label[rule.code],
        "one_day": implied,
        "other": label[derived.anchor],
        "other_day": base_day,
    }
    template = _(
        "%(anchor)s on %(day)s does not fit %(base)s on %(base_day)s: the protocol puts it %(place)s; "
        "set %(one)s to %(one_day)s or %(other)s to %(other_day)s"
    )
    mends = ((rule.code, implied), (derived.anchor, base_day))
    yield Contradiction(rule.code, derived.anchor, Words.of(template, values), mends, shape=True)


@dataclass(frozen=True, slots=True)
class _Crossing:
    """An anchor that is at the earliest after the latest day of one that it may not follow."""

    code: str
    other: str
    at_earliest: date
    at_latest: date


def _out_of_order(
    protocol: Protocol, rules: Sequence[AnchorRule], anchors: Mapping[str, AnchorDay], firm: AbstractSet[str]
) -> Iterator[Contradiction]:
    """Order turned round; where several pairs are, every day that is offered mends them all."""
    spans = {rule.code: _span(protocol, rule.code, anchors, firm) for rule in rules}
    crossings = [
        _Crossing(rule.code, code, span[0], other[1])
        for rule in rules
        for code in rule.not_after
        if (span := spans.get(rule.code)) and (other := spans.get(code)) and span[0] > other[1]
    ]
    at_latest: dict[str, date] = {}
    at_earliest: dict[str, date] = {}
    for found in crossings:
        gap = found.at_earliest - found.at_latest
        first, second = root_of(protocol, found.code, anchors), root_of(protocol, found.other, anchors)
        earlier, later = anchors[first].day - gap, anchors[second].day + gap
        at_latest[first] = min(earlier, at_latest.get(first, earlier))
        at_earliest[second] = max(later, at_earliest.get(second, later))
    for found in crossings:
        first, second = root_of(protocol, found.code, anchors), root_of(protocol, found.other, anchors)
        yield _crossed(protocol, found, (first, at_latest[first]), (second, at_earliest[second]))


def _crossed(
    protocol: Protocol, found: _Crossing, earlier: tuple[str, date], later: tuple[str, date]
) -> Contradiction:
    label = _labels(protocol)
    values: dict[str, Value] = {
        "anchor": label[found.code],
        "day": found.at_earliest,
        "base": label[found.other],
        "base_day": found.at_latest,
        "one": label[earlier[0]],
        "one_day": earlier[1],
        "other": label[later[0]],
        "other_day": later[1],
    }
    template = _(
        "%(anchor)s on %(day)s is after %(base)s on %(base_day)s, which it may not follow; "
        "set %(one)s to %(one_day)s or earlier, or %(other)s to %(other_day)s or later"
    )
    return Contradiction(found.code, found.other, Words.of(template, values), (earlier, later))


def _span(
    protocol: Protocol, code: str, anchors: Mapping[str, AnchorDay], firm: AbstractSet[str]
) -> tuple[date, date] | None:
    """The days on which an anchor can be; None where it is merely expected, which binds nobody.

    An anchor that a visit within a range will set can be on any day of that range.
    """
    day, derived = anchors[code], protocol.anchor_by_code[code].derived
    if day.given or code in firm:
        return day.day, day.day
    visit = protocol.visit_by_code.get(derived.visit or "") if derived else None
    base = anchors.get(visit.counts_from.code) if visit else None
    if visit is None or base is None or not isinstance(visit.timing, Within):
        return None
    ends = (visit.timing.first, visit.timing.last)
    first, last = (shift_day(base.day, end, protocol.month) for end in ends)
    return first, last


def root_of(protocol: Protocol, code: str, anchors: Mapping[str, AnchorDay]) -> str:
    """The set anchor that would have to move for `code` to move."""
    derived = protocol.anchor_by_code[code].derived
    while derived and not anchors[code].given:
        code = derived.anchor
        derived = protocol.anchor_by_code[code].derived
    return code


def _labels(protocol: Protocol) -> dict[str, Code]:
    return {anchor.code: Code(anchor.label) for anchor in protocol.anchors}
