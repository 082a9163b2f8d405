"""Everything in a protocol that names something else, carries a basis or says a text, with its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import (
    PRODUCT_STEPS,
    AtOffset,
    Basis,
    Bound,
    Conduct,
    HalfLives,
    Protocol,
    ProtocolWindow,
    Reference,
    ReferenceKind,
    Timing,
    Within,
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in the document that names something by its code."""

    path: str
    kind: str
    code: str


def mentions(protocol: Protocol) -> Iterator[Mention]:
    """Every place that names something, in the document's order."""
    yield Mention("day_zero", "anchor", protocol.day_zero)
    yield from _anchor_mentions(protocol)
    yield from _visit_mentions(protocol)
    yield from _window_mentions(protocol)
    for index, activity in enumerate(protocol.activities):
        path = f"activities[{index}]"
        yield from _list(f"{path}.visits", "visit", activity.visits)
        yield from _list(f"{path}.applies_to", "trait", activity.applies_to)
    for index, gate in enumerate(protocol.gates):
        if gate.observation is not None:
            yield Mention(f"gates[{index}].observation", "window", gate.observation)
    yield from _list("unscheduled_epochs", "epoch", protocol.unscheduled_epochs)
    for path, basis in bases(protocol):
        if basis.source is not None:
            yield Mention(f"{path}.stated", "source", basis.source)


def _anchor_mentions(protocol: Protocol) -> Iterator[Mention]:
    for index, anchor in enumerate(protocol.anchors):
        path = f"anchors[{index}]"
        if anchor.derived:
            yield Mention(f"{path}.derived.anchor", "anchor", anchor.derived.anchor)
            if anchor.derived.visit is not None:
                yield Mention(f"{path}.derived.visit", "visit", anchor.derived.visit)
        yield from _list(f"{path}.not_after", "anchor", anchor.not_after)
        yield from _list(f"{path}.applies_to", "trait", anchor.applies_to)


def _visit_mentions(protocol: Protocol) -> Iterator[Mention]:
    for index, visit in enumerate(protocol.visits):
        path = f"visits[{index}]"
        yield Mention(f"{path}.epoch", "epoch", visit.epoch)
        yield _reference(path, visit.counts_from)
        if visit.block is not None:
            yield Mention(f"{path}.block", "block", visit.block)
        if visit.sets is not None:
            yield Mention(f"{path}.sets", "anchor", visit.sets)
        yield from _list(f"{path}.applies_to", "trait", visit.applies_to)


def _window_mentions(protocol: Protocol) -> Iterator[Mention]:
    for path, bound in bounds(protocol):
        for number, moment in enumerate(bound.moments):
            yield _reference(moment_path(path, bound, number), moment.counts_from)
    for index, window in enumerate(protocol.windows):
        path = f"windows[{index}]"
        if isinstance(window.terms, Conduct):
            yield from _list(f"{path}.conduct.confirmed_at", "visit", window.terms.confirmed_at)
        yield from _list(f"{path}.applies_to", "trait", window.applies_to)


def bounds(protocol: Protocol) -> Iterator[tuple[str, Bound]]:
    """The ends of all windows."""
    for index, window in enumerate(protocol.windows):
        for end, bound in (("starts", window.starts), ("ends", window.ends)):
            if bound is not None:
                yield f"windows[{index}].{end}", bound


def bases(protocol: Protocol) -> Iterator[tuple[str, Basis]]:
    """Every basis."""
    if protocol.planned_end_basis:
        yield "planned_end_basis", protocol.planned_end_basis
    for index, anchor in enumerate(protocol.anchors):
        if anchor.derived:
            yield f"anchors[{index}].derived.basis", anchor.derived.basis
    yield from _bases_of_visits(protocol)
    for path, bound in bounds(protocol):
        yield f"{path}.basis", bound.basis
    for section in ("activities", "windows", "dose_levels", "gates"):
        for index, item in enumerate(getattr(protocol, section)):
            yield f"{section}[{index}].basis", item.basis
    if protocol.hold:
        yield "hold.basis", protocol.hold.basis
    if protocol.product:
        yield "product.basis", protocol.product.basis


def _bases_of_visits(protocol: Protocol) -> Iterator[tuple[str, Basis]]:
    for index, visit in enumerate(protocol.visits):
        yield f"visits[{index}].basis", visit.basis
        if isinstance(visit.timing, AtOffset):
            yield f"visits[{index}].tolerance.basis", visit.timing.tolerance.basis


