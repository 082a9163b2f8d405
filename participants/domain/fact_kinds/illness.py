"""A condition, and how long it lasted."""

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
class Illness(Lasting):
    """A condition by its code, from one day to another, both inside; None while it lasts."""

    code: str
    from_day: date
    to_day: date | None = None
    ref: str = ""


ILLNESS = FactDeclaration(
    kind=FactKind.ILLNESS,
    value=Illness,
    label=_("Condition"),
    sorted_into="occurrences",
    span=Span("from_day", "to_day", lasts=True),
    of="code",
    inputs=(of(_("Condition"), "code"), *days()),
    happened=("from_day", "to_day"),
    named=("code",),
    long_before=True,
    first_year=FIRST_YEAR_BEFORE,
    contradicts=turned,
)
