"""What a protocol says of a visit, a window, an activity or an anchor: one line for each property.

Two versions differ where these lines differ, so nothing that a line tells can change unseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from enum import StrEnum
from typing import Any

from schedules.domain.plan.explanations import from_anchor, label_of, offset_text
from trials.domain.protocols.occurrences import label_of_rule
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import (
    Activity,
    AnchorRule,
    AtOffset,
    Basis,
    Bound,
    Each,
    HalfLives,
    Moment,
    Pick,
    Protocol,
    ProtocolWindow,
    Reference,
    ReferenceKind,
    Timing,
    VisitRule,
    Within,
)
from trials.domain.words import Say, plain
from trials.domain.words import mark as _

Lines = dict[str, str]
"""The name of a property and what it is, in words."""

NOTHING = "–"
"""What stands where a rule has no such property."""


_PLACES = {"ward": _("ward"), "clinic": _("clinic"), "phone": _("phone"), "home": _("home")}


def visit_lines(rule: VisitRule, protocol: Protocol, say: Say = plain) -> Lines:
    """When, with which tolerance, where, for whom, and on what basis a visit is asked for."""
    anchor = label_of(protocol, rule.counts_from)
    found = {
        _("Label"): label_of_rule(rule),
        _("Epoch"): _label(protocol.epochs, rule.epoch),
        _("When"): timing_text(rule.timing, anchor, say),
        _("Where"): say(_PLACES.get(rule.place.value, rule.place.value)),
        _("Block"): _label(protocol.blocks, rule.block) if rule.block else NOTHING,
        _("For"): _whom(protocol, rule.applies_to, say),
        _("Stays after an early end"): say(_("yes") if rule.stays_after_early_end else _("no")),
        _("Basis"): basis_words(rule.basis, say),
    }
    if isinstance(rule.timing, AtOffset):
        tolerance = rule.timing.tolerance
        found[_("Tolerance")] = say(_("%(before)s before, %(after)s after")) % {
            "before": offset_text(tolerance.before, say),
            "after": offset_text(tolerance.after, say),
        }
        found[_("Basis of the tolerance")] = basis_words(tolerance.basis, say)
    return found


def window_lines(rule: ProtocolWindow, protocol: Protocol, say: Say = plain) -> Lines:
    """What a window asks for, from when until when, of whom, and on what basis."""
    return {
        _("Label"): rule.label,
        _("Asks for"): terms_text(rule),
        _("From"): bound_text(rule.starts, protocol, say),
        _("Until"): bound_text(rule.ends, protocol, say),
        _("For"): _whom(protocol, rule.applies_to, say),
        _("May be waived"): say(_("yes") if rule.waivable else _("no")),
        _("Basis"): basis_words(rule.basis, say),
    }


def activity_lines(rule: Activity, protocol: Protocol, say: Say = plain) -> Lines:
    """At which visits an activity is done, for whom, whether it is repeated once expired, on what basis."""
    return {
        _("Label"): rule.label,
        _("At"): say(_(", ")).join(_label_of_visit(protocol, code) for code in rule.visits) or NOTHING,
        _("For"): _whom(protocol, rule.applies_to, say),
        _("Repeated once expired"): say(_("yes") if rule.repeat_when_expired else _("no")),
        _("Basis"): basis_words(rule.basis, say),
    }


def anchor_lines(rule: AnchorRule, protocol: Protocol, say: Say = plain) -> Lines:
    """What an anchor follows, what it may not follow, and whether there is a way back from it."""
    return {
        _("Label"): rule.label,
        _("Follows"): _derivation(rule, protocol, say),
        _("Not after"): say(_(", ")).join(_label(protocol.anchors, code) for code in rule.not_after)
        or NOTHING,
        _("Point of no return"): say(_("yes") if rule.point_of_no_return else _("no")),
        _("For"): _whom(protocol, rule.applies_to, say),
    }


def basis_words(basis: Basis, say: Say = plain) -> str:
    """Whether a thing is stated, and in which section, or assumed, and why; without the source's date."""
    if basis.assumed:
        return say(_("assumed")) + (f": {basis.note}" if basis.note else "")
    parts = [part for part in (basis.source, basis.section, basis.note) if part]
    return f"{say(_('stated'))}: {', '.join(parts)}"


