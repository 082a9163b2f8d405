"""The clocks of a course that waits between chemotherapy and infusion: days on hold, hours without fever.

Hours are elapsed hours, counted in UTC: on the night of a clock change a local clock would call an
hour too few, or one too many, 48 of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from schedules.domain.plan.anchors import follow
from schedules.domain.plan.values import AnchorDay, AnchorKind
from trials.domain.language import Code
from trials.domain.protocols.offsets import Offset, Unit, shift_day
from trials.domain.protocols.protocol import Protocol
from trials.domain.protocols.treatment_names import CHEMOTHERAPY, INFUSION, first_treatment_name, in_sentence

FEVER = "fever"
"""The code of the event that says when fever was last measured."""

# Ours and shown as assumed where a protocol has no `afebrile` and `escalate_after` (docs/protocol-format.md).
_AFEBRILE = Offset(48, Unit.HOURS)
_ESCALATE_AFTER = Offset(3, Unit.DAYS)
_CLOCKS = frozenset({"afebrile", "escalate_after"})
_HOURS = {Unit.HOURS: 1, Unit.DAYS: 24, Unit.WEEKS: 24 * 7}
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class HoldTerms:
    """What a protocol says of a hold; where it is silent `afebrile` and `escalate_after` are assumed.

    `longest` None: no document says how long the infusion may wait.
    """

    longest: Offset | None
    then: str
    afebrile: Offset
    escalate_after: Offset
    assumed: frozenset[str]

    @property
    def hours_without_fever(self) -> timedelta:
        """How long there must have been no fever."""
        return _length(self.afebrile)

    @property
    def days_to_escalation(self) -> timedelta:
        """After how many days on hold somebody must be told."""
        return _length(self.escalate_after)


def hold_terms(protocol: Protocol) -> HoldTerms:
    """The terms of a protocol's hold, each assumed where nothing states it."""
    rule = protocol.hold
    if rule is None:
        return HoldTerms(None, "", _AFEBRILE, _ESCALATE_AFTER, _CLOCKS)
    stated = {name for name in _CLOCKS if getattr(rule, name)}
    return HoldTerms(
        rule.longest,
        rule.then,
        rule.afebrile or _AFEBRILE,
        rule.escalate_after or _ESCALATE_AFTER,
        _CLOCKS | {"longest"} if rule.basis.assumed else _CLOCKS - stated,
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """Where a course stands between the first chemotherapy and the infusion.

    Chemotherapy `began` for an infusion on `expected`, which now stands on `planned`; `since` is the
    day on which somebody put it on hold. `last_day` is the last to which the protocol lets it slip;
    `given` and `awaited` are what the protocol calls the two.
    """

    anchor: str
    base: str
    began: date
    expected: date
    planned: date
    terms: HoldTerms
    last_day: date | None = None
    since: date | None = None
    fever_at: datetime | None = None
    given: Code = CHEMOTHERAPY
    awaited: Code = INFUSION

    @property
    def late(self) -> int:
        """Days by which the infusion is planned later than the chemotherapy was given for."""
        return (self.planned - self.expected).days

    @property
    def on_hold(self) -> bool:
        """Whether somebody put it on hold, or the infusion slips."""
        return self.since is not None or self.late > 0

    def days(self, today: date) -> int:
        """Days that have been waited so far, beyond the day that was expected."""
        return max(0, (today - self.expected).days) if self.on_hold else 0

    @property
    def escalates_on(self) -> date:
        """The day from which somebody must be told."""
        return self.expected + self.terms.days_to_escalation

    def overrun(self, today: date) -> int:
        """Days beyond the longest hold that the protocol allows, planned or waited; 0 where it is kept."""
        if self.last_day is None:
            return 0
        return max(0, (max(self.planned, today) - self.last_day).days) if self.on_hold else 0

    @property
    def afebrile_at(self) -> datetime | None:
        """When the clock without fever is full; None where no fever is on record."""
        if self.fever_at is None:
            return None
        full = self.fever_at.astimezone(UTC) + self.terms.hours_without_fever
        return full.astimezone(self.fever_at.tzinfo)

    def hours_afebrile(self, now: datetime) -> int:
        """Whole hours without fever; 0 where no fever is on record."""
        if self.fever_at is None:
            return 0
        return max(0, (now.astimezone(UTC) - self.fever_at.astimezone(UTC)) // _HOUR)


def waiting_of(
    protocol: Protocol,
    anchors: Mapping[str, AnchorDay],
    since: date | None = None,
    fever_at: datetime | None = None,
) -> Waiting | None:
    """Where a course waits; None before the point of no return, and once the infusion is given.

    `anchors` are all of a plan. Fever before chemotherapy began does not count.
    """
    for rule in protocol.anchors:
        day = anchors.get(rule.code)
        if not (rule.point_of_no_return and rule.derived and day and day.kind is AnchorKind.ACTUAL):
            continue
        base = anchors.get(rule.derived.anchor)
        if base is None or base.kind is AnchorKind.ACTUAL:
            continue
        expected = base.day - (follow(base, rule.derived.offset, protocol).day - day.day)
        terms = hold_terms(protocol)
        last = shift_day(expected, terms.longest, protocol.month) if terms.longest else None
        counts = fever_at if fever_at and fever_at.date() >= day.day else None
        code = rule.derived.anchor
        return Waiting(
            rule.code,
            code,
            day.day,
            expected,
            base.day,
            terms,
            last,
            since,
            counts,
            first_treatment_name(protocol, rule.code),
            in_sentence(protocol.anchor_by_code[code].label),
        )
    return None


def _length(offset: Offset) -> timedelta:
    return _HOUR * offset.amount * _HOURS[offset.unit]
