"""A vaccine given."""

from __future__ import annotations

from dataclasses import dataclass

from participants.domain.fact_kinds.declaration import (
    FIRST_YEAR_BEFORE,
    FactDeclaration,
    FactKind,
    Span,
    moment,
    of,
)
from participants.domain.moments import Point
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Vaccination:
    """A vaccine given, by its kind: `live-vaccine`, `rna-vaccine`."""

    vaccine: str
    given_at: Point
    ref: str = ""

    @property
    def code(self) -> str:
        """The kind of vaccine."""
        return self.vaccine

    @property
    def first(self) -> Point:
        """When it was given."""
        return self.given_at

    @property
    def last(self) -> Point | None:
        """When it was given."""
        return self.given_at


VACCINATION = FactDeclaration(
    kind=FactKind.VACCINATION,
    value=Vaccination,
    label=_("Vaccination"),
    sorted_into="occurrences",
    span=Span("given_at"),
    of="vaccine",
    inputs=(of(_("Vaccine"), "vaccine"), moment("given_at")),
    happened=("given_at",),
    named=("vaccine",),
    long_before=True,
    first_year=FIRST_YEAR_BEFORE,
)
