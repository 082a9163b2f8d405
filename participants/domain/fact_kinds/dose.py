"""The last dose of a drug."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds.declaration import (
    FIRST_YEAR_BEFORE,
    FactDeclaration,
    FactKind,
    Input,
    InputKind,
    Kept,
    Span,
    kept_text,
    moment,
    of,
    problem,
)
from participants.domain.moments import Point
from trials.domain.refusals import Refusal
from trials.domain.words import Code, Words, listed
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class Dose:
    """A last dose: `drug` is the code that protocols use, `name` the product.

    One half-life, and the `source` it was read from, where a protocol counts in half-lives.
    """

    drug: str
    taken_at: Point
    half_life: timedelta | None = None
    source: str = ""
    name: str = ""
    ref: str = ""

    @property
    def code(self) -> str:
        """The code by which protocols name the drug."""
        return self.drug

    @property
    def first(self) -> Point:
        """When it was taken."""
        return self.taken_at

    @property
    def last(self) -> Point | None:
        """When it was taken."""
        return self.taken_at


_HOUR = timedelta(hours=1)
LONGEST_HALF_LIFE = timedelta(days=36_500)
"""No drug's is longer, and windows of so many half-lives can still be counted."""


def _contradicts(fact: Dose, _zone: ZoneInfo) -> Iterator[Refusal]:
    """Find a half-life that no drug has, or one without its source."""
    if fact.half_life is None:
        return
    if fact.half_life <= timedelta(0):
        yield problem("half-life", "half_life", _("a half-life must be longer than zero"))
    if fact.half_life > LONGEST_HALF_LIFE:
        yield problem(
            "half-life",
            "half_life",
            _("a half-life of more than %(n)d days: look at its unit"),
            n=LONGEST_HALF_LIFE.days,
        )
    if not fact.source.strip():
        yield problem(
            "half-life-source",
            "source",
            _("name the source that the half-life of %(drug)s was read from"),
            drug=fact.name or Code(fact.drug),
        )


def _says(fact: Dose) -> Words | None:
    name = [fact.name] if fact.name else []
    if fact.half_life is None:
        return listed(name)
    values = {"hours": f"{fact.half_life / _HOUR:g}", "source": fact.source}
    return listed([*name, Words.of(_("half-life %(hours)s hours (%(source)s)"), values)])


DOSE = FactDeclaration(
    kind=FactKind.DOSE,
    value=Dose,
    label=_("Last dose"),
    sorted_into="occurrences",
    span=Span("taken_at"),
    of="drug",
    kept=(
        Kept(
            "half_life",
            "half_life_hours",
            write=lambda half_life: None if half_life is None else half_life / _HOUR,
            read=lambda hours: timedelta(hours=float(hours)),
        ),
        kept_text("source"),
        kept_text("name"),
    ),
    inputs=(
        of(_("Kind of drug"), "drug"),
        Input("name", InputKind.TEXT, _("Product"), required=False, longest=80),
        moment("taken_at", _("Last taken on")),
        Input(
            "half_life",
            InputKind.HALF_LIFE,
            _("Half-life"),
            _("Where the protocol counts in half-lives."),
            required=False,
        ),
        Input(
            "source",
            InputKind.TEXT,
            _("Source of the half-life"),
            _("Such as the product's label, with its year."),
            required=False,
            longest=200,
        ),
    ),
    happened=("taken_at",),
    named=("drug",),
    long_before=True,
    first_year=FIRST_YEAR_BEFORE,
    contradicts=_contradicts,
    says=_says,
)
