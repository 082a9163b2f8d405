"""What somebody said when asked."""

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
    kept_day,
    moment,
    of,
)
from participants.domain.moments import Point, day_of
from participants.domain.performed import PerformedVisit
from trials.domain.words import Code, Value, Words, listed
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Somebody was asked at `at`, perhaps at a visit, and said how it was since `since`.

    For a conduct: it was kept (`holds`) or broken. For a washout: none was taken. `since` None
    means for as long as the window asks. `topic` is the conduct, the substance or the code of
    the whole window.
    """

    topic: str
    at: Point
    visit: str | None = None
    since: date | None = None
    holds: bool = True
    ref: str = ""


def _warns(fact: Confirmation, performed: Iterable[PerformedVisit], zone: ZoneInfo) -> Warnings:
    """Tell that the visit at which somebody was asked was not performed, or on another day."""
    if fact.visit is None:
        return
    at = next((visit for visit in performed if visit.code == fact.visit), None)
    if at is None:
        words = Words.of(_("%(visit)s has not been performed yet"), {"visit": Code(fact.visit)})
        yield "visit-not-performed", words
    elif (on := day_of(at.at, zone)) != day_of(fact.at, zone):
        values: dict[str, Value] = {"visit": Code(at.code), "day": on, "at": fact.at}
        template = _("%(visit)s was performed on %(day)s, not on %(at)s")
        yield "visit-on-another-day", Words.of(template, values)


def _says(fact: Confirmation) -> Words:
    said = [Words.of(_("kept") if fact.holds else _("not kept"))]
    if fact.since:
        said.append(Words.of(_("since %(day)s"), {"day": fact.since}))
    if fact.visit:
        said.append(Words.of(_("asked at %(visit)s"), {"visit": Code(fact.visit)}))
    return listed(said)


CONFIRMATION = FactDeclaration(
    kind=FactKind.CONFIRMATION,
    value=Confirmation,
    label=_("Confirmation"),
    sorted_into="confirmations",
    span=Span("at"),
    of="topic",
    kept=(Kept("visit"), kept_day("since"), Kept("holds", missing=True)),
    inputs=(
        of(_("Of what"), "topic"),
        Input("holds", InputKind.KEPT, _("Answer")),
        moment("at", _("Asked on")),
        Input("visit", InputKind.VISIT, _("At the visit"), required=False),
        Input(
            "since",
            InputKind.DAY,
            _("Since"),
            _("Empty: for as long as the window asks."),
            required=False,
        ),
    ),
    happened=("at",),
    looked_back=("since",),
    named=("topic",),
    warns=_warns,
    says=_says,
)
