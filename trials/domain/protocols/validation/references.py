"""Rules about what names what: for the same people, once each, and in an order that can be kept."""

from __future__ import annotations

from collections.abc import Iterator

from trials.domain.language import Text
from trials.domain.protocols.findings import Findings, days_in_words, fault, listed, warning
from trials.domain.protocols.mentions import bounds
from trials.domain.protocols.occurrences import occurrence_rules
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.positions import Position, Positions, turned
from trials.domain.protocols.protocol import (
    Conduct,
    HalfLives,
    Over,
    Protocol,
    Reference,
    ReferenceKind,
    Washout,
)

Groups = dict[tuple[str, str], tuple[str, ...]]


def partial_bases(protocol: Protocol) -> Findings:
    """A rule counts from something that everybody has for whom the rule holds.

    Ends of windows with several moments are left out: those who have one of the two need no other.
    """
    always = {trait.code for trait in protocol.traits if trait.always}
    targets = _groups(protocol)
    for path, own, reference in _counted(protocol):
        target = set(targets.get((reference.kind.value, reference.code), ()))
        mine = set(own)
        if not target or (target | mine) & always or (mine and (mine <= target or mine.isdisjoint(target))):
            continue
        whom = f"for {listed(own)}" if mine else "for everybody"
        message = f"it is {whom}, but the {reference.kind} {reference.code!r} is only for {listed(target)}"
        remedy = "let both apply to the same participants, or count from something that all of them have"
        yield warning("partial-base", path, message, remedy)


def over_references(protocol: Protocol) -> Findings:
    """What counts from a visit over a range counts from its first day: better said than found out."""
    rules = occurrence_rules(protocol.visits)
    for path, _own, reference in _counted(protocol):
        rule = rules.get(reference.code) if reference.kind is ReferenceKind.VISIT else None
        if rule is not None and isinstance(rule.timing, Over):
            message = (
                f"{rule.code!r} lasts from {rule.timing.first.iso} to {rule.timing.last.iso}: this counts "
                "from its first day, and from the day on record once that is known"
            )
            remedy = (
                f"count from {rule.counts_from.code!r}, or from a visit on one day, if the last day is meant"
            )
            yield warning("over-reference", f"{path}.{reference.kind}", message, remedy)


def named_twice(protocol: Protocol) -> Findings:
    """A list names each thing once, and the visits of an activity are some."""
    for path, given in _lists(protocol):
        seen: set[str] = set()
        for number, code in enumerate(given):
            if code in seen:
                message = f"{code!r} is named a second time"
                yield warning("named-twice", f"{path}[{number}]", message, "name each once")
            seen.add(code)
    for index, activity in enumerate(protocol.activities):
        if not activity.visits:
            message = f"the activity {activity.code!r} is done at no visit"
            remedy = "name the visits at which it is done, or leave the activity out"
            yield warning("empty-list", f"activities[{index}].visits", message, remedy)


def turned_anchors(positions: Positions) -> Findings:
    """An anchor lies no later than those which it may not follow, and it may always follow itself."""
    protocol = positions.protocol
    for index, anchor in enumerate(protocol.anchors):
        for number, other in enumerate(anchor.not_after):
            path = f"anchors[{index}].not_after[{number}]"
            if other == anchor.code:
                message = f"the anchor {other!r} may not follow itself"
                yield fault("not-after-itself", path, message, "name the anchors that come later")
                continue
            places = (Reference(ReferenceKind.ANCHOR, code) for code in (anchor.code, other))
            found = turned(*(positions.of(place) for place in places))
            if found:
                message = (
                    f"{anchor.code!r} may not follow {other!r}, but its rule puts it "
                    f"{days_in_words(found[0])} later"
                )
                remedy = "give it an offset that is not later, or leave the other out of `not_after`"
                yield fault("order-turned", path, message, remedy)


