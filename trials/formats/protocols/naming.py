"""The codes of drugs, tests and conditions in windows, with the labels that a document gives them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from trials.domain.language import Named
from trials.domain.protocols.protocol import (
    Bound,
    FactName,
    HalfLives,
    Moment,
    ProtocolWindow,
)

_Names = Mapping[str, Named]


def named_windows(windows: Iterable[ProtocolWindow], facts: Iterable[FactName]) -> tuple[ProtocolWindow, ...]:
    """Return the windows with each code that has a label carrying it; equal to the windows given."""
    names = {fact.code: Named(fact.code, fact.label) for fact in facts}
    return tuple(_window(window, names) for window in windows) if names else tuple(windows)


def _window(window: ProtocolWindow, names: _Names) -> ProtocolWindow:
    starts, ends = _bound(window.starts, names), _bound(window.ends, names)
    return replace(window, terms=window.terms.named(names), starts=starts, ends=ends)


def _bound(bound: Bound | None, names: _Names) -> Bound | None:
    return bound and replace(bound, moments=tuple(_moment(one, names) for one in bound.moments))


def _moment(moment: Moment, names: _Names) -> Moment:
    if not isinstance(moment.offset, HalfLives):
        return moment
    drug = names.get(moment.offset.drug, moment.offset.drug)
    return replace(moment, offset=replace(moment.offset, drug=drug))
