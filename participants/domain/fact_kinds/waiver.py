"""A window set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from participants.domain.fact_kinds.declaration import FactDeclaration, FactKind, Kept, Span
from trials.domain.words import Words
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Waiver:
    """A window set aside by somebody in a role, with a reason."""

    window: str
    by: str
    role: str
    reason: str
    at: datetime
    ref: str = ""


WAIVER = FactDeclaration(
    kind=FactKind.WAIVER,
    value=Waiver,
    label=_("Waiver"),
    sorted_into="waivers",
    span=Span("at"),
    of="window",
    kept=(Kept("by", missing=""), Kept("role", missing=""), Kept("reason", missing="")),
    happened=("at",),
    named=("window", "by", "reason"),
    says=lambda fact: Words.of(_("%(person)s: %(reason)s"), {"person": fact.by, "reason": fact.reason}),
)
