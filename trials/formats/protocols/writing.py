"""A protocol as a document of plain data: in full, and without what the format fills in by itself."""

from __future__ import annotations

import dataclasses
from datetime import date

from trials.domain.protocols.offsets import MonthLength, Offset
from trials.domain.protocols.protocol import (
    PRODUCT_STEPS,
    Activity,
    AnchorRule,
    AtOffset,
    Basis,
    BasisKind,
    Block,
    Bound,
    DoseLevel,
    Epoch,
    FactName,
    Gate,
    HalfLives,
    HoldRule,
    Moment,
    Pick,
    Place,
    ProductRule,
    Protocol,
    ProtocolWindow,
    Reference,
    Terms,
    Tolerance,
    Trait,
    VisitRule,
    Within,
)
from trials.formats.protocols.whole import FORMAT

Document = dict[str, object]
_DAYS = ("dated", "planned_end")
_REQUIRED = ("epochs", "anchors", "visits")


def full_document(protocol: Protocol) -> Document:
    """The protocol as JSON-ready data with every default filled in, each thing in its longest form."""
    return {
        "format": FORMAT,
        "trial": protocol.trial,
        "version": protocol.version,
        "title": _words(protocol.title),
        "zone": protocol.zone,
        "day_zero": protocol.day_zero,
        "day_count": int(protocol.day_count),
        "month": _month(protocol.month),
        "planned_number": protocol.planned_number,
        "planned_end": protocol.planned_end.isoformat() if protocol.planned_end else None,
        **_said({"planned_end_basis": protocol.planned_end_basis and _basis(protocol.planned_end_basis)}),
        **_vocabulary(protocol),
        **_rules(protocol),
        "conflicts": [
            {
                "about": conflict.about,
                "statements": [_words(statement) for statement in conflict.statements],
                "taken": _words(conflict.taken),
            }
            for conflict in protocol.conflicts
        ],
        "notes": [_words(note) for note in protocol.notes],
        "unscheduled_epochs": list(protocol.unscheduled_epochs),
    }


def short_document(protocol: Protocol) -> Document:
    """The protocol as data for a reader: defaults left out, one-word forms where the format has them."""
    document = full_document(protocol)
    short = {key: _short(key, value) for key, value in document.items()}
    return {key: value for key, value in short.items() if key in _REQUIRED or not _is_default(key, value)}


def _vocabulary(protocol: Protocol) -> Document:
    return {
        "sources": [
            {"code": source.code, "document": source.document, "dated": source.dated.isoformat()}
            for source in protocol.sources
        ],
        "epochs": [_named(epoch) for epoch in protocol.epochs],
        "traits": [{**_named(trait), "always": trait.always} for trait in protocol.traits],
        "anchors": [_anchor(anchor) for anchor in protocol.anchors],
        "blocks": [_named(block) for block in protocol.blocks],
    }


def _rules(protocol: Protocol) -> Document:
    return {
        "visits": [_visit(visit) for visit in protocol.visits],
        "activities": [_activity(activity) for activity in protocol.activities],
        "windows": [_window(window) for window in protocol.windows],
        "dose_levels": [
            {**_named(level), "planned": level.planned, "basis": _basis(level.basis)}
            for level in protocol.dose_levels
        ],
        "gates": [_gate(gate) for gate in protocol.gates],
        "hold": protocol.hold and _hold(protocol.hold),
        **_said(
            {
                "product": protocol.product and _product(protocol.product),
                "facts": [_named(fact) for fact in protocol.facts],
            }
        ),
    }


def _product(rule: ProductRule) -> Document:
    """The product's usual days."""
    steps = {step: getattr(rule, step).iso for step in PRODUCT_STEPS}
    return {**steps, "basis": _basis(rule.basis)}


def _words(text: str) -> str | Document:
    """A text in the languages that it was given in."""
    zh = getattr(text, "zh", "")
    return {"en": str(text), "zh": zh} if zh else text


def _said(later: Document) -> Document:
    """What came into the format later stands only where it is said, so that digests last."""
    return {key: value for key, value in later.items() if value not in (None, [], False)}


def _hold(hold: HoldRule) -> Document:
    """The hold, with what was said of its two clocks."""
    said = _said({"afebrile": _iso(hold.afebrile), "escalate_after": _iso(hold.escalate_after)})
    return {"longest": hold.longest.iso, "then": _words(hold.then), "basis": _basis(hold.basis), **said}


def _month(month: MonthLength) -> str | int:
    return month.value if month is MonthLength.CALENDAR else int(month)


def _named(rule: Epoch | Trait | Block | FactName | DoseLevel) -> Document:
    return {"code": rule.code, "label": _words(rule.label)}


def _iso(offset: Offset | None) -> str | None:
    return offset.iso if offset else None


def _basis(basis: Basis) -> Document:
    if basis.kind is BasisKind.ASSUMED:
        return {"assumed": _words(basis.note)}
    return {"stated": basis.source, "section": basis.section, "note": _words(basis.note)}