def timing_text(timing: Timing, anchor: str, say: Say = plain) -> str:
    """When something is asked for, counted from an anchor."""
    if isinstance(timing, AtOffset):
        text = from_anchor(timing.offset, anchor, say)
        if timing.repeat is None:
            return text
        words = {
            "first": text,
            "every": offset_text(timing.repeat.every, say),
            "until": from_anchor(timing.repeat.until, anchor, say),
        }
        return say(_("%(first)s, then every %(every)s until %(until)s")) % words
    words = {"first": from_anchor(timing.first, anchor, say), "last": from_anchor(timing.last, anchor, say)}
    if isinstance(timing, Within):
        text = say(_("once, from %(first)s to %(last)s")) % words
        if timing.target is None:
            return text
        target = from_anchor(timing.target, anchor, say)
        return say(_("%(range)s, best %(target)s")) % {"range": text, "target": target}
    if isinstance(timing, Each):
        return say(_("on every day from %(first)s to %(last)s")) % words
    return say(_("over the whole range from %(first)s to %(last)s")) % words


def bound_text(bound: Bound | None, protocol: Protocol, say: Say = plain) -> str:
    """One end of a window: its moments, and which of them counts."""
    if bound is None:
        return NOTHING
    moments = say(_("; ")).join(_moment(moment, protocol, say) for moment in bound.moments)
    if len(bound.moments) > 1:
        earliest, latest = _("the earliest of: %(moments)s"), _("the latest of: %(moments)s")
        moments = say(earliest if bound.pick is Pick.EARLIEST else latest) % {"moments": moments}
    return f"{moments} ({basis_words(bound.basis, say)})"


def terms_text(rule: ProtocolWindow) -> str:
    """The kind of a window and its parameters, by the names that the protocol document gives them."""
    terms: Any = rule.terms
    parts = [f"{one.name} {_plain(getattr(terms, one.name))}" for one in fields(terms)]
    return f"{rule.kind.value}: {', '.join(parts)}"


def _moment(moment: Moment, protocol: Protocol, say: Say) -> str:
    anchor = label_of(protocol, moment.counts_from)
    if isinstance(moment.offset, Offset):
        return from_anchor(moment.offset, anchor, say)
    lives: HalfLives = moment.offset
    words = {"n": abs(lives.count), "drug": lives.drug, "anchor": anchor}
    if lives.count < 0:
        return say(_("%(n)d × the half-life of %(drug)s before %(anchor)s")) % words
    return say(_("%(n)d × the half-life of %(drug)s after %(anchor)s")) % words


def _derivation(rule: AnchorRule, protocol: Protocol, say: Say) -> str:
    if rule.derived is None:
        return NOTHING
    base = _label(protocol.anchors, rule.derived.anchor)
    words = {
        "place": from_anchor(rule.derived.offset, base, say),
        "visit": _label_of_visit(protocol, rule.derived.visit or ""),
        "basis": basis_words(rule.derived.basis, say),
    }
    if rule.derived.visit:
        return say(_("the day of %(visit)s, else %(place)s (%(basis)s)")) % words
    return say(_("%(place)s (%(basis)s)")) % words


def _whom(protocol: Protocol, traits: Iterable[str], say: Say) -> str:
    labels = [_label(protocol.traits, code) for code in traits]
    return say(_(", ")).join(labels) if labels else say(_("everybody"))


def _label_of_visit(protocol: Protocol, code: str) -> str:
    """The label of a rule, or of one of its several visits."""
    rule = protocol.visit_by_code.get(code)
    return str(rule.label) if rule else label_of(protocol, Reference(ReferenceKind.VISIT, code))


def _label(rules: Iterable[Any], code: str) -> str:
    return next((str(rule.label) for rule in rules if rule.code == code), code)


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or NOTHING
    if isinstance(value, StrEnum):
        return value.value
    return NOTHING if value is None else str(value)
