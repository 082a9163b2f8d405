"""Which facts feed which protocol windows: what a form for a fact can say before anything is typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from participants.domain.fact_kinds import WASHED_OUT, FactKind, TestResult
from schedules.domain.windows.judges import feeds_of_terms
from schedules.domain.windows.judges.washed_out import drugs_of
from schedules.domain.windows.verdicts import VerdictStatus
from trials.domain.protocols.protocol import (
    Freshness,
    HalfLives,
    Moment,
    Protocol,
    ProtocolWindow,
    Reference,
    ReferenceKind,
    Washout,
)


@dataclass(frozen=True, slots=True)
class Feed:
    """A kind of fact, what it is of (empty: nothing to name), and the window that it feeds."""

    kind: FactKind
    of: str
    window: ProtocolWindow


def feeds_of(windows: Iterable[ProtocolWindow]) -> tuple[Feed, ...]:
    """Everything that can be recorded for these windows, each with the window it feeds."""
    return tuple(feed for window in windows for feed in _feeds(window))


def fed_by(fact_kind: FactKind, of: str, windows: Iterable[ProtocolWindow]) -> tuple[ProtocolWindow, ...]:
    """The windows that a fact of this kind and name feeds, in the order of the protocol."""
    return tuple(window for window in windows if _is_fed(window, fact_kind, of))


def tests_to_repeat(
    windows: Iterable[ProtocolWindow], statuses: Mapping[str, VerdictStatus], tests: Iterable[TestResult]
) -> tuple[TestResult, ...]:
    """Return the last result of each test that a window asks for again, in the order of the protocol.

    `statuses` are those of the windows' verdicts now, by code. A window that is over asks for nothing more.
    """
    last = last_results(tests)
    wanted = (VerdictStatus.AT_RISK, VerdictStatus.CANNOT_JUDGE)
    asked = [
        window.terms.test
        for window in windows
        if isinstance(window.terms, Freshness) and statuses.get(window.code) in wanted
    ]
    return tuple(last[test] for test in dict.fromkeys(asked) if test in last)


def last_results(tests: Iterable[TestResult]) -> dict[str, TestResult]:
    """Return of each test, by its code, the sample taken last that has a result."""
    return {one.test: one for one in sorted(tests, key=_taken) if one.result is not None}


def _taken(test: TestResult) -> tuple[date, bool, str]:
    """By what samples stand in order; one without an hour comes before those of its day with one."""
    timed = isinstance(test.taken_at, datetime)
    day = test.taken_at.date() if isinstance(test.taken_at, datetime) else test.taken_at
    return day, timed, str(test.taken_at)


def places(code: str, protocol: Protocol) -> bool:
    """Whether visits or windows are placed by a fact of this code: an activity's day, or a half-life."""
    counted = any(_names(rule.counts_from, code) for rule in protocol.visits)
    return counted or any(_placed_by(moment, code) for moment in _moments(protocol))


def _moments(protocol: Protocol) -> Iterator[Moment]:
    for window in protocol.windows:
        for bound in (window.starts, window.ends):
            yield from bound.moments if bound else ()


def _placed_by(moment: Moment, code: str) -> bool:
    in_half_lives = isinstance(moment.offset, HalfLives) and moment.offset.drug == code
    return in_half_lives or _names(moment.counts_from, code)


def _names(reference: Reference, code: str) -> bool:
    return reference.kind is ReferenceKind.ACTIVITY and reference.code == code


def _is_fed(window: ProtocolWindow, kind: FactKind, of: str) -> bool:
    terms = window.terms
    if isinstance(terms, Washout) and kind in WASHED_OUT:
        return of in terms.of or of in drugs_of(window.starts)
    return any(feed.kind is kind and feed.of == of for feed in _feeds(window))


def _feeds(window: ProtocolWindow) -> Iterator[Feed]:
    yield from (Feed(kind, of, window) for kind, of in feeds_of_terms(window))
    bounds = (bound for bound in (window.starts, window.ends) if bound)
    references = (moment.counts_from for bound in bounds for moment in bound.moments)
    activities = (one.code for one in references if one.kind is ReferenceKind.ACTIVITY)
    yield from (Feed(FactKind.TEST, code, window) for code in dict.fromkeys(activities))
