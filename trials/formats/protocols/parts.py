"""The parts that sections of a protocol document share: offsets, days, bases, references, bounds.

A part is a pydantic model of what may be written; its `value` is the domain's word for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, Strict, model_validator
from pydantic_core import PydanticCustomError

from trials.domain.errors import OffsetError
from trials.domain.language import Text
from trials.domain.protocols.offsets import Offset
from trials.domain.protocols.protocol import (
    Basis,
    BasisKind,
    Bound,
    HalfLives,
    Moment,
    Pick,
    Reference,
    ReferenceKind,
    Tolerance,
)

OFFSET_REMEDY = (
    "write a sign, P, a whole number and one of D, W, M, Y, or PT, a number and H; "
    "for instance -P5D, P8W, P24M, PT48H"
)
DAY_REMEDY = "write a day of the calendar as year-month-day, for instance 2025-09-26"
_LONGEST_OFFSET = 12
_WITH_UNIT = re.compile(r"[+-]?PT?\d+([^\W\d]+)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class OneOf:
    """Exactly one of these keys is written (only asked where the key `when` is written)."""

    keys: tuple[str, ...]
    when: str | None = None


@dataclass(frozen=True, slots=True)
class OnlyWith:
    """This key is written only beside that other one."""

    key: str
    beside: str


Rule = OneOf | OnlyWith


class Part(BaseModel):
    """A mapping in the document; keys it does not know are faults, and no value is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    rules: ClassVar[tuple[Rule, ...]] = ()


def refusal(code: str, message: str, remedy: str) -> PydanticCustomError:
    """The error for a value that pydantic itself would accept; carries its remedy along."""
    return PydanticCustomError(code, "{message}", {"message": message, "remedy": remedy})


def read_offset(given: object) -> Offset:
    """Read an ISO 8601 duration of one unit; raises pydantic's error where it is none."""
    if not isinstance(given, str):
        raise refusal("wrong-type", f"{given!r} is not an offset", OFFSET_REMEDY)
    if len(given) > _LONGEST_OFFSET or not given.isascii():
        raise refusal("bad-offset", f"{given[:40]!r} is not an offset", OFFSET_REMEDY)
    try:
        return Offset.parse(given)
    except OffsetError:
        unit = _WITH_UNIT.fullmatch(given)
        if unit is None:
            raise refusal("bad-offset", f"{given!r} is not an offset", OFFSET_REMEDY) from None
        message = f"{given!r} has the unknown unit {unit[1]!r}"
        remedy = "possible are D, W, M, Y after P, and H after PT"
        raise refusal("unknown-unit", message, remedy) from None


def read_day(given: object) -> date:
    """Read a day, given as one or as text; raises pydantic's error where it is none."""
    if isinstance(given, date):
        return given
    if not isinstance(given, str) or not _DAY.fullmatch(given):
        raise refusal("wrong-type", f"{given!r} is not a day", DAY_REMEDY)
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise refusal("bad-day", f"{given!r} is not in the calendar", DAY_REMEDY) from None


def no_truth(given: object) -> object:
    """Let everything through but truth values and fractions, which Python takes for 0 and 1."""
    if isinstance(given, bool | float):
        raise refusal("unknown-word", f"{str(given).lower()} is not known here", "give a whole number")
    return given


def read_words(given: object) -> str:
    """Read a text in one language, or `{en: …, zh: …}`; raises pydantic's error for anything else."""
    if isinstance(given, str):
        return given
    if isinstance(given, dict) and given.keys() == {"en", "zh"}:
        en, zh = given["en"], given["zh"]
        if isinstance(en, str) and isinstance(zh, str) and zh.strip():
            return Text(en, zh)
    raise PydanticCustomError("words_type", "no text, nor one in two languages")


Label = Annotated[str, PlainValidator(read_words)]
OffsetText = Annotated[Offset, PlainValidator(read_offset)]
Day = Annotated[date, PlainValidator(read_day)]


