"""What a fact must keep to before it is recorded, and what a person should look at twice.

A fact that cannot be is refused with everything that is wrong in it; a fact that contradicts
a visit already performed is accepted with a warning, because the visit may be what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from participants.domain.fact_kinds import BY_VALUE, Event, Fact, Waiver
from participants.domain.fact_kinds.declaration import problem
from participants.domain.facts import Facts
from participants.domain.moments import Point, day_of, first_instant
from trials.domain.errors import Refused
from trials.domain.refusals import Refusal
from trials.domain.sites.plausible_days import FIRST_DAY, LAST_DAY
from trials.domain.sites.wall_clock import refusal_of
from trials.domain.words import Say, Words, iso_point, plain
from trials.domain.words import mark as _


@dataclass(frozen=True, slots=True)
class FactWarning:
    """A contradiction that a person should look at: a stable code and words."""

    code: str
    words: Words

    def text(self, say: Say = plain) -> str:
        """What contradicts what."""
        return self.words.text(say, iso_point)


class FactRefused(Refused, ValueError):
    """A fact cannot be; `refusals` holds everything that is wrong with it.

    `place` is which one it is of several that were given together.
    """

    place: int = 0


def accept(
    fact: Fact, others: Facts, now: datetime, zone: ZoneInfo, say: Say = plain
) -> tuple[FactWarning, ...]:
    """The warnings that come with a fact about to be recorded beside the others.

    `now` is an instant with its zone, `zone` the site's. Leave a fact that is being corrected
    out of `others`. Raises FactRefused for a fact that cannot be.
    """
    problems = problems_of(fact, others, now, zone)
    if problems:
        raise FactRefused.because(problems, say)
    return warnings_of(fact, others, zone)


def problems_of(fact: Fact, others: Facts, now: datetime, zone: ZoneInfo) -> tuple[Refusal, ...]:
    """Everything that is wrong with a fact, beside the others; empty for one that can be recorded."""
    unreadable = (*_zoneless(fact), *_never(fact), *_far(fact))
    if unreadable:
        return unreadable
    declared = BY_VALUE[type(fact)]
    beside = (one for one in getattr(others, declared.sorted_into) if type(one) is type(fact))
    overlaps = (refusal for other in beside for refusal in declared.overlaps(fact, other))
    return (*_future(fact, now, zone), *declared.contradicts(fact, zone), *_unnamed(fact), *overlaps)


def warnings_of(fact: Fact, others: Facts, zone: ZoneInfo) -> tuple[FactWarning, ...]:
    """What a fact contradicts among the visits already performed."""
    found = BY_VALUE[type(fact)].warns(fact, others.performed, zone)
    return tuple(FactWarning(code, words) for code, words in found)


FIRST_YEAR, LAST_YEAR = FIRST_DAY.year, LAST_DAY.year
"""The years in which something can be recorded: beyond them somebody mistyped."""
FEVER = "fever"
"""The event that a hold looks at: of the trial itself, whatever its windows look back at."""


def _given(fact: Fact, names: Iterable[str]) -> Iterator[tuple[str, Point]]:
    """The days and instants of a fact in these fields."""
    for name in names:
        point = getattr(fact, name)
        if point is not None:
            yield name, point


def _points(fact: Fact) -> Iterator[tuple[str, Point]]:
    """The days and instants of a fact that must have come."""
    return _given(fact, BY_VALUE[type(fact)].happened)


def days_in_trial(fact: Fact, zone: ZoneInfo) -> list[tuple[date, bool]]:
    """Return the days of a fact that can be unlikely, each with whether it can come long before the trial.

    What windows look back at, such as an illness, a drug or an earlier diagnosis, can.
    """
    if isinstance(fact, Waiver):
        return []
    declared = BY_VALUE[type(fact)]
    long_before = declared.long_before and not (isinstance(fact, Event) and fact.code == FEVER)
    points = _given(fact, (*declared.happened, *declared.ahead))
    return [(day_of(point, zone), long_before) for _name, point in points]


def _zoneless(fact: Fact) -> Iterator[Refusal]:
    for name, point in _points(fact):
        if isinstance(point, datetime) and point.tzinfo is None:
            yield problem(
                "no-zone", name, _("%(at)s has no time zone: give the hour with the site's zone"), at=point
            )


def _never(fact: Fact) -> Iterator[Refusal]:
    """An hour over which the clocks are put forward."""
    for name, point in _points(fact):
        error = refusal_of(point) if isinstance(point, datetime) and point.tzinfo else None
        if error:
            yield problem("no-hour", name, error.template, **error.values)


def _far(fact: Fact) -> Iterator[Refusal]:
    """A year mistyped, which no window could be counted from."""
    declared = BY_VALUE[type(fact)]
    for name, point in _given(fact, (*declared.happened, *declared.ahead, *declared.looked_back)):
        if not declared.first_year <= point.year <= LAST_YEAR:
            yield problem(
                "year",
                name,
                _("%(year)s cannot be right: give a year from %(first)s to %(last)s"),
                year=str(point.year),
                first=str(declared.first_year),
                last=str(LAST_YEAR),
            )


def _future(fact: Fact, now: datetime, zone: ZoneInfo) -> Iterator[Refusal]:
    today = day_of(now, zone)
    for name, point in _points(fact):
        ahead = first_instant(point, zone) > now if isinstance(point, datetime) else point > today
        if ahead:
            yield problem(
                "future",
                name,
                _("%(point)s lies in the future: record it once it has happened (today is %(today)s)"),
                point=point,
                today=today,
            )


def _unnamed(fact: Fact) -> Iterator[Refusal]:
    for name in BY_VALUE[type(fact)].named:
        if not str(getattr(fact, name)).strip():
            yield problem("empty", name, _("%(field)s must not be empty"), field=name)
