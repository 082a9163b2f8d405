"""A protocol version's schedule of activities as frozen values.

The words are those of ICH M11 and USDM: epochs, anchors (fixed references), visit rules
(encounters), activities, and windows in which something must hold.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property

from trials.domain.language import Named
from trials.domain.protocols.basis import (
    ASSUMED,
    Basis,
    BasisKind,
    Reference,
    ReferenceKind,
    Source,
    applies,
)
from trials.domain.protocols.offsets import MonthLength, Offset
from trials.domain.protocols.terms import (
    Bound,
    Conduct,
    EventAfter,
    Freshness,
    HalfLives,
    Moment,
    Observation,
    Pick,
    Presence,
    ProtocolWindow,
    Stay,
    Terms,
    Washout,
    WindowKind,
)
from trials.domain.protocols.timings import (
    AtOffset,
    Each,
    Over,
    Repeat,
    Timing,
    TimingKind,
    Tolerance,
    Within,
)

__all__ = [
    "ASSUMED",
    "PRODUCT_STEPS",
    "Activity",
    "AnchorRule",
    "AtOffset",
    "Basis",
    "BasisKind",
    "Block",
    "Bound",
    "Conduct",
    "Conflict",
    "DayCount",
    "Derivation",
    "DoseLevel",
    "Each",
    "Epoch",
    "EventAfter",
    "FactName",
    "Freshness",
    "Gate",
    "GateBefore",
    "HalfLives",
    "HoldRule",
    "Moment",
    "Observation",
    "Over",
    "Pick",
    "Place",
    "Presence",
    "ProductRule",
    "Protocol",
    "ProtocolWindow",
    "Reference",
    "ReferenceKind",
    "Repeat",
    "Role",
    "Source",
    "Stay",
    "Terms",
    "Timing",
    "TimingKind",
    "Tolerance",
    "Trait",
    "VisitRule",
    "Washout",
    "WindowKind",
    "Within",
    "applies",
    "study_day",
]


class Place(StrEnum):
    """Where a visit happens; only ward days ignore the clinic's working days."""

    WARD = "ward"
    CLINIC = "clinic"
    PHONE = "phone"
    HOME = "home"


class DayCount(StrEnum):
    """Whether a protocol calls its anchor's day Day 0 or Day 1 (which then has no Day 0)."""

    DAY_0 = "0"
    DAY_1 = "1"


@dataclass(frozen=True, slots=True)
class Epoch:
    """A period of the trial, such as screening or follow-up."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Trait:
    """A property of a participant by which rules apply or not; `always` where every participant has it."""

    code: str
    label: str
    always: bool = False


@dataclass(frozen=True, slots=True)
class FactName:
    """What people call a drug, test, vaccine, condition or event that windows name by its code."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Derivation:
    """How an anchor follows another until it is set itself.

    Where `visit` is named, the day on which that visit was performed comes first.
    """

    anchor: str
    offset: Offset
    basis: Basis
    visit: str | None = None


class Role(StrEnum):
    """What the product itself needs to know of a day or a visit: which one is the consent, and so on."""

    CONSENT = "consent"
    SCREENING = "screening"
    ENROLMENT = "enrolment"
    COLLECTION = "collection"


@dataclass(frozen=True, slots=True)
class AnchorRule:
    """A named day that others count from; `not_after` names anchors that it may not follow.

    `by_hand` says that a person enters the day: no visit sets it, and nothing derives it.
    """

    code: str
    label: str
    derived: Derivation | None = None
    not_after: tuple[str, ...] = ()
    point_of_no_return: bool = False
    applies_to: tuple[str, ...] = ()
    by_hand: bool = False
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class VisitRule:
    """What the protocol asks for: a visit, when, where, and for whom (any of `applies_to`; empty: all).

    `stays_after_early_end` of one that is still asked for when somebody ends the protocol's visits
    early, such as a safety follow-up.
    `sets` is the anchor whose actual day is the day on which the visit (the first of several) is done.
    """

    code: str
    label: str
    epoch: str
    counts_from: Reference
    timing: Timing
    basis: Basis
    place: Place = Place.CLINIC
    block: str | None = None
    applies_to: tuple[str, ...] = ()
    stays_after_early_end: bool = False
    sets: str | None = None
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """Something done at visits: a row of the schedule of activities."""

    code: str
    label: str
    visits: tuple[str, ...]
    basis: Basis
    applies_to: tuple[str, ...] = ()
    repeat_when_expired: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """Visits that hold their shape: consecutive days that move together or not at all."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class DoseLevel:
    """One dose level of an escalation; levels stand in the order in which they are opened."""

    code: str
    label: str
    basis: Basis
    planned: int | None = None


class GateBefore(StrEnum):
    """What a gate stands before."""

    PARTICIPANT = "participant"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class Gate:
    """What must have ended or passed before the next participant or dose level may start."""

    code: str
    label: str
    before: GateBefore
    basis: Basis
    observation: str | None = None
    interval: Offset | None = None
    first_of_level_interval: Offset | None = None
    review: bool = False


@dataclass(frozen=True, slots=True)
class HoldRule:
    """How long the infusion may wait once chemotherapy has begun, and what then.

    `afebrile` is how long there must have been no fever before it is given, `escalate_after` after how
    many days on hold somebody must be told; None where the document does not say.
    """

    longest: Offset
    then: str
    basis: Basis
    afebrile: Offset | None = None
    escalate_after: Offset | None = None


PRODUCT_STEPS = ("shipped", "received", "quality_control", "released")
"""The milestones of a product after its collection, in their usual order."""


@dataclass(frozen=True, slots=True)
class ProductRule:
    """How long a product usually takes from one milestone to the next, from its collection on."""

    shipped: Offset
    received: Offset
    quality_control: Offset
    released: Offset
    basis: Basis


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two statements of one record that disagree, kept visible, and which one was taken."""

    about: str
    statements: tuple[str, ...]
    taken: str


