"""What contradicts the protocol and has happened all the same.

Reality is put on record, with a reason, and becomes a deviation; a plan that contradicts itself is
refused. What cannot have been (an infusion before what comes before it) is refused too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from schedules.domain.deviations.drafts import DeviationKind, Draft
from schedules.domain.plan.contradictions import Contradiction, root_of
from schedules.domain.plan.explanations import offset_words
from schedules.domain.plan.values import AnchorDay, AnchorKind
from trials.domain.protocols.offsets import Offset, Unit
from trials.domain.protocols.protocol import Protocol, Role
from trials.domain.stored_sentences import joined, told
from trials.domain.words import Code, Say, Value, Words, day_text, plain
from trials.domain.words import mark as _

REPLAN_FLAG = "replan"
"""The kind of flag that stands for a planned day which no longer fits one on record."""

Pair = tuple[str, str]


class DepartureKind(StrEnum):
    """In what a day that happened departs from the protocol; the most severe first."""

    BLOCK = "block"
    GATE = "gate"
    START = "start"
    ORDER = "order"
    REPLAN = "replan"


@dataclass(frozen=True, slots=True)
class Departure:
    """Something that happened against the protocol, or that leaves a planned day which no longer fits.

    `anchor` on `day` and `other` on `other_day` contradict each other; of a start against a gate or
    against the list, `anchor` and `day` are the start and `why` says what spoke against it. `mend` is the
    day that would fit `other`; `drafts` whether a deviation follows.
    """

    kind: DepartureKind
    anchor: str
    day: date
    other: str = ""
    other_day: date | None = None
    mend: date | None = None
    why: tuple[Words, ...] = ()
    drafts: bool = True

    @property
    def days(self) -> int | None:
        """Days by which `other` is off the day that would fit; negative for early."""
        return (self.other_day - self.mend).days if self.other_day and self.mend else None


@dataclass(frozen=True, slots=True)
class Ruling:
    """Contradictions, sorted: those that are refused, and those that happened and go on record.

    Whatever stood before is in neither.
    """

    refused: tuple[Contradiction, ...] = ()
    departures: tuple[Departure, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """The anchors `before` and `after`, the pairs that contradicted each other before (`stood`).

    `recorded` are anchors whose day a visit has just put on record; `withdrawn` is true where a
    day on record is withdrawn, which plans nothing.
    """

    protocol: Protocol
    before: Mapping[str, AnchorDay]
    after: Mapping[str, AnchorDay]
    stood: AbstractSet[Pair] = field(default_factory=frozenset)
    recorded: AbstractSet[str] = field(default_factory=frozenset)
    withdrawn: bool = False

    def happened(self, code: str) -> bool:
        """Whether an anchor has its actual day."""
        return self.after[code].kind is AnchorKind.ACTUAL

    def have_happened(self, codes: Iterable[str]) -> bool:
        """Whether all of these anchors have their actual days."""
        return all(map(self.happened, codes))

    def moved(self, code: str) -> bool:
        """Whether an anchor stands on another day than before, or is known otherwise."""
        before, after = self.before.get(code), self.after[code]
        return code in self.recorded or before is None or (before.day, before.kind) != (after.day, after.kind)


def rule_on(found: Sequence[Contradiction], case: Case) -> Ruling:
    """Which contradictions are refused, and which have happened and go on record with a reason.

    A day that has just been put on record may contradict another one; a planned day may not, except
    that it stood there before. What both have happened and stood so is nobody's to refuse any more.
    """
    refused, departures = [], []
    for one in found:
        sides = {root_of(case.protocol, code, case.after) for code in (one.anchor, one.other)}
        moved = {code for code in sides if case.moved(code)}
        if not moved and (case.have_happened(sides) or (one.anchor, one.other) in case.stood):
            continue
        if _impossible(one, case) or _is_planned(moved, case):
            refused.append(one)
        else:
            departures.append(_departure(one, case))
    return Ruling(tuple(refused), tuple(departures))


def _is_planned(moved: AbstractSet[str], case: Case) -> bool:
    """Whether a plan asks for it: no day was withdrawn, and what moved has not all happened."""
    return not case.withdrawn and not (moved and case.have_happened(moved))


def _impossible(found: Contradiction, case: Case) -> bool:
    """Whether two days that are said to have happened cannot both be: an infusion before what precedes it."""
    both = case.have_happened((found.anchor, found.other))
    if not found.shape and found.other == case.protocol.day_zero and case.happened(found.other):
        return both or found.anchor == case.protocol.anchor_of(Role.CONSENT)
    if not (found.shape and both):
        return False
    derived = case.protocol.anchor_by_code[found.anchor].derived
    assert derived is not None, "a block's shape hangs on a derivation"
    gap = (case.after[found.anchor].day - case.after[found.other].day).days
    return gap > 0 if derived.offset.amount < 0 else gap < 0


def _departure(found: Contradiction, case: Case) -> Departure:
    anchor, other = case.after[found.anchor], case.after[found.other]
    mend = dict(found.mends).get(found.other)
    if case.have_happened((found.anchor, found.other)):
        kind = DepartureKind.BLOCK if found.shape else DepartureKind.ORDER
        return Departure(kind, found.anchor, anchor.day, found.other, other.day, mend)
    if case.happened(found.anchor):
        return _to_plan_anew(found.anchor, found.other, found, case)
    return _to_plan_anew(found.other, found.anchor, found, case)


def _to_plan_anew(stays: str, goes: str, found: Contradiction, case: Case) -> Departure:
    """The planned day that no longer fits one on record, with a day that would."""
    goes = root_of(case.protocol, goes, case.after)
    mend = dict(found.mends).get(goes)
    days = (case.after[stays].day, case.after[goes].day)
    return Departure(DepartureKind.REPLAN, stays, days[0], goes, days[1], mend, drafts=False)


_SENTENCES = {
    DepartureKind.BLOCK: _(
        "This breaks the block: %(other)s on %(other_day)s is %(days)s %(side)s than the protocol puts it "
        "after %(anchor)s on %(day)s."
    ),
    DepartureKind.ORDER: _(
        "This turns the order round: %(anchor)s on %(day)s is after %(other)s on %(other_day)s, which the "
        "protocol puts later."
    ),
    DepartureKind.REPLAN: _(
        "%(other)s on %(other_day)s no longer fits %(anchor)s on %(day)s: plan it again. %(mend)s would fit."
    ),
    DepartureKind.GATE: _("This is a start against a closed gate. %(why)s"),
    DepartureKind.START: _("The list for %(plain_day)s says no. %(why)s"),
}
_DRAFTED = _("A deviation will be drafted.")


def departure_sentence(one: Departure, protocol: Protocol, say: Say = plain, *, ahead: bool = False) -> str:
    """A departure in words; `ahead` of the commit with what will follow."""
    said = departure_words(one, protocol).text(say, day_text)
    return f"{said} {say(_DRAFTED)}" if ahead and one.drafts else said


def departure_words(one: Departure, protocol: Protocol) -> Words:
    """The same as data, to be said where it is read."""
    label = {rule.code: rule.label for rule in protocol.anchors}
    values: dict[str, Value] = {
        "anchor": Code(label.get(one.anchor, one.anchor)),
        "day": one.day,
        "plain_day": one.day.isoformat(),
        "other": Code(label.get(one.other, one.other)),
        "other_day": one.other_day or "",
        "days": offset_words(Offset(abs(one.days or 0), Unit.DAYS)),
        "side": Code(_("earlier") if (one.days or 0) < 0 else _("later")),
        "mend": one.mend or "–",
        "why": joined(one.why),
    }
    template = _SENTENCES[one.kind]
    return Words.of(template, {name: value for name, value in values.items() if f"%({name})s" in template})


_DRAFTS = {
    DepartureKind.BLOCK: DeviationKind.BLOCK,
    DepartureKind.ORDER: DeviationKind.ORDER,
    DepartureKind.GATE: DeviationKind.GATE,
    DepartureKind.START: DeviationKind.START,
}


def draft_of(one: Departure, protocol: Protocol, participant: int, reason: str) -> Draft:
    """The deviation that a departure becomes, filled from the facts; `reason` is what the person said."""
    said = [departure_words(one, protocol)]
    if reason.strip():
        said.append(Words.of(_("Reason given: %(reason)s"), {"reason": reason.strip()}))
    fits = one.mend if one.kind is DepartureKind.BLOCK else None
    occurred = one.other_day if one.kind is DepartureKind.BLOCK and one.other_day else one.day
    return Draft(
        about=_about(one, participant),
        evidence=f"{one.day}/{one.other_day}" if one.other_day else one.day.isoformat(),
        kind=_DRAFTS[one.kind],
        occurred_on=occurred,
        planned_on=fits,
        opens=fits,
        closes=fits,
        actual_on=occurred,
        days=one.days if one.kind is DepartureKind.BLOCK else None,
        facts=told(*said),
    )


def _about(one: Departure, participant: int) -> str:
    pair = f"{one.anchor}:{one.other}" if one.other else one.anchor
    return f"{_DRAFTS[one.kind]}:{participant}:{pair}"


def keys_that_hold(found: Sequence[Contradiction], case: Case, participant: int) -> set[str]:
    """The keys of all drafts that the anchors on record bear out, whether or not they were drafted."""
    both = (one for one in found if case.have_happened((one.anchor, one.other)))
    departures = [_departure(one, case) for one in both]
    days = [(code, anchor.day) for code, anchor in case.after.items() if case.happened(code)]
    starts = (DepartureKind.GATE, DepartureKind.START)
    departures += [Departure(kind, code, day) for kind in starts for code, day in days]
    return {draft_of(one, case.protocol, participant, "").key for one in departures}


def standing_to_plan_anew(found: Sequence[Contradiction], case: Case) -> Iterator[Departure]:
    """Everything planned that contradicts a day on record, whether it stood so before or not."""
    for one in found:
        happened = (case.happened(one.anchor), case.happened(one.other))
        if any(happened) and not all(happened):
            yield _departure(one, case)