def offsets(protocol: Protocol) -> Iterator[tuple[str, Offset]]:
    """Every offset."""
    for index, anchor in enumerate(protocol.anchors):
        if anchor.derived:
            yield f"anchors[{index}].derived.offset", anchor.derived.offset
    for index, visit in enumerate(protocol.visits):
        yield from ((f"visits[{index}].{key}", offset) for key, offset in timing_offsets(visit.timing))
    for path, bound in bounds(protocol):
        for number, moment in enumerate(bound.moments):
            if isinstance(moment.offset, Offset):
                yield f"{moment_path(path, bound, number)}.offset", moment.offset
    yield from intervals(protocol)


def intervals(protocol: Protocol) -> Iterator[tuple[str, Offset]]:
    """The lengths of time of gates, of the hold and of the product."""
    for index, gate in enumerate(protocol.gates):
        if gate.interval is not None:
            yield f"gates[{index}].interval", gate.interval
        if gate.first_of_level_interval is not None:
            yield f"gates[{index}].first_of_level_interval", gate.first_of_level_interval
    if protocol.hold:
        yield "hold.longest", protocol.hold.longest
        if protocol.hold.afebrile is not None:
            yield "hold.afebrile", protocol.hold.afebrile
        if protocol.hold.escalate_after is not None:
            yield "hold.escalate_after", protocol.hold.escalate_after
    if protocol.product:
        yield from ((f"product.{step}", getattr(protocol.product, step)) for step in PRODUCT_STEPS)


def timing_offsets(timing: Timing) -> Iterator[tuple[str, Offset]]:
    """The offsets of a timing, each with its keys in the visit: `at`, `tolerance.before`, `each.first`."""
    if isinstance(timing, AtOffset):
        yield "at", timing.offset
        yield "tolerance.before", timing.tolerance.before
        yield "tolerance.after", timing.tolerance.after
        if timing.repeat:
            yield "repeat.every", timing.repeat.every
            yield "repeat.until", timing.repeat.until
        return
    yield f"{timing.kind}.first", timing.first
    yield f"{timing.kind}.last", timing.last
    if isinstance(timing, Within) and timing.target is not None:
        yield f"{timing.kind}.target", timing.target


def moment_path(path: str, bound: Bound, number: int) -> str:
    """Where a moment of a bound stands: a single one needs no list."""
    return path if len(bound.moments) == 1 else f"{path}.moments[{number}]"


def _list(path: str, kind: str, given: tuple[str, ...]) -> Iterator[Mention]:
    return (Mention(f"{path}[{index}]", kind, code) for index, code in enumerate(given))


def _reference(path: str, reference: Reference) -> Mention:
    inner = "" if reference.kind is ReferenceKind.ANCHOR else f".{reference.kind.value}"
    return Mention(f"{path}.from{inner}", reference.kind.value, reference.code)


def fact_codes(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """Every place that names a drug, a test, a vaccine, a condition, a conduct or an event, and its code."""
    for index, window in enumerate(protocol.windows):
        yield from _terms_texts(f"windows[{index}]", window)
    for path, bound in bounds(protocol):
        for number, moment in enumerate(bound.moments):
            if isinstance(moment.offset, HalfLives):
                yield f"{moment_path(path, bound, number)}.half_lives.drug", moment.offset.drug


def texts(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """The texts, beside labels, that must say something."""
    yield from (("version", protocol.version), ("title", protocol.title))
    for index, source in enumerate(protocol.sources):
        yield f"sources[{index}].document", source.document
    for path, basis in bases(protocol):
        if basis.source is not None:
            yield f"{path}.section", basis.section
    for index, window in enumerate(protocol.windows):
        yield from _terms_texts(f"windows[{index}]", window)
    if protocol.hold:
        yield "hold.then", protocol.hold.then
    for index, conflict in enumerate(protocol.conflicts):
        path = f"conflicts[{index}]"
        yield from ((f"{path}.about", conflict.about), (f"{path}.taken", conflict.taken))
        yield from ((f"{path}.statements[{n}]", text) for n, text in enumerate(conflict.statements))
    yield from ((f"notes[{index}]", note) for index, note in enumerate(protocol.notes))


def _terms_texts(path: str, window: ProtocolWindow) -> Iterator[tuple[str, str]]:
    """The texts in what a window asks for."""
    path = f"{path}.{window.kind.value.replace('-', '_')}"
    yield from ((f"{path}.{place}", text) for place, text in window.terms.texts())
