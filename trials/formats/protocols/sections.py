"""The sections of a protocol document (format 1): sources, traits, anchors, visits, windows.

A section is a pydantic model of what may be written; its `value` is the domain's word for it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, Strict

from trials.domain.protocols.protocol import (
    Activity,
    AnchorRule,
    AtOffset,
    Conduct,
    Derivation,
    Each,
    EventAfter,
    FactName,
    Freshness,
    Observation,
    Over,
    Place,
    Presence,
    ProtocolWindow,
    Repeat,
    Role,
    Source,
    Stay,
    Terms,
    Timing,
    Trait,
    VisitRule,
    Washout,
    Within,
)
from trials.formats.protocols.parts import (
    BasisPart,
    BoundPart,
    Day,
    Label,
    OffsetText,
    OneOf,
    OnlyWith,
    Part,
    ReferencePart,
    TolerancePart,
)


class SourcePart(Part):
    """A document that stated values were read from."""

    code: str
    document: str
    dated: Day

    def value(self) -> Source:
        """The source in the domain."""
        return Source(self.code, self.document, self.dated)


class NamePart(Part):
    """A code and its label: an epoch or a block."""

    code: str
    label: Label


class FactPart(NamePart):
    """What a drug, a test, a vaccine, a condition or anything else that windows name is called."""

    def value(self) -> FactName:
        """The name in the domain."""
        return FactName(self.code, self.label)


class TraitPart(NamePart):
    """A property of a participant."""

    always: bool = False

    def value(self) -> Trait:
        """The trait in the domain."""
        return Trait(self.code, self.label, self.always)


class DerivationPart(Part):
    """How an anchor follows another."""

    anchor: str
    offset: OffsetText
    basis: BasisPart
    visit: str | None = None

    def value(self) -> Derivation:
        """The derivation in the domain."""
        return Derivation(self.anchor, self.offset, self.basis.value(), self.visit)


class AnchorPart(NamePart):
    """A named day that others count from."""

    derived: DerivationPart | None = None
    not_after: list[str] = []
    point_of_no_return: bool = False
    by_hand: bool = False
    role: Annotated[Role, Strict(False)] | None = None
    applies_to: list[str] = []

    def value(self) -> AnchorRule:
        """The anchor in the domain."""
        return AnchorRule(
            code=self.code,
            label=self.label,
            derived=self.derived.value() if self.derived else None,
            not_after=tuple(self.not_after),
            point_of_no_return=self.point_of_no_return,
            by_hand=self.by_hand,
            role=self.role,
            applies_to=tuple(self.applies_to),
        )


class RangePart(Part):
    """The first and the last day of a range."""

    first: OffsetText
    last: OffsetText


class WithinPart(RangePart):
    """A range on one day of which a visit happens."""

    target: OffsetText | None = None


class RepeatPart(Part):
    """How often a visit is said again, and until when."""

    every: OffsetText
    until: OffsetText

    def value(self) -> Repeat:
        """The repeat in the domain."""
        return Repeat(self.every, self.until)


class VisitPart(NamePart):
    """A visit, when, where, and for whom."""

    epoch: str
    counts_from: ReferencePart = Field(alias="from")
    at: OffsetText | None = None
    tolerance: TolerancePart | None = None
    repeat: RepeatPart | None = None
    within: WithinPart | None = None
    each: RangePart | None = None
    over: RangePart | None = None
    basis: BasisPart
    place: Annotated[Place, Strict(False)] = Place.CLINIC
    block: str | None = None
    sets: str | None = None
    role: Annotated[Role, Strict(False)] | None = None
    applies_to: list[str] = []
    stays_after_early_end: bool = False
    rules = (
        OneOf(("at", "within", "each", "over")),
        OneOf(("tolerance",), when="at"),
        OnlyWith("tolerance", "at"),
        OnlyWith("repeat", "at"),
    )

    def value(self) -> VisitRule:
        """The visit rule in the domain."""
        return VisitRule(
            code=self.code,
            label=self.label,
            epoch=self.epoch,
            counts_from=self.counts_from.value(),
            timing=self.timing(),
            basis=self.basis.value(),
            place=self.place,
            block=self.block,
            sets=self.sets,
            role=self.role,
            applies_to=tuple(self.applies_to),
            stays_after_early_end=self.stays_after_early_end,
        )

    def timing(self) -> Timing:
        """The one timing that is written."""
        if self.within is not None:
            return Within(self.within.first, self.within.last, self.within.target)
        if self.each is not None:
            return Each(self.each.first, self.each.last)
        if self.over is not None:
            return Over(self.over.first, self.over.last)
        assert self.at is not None, "the part's rules hold"
        assert self.tolerance is not None, "the part's rules hold"
        return AtOffset(self.at, self.tolerance.value(), self.repeat.value() if self.repeat else None)


class ActivityPart(NamePart):
    """Something done at visits."""

    visits: list[str]
    basis: BasisPart
    applies_to: list[str] = []
    repeat_when_expired: bool = False

    def value(self) -> Activity:
        """The activity in the domain."""
        return Activity(
            code=self.code,
            label=self.label,
            visits=tuple(self.visits),
            basis=self.basis.value(),
            applies_to=tuple(self.applies_to),
            repeat_when_expired=self.repeat_when_expired,
        )


class PresencePart(Part):
    """Be within so many minutes of the site."""

    within_minutes: int
    companion: bool = False

    def value(self) -> Presence:
        """The terms in the domain."""
        return Presence(self.within_minutes, self.companion)


class StayPart(Part):
    """Be admitted."""

    leave_on_last_day: bool = True

    def value(self) -> Stay:
        """The terms in the domain."""
        return Stay(self.leave_on_last_day)


class ObservationPart(Part):
    """Be observed for something."""

    of: str

    def value(self) -> Observation:
        """The terms in the domain."""
        return Observation(self.of)


class FreshnessPart(Part):
    """Have a result of a test."""

    test: str
    result: str | None = None

    def value(self) -> Freshness:
        """The terms in the domain."""
        return Freshness(self.test, self.result)


class WashoutPart(Part):
    """Have had none of these."""

    of: list[str]

    def value(self) -> Washout:
        """The terms in the domain."""
        return Washout(tuple(self.of))


class ConductPart(Part):
    """Behave so throughout."""

    of: str
    confirmed_at: list[str] = []

    def value(self) -> Conduct:
        """The terms in the domain."""
        return Conduct(self.of, tuple(self.confirmed_at))


class EventAfterPart(Part):
    """Do something at or after an event."""

    event: str
    age: int | None = None

    def value(self) -> EventAfter:
        """The terms in the domain."""
        return EventAfter(self.event, self.age)


class WindowPart(NamePart):
    """An interval in which something must hold or must not happen."""

    presence: PresencePart | None = None
    stay: StayPart | None = None
    observation: ObservationPart | None = None
    freshness: FreshnessPart | None = None
    washout: WashoutPart | None = None
    conduct: ConductPart | None = None
    event_after: EventAfterPart | None = None
    starts: BoundPart | None = None
    ends: BoundPart | None = None
    basis: BasisPart
    applies_to: list[str] = []
    waivable: bool = False
    rules = (
        OneOf(
            (
                "presence",
                "stay",
                "observation",
                "freshness",
                "washout",
                "conduct",
                "event_after",
            )
        ),
    )

    def value(self) -> ProtocolWindow:
        """The protocol window in the domain."""
        return ProtocolWindow(
            code=self.code,
            label=self.label,
            terms=self.terms(),
            starts=self.starts.value() if self.starts else None,
            ends=self.ends.value() if self.ends else None,
            basis=self.basis.value(),
            applies_to=tuple(self.applies_to),
            waivable=self.waivable,
        )

    def terms(self) -> Terms:
        """What the window asks for: the one kind that is written."""
        written = (
            self.presence
            or self.stay
            or self.observation
            or self.freshness
            or self.washout
            or self.conduct
            or self.event_after
        )
        assert written is not None, "the part's rules hold"
        return written.value()
