"""Where somebody spends the nights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from participants.domain.fact_kinds.declaration import (
    FactDeclaration,
    FactKind,
    Kept,
    Span,
    days,
    minutes,
    problem,
    travel,
    turned,
)
from trials.domain.refusals import Refusal
from trials.domain.words import Words
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Lodging:
    """Where the nights from `from_day` to `to_day` (both inside; None: until further notice) are spent.

    Only the minutes of travel to the site are kept, never an address. May lie ahead.
    """

    from_day: date
    to_day: date | None
    minutes: int
    ref: str = ""

    def holds(self, night: date) -> bool:
        """Whether the night that begins on this day is one of them."""
        return self.from_day <= night and (self.to_day is None or night <= self.to_day)


def _overlaps(fact: Lodging, other: Lodging) -> Iterator[Refusal]:
    """Find a night that would be spent in two places."""
    first, second = sorted((fact, other), key=lambda lodging: lodging.from_day)
    if first.holds(second.from_day):
        yield problem(
            "overlapping-lodgings",
            "from_day",
            _("it overlaps the lodging from %(day)s: correct or end that one first"),
            day=other.from_day,
        )


LODGING = FactDeclaration(
    kind=FactKind.LODGING,
    value=Lodging,
    label=_("Lodging"),
    sorted_into="lodgings",
    span=Span("from_day", "to_day", lasts=True),
    kept=(Kept("minutes"),),
    inputs=(*days(), minutes(required=True)),
    ahead=("from_day", "to_day"),
    contradicts=lambda fact, zone: (*turned(fact, zone), *travel(fact, zone)),
    overlaps=_overlaps,
    says=lambda fact: Words.of(_("%(minutes)d minutes from the site"), {"minutes": fact.minutes}),
)
