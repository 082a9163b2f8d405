"""In which order things can have happened: consent before infusion, chemotherapy before it, no way back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from participants.domain.lifecycle import STEP_LABELS, Step
from schedules.domain.visits.values import History
from schedules.domain.visits.visit import VisitState
from trials.domain.protocols.protocol import AnchorRule, AtOffset, Protocol, ReferenceKind, VisitRule
from trials.domain.protocols.treatment_names import day_zero_name
from trials.domain.protocols.validation.graph import anchors_of_visit
from trials.domain.refusals import Refusal
from trials.domain.words import mark as _


def refusals_of_day(visit: VisitState, on: date, history: History) -> Iterator[Refusal]:
    """Why a visit cannot have been done on a day, by what else is on record.

    What can have been, and asks for a reason, is about the field `outside_reason`.
    """
    yield from _refusals_of_death(on, history)
    yield from _refusals_of_consent(visit, on, history)
    yield from _refusals_of_order(visit, on, history)


def anchors_set_by(protocol: Protocol, visit: VisitState) -> tuple[str, ...]:
    """The anchors whose actual day is the day on which this visit is done.

    A visit on the very day of its anchor, without tolerance (the infusion, the first
    chemotherapy), is that anchor; any other is the one that it names by `sets`.
    """
    return anchors_of_rule(visit.rule, visit.occurrence)


def anchors_of_rule(rule: VisitRule | None, occurrence: int) -> tuple[str, ...]:
    """The anchors that this occurrence of a visit is, as `anchors_set_by` says."""
    return () if rule is None or occurrence != 1 else anchors_of_visit(rule)


def anchors_dated_by(protocol: Protocol, visit: VisitState) -> tuple[str, ...]:
    """The anchors that follow the day on which this visit is done until they are set themselves."""
    if visit.rule is None:
        return ()
    return tuple(
        anchor.code for anchor in protocol.anchors if anchor.derived and anchor.derived.visit in visit.names
    )


def is_infusion(visit: VisitState, history: History) -> bool:
    """Whether this is the visit of day zero itself."""
    return history.protocol.day_zero in anchors_set_by(history.protocol, visit)


def before_consent(protocol: Protocol, on: date, consented: date) -> Refusal:
    """The refusal of day zero (the infusion) before the day of consent."""
    message = _("No %(zero)s before consent: %(day)s is before the consent on %(consent)s.")
    return Refusal("on", message, {"zero": day_zero_name(protocol), "day": on, "consent": consented})


def comes_after(visit: VisitState, other: VisitState) -> bool:
    """Whether the protocol puts the first visit later; the window's order, then the number."""
    key = (visit.window.target, visit.window.closes, visit.occurrence)
    return key > (other.window.target, other.window.closes, other.occurrence)


def _refusals_of_death(on: date, history: History) -> Iterator[Refusal]:
    died = history.ended.died_on if history.ended else None
    if died and on > died:
        message = _("%(day)s is after %(end)s on %(ended)s: no visit can have been done then.")
        yield Refusal("on", message, {"day": on, "end": STEP_LABELS[Step.DEATH], "ended": died})


def _refusals_of_consent(visit: VisitState, on: date, history: History) -> Iterator[Refusal]:
    if not is_infusion(visit, history):
        return
    if history.consented_on is None:
        message = _("No %(zero)s before consent: put the day of consent on record first.")
        yield Refusal("on", message, {"zero": day_zero_name(history.protocol)})
    elif on < history.consented_on:
        yield before_consent(history.protocol, on, history.consented_on)
    if history.consent_withdrawn_on and on >= history.consent_withdrawn_on:
        message = _("Consent was withdrawn on %(withdrawn)s: no %(zero)s on %(day)s.")
        zero = day_zero_name(history.protocol)
        yield Refusal("on", message, {"withdrawn": history.consent_withdrawn_on, "zero": zero, "day": on})


def _refusals_of_order(visit: VisitState, on: date, history: History) -> Iterator[Refusal]:
    """Time never runs backwards: between anchors, inside a block, between repeats of one rule."""
    for code in (*anchors_set_by(history.protocol, visit), *anchors_dated_by(history.protocol, visit)):
        yield from _refusals_of_anchors(code, on, history)
    if visit.rule is None:
        return
    for other in history.done:
        if other.rule is not None and other.performed_on and _ordered(visit, other):
            yield from _refusals_between(visit, on, other)
    yield from _refusals_of_base(visit, visit.rule, on, history)


