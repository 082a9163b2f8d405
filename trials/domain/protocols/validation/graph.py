"""Rules about what hangs on what: no circles, and every anchor with a way to day zero."""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Iterator, Mapping

from trials.domain.protocols.findings import Findings, fault, warning
from trials.domain.protocols.occurrences import is_many, occurrence_rules, occurrences
from trials.domain.protocols.protocol import (
    AnchorRule,
    AtOffset,
    Each,
    Protocol,
    Reference,
    ReferenceKind,
    Role,
    VisitRule,
)

_SECTIONS = {
    ReferenceKind.ANCHOR: ("anchors", "derived"),
    ReferenceKind.VISIT: ("visits", "from"),
    ReferenceKind.ACTIVITY: ("activities", "visits"),
}
Graph = Mapping[Reference, tuple[Reference, ...]]


def circles(protocol: Protocol) -> Findings:
    """No anchor, visit or activity counts from itself, however many others lie between."""
    graph = _graph(protocol)
    numbers = {node: number for number, node in enumerate(graph)}
    for found in _circles(graph):
        start = found.index(min(found, key=numbers.__getitem__))
        circle = found[start:] + found[:start]
        names = [f"the {node.kind} {node.code!r}" for node in (*circle, circle[0])]
        message = f"{names[0]} counts from {', which counts from '.join(names[1:])}"
        remedy = "let one of them count from something else, or from nothing"
        yield fault("circular", _path(protocol, circle[0]), message, remedy)


def loose_anchors(protocol: Protocol) -> Findings:
    """Some rule says how an anchor lies to day zero: a derivation or an order."""
    near: dict[str, set[str]] = {anchor.code: set() for anchor in protocol.anchors}
    for anchor in protocol.anchors:
        base = (anchor.derived.anchor,) if anchor.derived else ()
        for other in (*base, *anchor.not_after):
            near[anchor.code].add(other)
            near.setdefault(other, set()).add(anchor.code)
    reached, todo = {protocol.day_zero}, [protocol.day_zero]
    while todo:
        found = near.get(todo.pop(), set()) - reached
        reached |= found
        todo += found
    if protocol.day_zero not in protocol.anchor_by_code:
        return
    for index, anchor in enumerate(protocol.anchors):
        if anchor.code not in reached:
            message = f"nothing says how the anchor {anchor.code!r} lies to {protocol.day_zero!r}, day zero"
            yield warning("loose-anchor", f"anchors[{index}]", message, "give it `derived` or `not_after`")


def unset_anchors(protocol: Protocol) -> Findings:
    """A day that visits count from comes from somewhere: a visit, a derivation, or a person who enters it."""
    counted = {visit.counts_from.code for visit in protocol.visits if _is_anchor(visit.counts_from)}
    fixed = {code for visit in protocol.visits for code in anchors_of_visit(visit)}
    by_people = {protocol.day_zero, *(protocol.anchor_of(role) for role in Role)}
    for index, anchor in enumerate(protocol.anchors):
        if anchor.code not in counted or anchor.code in fixed | by_people:
            continue
        if anchor.derived is None and not anchor.by_hand:
            message = f"visits count from the anchor {anchor.code!r}, but nothing says when it is"
            remedy = (
                f"let a visit say `sets: {anchor.code}`, give the anchor `derived`, or write `by_hand: true` "
                "where a person enters its day"
            )
            yield fault("unset-anchor", f"anchors[{index}]", message, remedy)


def visits_that_set(protocol: Protocol) -> Findings:
    """An anchor is set by one visit on one day, and not by one that itself counts from it."""
    setters: dict[str, VisitRule] = {}
    for index, visit in enumerate(protocol.visits):
        if visit.sets is None:
            continue
        path = f"visits[{index}].sets"
        if is_many(visit) and not isinstance(visit.timing, Each):
            message = f"{visit.code!r} is not one visit, but {occurrences(visit)}"
            yield fault("many-visits", path, message, "let a visit of its own set the anchor")
        other = setters.setdefault(visit.sets, visit)
        if other is not visit and not _alternatives(protocol, other, visit):
            message = f"{visit.sets!r} is set by {other.code!r} already"
            yield fault("set-twice", path, message, "let one visit set an anchor, for the same participants")
        if _counts_through_visits_from(protocol, visit, visit.sets):
            message = f"{visit.code!r} counts from a visit that counts from {visit.sets!r}, which it sets"
            yield fault("circular", path, message, "let it set another anchor, or count from something else")


