"""How many visits each part of the Today page has, and which of them are shown first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from participants.models import Participant
from schedules.models import Visit, VisitPlace
from schedules.selectors.today.parts import Closing, Days, Section, closed, closing_by, conditions_of
from schedules.selectors.today.worklist import near

FIRST = 8
"""So many rows of a part are shown before "Show all"."""

WHOLE = 60
"""So many rows a part shows at most; the rest is a list with pages."""

FEW = 12
"""A part of so many rows or fewer is shown whole."""

MOST = 500
"""What many people have to do is counted so far in each part; the page says that there is more."""

WARD, CLOSED = "ward", "closed"
"""What the counters of two parts say besides."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many visits each part has, what its counter says besides, and the ids of its first rows.

    `more` are the names of the counts that stopped before the end.
    """

    counts: Mapping[Section, int]
    closing: Mapping[Closing, int]
    ward: int
    closed: int
    first: Sequence[tuple[Section, int]]
    more: frozenset[str] = frozenset()


class Due(NamedTuple):
    """A visit with what it is counted by and put in order.

    `group` is that of its window among Closing, `over` says whether it has closed.
    """

    pk: int
    participant_id: int
    opens: date
    closes: date
    booked_on: date | None
    booked_start: datetime | None
    place: str
    group: int
    over: int


def counted_of_few(live: QuerySet[Visit], days: Days, whole: Collection[Section]) -> Counted:
    """Count all that is due of the running visits that are given, and choose the first rows; two statements.

    Those of few people are read once, and told apart here: a statement for each part would look each of the
    people up again.
    """
    conditions = {
        section.value: whether(reduce(or_, parts)) for section, parts in conditions_of(days).items()
    }
    due = said_of(live.filter(near(days)), days).annotate(**conditions).order_by()
    rows = list(due.values_list(*Due._fields, *conditions))
    found: dict[Section, list[Due]] = {section: [] for section in Section}
    for row in rows:
        one = Due(*row[: len(Due._fields)])
        for section, fits in zip(Section, row[len(Due._fields) :], strict=True):
            if fits:
                found[section].append(one)
    shown = {
        section: _to_the_last(some, section, shown_of(section, len(some), whole))
        for section, some in found.items()
    }
    people = {one.participant_id for some in shown.values() for one in some}
    codes = dict(Participant.objects.filter(pk__in=people).values_list("pk", "subject_code"))
    return told(found, first_of(shown, {section: len(found[section]) for section in Section}, whole, codes))


def said_of(visits: QuerySet[Visit], days: Days) -> QuerySet[Visit]:
    """Visits with the columns of `Due` that are no columns of theirs."""
    groups = [When(end, then=Value(list(Closing).index(each))) for each, end in closing_by(days).items()]
    return visits.annotate(
        group=Case(*groups, default=Value(len(groups)), output_field=IntegerField()),
        over=whether(closed(days)),
    )


def whether(condition: Q) -> Case:
    """1 where a condition holds, else 0."""
    return Case(When(condition, then=Value(1)), default=Value(0), output_field=IntegerField())


def shown_of(section: Section, count: int, whole: Collection[Section]) -> int:
    """How many rows of a part are shown that has so many."""
    if section in (Section.COMING, Section.PREPARE) or section in whole:
        return WHOLE
    return count if count <= FEW else FIRST


def first_of(
    found: Mapping[Section, Iterable[Due]],
    counts: Mapping[Section, int],
    whole: Collection[Section],
    codes: Mapping[int, str],
) -> list[tuple[Section, int]]:
    """The ids of the first rows of each part; `codes` are the subject codes of people by their ids."""

    def in_order(section: Section) -> list[Due]:
        return sorted(
            found[section],
            key=lambda one: (*order_of(section, one), codes.get(one.participant_id, ""), one.pk),
        )

    return [
        (section, one.pk)
        for section in found
        for one in in_order(section)[: shown_of(section, counts[section], whole)]
    ]


def told(
    found: Mapping[Section, Collection[Due]],
    first: Sequence[tuple[Section, int]],
    more: Collection[str] = (),
) -> Counted:
    """What is said of the visits that were found in each part; counts in `more` end at MOST."""
    groups = [list(Closing)[one.group] for one in found[Section.BOOK]]
    besides = {Section.COMING.value: WARD, Section.RECORD.value: CLOSED}
    cut = frozenset((*more, *(said for part, said in besides.items() if part in more)))

    def count(name: str, number: int) -> int:
        return min(number, MOST) if name in cut else number

    return Counted(
        {section: count(section.value, len(some)) for section, some in found.items()},
        {each: count(each.value, groups.count(each)) for each in Closing},
        count(WARD, sum(one.place == VisitPlace.WARD for one in found[Section.COMING])),
        count(CLOSED, sum(one.over for one in found[Section.RECORD])),
        first,
        cut,
    )


def order_of(section: Section, one: Due) -> tuple[Any, ...]:
    """By what the rows of a part are put in order, before the code of the subject."""
    if section is Section.COMING:
        return (_nulls_first(one.booked_start),)
    if section is Section.PREPARE:
        return (_nulls_last(one.booked_on), one.opens, _nulls_first(one.booked_start))
    if section is Section.BOOK:
        return (one.closes, one.opens)
    return (_nulls_last(one.booked_on), one.closes, one.opens)


def _to_the_last(some: Collection[Due], section: Section, shown: int) -> list[Due]:
    """So many rows in their order, and those that stand in no order to the last of them."""
    ordered = sorted(some, key=lambda one: order_of(section, one))
    if len(ordered) <= shown:
        return ordered
    last = order_of(section, ordered[shown - 1])
    return [one for one in ordered if order_of(section, one) <= last]


def _nulls_first(value: date | None) -> tuple[Any, ...]:
    return (0,) if value is None else (1, value)


def _nulls_last(value: date | None) -> tuple[Any, ...]:
    return (1,) if value is None else (0, value)
