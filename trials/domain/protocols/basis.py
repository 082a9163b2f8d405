"""Where a value comes from, what an offset counts from, and for whom a rule holds."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class BasisKind(StrEnum):
    """Whether the protocol says a thing or somebody assumed it."""

    STATED = "stated"
    ASSUMED = "assumed"


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


def applies(applies_to: tuple[str, ...], traits: AbstractSet[str]) -> bool:
    """Whether a rule with this `applies_to` holds for somebody with these traits."""
    return not applies_to or not traits.isdisjoint(applies_to)
