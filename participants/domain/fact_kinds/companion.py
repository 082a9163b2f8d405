"""A companion who is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from participants.domain.fact_kinds.declaration import FactDeclaration, FactKind, Span, days, turned
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class CompanionConfirmed:
    """A companion is there on the days from `from_day` to `to_day` (both inside). May lie ahead."""

    from_day: date
    to_day: date | None
    ref: str = ""

    def holds(self, day: date) -> bool:
        """Whether the companion is there on this day."""
        return self.from_day <= day and (self.to_day is None or day <= self.to_day)


COMPANION = FactDeclaration(
    kind=FactKind.COMPANION,
    value=CompanionConfirmed,
    label=_("Companion confirmed"),
    sorted_into="companions",
    span=Span("from_day", "to_day", lasts=True),
    inputs=days(),
    ahead=("from_day", "to_day"),
    contradicts=turned,
)
