"""The sections of a protocol document (format 1): sources, traits, anchors, visits, windows.

A section is a pydantic model of what may be written; its `value` is the domain's word for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING
from dataclasses import fields as dataclass_fields
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, get_type_hints

from pydantic import Field, Strict, create_model

from trials.domain.protocols.protocol import (
    Activity,
    AnchorRule,
    AtOffset,
    Derivation,
    Each,
    FactName,
    Over,
    Place,
    ProtocolWindow,
    Repeat,
    Role,
    Source,
    Terms,
    Timing,
    Trait,
    VisitRule,
    Within,
)
from trials.domain.protocols.terms import ALL_TERMS
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
    """A range of days, on one of which a visit takes place."""

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


class TermsPart(Part):
    """What a window of one kind asks for: the fields of its terms."""

    asks_for: ClassVar[Callable[..., Terms]]

    def value(self) -> Terms:
        """The terms in the domain."""
        given = {name: tuple(value) if isinstance(value, list) else value for name, value in self}
        return self.asks_for(**given)


def key_of(terms: type[Terms]) -> str:
    """The key under which what a kind of window asks for is written."""
    return terms.kind.replace("-", "_")


def _part_of(terms: type[Terms]) -> type[TermsPart]:
    """The part of a kind of window: its terms are declared once, in the domain."""
    hints = get_type_hints(terms)
    fields: dict[str, Any] = {
        field.name: (_written(hints[field.name]), ... if field.default is MISSING else field.default)
        for field in dataclass_fields(terms)
    }
    part = create_model(f"{terms.__name__}Part", __base__=TermsPart, __doc__=terms.__doc__, **fields)
    part.asks_for = terms
    return part


def _written(hint: Any) -> Any:
    """The type in which a document gives a value of terms: several things are a list there."""
    return list[str] if hint == tuple[str, ...] else hint


TERMS_PARTS: Mapping[str, type[TermsPart]] = {key_of(terms): _part_of(terms) for terms in ALL_TERMS}
"""The parts of all kinds of windows, by their keys."""

if TYPE_CHECKING:
    _KindsPart = NamePart
else:  # between the label and the ends of a window, where a document has them and messages list them
    _KindsPart = create_model(
        "_KindsPart",
        __base__=NamePart,
        **{key: (part | None, None) for key, part in TERMS_PARTS.items()},
    )


class WindowPart(_KindsPart):
    """An interval in which something must hold or must not happen."""

    starts: BoundPart | None = None
    ends: BoundPart | None = None
    basis: BasisPart
    applies_to: list[str] = []
    waivable: bool = False
    rules = (OneOf(tuple(TERMS_PARTS)),)

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
        parts: Iterator[TermsPart | None] = (getattr(self, key) for key in TERMS_PARTS)
        written = next((part for part in parts if part is not None), None)
        assert written is not None, "the part's rules hold"
        return written.value()
