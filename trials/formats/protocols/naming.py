"""The codes of drugs, tests and conditions in windows, with the labels that a document gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from trials.domain.language import Named
from trials.domain.protocols.protocol import (
    Bound,
    Conduct,
    EventAfter,
    FactName,
    Freshness,
    HalfLives,
    Moment,
    Observation,
    ProtocolWindow,
    Terms,
    Washout,
)

_Names = Mapping[str, Named]


def named_windows(windows: Iterable[ProtocolWindow], facts: Iterable[FactName]) -> tuple[ProtocolWindow, ...]:
    """Return the windows with each code that has a label carrying it; equal to the windows given."""
    names = {fact.code: Named(fact.code, fact.label) for fact in facts}
    return tuple(_window(window, names) for window in windows) if names else tuple(windows)


def _window(window: ProtocolWindow, names: _Names) -> ProtocolWindow:
    starts, ends = _bound(window.starts, names), _bound(window.ends, names)
    return replace(window, terms=_terms(window.terms, names), starts=starts, ends=ends)


def _terms(terms: Terms, names: _Names) -> Terms:
    match terms:
        case Observation() | Conduct():
            return replace(terms, of=names.get(terms.of, terms.of))
        case Freshness():
            result = terms.result and names.get(terms.result, terms.result)
            return replace(terms, test=names.get(terms.test, terms.test), result=result)
        case Washout():
            return replace(terms, of=tuple(names.get(code, code) for code in terms.of))
        case EventAfter():
            return replace(terms, event=names.get(terms.event, terms.event))
    return terms


def _bound(bound: Bound | None, names: _Names) -> Bound | None:
    return bound and replace(bound, moments=tuple(_moment(one, names) for one in bound.moments))


def _moment(moment: Moment, names: _Names) -> Moment:
    if not isinstance(moment.offset, HalfLives):
        return moment
    drug = names.get(moment.offset.drug, moment.offset.drug)
    return replace(moment, offset=replace(moment.offset, drug=drug))
