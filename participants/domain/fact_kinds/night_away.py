"""A night spent elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds.declaration import (
    FactDeclaration,
    FactKind,
    Input,
    InputKind,
    Kept,
    Span,
    Warnings,
    minutes,
    travel,
)
from participants.domain.moments import day_of
from participants.domain.performed import PerformedVisit
from trials.domain.protocols.protocol import Place
from trials.domain.words import Code, Value, Words
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class NightAway:
    """The night that began on `day` was spent elsewhere; how far away, where that is known."""

    day: date
    minutes: int | None = None
    ref: str = ""


def _warns(fact: NightAway, performed: Iterable[PerformedVisit], zone: ZoneInfo) -> Warnings:
    """Tell of a visit on the ward on the day of the night away."""
    for visit in performed:
        if visit.place is Place.WARD and day_of(visit.at, zone) == fact.day:
            values: dict[str, Value] = {"visit": Code(visit.code), "day": fact.day}
            template = _("%(visit)s was performed on the ward on %(day)s, the day of this night away")
            yield "away-on-ward-day", Words.of(template, values)


def _says(fact: NightAway) -> Words | None:
    if fact.minutes is None:
        return None
    return Words.of(_("%(minutes)d minutes away"), {"minutes": fact.minutes})


NIGHT_AWAY = FactDeclaration(
    kind=FactKind.NIGHT_AWAY,
    value=NightAway,
    label=_("Night away"),
    sorted_into="nights_away",
    span=Span("day"),
    kept=(Kept("minutes"),),
    inputs=(Input("day", InputKind.DAY, _("The night that began on")), minutes(required=False)),
    happened=("day",),
    contradicts=travel,
    warns=_warns,
    says=_says,
)