@dataclass(frozen=True)
class Protocol:
    """One edition of a trial's schedule of activities, validated whole."""

    trial: str
    version: str
    title: str
    zone: str
    day_zero: str
    sources: tuple[Source, ...]
    epochs: tuple[Epoch, ...]
    anchors: tuple[AnchorRule, ...]
    visits: tuple[VisitRule, ...]
    traits: tuple[Trait, ...] = ()
    blocks: tuple[Block, ...] = ()
    activities: tuple[Activity, ...] = ()
    windows: tuple[ProtocolWindow, ...] = ()
    dose_levels: tuple[DoseLevel, ...] = ()
    gates: tuple[Gate, ...] = ()
    hold: HoldRule | None = None
    conflicts: tuple[Conflict, ...] = ()
    notes: tuple[str, ...] = ()
    facts: tuple[FactName, ...] = ()
    month: MonthLength = MonthLength.CALENDAR
    day_count: DayCount = DayCount.DAY_0
    planned_number: int | None = None
    planned_end: date | None = None
    planned_end_basis: Basis | None = None
    unscheduled_epochs: tuple[str, ...] = field(default=())
    product: ProductRule | None = None

    @cached_property
    def anchor_by_code(self) -> dict[str, AnchorRule]:
        """The anchors by their codes."""
        return {anchor.code: anchor for anchor in self.anchors}

    @cached_property
    def visit_by_code(self) -> dict[str, VisitRule]:
        """The visit rules by their codes."""
        return {visit.code: visit for visit in self.visits}

    @cached_property
    def source_by_code(self) -> dict[str, Source]:
        """The sources by their codes."""
        return {source.code: source for source in self.sources}

    def anchor_of(self, role: Role) -> str | None:
        """Return the code of the anchor with a role: the one that says so, else the one of that name."""
        return _of_role(self.anchors, role)

    def code_of(self, role: Role) -> str:
        """Return the code of the anchor with a role; the role itself where the document has none."""
        return self.anchor_of(role) or role.value

    def visit_of(self, role: Role) -> str | None:
        """Return the code of the visit with a role: the one that says so, else the one of that name."""
        return _of_role(self.visits, role)

    def named(self, code: str) -> str:
        """Return the code of a fact with the label that the document gives it; the code alone without one."""
        return self._named.get(code, code)

    @cached_property
    def _named(self) -> dict[str, Named]:
        return {fact.code: Named(fact.code, fact.label) for fact in self.facts}

    def day_label(self, days: int) -> str:
        """The protocol's name for the day so many days from an anchor: `D28`, `D-5`.

        The only place where counting from Day 0 or Day 1 matters: with Day 1 the anchor's
        day is D1 and the day before it is D-1.
        """
        shift = 1 if self.day_count is DayCount.DAY_1 and days >= 0 else 0
        return f"D{days + shift}"

    def effective_traits(self, given: AbstractSet[str]) -> frozenset[str]:
        """The traits given, with those that every participant of this protocol has."""
        return frozenset(given) | {trait.code for trait in self.traits if trait.always}


def _of_role(rules: tuple[AnchorRule, ...] | tuple[VisitRule, ...], role: Role) -> str | None:
    said = next((rule.code for rule in rules if rule.role is role), None)
    return said or next((rule.code for rule in rules if rule.code == role and rule.role is None), None)


def study_day(day: date, reference: date) -> int:
    """The CDISC study day (SDTM --DY): the reference is day 1, the day before it −1; there is no day 0."""
    days = (day - reference).days
    return days + 1 if days >= 0 else days
