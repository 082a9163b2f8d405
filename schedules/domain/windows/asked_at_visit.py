"""What the windows of a protocol need to hear at a visit: asked with the visit, while the person is there."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds import Confirmation, Event
from participants.domain.facts import Facts
from participants.domain.moments import day_of
from schedules.domain.plan.values import PlannedWindow
from schedules.domain.visits.order import anchors_dated_by, anchors_set_by
from schedules.domain.visits.visit import VisitState
from trials.domain.language import label_of, readable
from trials.domain.protocols.protocol import (
    Bound,
    Conduct,
    EventAfter,
    Freshness,
    Protocol,
    ProtocolWindow,
    ReferenceKind,
    Washout,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A window to be confirmed at a visit; of a `conduct` the answer may be that it was not kept."""

    window: str
    label: str
    conduct: bool


@dataclass(frozen=True, slots=True)
class ResultAsked:
    """A test whose result windows need: its name, the result that they ask for, and the windows' names.

    `by_hour` where hours count from the sample. `result` is None where any result will do.
    """

    test: str
    name: str
    result: str | None
    windows: tuple[str, ...]
    by_hour: bool = False


@dataclass(frozen=True, slots=True)
class EventAsked:
    """Something that is due once, such as consent again on coming of age; asked until it has been done."""

    event: str
    label: str


@dataclass(frozen=True, slots=True)
class Asked:
    """All that is asked at a visit, while the person is there."""

    questions: tuple[Question, ...] = ()
    results: tuple[ResultAsked, ...] = ()
    events: tuple[EventAsked, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.questions or self.results or self.events)

    @property
    def names(self) -> list[str]:
        """What is asked, by the names of the windows and tests."""
        asked = (*(one.label for one in self.questions), *(one.label for one in self.events))
        return [*asked, *(one.name for one in self.results)]


def asked_at(
    visit: VisitState,
    protocol: Protocol,
    windows: Sequence[PlannedWindow],
    facts: Facts,
    day: tuple[date, ZoneInfo],
) -> Asked:
    """What is asked at a visit on a day at the site: what was kept, results of tests, what is due once."""
    return Asked(
        questions_at(visit, protocol, windows, facts.confirmations, day),
        tuple(_results(visit, protocol, windows, facts, day)),
        tuple(_events(windows, facts, day)),
    )


def _results(
    visit: VisitState,
    protocol: Protocol,
    windows: Sequence[PlannedWindow],
    facts: Facts,
    day: tuple[date, ZoneInfo],
) -> Iterator[ResultAsked]:
    """The tests that are taken at the visit, and those of windows that end by it and have no result yet."""
    names, own = _named(visit, protocol)
    here = {one.code: one.label for one in protocol.activities if names & set(one.visits)}
    wanted: dict[str, list[tuple[PlannedWindow, Freshness]]] = {}
    for window in windows:
        terms = window.rule.terms
        if isinstance(terms, Freshness) and _asks_for(window, terms, (names, own), here, (facts, day)):
            wanted.setdefault(terms.test, []).append((window, terms))
    for test, found in wanted.items():
        if not _resulted_on(test, facts, day):
            yield _asked_result(test, here.get(test) or readable(label_of(protocol.named(test))), found)


def _asked_result(test: str, label: str, found: Sequence[tuple[PlannedWindow, Freshness]]) -> ResultAsked:
    """A test with the windows that it is for, and the result that they want where that is one alone."""
    results = {terms.result for _window, terms in found}
    return ResultAsked(
        test,
        label,
        results.pop() if len(results) == 1 else None,
        tuple(window.rule.label for window, _terms in found),
        any(_counts_hours(window) for window, _terms in found),
    )


Named = tuple[AbstractSet[str], AbstractSet[str]]
"""The codes by which a protocol names a visit, and the anchors whose day is that visit's."""


def _named(visit: VisitState, protocol: Protocol) -> Named:
    return visit.names, {*anchors_set_by(protocol, visit), *anchors_dated_by(protocol, visit)}


