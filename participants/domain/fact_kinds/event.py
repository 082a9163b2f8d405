"""Something that happened once."""

from __future__ import annotations

from dataclasses import dataclass

from participants.domain.fact_kinds.declaration import FactDeclaration, FactKind, Kept, Span, moment, of
from participants.domain.fact_kinds.occurrence import AtOnce
from participants.domain.moments import Point
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Event(AtOnce):
    """Something that happened once: `consent-again`, `lupus-crisis`."""

    code: str
    at: Point
    ref: str = ""
    visit: str | None = None


EVENT = FactDeclaration(
    kind=FactKind.EVENT,
    value=Event,
    label=_("Event"),
    sorted_into="occurrences",
    span=Span("at"),
    of="code",
    kept=(Kept("visit"),),
    inputs=(of(_("Event"), "code"), moment("at")),
    happened=("at",),
    named=("code",),
    long_before=True,
)