def _reference(reference: Reference) -> Document:
    return {reference.kind.value: reference.code}


def _anchor(anchor: AnchorRule) -> Document:
    derived = anchor.derived
    return {
        "code": anchor.code,
        "label": _words(anchor.label),
        "derived": derived
        and {
            "visit": derived.visit,
            "anchor": derived.anchor,
            "offset": derived.offset.iso,
            "basis": _basis(derived.basis),
        },
        "not_after": list(anchor.not_after),
        "point_of_no_return": anchor.point_of_no_return,
        "applies_to": list(anchor.applies_to),
        **_said({"by_hand": anchor.by_hand, "role": anchor.role and anchor.role.value}),
    }


def _visit(visit: VisitRule) -> Document:
    return {
        "code": visit.code,
        "label": _words(visit.label),
        "epoch": visit.epoch,
        "from": _reference(visit.counts_from),
        **_timing(visit),
        "place": visit.place.value,
        "block": visit.block,
        "applies_to": list(visit.applies_to),
        **_said(
            {
                "stays_after_early_end": visit.stays_after_early_end,
                "sets": visit.sets,
                "role": visit.role and visit.role.value,
            }
        ),
        "basis": _basis(visit.basis),
    }


def _timing(visit: VisitRule) -> Document:
    timing = visit.timing
    if isinstance(timing, AtOffset):
        repeat = timing.repeat
        return {
            "at": timing.offset.iso,
            "repeat": repeat and {"every": repeat.every.iso, "until": repeat.until.iso},
            "tolerance": _tolerance(timing.tolerance),
        }
    ends: Document = {"first": timing.first.iso, "last": timing.last.iso}
    if isinstance(timing, Within):
        ends["target"] = _iso(timing.target)
    return {timing.kind.value: ends}


def _tolerance(tolerance: Tolerance) -> Document:
    return {"before": tolerance.before.iso, "after": tolerance.after.iso, "basis": _basis(tolerance.basis)}


def _activity(activity: Activity) -> Document:
    return {
        "code": activity.code,
        "label": _words(activity.label),
        "visits": list(activity.visits),
        "applies_to": list(activity.applies_to),
        "repeat_when_expired": activity.repeat_when_expired,
        "basis": _basis(activity.basis),
    }


def _window(window: ProtocolWindow) -> Document:
    return {
        "code": window.code,
        "label": _words(window.label),
        window.kind.value.replace("-", "_"): _terms(window.terms),
        "starts": window.starts and _bound(window.starts),
        "ends": window.ends and _bound(window.ends),
        "applies_to": list(window.applies_to),
        "waivable": window.waivable,
        "basis": _basis(window.basis),
    }


def _terms(terms: Terms) -> Document:
    written = dataclasses.asdict(terms)
    return {key: list(value) if isinstance(value, tuple) else value for key, value in written.items()}


def _bound(bound: Bound) -> Document:
    moments = [_moment(moment) for moment in bound.moments]
    return {"pick": bound.pick.value, "moments": moments, "basis": _basis(bound.basis)}


def _moment(moment: Moment) -> Document:
    reference = _reference(moment.counts_from)
    if isinstance(moment.offset, HalfLives):
        return {"from": reference, "half_lives": {"count": moment.offset.count, "drug": moment.offset.drug}}
    return {"from": reference, "offset": moment.offset.iso}


def _gate(gate: Gate) -> Document:
    return {
        "code": gate.code,
        "label": _words(gate.label),
        "before": gate.before.value,
        "observation": gate.observation,
        "interval": _iso(gate.interval),
        "first_of_level_interval": _iso(gate.first_of_level_interval),
        "review": gate.review,
        "basis": _basis(gate.basis),
    }


def _short(key: str, value: object) -> object:
    """The value without defaults, in the shortest form that the format reads back the same."""
    if isinstance(value, list):
        return [_short(key, item) for item in value]
    if key in _DAYS and isinstance(value, str):
        return date.fromisoformat(value)
    if not isinstance(value, dict):
        return value
    short = {inner: _short(inner, item) for inner, item in value.items()}
    short = {inner: item for inner, item in short.items() if not _is_default(inner, item)}
    return _one_word(key, _one_moment(short))


def _is_default(key: str, value: object) -> bool:
    if key == "leave_on_last_day":
        return value is True
    if key == "assumed":
        return False
    return value is None or value is False or value in ([], "", Place.CLINIC.value)


def _one_word(key: str, short: Document) -> object:
    """`assumed` and the code of an anchor need no mapping."""
    if key in ("basis", "planned_end_basis") and short == {"assumed": ""}:
        return BasisKind.ASSUMED.value
    if key == "from" and "anchor" in short:
        return short["anchor"]
    return short


def _one_moment(short: Document) -> Document:
    """A bound of one moment, with that moment written out; others as they are."""
    moments = short.get("moments")
    if not isinstance(moments, list) or len(moments) != 1 or short.get("pick") != Pick.EARLIEST.value:
        return short
    return {**moments[0], "basis": short["basis"]}
