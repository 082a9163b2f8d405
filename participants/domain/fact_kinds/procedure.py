"""Something done to the participant."""

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
from participants.domain.fact_kinds.occurrence import AtOnce
from participants.domain.moments import Point
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Procedure(AtOnce):
    """Something done to the participant: `plasma-exchange`, `major-surgery`, `blood-count`."""

    code: str
    at: Point
    ref: str = ""


PROCEDURE = FactDeclaration(
    kind=FactKind.PROCEDURE,
    value=Procedure,
    label=_("Procedure"),
    sorted_into="occurrences",
    span=Span("at"),
    of="code",
    inputs=(of(_("Procedure"), "code"), moment("at")),
    happened=("at",),
    named=("code",),
    long_before=True,
    first_year=FIRST_YEAR_BEFORE,
)
