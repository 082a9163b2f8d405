"""The difference between two versions of a protocol, by visit, window, activity and anchor, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from participants.domain.moments import day_of
from schedules.domain.plan.contradictions import root_of
from schedules.domain.plan.values import AnchorKind, Plan, PlannedVisit, PlannedWindow
from schedules.domain.replanning.amendment_wording import (
    NOTHING,
    Lines,
    activity_lines,
    anchor_lines,
    visit_lines,
    window_lines,
)
from schedules.domain.visits.visit import VisitState
from trials.domain.protocols.protocol import Conduct, Observation, Protocol, ReferenceKind
from trials.domain.words import Say, plain
from trials.domain.words import mark as _


class Part(StrEnum):
    """What of a protocol is compared, in the order in which it is read."""

    VISIT = "visit"
    WINDOW = "window"
    ACTIVITY = "activity"
    ANCHOR = "anchor"
    REST = "rest"


class Fate(StrEnum):
    """What becomes of it."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


PART_LABELS: Mapping[Part, str] = {
    Part.VISIT: _("Visits"),
    Part.WINDOW: _("Windows"),
    Part.ACTIVITY: _("Activities"),
    Part.ANCHOR: _("Anchors"),
    Part.REST: _("Everything else"),
}

FATE_LABELS: Mapping[Fate, str] = {
    Fate.ADDED: _("added"),
    Fate.REMOVED: _("removed"),
    Fate.CHANGED: _("changed"),
}

_REST: Mapping[str, str] = {
    "title": _("Title"),
    "zone": _("Time zone"),
    "day_zero": _("Day zero"),
    "day_count": _("How days are numbered"),
    "month": _("What a month is"),
    "sources": _("Sources"),
    "epochs": _("Epochs"),
    "traits": _("Traits"),
    "blocks": _("Blocks"),
    "dose_levels": _("Dose levels"),
    "gates": _("Gates"),
    "hold": _("Hold before day zero"),
    "product": _("Usual days of the product"),
    "conflicts": _("Conflicts"),
    "notes": _("Notes"),
    "planned_number": _("Planned number of participants"),
    "planned_end": _("Planned end"),
    "unscheduled_epochs": _("Epochs of unscheduled visits"),
}
_LABEL = "Label"
_COMPARED = frozenset({"trial", "version", "visits", "windows", "activities", "anchors"})


@dataclass(frozen=True, slots=True)
class Difference:
    """One rule that differs: what it is, what becomes of it, and each property before and after."""

    part: Part
    fate: Fate
    code: str
    label: str
    lines: tuple[tuple[str, str, str], ...] = ()


class Outcome(StrEnum):
    """What an amendment does with a participant."""

    WAITING = "waiting"
    READY = "ready"
    DONE = "done"
    CONSENT = "consent"
    BOOKING = "booking"
    REFUSED = "refused"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


OUTCOME_LABELS: Mapping[Outcome, str] = {
    Outcome.READY: _("would be migrated"),
    Outcome.DONE: _("migrated"),
    Outcome.WAITING: _("waiting"),
    Outcome.CONSENT: _("must consent again first"),
    Outcome.BOOKING: _("has bookings that would be left behind"),
    Outcome.REFUSED: _("cannot be planned so"),
    Outcome.FAILED: _("failed, to be tried again"),
    Outcome.SKIPPED: _("skipped"),
    Outcome.CANCELLED: _("not migrated: the run was cancelled"),
}

HELD_BACK = (Outcome.CONSENT, Outcome.BOOKING, Outcome.REFUSED, Outcome.FAILED, Outcome.CANCELLED)
"""Who may be tried again once what stood in the way is mended, or the run goes on after all."""


def differences(old: Protocol, new: Protocol, say: Say = plain) -> tuple[Difference, ...]:
    """Everything that differs between two versions: rules by their codes, then all that is left."""
    return (
        *_compared(Part.VISIT, old, new, (lambda p: p.visits, visit_lines), say),
        *_compared(Part.WINDOW, old, new, (lambda p: p.windows, window_lines), say),
        *_compared(Part.ACTIVITY, old, new, (lambda p: p.activities, activity_lines), say),
        *_compared(Part.ANCHOR, old, new, (lambda p: p.anchors, anchor_lines), say),
        *_rest(old, new, say),
    )


def keep_done(plan: Plan, old: Plan, codes: Iterable[str]) -> Plan:
    """A plan in which visits that were done under an older version stand as that version plans them."""
    kept: dict[str, PlannedVisit] = {visit.code: visit for visit in old.visits if visit.code in set(codes)}
    visits = tuple(kept.get(visit.code, visit) for visit in plan.visits)
    return replace(plan, visits=visits)


