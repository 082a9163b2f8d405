"""An active infection, and how long it lasted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from participants.domain.fact_kinds.declaration import (
    FIRST_YEAR_BEFORE,
    FactDeclaration,
    FactKind,
    Span,
    days,
    of,
    turned,
)
from participants.domain.fact_kinds.occurrence import Lasting
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Infection(Lasting):
    """An active infection from one day to another, both inside; None while it lasts."""

    from_day: date
    to_day: date | None = None
    code: str = "infection"
    ref: str = ""


INFECTION = FactDeclaration(
    kind=FactKind.INFECTION,
    value=Infection,
    label=_("Infection"),
    sorted_into="occurrences",
    span=Span("from_day", "to_day", lasts=True),
    of="code",
    inputs=(of(_("Infection"), "code"), *days()),
    happened=("from_day", "to_day"),
    named=("code",),
    long_before=True,
    first_year=FIRST_YEAR_BEFORE,
    contradicts=turned,
)
