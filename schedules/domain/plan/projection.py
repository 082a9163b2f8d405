"""From a protocol and the anchors of one participant to a dated plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from schedules.domain.plan.anchors import applicable_anchors, as_given, resolve_anchors
from schedules.domain.plan.contradictions import find_contradictions
from schedules.domain.plan.explanations import label_of, offset_words
from schedules.domain.plan.holds import find_holds, hold_warning, lengthen_rest
from schedules.domain.plan.protocol_windows import WindowPlacing
from schedules.domain.plan.references import Placing
from schedules.domain.plan.slots import Same, Slot, activities_at, slots_of
from schedules.domain.plan.suggestions import calendar_warnings, suggest
from schedules.domain.plan.values import (
    AnchorDay,
    Known,
    Plan,
    PlannedVisit,
    PlannedWindow,
    PlanWarning,
)
from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.errors import OffsetError
from trials.domain.protocols.offsets import Unit
from trials.domain.protocols.protocol import AtOffset, Protocol, Reference, ReferenceKind, Within, applies
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import Code, Value, Words, days_words, listed
from trials.domain.words import mark as _


def project(
    protocol: Protocol,
    anchors: Mapping[str, AnchorDay],
    traits: AbstractSet[str] = frozenset(),
    calendar: WorkingDays | None = None,
    known: Known | None = None,
    zone: ZoneInfo | None = None,
) -> Plan:
    """The plan that a protocol makes of these anchors: the same inputs give the same plan.

    `anchors` holds what was set, planned or actual; `traits` those of the participant;
    `calendar` the site's working days (None: no suggestions); `known` what else is on
    record; `zone` the site's zone (None: the protocol's). Never raises for something that is
    not known yet: it is left out, or None, with a warning that names it. Raises OffsetError
    where any of it leads outside the years 1 to 9999.
    """
    known = known or Known()
    plan = lay_out(protocol, anchors, traits, calendar, known, zone)
    with _inside_the_calendar(anchors):
        return replace(plan, warnings=tuple(warnings_of(plan, anchors, traits, calendar)))


def lay_out(
    protocol: Protocol,
    anchors: Mapping[str, AnchorDay],
    traits: AbstractSet[str] = frozenset(),
    calendar: WorkingDays | None = None,
    known: Known | None = None,
    zone: ZoneInfo | None = None,
) -> Plan:
    """The plan of `project` without its warnings: for many at once, where nobody reads them."""
    known = known or Known()
    protocol = as_given(protocol, known)
    if zone and zone.key != protocol.zone:
        protocol = _in_zone(Same(protocol), zone.key)
    with _inside_the_calendar(anchors):
        return _lay_out(protocol, anchors, protocol.effective_traits(traits), calendar, known)


@lru_cache(maxsize=16)
def _in_zone(same: Same, zone: str) -> Protocol:
    """The protocol as it counts hours at a site elsewhere: one value, so that its slots are found again."""
    return replace(same.protocol, zone=zone)


@contextmanager
def _inside_the_calendar(anchors: Mapping[str, AnchorDay]) -> Iterator[None]:
    """Name the anchors whose plan leads outside the calendar."""
    try:
        yield
    except OverflowError as error:
        days = ", ".join(f"{code} on {anchor.day}" for code, anchor in anchors.items())
        raise OffsetError(f"a plan with {days} leads outside the years 1 to 9999") from error


def _lay_out(
    protocol: Protocol,
    anchors: Mapping[str, AnchorDay],
    traits: AbstractSet[str],
    calendar: WorkingDays | None,
    known: Known,
) -> Plan:
    resolved = resolve_anchors(protocol, anchors, traits, known)
    placing = Placing(protocol, resolved, known, slots_of(protocol, traits))
    visits = [visit for slot in placing.slots if (visit := placing.place(slot))]
    for hold in find_holds(protocol, resolved):
        visits = lengthen_rest(visits, hold)
    # Stable: visits of one target and opening stay in the order of the document.
    visits.sort(key=lambda visit: (visit.window.target, visit.window.opens))
    if calendar:
        visits = [suggest(visit, calendar) for visit in visits]
    windows = _windows(placing, traits, ZoneInfo(protocol.zone))
    return Plan(protocol, resolved, tuple(visits), windows, (), calendar.version if calendar else None)


def warnings_of(
    plan: Plan, given: Mapping[str, AnchorDay], traits: AbstractSet[str], calendar: WorkingDays | None
) -> Iterator[PlanWarning]:
    """What somebody must look at in a plan that was laid out of these anchors, traits and working days."""
    protocol, traits = plan.protocol, plan.protocol.effective_traits(traits)
    yield from _ignored_anchors(protocol, given, plan.anchors)
    for found in find_contradictions(protocol, plan.anchors, traits):
        yield PlanWarning("contradictory-anchors", found.words)
    for hold in find_holds(protocol, plan.anchors):
        yield hold_warning(protocol, hold)
    yield from _missing(protocol, slots_of(protocol, traits), plan.visits)
    yield from _expired(protocol, plan.anchors, plan.visits, traits)
    yield from _hours_unknown(protocol, plan.visits)
    yield from _overlaps(plan.visits)
    if calendar:
        yield from calendar_warnings(protocol, plan.visits, calendar)


def _windows(placing: Placing, traits: AbstractSet[str], zone: ZoneInfo) -> tuple[PlannedWindow, ...]:
    protocol = placing.protocol
    applicable = frozenset(rule.code for rule in applicable_anchors(protocol, traits))
    placer = WindowPlacing(placing, applicable, zone)
    return tuple(placer.place(rule) for rule in protocol.windows if applies(rule.applies_to, traits))


def _ignored_anchors(
    protocol: Protocol, given: Mapping[str, AnchorDay], resolved: Mapping[str, AnchorDay]
) -> Iterator[PlanWarning]:
    for code in given:
        if code not in resolved:
            template = _(
                "%(anchor)s on %(day)s is not used: the protocol has no such anchor for these traits"
            )
            anchor = Code(label_of(protocol, Reference(ReferenceKind.ANCHOR, code)))
            values: dict[str, Value] = {"anchor": anchor, "day": given[code].day}
            yield PlanWarning("anchor-not-applicable", Words.of(template, values))


def _missing(
    protocol: Protocol, slots: Sequence[Slot], visits: Sequence[PlannedVisit]
) -> Iterator[PlanWarning]:
    """One warning for each thing that is not known and that visits wait for."""
    done = {visit.code for visit in visits}
    waiting: dict[Reference, list[str]] = {}
    for slot in slots:
        if slot.code not in done:
            waiting.setdefault(slot.rule.counts_from, []).append(slot.label)
    for reference, labels in waiting.items():
        anchor = Code(label_of(protocol, reference))
        values: dict[str, Value] = {"anchor": anchor, "visits": listed(map(Code, labels))}
        template = _("%(anchor)s is not known: no date yet for %(visits)s; set %(anchor)s")
        yield PlanWarning("anchor-missing", Words.of(template, values))


def _expired(
    protocol: Protocol,
    anchors: Mapping[str, AnchorDay],
    visits: Sequence[PlannedVisit],
    traits: AbstractSet[str],
) -> Iterator[PlanWarning]:
    """Anchors set by a visit's day outside that visit's window, such as a screening too long ago."""
    by_code = {visit.code: visit for visit in visits}
    for rule in protocol.anchors:
        day = anchors.get(rule.code)
        code = rule.derived.visit if rule.derived else None
        if day is None or not day.given or code not in by_code:
            continue
        visit = by_code[code]
        outside = visit.window.days_outside(day.day)
        if outside:
            asked = activities_at(protocol, visit.rule, visit.occurrence, traits)
            repeat = [activity.label for activity in asked if activity.repeat_when_expired]
            yield PlanWarning(
                "outside-window", _outside((rule.label, day.day), outside, visit.window, repeat)
            )


def _outside(anchor: tuple[str, date], outside: int, window: VisitWindow, repeat: Sequence[str]) -> Words:
    """What is told of an anchor that lies so many days outside the window of its visit."""
    late = _("%(anchor)s on %(day)s is %(days)s late for its window %(opens)s to %(closes)s")
    early = _("%(anchor)s on %(day)s is %(days)s early for its window %(opens)s to %(closes)s")
    values: dict[str, Value] = {
        "anchor": Code(anchor[0]),
        "day": anchor[1],
        "days": days_words(abs(outside)),
        "opens": window.opens,
        "closes": window.closes,
    }
    found = Words.of(late if outside > 0 else early, values)
    if not repeat:
        return found
    return Words.of(
        _("%(found)s; to be repeated: %(what)s"), {"found": found, "what": listed(map(Code, repeat))}
    )


def _hours_unknown(protocol: Protocol, visits: Sequence[PlannedVisit]) -> Iterator[PlanWarning]:
    for visit in visits:
        if visit.offset.unit is Unit.HOURS and visit.at is None:
            values: dict[str, Value] = {
                "visit": Code(visit.label),
                "offset": offset_words(visit.offset),
                "anchor": Code(label_of(protocol, visit.rule.counts_from)),
                "day": visit.window.target,
            }
            after = _(
                "%(visit)s is %(offset)s after %(anchor)s, whose hour is not known: "
                "%(day)s is the earliest day it can fall on"
            )
            before = _(
                "%(visit)s is %(offset)s before %(anchor)s, whose hour is not known: "
                "%(day)s is the earliest day it can fall on"
            )
            template = before if visit.offset.amount < 0 else after
            yield PlanWarning("hour-unknown", Words.of(template, values))


def _overlaps(visits: Sequence[PlannedVisit]) -> Iterator[PlanWarning]:
    """Visits on one day or any day of a window, with a day in common that one of them could leave."""
    single = [visit for visit in visits if isinstance(visit.rule.timing, AtOffset | Within)]
    earlier: list[PlannedVisit] = []
    for visit in sorted(single, key=lambda visit: visit.window.opens):
        earlier = [other for other in earlier if other.window.closes >= visit.window.opens]
        for other in earlier:
            if other.window.opens < other.window.closes or visit.window.opens < visit.window.closes:
                yield PlanWarning("overlapping-windows", _overlap(other, visit))
        earlier.append(visit)


def _overlap(one: PlannedVisit, other: PlannedVisit) -> Words:
    values: dict[str, Value] = {
        "one": Code(one.label),
        "opens": one.window.opens,
        "closes": one.window.closes,
        "other": Code(other.label),
        "begins": other.window.opens,
        "ends": other.window.closes,
    }
    template = _(
        "the windows of %(one)s (%(opens)s to %(closes)s) and %(other)s (%(begins)s to %(ends)s) overlap"
    )
    return Words.of(template, values)