def _refusals_of_base(visit: VisitState, rule: VisitRule, on: date, history: History) -> Iterator[Refusal]:
    """What counts from a day cannot have been before it, nor before that day is on record."""
    base = _base_before(visit, rule, history)
    if base is None:
        return
    began = history.anchors.get(base.code)
    words = {**visit.named, "anchor": base.label, "other": began, "day": on}
    if began and on < began:
        message = _("%(visit)s counts from %(anchor)s on %(other)s: %(day)s is before that.")
        yield Refusal("on", message, words)
    elif began is None and base.derived is None:
        message = _("%(visit)s counts from %(anchor)s, which is not on record yet: record that first.")
        yield Refusal("on", message, words)


def _base_before(visit: VisitState, rule: VisitRule, history: History) -> AnchorRule | None:
    """The anchor that comes before a visit of this rule; None where none need be."""
    base = history.protocol.anchor_by_code.get(rule.counts_from.code)
    if rule.counts_from.kind is not ReferenceKind.ANCHOR or base is None:
        return None
    says_itself = base.code in anchors_set_by(history.protocol, visit)
    root = _begins_with(base, history.protocol)
    if root is not base and (says_itself or base.code not in history.anchors):
        return root if _first(rule) >= 0 else None
    return base if _first(rule) > 0 and not says_itself else None  # the visit itself says which day that is


def _begins_with(anchor: AnchorRule, protocol: Protocol) -> AnchorRule:
    """Give the anchor that a derived one follows in the end: for a second infusion, the first one."""
    while anchor.derived and not anchor.derived.visit and anchor.derived.offset.amount > 0:
        anchor = protocol.anchor_by_code[anchor.derived.anchor]
    return anchor


def _refusals_of_anchors(code: str, on: date, history: History) -> Iterator[Refusal]:
    """Nothing that precedes the infusion comes after it; another order turned round can have happened."""
    rules, zero = history.protocol.anchor_by_code, history.protocol.day_zero
    for other, day in history.anchors.items():
        if other == code or other not in rules or zero not in (code, other):
            continue
        words = {"anchor": rules[code].label, "day": on, "other": rules[other].label, "other_day": day}
        if code in rules[other].not_after and on < day:
            message = _(
                "%(anchor)s on %(day)s would be before %(other)s on %(other_day)s, which comes first."
            )
            yield Refusal("on", message, words)
        elif other in rules[code].not_after and on > day:
            message = _("%(anchor)s on %(day)s would be after %(other)s on %(other_day)s, which follows it.")
            yield Refusal("on", message, words)


def _ordered(visit: VisitState, other: VisitState) -> bool:
    """Whether the protocol puts two visits in an order that days must keep."""
    assert visit.rule is not None
    assert other.rule is not None
    in_one_block = visit.rule.block is not None and visit.rule.block == other.rule.block
    return in_one_block or _is_same_rule(visit, other)


def _is_same_rule(visit: VisitState, other: VisitState) -> bool:
    return visit.rule is not None and other.rule is not None and visit.rule.code == other.rule.code


def _refusals_between(visit: VisitState, on: date, other: VisitState) -> Iterator[Refusal]:
    assert other.performed_on is not None
    assert visit.rule is not None
    repeats = _is_same_rule(visit, other)
    later = comes_after(visit, other)
    wrong = on < other.performed_on if later else on > other.performed_on
    # repeats can have been on one day: that is recorded, but only with a reason
    twice_that_day = repeats and on == other.performed_on
    if wrong or twice_that_day:
        may_have_been = repeats and not (wrong and visit.rule.block)  # chemotherapy begins with its first day
        words = {**visit.named, "day": on, "other": other.label, "other_day": other.performed_on}
        yield Refusal("outside_reason" if may_have_been else "on", _ORDER[may_have_been, later], words)


_ORDER = {
    (False, True): _(
        "%(visit)s comes after %(other)s, which was done on %(other_day)s: %(day)s is too early."
    ),
    (False, False): _(
        "%(visit)s comes before %(other)s, which was done on %(other_day)s: %(day)s is too late."
    ),
    (True, True): _(
        "%(visit)s comes after %(other)s, which was done on %(other_day)s: %(day)s is too early. "
        "If it took place then, enter a reason."
    ),
    (True, False): _(
        "%(visit)s comes before %(other)s, which was done on %(other_day)s: %(day)s is too late. "
        "If it took place then, enter a reason."
    ),
}
"""Whether it can have been so all the same, and whether the visit comes after the other.

Repeats can have been done on one day or in another order: that is recorded, with a reason. The days of a
block cannot: its first day is the one from which the others count.
"""


def _first(rule: VisitRule) -> int:
    """How far the first day of a rule lies from what it counts from, in whatever unit."""
    timing = rule.timing
    return (timing.offset if isinstance(timing, AtOffset) else timing.first).amount
