"""What a slip of day zero means once the point of no return has passed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from schedules.domain.plan.anchors import follow
from schedules.domain.plan.explanations import offset_words
from schedules.domain.plan.values import AnchorDay, AnchorKind, PlannedVisit, PlanWarning
from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.protocols.offsets import Offset, Unit, shift_day
from trials.domain.protocols.protocol import HoldRule, Over, Protocol, ReferenceKind
from trials.domain.protocols.treatment_names import first_treatment_name, in_sentence
from trials.domain.words import Code, Value, Words, days_words
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Hold:
    """Chemotherapy began on `began` for a base anchor on `expected`; that one now stands on `now`."""

    anchor: str
    base: str
    began: date
    expected: date
    now: date

    @property
    def days(self) -> int:
        """Days by which the base anchor is later than the chemotherapy was given for."""
        return (self.now - self.expected).days


def find_hold(protocol: Protocol, anchors: Mapping[str, AnchorDay]) -> Hold | None:
    """The hold that lasts, where chemotherapy is given more than once; else the last there was, if any."""
    holds = list(find_holds(protocol, anchors))
    lasts = (hold for hold in holds if anchors[hold.base].kind is not AnchorKind.ACTUAL)
    return next(lasts, holds[-1] if holds else None)


def find_holds(protocol: Protocol, anchors: Mapping[str, AnchorDay]) -> Iterator[Hold]:
    """The hold of each point of no return that has an actual day and a later base."""
    for rule in protocol.anchors:
        day = anchors.get(rule.code)
        if not (rule.point_of_no_return and rule.derived and day and day.kind is AnchorKind.ACTUAL):
            continue
        base = anchors.get(rule.derived.anchor)
        if base is None:
            continue
        implied = follow(base, rule.derived.offset, protocol).day
        if implied > day.day:
            expected = base.day - (implied - day.day)
            yield Hold(rule.code, rule.derived.anchor, day.day, expected, base.day)


def lengthen_rest(visits: list[PlannedVisit], hold: Hold) -> list[PlannedVisit]:
    """The same visits with the rest of the held block beginning the day after its last chemotherapy.

    Rest is whichever visit of the block lasts over a range and counts from the anchor that slipped.
    """
    given = [v for v in visits if v.rule.counts_from.code == hold.anchor and v.rule.block]
    if not given:
        return visits
    block = given[0].rule.block
    begins = max(v.window.closes for v in given) + timedelta(days=1)
    return [_from(v, begins) if _is_rest(v, block, hold.base) else v for v in visits]


def _is_rest(visit: PlannedVisit, block: str | None, base: str) -> bool:
    rule = visit.rule
    from_base = rule.counts_from.kind is ReferenceKind.ANCHOR and rule.counts_from.code == base
    return rule.block == block and from_base and isinstance(rule.timing, Over)


def _from(visit: PlannedVisit, begins: date) -> PlannedVisit:
    if visit.window.opens <= begins:
        return visit
    offset = Offset((begins - visit.base.day).days, Unit.DAYS)
    window = VisitWindow(begins, begins, visit.window.closes)
    return visit._replace(offset=offset, window=window, lengthened=True)


def hold_warning(protocol: Protocol, hold: Hold) -> PlanWarning:
    """Counts the days of the hold and says what the protocol allows next, or that it does not say."""
    label = {anchor.code: Code(anchor.label) for anchor in protocol.anchors}
    values: dict[str, Value] = {
        "base": label[hold.base],
        "now": hold.now,
        "days": days_words(hold.days),
        "anchor": in_sentence(label[hold.anchor]),
        "began": hold.began,
        "expected": hold.expected,
        "given": first_treatment_name(protocol, hold.anchor),
        "next": _what_next(protocol, hold),
    }
    template = _(
        "%(base)s on %(now)s is %(days)s later than the %(anchor)s on %(began)s was given for "
        "(%(expected)s): %(given)s stays done, the rest is longer by the days on hold; %(next)s"
    )
    return PlanWarning("hold", Words.of(template, values))


def _what_next(protocol: Protocol, hold: Hold) -> Words:
    rule = protocol.hold
    if rule is None:
        return Words.of(
            _(
                "the protocol document does not say how long a hold may last: the %(awaited)s can be "
                "delayed, resumed or abandoned by the investigator"
            ),
            {"awaited": in_sentence(protocol.anchor_by_code[hold.base].label)},
        )
    left = (_last_day(protocol, rule, hold) - hold.now).days
    values: dict[str, Value] = {"longest": offset_words(rule.longest), "basis": Code(rule.basis.kind)}
    if left < 0:
        values["then"] = rule.then
        return Words.of(_("the protocol allows %(longest)s (%(basis)s), now exceeded: %(then)s"), values)
    values["n"] = left
    if left == 1:
        return Words.of(_("the protocol allows %(longest)s (%(basis)s), %(n)d day is left"), values)
    return Words.of(_("the protocol allows %(longest)s (%(basis)s), %(n)d days are left"), values)


def _last_day(protocol: Protocol, rule: HoldRule, hold: Hold) -> date:
    """The last day to which the base anchor may slip."""
    return shift_day(hold.expected, rule.longest, protocol.month)
