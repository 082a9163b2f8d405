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

from trials.domain.offsets import MonthLength, Offset


class BasisKind(StrEnum):
    """Whether the protocol says a thing or somebody assumed it."""

    STATED = "stated"
    ASSUMED = "assumed"


class Place(StrEnum):
    """Where a visit happens; only ward days ignore the clinic's working days."""

    WARD = "ward"
    CLINIC = "clinic"
    PHONE = "phone"
    HOME = "home"


class TimingKind(StrEnum):
    """The four ways in which a visit rule is timed."""

    OFFSET = "offset"
    WITHIN = "within"
    EACH = "each"
    OVER = "over"


class WindowKind(StrEnum):
    """What a protocol window asks for."""

    PRESENCE = "presence"
    STAY = "stay"
    OBSERVATION = "observation"
    FRESHNESS = "freshness"
    WASHOUT = "washout"
    CONDUCT = "conduct"
    EVENT_AFTER = "event-after"


class DayCount(StrEnum):
    """Whether a protocol calls its anchor's day Day 0 or Day 1 (which then has no Day 0)."""

    DAY_0 = "0"
    DAY_1 = "1"


@dataclass(frozen=True, slots=True)
class Source:
    """A document that a stated value was read from, with the date of the copy."""

    code: str
    document: str
    dated: date


@dataclass(frozen=True, slots=True)
class Basis:
    """Why a value is what it is: stated in a section of a source, or assumed (with a note)."""

    kind: BasisKind
    source: str | None = None
    section: str = ""
    note: str = ""

    @property
    def assumed(self) -> bool:
        """Whether nobody but the author of the document says so."""
        return self.kind is BasisKind.ASSUMED


ASSUMED = Basis(BasisKind.ASSUMED)


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
class Derivation:
    """How an anchor follows another until it is set itself.

    Where `visit` is named, the day on which that visit was performed comes first.
    """

    anchor: str
    offset: Offset
    basis: Basis
    visit: str | None = None


@dataclass(frozen=True, slots=True)
class AnchorRule:
    """A named day that others count from; `not_after` names anchors that it may not follow."""

    code: str
    label: str
    derived: Derivation | None = None
    not_after: tuple[str, ...] = ()
    point_of_no_return: bool = False
    applies_to: tuple[str, ...] = ()


class ReferenceKind(StrEnum):
    """What an offset counts from."""

    ANCHOR = "anchor"
    VISIT = "visit"
    ACTIVITY = "activity"


@dataclass(frozen=True, slots=True)
class Reference:
    """A named anchor, visit or activity that an offset counts from."""

    kind: ReferenceKind
    code: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far before and after its target a visit still counts as on time (both unsigned)."""

    before: Offset
    after: Offset
    basis: Basis


@dataclass(frozen=True, slots=True)
class Repeat:
    """A visit rule said again every so often, up to and including `until` from the anchor."""

    every: Offset
    until: Offset


@dataclass(frozen=True, slots=True)
class AtOffset:
    """Once, at an offset with a tolerance; with `repeat`, again and again from the same anchor."""

    offset: Offset
    tolerance: Tolerance
    repeat: Repeat | None = None
    kind = TimingKind.OFFSET


@dataclass(frozen=True, slots=True)
class Within:
    """Once, on any day of a range; the target is the first day unless `target` says otherwise."""

    first: Offset
    last: Offset
    target: Offset | None = None
    kind = TimingKind.WITHIN


@dataclass(frozen=True, slots=True)
class Each:
    """On every day of a range, one occurrence a day."""

    first: Offset
    last: Offset
    kind = TimingKind.EACH


@dataclass(frozen=True, slots=True)
class Over:
    """Over a whole range, as one visit."""

    first: Offset
    last: Offset
    kind = TimingKind.OVER


Timing = AtOffset | Within | Each | Over


@dataclass(frozen=True, slots=True)
class VisitRule:
    """What the protocol asks for: a visit, when, where, and for whom (any of `applies_to`; empty: all)."""

    code: str
    label: str
    epoch: str
    counts_from: Reference
    timing: Timing
    basis: Basis
    place: Place = Place.CLINIC
    block: str | None = None
    applies_to: tuple[str, ...] = ()


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
class HalfLives:
    """A signed number of half-lives of a named drug; its length is entered per participant, with a source."""

    count: int
    drug: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A point counted from a reference."""

    counts_from: Reference
    offset: Offset | HalfLives


class Pick(StrEnum):
    """Which of several moments bounds a window."""

    EARLIEST = "earliest"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a window: the earliest or the latest of some moments."""

    moments: tuple[Moment, ...]
    basis: Basis
    pick: Pick = Pick.EARLIEST


@dataclass(frozen=True, slots=True)
class Presence:
    """Be within so many minutes of travel of the site, throughout."""

    within_minutes: int
    companion: bool = False
    kind = WindowKind.PRESENCE


@dataclass(frozen=True, slots=True)
class Stay:
    """Be admitted, throughout; `leave_on_last_day` where a discharge at any hour of the last day keeps it."""

    leave_on_last_day: bool = True
    kind = WindowKind.STAY


@dataclass(frozen=True, slots=True)
class Observation:
    """Be observed for something (dose-limiting toxicity, adverse events)."""

    of: str
    kind = WindowKind.OBSERVATION


@dataclass(frozen=True, slots=True)
class Freshness:
    """Have a result of a test that was taken inside the window."""

    test: str
    result: str | None = None
    kind = WindowKind.FRESHNESS


@dataclass(frozen=True, slots=True)
class Washout:
    """Have had none of these inside the window."""

    of: tuple[str, ...]
    kind = WindowKind.WASHOUT


@dataclass(frozen=True, slots=True)
class Conduct:
    """Behave so throughout; confirmed at the visits named (none: at every visit)."""

    of: str
    confirmed_at: tuple[str, ...] = ()
    kind = WindowKind.CONDUCT


@dataclass(frozen=True, slots=True)
class EventAfter:
    """Do something at or after an event, such as consent again on coming of age."""

    event: str
    age: int | None = None
    kind = WindowKind.EVENT_AFTER


Terms = Presence | Stay | Observation | Freshness | Washout | Conduct | EventAfter


@dataclass(frozen=True, slots=True)
class ProtocolWindow:
    """An interval in which something must hold or not happen; a missing bound hangs on the person."""

    code: str
    label: str
    terms: Terms
    starts: Bound | None
    ends: Bound | None
    basis: Basis
    applies_to: tuple[str, ...] = ()
    waivable: bool = False

    @property
    def kind(self) -> WindowKind:
        """What the window asks for."""
        return self.terms.kind

    @property
    def assumed(self) -> bool:
        """Whether the window, or either of its ends, is assumed."""
        bounds = [bound.basis for bound in (self.starts, self.ends) if bound]
        return any(basis.assumed for basis in (self.basis, *bounds))


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
    """How long the infusion may wait once chemotherapy has begun, and what then."""

    longest: Offset
    then: str
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
    month: MonthLength = MonthLength.CALENDAR
    day_count: DayCount = DayCount.DAY_0
    planned_number: int | None = None
    planned_end: date | None = None
    unscheduled_epochs: tuple[str, ...] = field(default=())

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


def applies(applies_to: tuple[str, ...], traits: AbstractSet[str]) -> bool:
    """Whether a rule with this `applies_to` holds for somebody with these traits."""
    return not applies_to or not traits.isdisjoint(applies_to)


def study_day(day: date, reference: date) -> int:
    """The CDISC study day (SDTM --DY): the reference is day 1, the day before it −1; there is no day 0."""
    days = (day - reference).days
    return days + 1 if days >= 0 else days