def _asks_for(
    window: PlannedWindow,
    terms: Freshness,
    named: Named,
    here: Container[str],
    known: tuple[Facts, tuple[date, ZoneInfo]],
) -> bool:
    """Whether a window that runs has its test among those taken here, or ends here without a result."""
    facts, day = known
    ends_here = any(_ends_by(window.rule.ends, *named))
    begins_here = any(_ends_by(window.rule.starts, *named))
    if not _holds(window, day, begun=begins_here, lasts=ends_here):
        return False
    return terms.test in here or (ends_here and not _has_result(terms, window, facts, day))


def _events(
    windows: Sequence[PlannedWindow], facts: Facts, day: tuple[date, ZoneInfo]
) -> Iterator[EventAsked]:
    on, zone = day
    for window in windows:
        terms = window.rule.terms
        if not isinstance(terms, EventAfter) or window.starts is None or day_of(window.starts, zone) > on:
            continue
        done = (one for one in facts.occurrences if isinstance(one, Event) and one.code == terms.event)
        if not any(day_of(one.at, zone) >= day_of(window.starts, zone) for one in done):
            yield EventAsked(terms.event, window.rule.label)


def _holds(
    window: PlannedWindow, day: tuple[date, ZoneInfo], *, begun: bool = False, lasts: bool = False
) -> bool:
    """Whether a window holds a day; one whose ends are not known holds every day.

    `begun` and `lasts` say so of an end that counts from the visit itself, whose day may be another one.
    """
    on, zone = day
    begun = begun or window.starts is None or day_of(window.starts, zone) <= on
    return begun and (lasts or window.ends is None or on <= day_of(window.ends, zone))


def _has_result(terms: Freshness, window: PlannedWindow, facts: Facts, day: tuple[date, ZoneInfo]) -> bool:
    """Whether a result is on record of a sample that the window may hold."""
    _on, zone = day
    found = (one for one in facts.tests if one.test == terms.test and one.result is not None)
    first = day_of(window.starts, zone) if window.starts is not None else date.min
    return any(day_of(one.taken_at, zone) >= first for one in found)


def _counts_hours(window: PlannedWindow) -> bool:
    """Whether the hour of a sample tells if it lies in the window."""
    ends = (window.starts, window.ends)
    return window.other is not None or any(isinstance(end, datetime) for end in ends)


def _resulted_on(test: str, facts: Facts, day: tuple[date, ZoneInfo]) -> bool:
    on, zone = day
    mine = (one for one in facts.tests if one.test == test and one.result is not None)
    return any(day_of(one.taken_at, zone) == on for one in mine)


def questions_at(
    visit: VisitState,
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
    names, own = _named(visit, protocol)
    answered = {one.topic for one in said if one.visit == visit.code or _reaches(one, on, zone)}
    return tuple(
        Question(window.rule.code, window.rule.label, isinstance(window.rule.terms, Conduct))
        for window in windows
        if _is_asked(window, names, own, (on, zone)) and not answered & set(_topics(window.rule))
    )


def _reaches(one: Confirmation, on: date, zone: ZoneInfo) -> bool:
    """Whether what was said that day or later says how it was on a day."""
    return day_of(one.at, zone) >= on and (one.since is None or one.since <= on)


def _is_asked(
    window: PlannedWindow, names: AbstractSet[str], own: AbstractSet[str], day: tuple[date, ZoneInfo]
) -> bool:
    terms = window.rule.terms
    if isinstance(terms, Washout):
        return any(_ends_by(window.rule.ends, names, own))
    if not isinstance(terms, Conduct):
        return False
    if terms.confirmed_at:
        return not names.isdisjoint(terms.confirmed_at)
    on, zone = day
    begun = window.starts is not None and day_of(window.starts, zone) <= on
    return begun and (window.ends is None or on <= day_of(window.ends, zone))


def _ends_by(bound: Bound | None, names: AbstractSet[str], own: AbstractSet[str]) -> Iterator[bool]:
    """Of each moment of an end of a window, whether it counts from the visit of these names and anchors."""
    for moment in bound.moments if bound else ():
        kind, code = moment.counts_from.kind, moment.counts_from.code
        yield code in own if kind is ReferenceKind.ANCHOR else code in names


def _topics(rule: ProtocolWindow) -> Iterator[str]:
    """The topics under which a window can have been confirmed whole."""
    yield rule.code
    if isinstance(rule.terms, Conduct):
        yield rule.terms.of
    elif isinstance(rule.terms, Washout) and len(rule.terms.of) == 1:
        yield rule.terms.of[0]