def anchors_of_visit(visit: VisitRule) -> tuple[str, ...]:
    """Return the anchors that a visit is: the one it sets, and the one on whose very day it must be."""
    named = () if visit.sets is None else (visit.sets,)
    if not _is_anchor(visit.counts_from):
        return named
    timing = visit.timing
    if isinstance(timing, AtOffset):
        slips = timing.tolerance.before.amount or timing.tolerance.after.amount
        on_the_day = not timing.offset.amount and not slips
    else:
        on_the_day = isinstance(timing, Each) and not timing.first.amount
    return tuple(dict.fromkeys((*((visit.counts_from.code,) if on_the_day else ()), *named)))


def _is_anchor(reference: Reference) -> bool:
    return reference.kind is ReferenceKind.ANCHOR


def _alternatives(protocol: Protocol, one: VisitRule, other: VisitRule) -> bool:
    always = {trait.code for trait in protocol.traits if trait.always}
    groups = set(one.applies_to), set(other.applies_to)
    return all(groups) and not always & (groups[0] | groups[1]) and groups[0].isdisjoint(groups[1])


def _counts_through_visits_from(protocol: Protocol, visit: VisitRule, anchor: str) -> bool:
    rules, seen = occurrence_rules(protocol.visits), {visit.code}
    base = visit.counts_from
    while base.kind is ReferenceKind.VISIT and base.code in rules and rules[base.code].code not in seen:
        seen.add(rules[base.code].code)
        base = rules[base.code].counts_from
    return len(seen) > 1 and base == Reference(ReferenceKind.ANCHOR, anchor)


def unknown_zone(protocol: Protocol) -> Findings:
    """The zone is one of the IANA time zone database."""
    try:
        zoneinfo.ZoneInfo(protocol.zone)
    except (KeyError, ValueError, OSError):
        near = difflib.get_close_matches(protocol.zone, zoneinfo.available_timezones(), n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        remedy = f"{meant}give a name of the IANA database, for instance Asia/Shanghai"
        yield fault("unknown-zone", "zone", f"the zone {protocol.zone!r} is not known", remedy)


def _graph(protocol: Protocol) -> Graph:
    """What each anchor, visit and activity counts from, in the document's order."""
    graph: dict[Reference, tuple[Reference, ...]] = {}
    for anchor in protocol.anchors:
        graph[Reference(ReferenceKind.ANCHOR, anchor.code)] = tuple(_bases(protocol, anchor))
    for visit in protocol.visits:
        base = visit.counts_from
        named = _visits(protocol, base.code) if base.kind is ReferenceKind.VISIT else (base,)
        graph[Reference(ReferenceKind.VISIT, visit.code)] = tuple(named)
    for activity in protocol.activities:
        graph[Reference(ReferenceKind.ACTIVITY, activity.code)] = tuple(_visits(protocol, *activity.visits))
    return graph


def _bases(protocol: Protocol, anchor: AnchorRule) -> Iterator[Reference]:
    if anchor.derived:
        yield Reference(ReferenceKind.ANCHOR, anchor.derived.anchor)
        if anchor.derived.visit is not None:
            yield from _visits(protocol, anchor.derived.visit)


def _visits(protocol: Protocol, *codes: str) -> Iterator[Reference]:
    """The rules behind the visits that are named."""
    rules = occurrence_rules(protocol.visits)
    return (Reference(ReferenceKind.VISIT, rules[code].code) for code in codes if code in rules)


def _circles(graph: Graph) -> Iterator[list[Reference]]:
    """The circles met on a walk in depth through the graph, each once, without recursion."""
    done: set[Reference] = set()
    for start in graph:
        path: list[Reference] = []
        branches = [iter((start,))]
        while branches:
            node = next(branches[-1], None)
            if node is None:
                branches.pop()
                if path:
                    done.add(path.pop())
            elif node in path:
                yield path[path.index(node) :]
            elif node not in done:
                path.append(node)
                branches.append(iter(graph.get(node, ())))


def _path(protocol: Protocol, node: Reference) -> str:
    """Where the document says what this counts from."""
    section, key = _SECTIONS[node.kind]
    codes = [item.code for item in getattr(protocol, section)]
    return f"{section}[{codes.index(node.code)}].{key}"