def turned_by_order(positions: Positions) -> Findings:
    """A window does not end before it starts where only the order of anchors, or half-lives, tell so."""
    later = _later(positions.protocol)
    for index, window in enumerate(positions.protocol.windows):
        if window.starts is None or window.ends is None:
            continue
        starts, ends = positions.bound(window.starts), positions.bound(window.ends)
        if ends is None:
            continue
        by_order = starts is not None and _is_before(ends, starts, later)
        after = (one for one in window.starts.moments if _lies_half_lives_after(one.offset))
        if by_order or any(positions.of(one.counts_from) == ends for one in after):
            message = f"the window {window.code!r} opens after it closes"
            remedy = (
                "let it start no later than it ends; what looks back has a sign, such as -P14D or count: -5"
            )
            yield fault("window-turned", f"windows[{index}]", message, remedy)


def unfounded_end(protocol: Protocol) -> Findings:
    """The planned end says when, so it says on what basis; asked of documents in the newer form."""
    new = bool(protocol.facts) or any(isinstance(one.label, Text) for one in protocol.visits)
    if new and protocol.planned_end is not None and protocol.planned_end_basis is None:
        message = f"the planned end {protocol.planned_end} has no basis"
        remedy = "give `planned_end_basis`, such as {stated: SOURCE, section: WHERE}, or assumed"
        yield warning("no-basis", "planned_end", message, remedy)


def _lies_half_lives_after(offset: Offset | HalfLives) -> bool:
    return isinstance(offset, HalfLives) and offset.count > 0


def _is_before(ends: Position, starts: Position, later: dict[str, set[str]]) -> bool:
    """Whether what ends counts from an anchor that comes no later, and lies no later, than what starts."""
    ordered = starts.root.code in later.get(ends.root.code, set())
    return ordered and starts.root != ends.root and max(ends.days) < min(starts.days)


def _later(protocol: Protocol) -> dict[str, set[str]]:
    """The anchors that each anchor may not follow, by way of others as well."""
    near = {anchor.code: set(anchor.not_after) for anchor in protocol.anchors}
    found: dict[str, set[str]] = {}
    for code in near:
        todo, reached = [code], set[str]()
        while todo:
            more = near.get(todo.pop(), set()) - reached
            reached |= more
            todo += more
        found[code] = reached - {code}
    return found


def _counted(protocol: Protocol) -> Iterator[tuple[str, tuple[str, ...], Reference]]:
    """What rules count from: the path, for whom the rule is, and the thing."""
    for index, anchor in enumerate(protocol.anchors):
        if anchor.derived:
            base = Reference(ReferenceKind.ANCHOR, anchor.derived.anchor)
            yield f"anchors[{index}].derived.anchor", anchor.applies_to, base
    for index, visit in enumerate(protocol.visits):
        yield f"visits[{index}].from", visit.applies_to, visit.counts_from
    whom = [window.applies_to for window in protocol.windows]
    for path, bound in bounds(protocol):
        if len(bound.moments) == 1:
            own = whom[int(path.partition("[")[2].partition("]")[0])]
            yield f"{path}.from", own, bound.moments[0].counts_from


def _groups(protocol: Protocol) -> Groups:
    """For whom each anchor, visit and activity is."""
    return {
        **{("anchor", anchor.code): anchor.applies_to for anchor in protocol.anchors},
        **{("visit", code): rule.applies_to for code, rule in occurrence_rules(protocol.visits).items()},
        **{("activity", activity.code): activity.applies_to for activity in protocol.activities},
    }


def _lists(protocol: Protocol) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The lists of codes, each with its path."""
    for name in ("anchors", "visits", "activities", "windows"):
        for index, rule in enumerate(getattr(protocol, name)):
            yield f"{name}[{index}].applies_to", rule.applies_to
    for index, anchor in enumerate(protocol.anchors):
        yield f"anchors[{index}].not_after", anchor.not_after
    for index, activity in enumerate(protocol.activities):
        yield f"activities[{index}].visits", activity.visits
    for index, window in enumerate(protocol.windows):
        if isinstance(window.terms, Conduct):
            yield f"windows[{index}].conduct.confirmed_at", window.terms.confirmed_at
        if isinstance(window.terms, Washout):
            yield f"windows[{index}].washout.of", window.terms.of
    yield "unscheduled_epochs", protocol.unscheduled_epochs