def keep_over(plan: Plan, old: Plan, until: date, zone: ZoneInfo) -> Plan:
    """A plan in which windows that ended under an older version stand as that has them.

    It was in force `until` a day at least. Who kept a window as it was asked of them breaks none that asks
    for more since. A conduct or an observation that lasts longer by the new version goes on, and what counts
    from a day that has not happened has not ended.
    """
    over = {one.rule.code: one for one in old.windows if _ends_by(one, until, zone) and _happened(one, old)}
    kept = {
        one.rule.code: over[one.rule.code]
        for one in plan.windows
        if one.rule.code in over
        and (not isinstance(one.rule.terms, Conduct | Observation) or _ends_by(one, until, zone))
    }
    windows = tuple(kept.get(one.rule.code, one) for one in plan.windows)
    return replace(plan, windows=windows, older={**plan.older, **dict.fromkeys(kept, old.protocol)})


def _ends_by(window: PlannedWindow, until: date, zone: ZoneInfo) -> bool:
    return window.ends is not None and not window.missing and day_of(window.ends, zone) <= until


def _happened(window: PlannedWindow, plan: Plan) -> bool:
    """Whether all that a window counts from is on record, or follows from what is."""
    days, bounds = dict(window.bases), (window.rule.starts, window.rule.ends)
    for base in (moment.counts_from for bound in bounds if bound for moment in bound.moments):
        day = days.get(base.code)
        if base.kind is ReferenceKind.ANCHOR and base.code in plan.anchors:
            day = plan.anchors[root_of(plan.protocol, base.code, plan.anchors)]
        if day is not None and day.kind is not AnchorKind.ACTUAL:
            return False
    return True


def keep_codes(plan: Plan, standing: Iterable[VisitState]) -> Plan:
    """A plan in which a visit keeps the code under which it is stored.

    A rule that makes several visits from this version on names its first one otherwise (`d14`, then `d14-1`)
    and means the same: a visit is known by its rule and its number, its code is what it was enrolled with.
    """
    asked, known, stood = {visit.code for visit in plan.visits}, set(), {}
    for visit in standing:
        known.add(visit.code)
        if visit.code not in asked and not visit.unscheduled:
            stood[visit.rule_code, visit.occurrence] = visit.code
    if not stood:
        return plan

    def kept(visit: PlannedVisit) -> PlannedVisit:
        code = None if visit.code in known else stood.get((visit.rule.code, visit.occurrence))
        return visit._replace(code=code) if code else visit

    return replace(plan, visits=tuple(map(kept, plan.visits)))


_Reading = tuple[Callable[[Protocol], Iterable[Any]], Callable[[Any, Protocol, Say], Lines]]


def _compared(part: Part, old: Protocol, new: Protocol, reading: _Reading, say: Say) -> Iterator[Difference]:
    rules_of, lines_of = reading
    before = {rule.code: rule for rule in rules_of(old)}
    after = {rule.code: rule for rule in rules_of(new)}
    for code, rule in before.items():
        if code not in after:
            yield _told(part, Fate.REMOVED, rule, (lines_of(rule, old, say), {}), say)
            continue
        lines = lines_of(rule, old, say), lines_of(after[code], new, say)
        if lines[0] != lines[1] or rule != after[code]:
            yield _told(part, Fate.CHANGED, after[code], lines, say)
    for code, rule in after.items():
        if code not in before:
            yield _told(part, Fate.ADDED, rule, ({}, lines_of(rule, new, say)), say)


def _told(part: Part, fate: Fate, rule: Any, lines: tuple[Lines, Lines], say: Say) -> Difference:
    before, after = lines
    told = tuple(
        (say(name), before.get(name, ""), after.get(name, ""))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name) and (fate is Fate.CHANGED or _says(name, lines))
    )
    return Difference(part, fate, rule.code, rule.label, told)


def _says(name: str, lines: tuple[Lines, Lines]) -> bool:
    """Whether a line of a rule that comes or goes says more than its name and what it has not."""
    before, after = lines
    return name != _LABEL and (before or after)[name] != NOTHING


def _rest(old: Protocol, new: Protocol, say: Say) -> Iterator[Difference]:
    """What no rule tells: by the names of the document's parts, so that nothing changes unseen."""
    for one in fields(Protocol):
        if one.name not in _COMPARED and getattr(old, one.name) != getattr(new, one.name):
            label = say(_REST.get(one.name, one.name))
            yield Difference(Part.REST, Fate.CHANGED, one.name, label)