class BasisPart(Part):
    """`assumed`, `{assumed: why}` or `{stated: SOURCE, section: WHERE, note: …}`."""

    assumed: Label | None = None
    stated: str | None = None
    section: str | None = None
    note: Label | None = None
    rules = (
        OneOf(("assumed", "stated")),
        OneOf(("section",), when="stated"),
        OnlyWith("section", "stated"),
        OnlyWith("note", "stated"),
    )

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, given: object) -> object:
        if isinstance(given, str) and given == "assumed":
            return {"assumed": ""}
        if isinstance(given, str):
            message = f"{given!r} is not a basis"
            remedy = "write assumed, {assumed: why} or {stated: SOURCE, section: WHERE}"
            raise refusal("bad-basis", message, remedy)
        return given

    def value(self) -> Basis:
        """The basis in the domain."""
        if self.stated is None:
            return Basis(BasisKind.ASSUMED, note=self.assumed or "")
        return Basis(BasisKind.STATED, self.stated, self.section or "", self.note or "")


class ReferencePart(Part):
    """An anchor's code, `{visit: CODE}` or `{activity: CODE}`."""

    anchor: str | None = None
    visit: str | None = None
    activity: str | None = None
    rules = (OneOf(("anchor", "visit", "activity")),)

    @model_validator(mode="before")
    @classmethod
    def _from_code(cls, given: object) -> object:
        return {"anchor": given} if isinstance(given, str) else given

    def value(self) -> Reference:
        """The reference in the domain."""
        if self.visit is not None:
            return Reference(ReferenceKind.VISIT, self.visit)
        if self.activity is not None:
            return Reference(ReferenceKind.ACTIVITY, self.activity)
        return Reference(ReferenceKind.ANCHOR, self.anchor or "")


class TolerancePart(Part):
    """How far before and after its target a visit is on time."""

    before: OffsetText
    after: OffsetText
    basis: BasisPart

    def value(self) -> Tolerance:
        """The tolerance in the domain."""
        return Tolerance(self.before, self.after, self.basis.value())


class HalfLivesPart(Part):
    """A signed number of half-lives of a named drug."""

    count: int
    drug: str

    def value(self) -> HalfLives:
        """The half-lives in the domain."""
        return HalfLives(self.count, self.drug)


class MomentPart(Part):
    """A point counted from a reference."""

    counts_from: ReferencePart = Field(alias="from")
    offset: OffsetText | None = None
    half_lives: HalfLivesPart | None = None
    rules = (OneOf(("offset", "half_lives")),)

    def value(self) -> Moment:
        """The moment in the domain."""
        return moment(self.counts_from, self.offset, self.half_lives)


class BoundPart(Part):
    """One moment written out, or the earliest or latest of several."""

    counts_from: ReferencePart | None = Field(default=None, alias="from")
    offset: OffsetText | None = None
    half_lives: HalfLivesPart | None = None
    pick: Annotated[Pick, Strict(False)] = Pick.EARLIEST
    moments: list[MomentPart] | None = None
    basis: BasisPart
    rules = (
        OneOf(("from", "moments")),
        OneOf(("offset", "half_lives"), when="from"),
        OnlyWith("offset", "from"),
        OnlyWith("half_lives", "from"),
        OnlyWith("pick", "moments"),
    )

    def value(self) -> Bound:
        """The bound in the domain."""
        if self.counts_from is None:
            moments = tuple(part.value() for part in self.moments or ())
        else:
            moments = (moment(self.counts_from, self.offset, self.half_lives),)
        return Bound(moments, self.basis.value(), self.pick)


def moment(counts_from: ReferencePart, offset: Offset | None, half_lives: HalfLivesPart | None) -> Moment:
    """The moment so far from the reference; one of offset and half-lives is given."""
    if half_lives is not None:
        return Moment(counts_from.value(), half_lives.value())
    return Moment(counts_from.value(), offset or read_offset("P0D"))
