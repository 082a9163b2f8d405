"""What the windows of a protocol need to hear at a visit: asked with the visit, while the person is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from participants.domain.facts import Confirmation
from participants.domain.moments import day_of
from schedules.domain.plan.values import PlannedWindow
from schedules.domain.visits.order import anchors_dated_by, anchors_set_by
from schedules.domain.visits.values import VisitLife
from trials.domain.protocols.protocol import Conduct, Protocol, ProtocolWindow, ReferenceKind, Washout


@dataclass(frozen=True, slots=True)
class Question:
    """A window to be confirmed at a visit; of a `conduct` the answer may be that it was not kept."""

    window: str
    label: str
    conduct: bool


def questions_at(
    visit: VisitLife,
    protocol: Protocol,
    windows: Sequence[PlannedWindow],
    said: Sequence[Confirmation],
    day: tuple[date, ZoneInfo],
) -> tuple[Question, ...]:
    """What is asked at a visit on a day at the site, in the order of the protocol.

    A conduct at the visits that the protocol names, else at every visit inside its window; a washout at
    the visit by whose day it ends. Nothing that is on record of this visit already.
    """
    on, zone = day
    names = {visit.code, visit.rule.code} if visit.rule else {visit.code}
    own = {*anchors_set_by(protocol, visit), *anchors_dated_by(protocol, visit)}
    answered = {one.topic for one in said if one.visit == visit.code or day_of(one.at, zone) >= on}
    return tuple(
        Question(window.rule.code, window.rule.label, isinstance(window.rule.terms, Conduct))
        for window in windows
        if _is_asked(window, names, own, (on, zone)) and not answered & set(_topics(window.rule))
    )


def _is_asked(
    window: PlannedWindow, names: AbstractSet[str], own: AbstractSet[str], day: tuple[date, ZoneInfo]
) -> bool:
    terms = window.rule.terms
    if isinstance(terms, Washout):
        return any(_ends_by(window.rule, names, own))
    if not isinstance(terms, Conduct):
        return False
    if terms.confirmed_at:
        return not names.isdisjoint(terms.confirmed_at)
    on, zone = day
    begun = window.starts is not None and day_of(window.starts, zone) <= on
    return begun and (window.ends is None or on <= day_of(window.ends, zone))


def _ends_by(rule: ProtocolWindow, names: AbstractSet[str], own: AbstractSet[str]) -> Iterator[bool]:
    for moment in rule.ends.moments if rule.ends else ():
        kind, code = moment.counts_from.kind, moment.counts_from.code
        yield code in own if kind is ReferenceKind.ANCHOR else code in names


def _topics(rule: ProtocolWindow) -> Iterator[str]:
    """The topics under which a window can have been confirmed whole."""
    yield rule.code
    if isinstance(rule.terms, Conduct):
        yield rule.terms.of
    elif isinstance(rule.terms, Washout) and len(rule.terms.of) == 1:
        yield rule.terms.of[0]
