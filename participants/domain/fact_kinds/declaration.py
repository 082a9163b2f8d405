"""What a kind of fact declares of itself: all that storage, forms, refusals and pages need to know of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from trials.domain.refusals import Refusal
from trials.domain.sites.plausible_days import FIRST_DAY
from trials.domain.words import Value, Words
from trials.domain.words import mark as _

FIRST_YEAR_BEFORE = 1900
"""The first year of what may have been long before a trial, such as an illness."""


class FactKind(StrEnum):
    """The kinds of facts, as they are stored and as the API names them."""

    LODGING = "lodging"
    NIGHT_AWAY = "night-away"
    COMPANION = "companion"
    ADMISSION = "admission"
    TEST = "test"
    DOSE = "dose"
    VACCINATION = "vaccination"
    ILLNESS = "illness"
    INFECTION = "infection"
    PROCEDURE = "procedure"
    EVENT = "event"
    CONFIRMATION = "confirmation"
    WAIVER = "waiver"


class InputKind(StrEnum):
    """How a field of a fact is asked for on a form."""

    OF = "of"
    DAY = "day"
    POINT = "point"
    MINUTES = "minutes"
    TEXT = "text"
    RESULT = "result"
    HALF_LIFE = "half-life"
    KEPT = "kept"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Input:
    """A field of a fact on its form: its label, what helps, and whether it must be given.

    Of a POINT the day is asked for and, in a field of its own, the hour.
    """

    field: str
    kind: InputKind
    label: str
    help: str = ""
    required: bool = True
    hour_label: str = ""
    hour_required: bool = False
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A field that only this kind has: under which key it is kept as JSON, and how it is written and read.

    Nothing is kept of None; `missing` is what the field is where nothing is kept.
    """

    field: str
    key: str = ""
    missing: Any = None
    write: Callable[[Any], Any] = lambda value: value
    read: Callable[[Any], Any] = lambda value: value

    @property
    def name(self) -> str:
        """The key: that of the field, where none is given."""
        return self.key or self.field


def kept_day(field: str) -> Kept:
    """Declare a day that only this kind has."""
    return Kept(field, write=lambda day: None if day is None else day.isoformat(), read=date.fromisoformat)


def kept_text(field: str) -> Kept:
    """Declare a text that only this kind has, empty where nothing is kept."""
    return Kept(field, missing="", write=lambda text: text or None)


@dataclass(frozen=True, slots=True)
class Span:
    """The fields that say from when and until when; `last` is empty for what is a moment.

    What `lasts` goes on until further notice while its end is not known.
    """

    first: str
    last: str = ""
    lasts: bool = False


Warnings = Iterator[tuple[str, Words]]
"""What a person should look at: stable codes, each with words."""


def nothing(*_given: Any) -> Iterator[Any]:
    """Find nothing wrong."""
    yield from ()


def no_words(_fact: Any) -> Words | None:
    """Say nothing beyond what it is of and when."""
    return None


@dataclass(frozen=True, slots=True)
class FactDeclaration:
    """One kind of fact.

    `of` is the field that says what a fact is of, `sorted_into` the field of `Facts` that holds the kind.
    `happened` are the days and instants that must have come, `ahead` those that may lie ahead,
    `looked_back` those that are of another time. `long_before`: the fact may be older than any trial.
    `named` must not be empty. `contradicts` finds what is wrong within one fact, by the site's zone;
    `overlaps` what is wrong beside another one of its kind; `warns` tells of a visit performed, by the
    zone. `says` puts into words what only this kind has.
    """

    kind: FactKind
    value: type[Any]
    label: str
    sorted_into: str
    span: Span
    of: str = ""
    kept: tuple[Kept, ...] = ()
    inputs: tuple[Input, ...] = ()
    happened: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    looked_back: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    long_before: bool = False
    first_year: int = FIRST_DAY.year
    contradicts: Callable[[Any, ZoneInfo], Iterable[Refusal]] = nothing
    overlaps: Callable[[Any, Any], Iterable[Refusal]] = nothing
    warns: Callable[[Any, Any, ZoneInfo], Warnings] = nothing
    says: Callable[[Any], Words | None] = no_words


def problem(code: str, field: str, template: str, /, **values: Value) -> Refusal:
    """What is wrong with a field of a fact: a stable code, and words."""
    return Refusal(field, template, values, code)


def turned(fact: Any, _zone: ZoneInfo) -> Iterator[Refusal]:
    """Find days that are given the wrong way round."""
    if fact.to_day is not None and fact.to_day < fact.from_day:
        yield problem(
            "turned",
            "to_day",
            _("the last day %(to)s is before the first day %(first)s"),
            to=fact.to_day,
            first=fact.from_day,
        )


def travel(fact: Any, _zone: ZoneInfo) -> Iterator[Refusal]:
    """Find minutes of travel that no journey takes."""
    if fact.minutes is not None and fact.minutes < 0:
        yield problem(
            "minutes",
            "minutes",
            _("%(n)d minutes of travel: give zero or more whole minutes"),
            n=fact.minutes,
        )


def of(label: str, field: str) -> Input:
    """Ask for what a fact is of, among what the windows of the protocol name."""
    return Input(field, InputKind.OF, label)


def days() -> tuple[Input, Input]:
    """Ask for a first and a last day."""
    return (
        Input("from_day", InputKind.DAY, _("First day")),
        Input("to_day", InputKind.DAY, _("Last day"), _("Leave empty while it lasts."), required=False),
    )


def moment(field: str, label: str = "") -> Input:
    """Ask for a day, and for its hour where hours count."""
    return Input(field, InputKind.POINT, label or _("Day"), hour_label=_("Hour"))


def minutes(*, required: bool) -> Input:
    """Declare a field for the minutes of travel to the site."""
    help_text = _("Minutes of travel to the site; never an address.")
    return Input("minutes", InputKind.MINUTES, _("Minutes"), help_text, required=required)
