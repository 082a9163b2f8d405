"""What is due of many people, counted up to a bound: who sees everybody of a large trial reads no more.

Each part is walked in pieces, each along an index in which hardly anything lies beside it. A part of few rows
ends there: by its whole condition alone, it would be looked for among everybody's visits.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from schedules.models import LOST_BOOKING, Visit
from schedules.selectors.today.counted import MOST, WHOLE, Counted, Due, first_of, said_of, told, whether
from schedules.selectors.today.parts import (
    AHEAD,
    GIVEN,
    Closing,
    Days,
    Section,
    closing_ends,
    conditions_of,
)
from schedules.selectors.today.worklist import SOON
from schedules.selectors.visits.status_query import base_happened, by_record, by_today
from trials.selectors.first_rows import asked_of
from trials.selectors.together import read_together

LOOKED_AT = 3 * MOST // 2
"""So many rows of a piece are looked at: some lie in its index and do not belong to it."""

_BY_HOUR = ("booked_on", "booked_start", "pk")
_BY_CLOSING = ("closes", "pk")


class _Piece(NamedTuple):
    """Some of the rows of a part in words of an index, in the order that it has them.

    Of a piece that is `shown` no more rows are wanted than a page shows.
    """

    section: Section
    where: Q
    order: tuple[str, ...]
    shown: bool = False

    @property
    def most(self) -> int:
        """How many rows of it are looked at."""
        return WHOLE if self.shown else LOOKED_AT


def counted_of_many(live: QuerySet[Visit], days: Days, whole: Collection[Section]) -> Counted:
    """Count what is due of the running visits that are given, up to MOST of each part; a few statements.

    The rows that are shown first are those of `counted_of_few`, but that no subject code is read to put those
    of one day in order; where there are more than were looked at, they are the first of the pieces.
    """
    walk = _Walk(live, days)
    soon, pieces = _soon(days), _pieces(days)
    more: set[str] = set()
    ended = True
    for piece, looked_at in zip((soon, *pieces), walk.along(soon, *pieces), strict=True):
        if piece.shown or len(looked_at) < piece.most:
            continue
        more.add(piece.section.value)
        if piece.section is Section.BOOK:  # bookings that were lost close whenever they do
            more.update(_not_ended(looked_at, days) if piece is soon else map(str, Closing))
        ended &= piece is not soon
    if ended:
        (later,) = walk.along(_later(days))
        if len(later) == LOOKED_AT:
            more.update((Section.BOOK.value, Closing.LATER.value))
            walk.along(_first_later(days))
    counts = {section: len(some) for section, some in walk.found.items()}
    return told(walk.found, first_of(walk.found, counts, whole, {}), more)


class _Walk:
    """Reads pieces, and keeps those of their rows that are in their part."""

    def __init__(self, live: QuerySet[Visit], days: Days) -> None:
        self.live, self.said = live, said_of(Visit.objects.all(), days)
        self.conditions = {section: reduce(or_, parts) for section, parts in conditions_of(days).items()}
        self.found: dict[Section, set[Due]] = {section: set() for section in Section}

    def along(self, *pieces: _Piece) -> list[list[Due]]:
        """All rows of each piece that were looked at; one statement."""
        found = []
        for piece, some in zip(pieces, read_together(*map(self._rows, pieces)), strict=True):
            rows = [(Due(*row[:-1]), row[-1]) for row in some]
            self.found[piece.section].update(due for due, fits in rows if fits)
            found.append([due for due, _fits in rows])
        return found

    def _rows(self, piece: _Piece) -> QuerySet[Visit, Any]:
        first = self.live.filter(piece.where).order_by(*piece.order)[: piece.most]
        said = self.said.annotate(fits=whether(self.conditions[piece.section]))
        return asked_of(first, said.order_by().values_list(*Due._fields, "fits"))


def _not_ended(rows: Collection[Due], days: Days) -> set[str]:
    """The groups of which there may be more after these rows, by the day on which the last one closes."""
    last = max(row.closes for row in rows)
    ends = [closing_ends(day) for day in by_today(days)]
    return {each.value for each in Closing if last <= max(end.get(each, date.max) for end in ends)}


def _soon(days: Days) -> _Piece:
    """What is to be booked and closes by the end of next week."""
    there = Q(closes__gte=min(by_today(days)), closes__lte=_next_week(days))
    return _Piece(Section.BOOK, _to_book(days) & there, _BY_CLOSING)


def _later(days: Days) -> _Piece:
    """What is to be booked and closes later: of all that opens soon few windows are so long."""
    return _Piece(Section.BOOK, _to_book(days) & Q(closes__gt=_next_week(days)), ("-opens", "-closes"))


def _first_later(days: Days) -> _Piece:
    """What closes first of it: where there is much of it, not far along."""
    return _Piece(Section.BOOK, _to_book(days) & Q(closes__gt=_next_week(days)), _BY_CLOSING, shown=True)


def _to_book(days: Days) -> Q:
    return Q(booked_on__isnull=True, opens__lte=max(by_today(days)) + SOON) & ~GIVEN


def _next_week(days: Days) -> date:
    return max(closing_ends(day)[Closing.NEXT_WEEK] for day in by_today(days))


def _pieces(days: Days) -> tuple[_Piece, ...]:
    """All other rows: each of a part is in one of its pieces at least, whatever the day at its site."""
    first, last = min(by_today(days)), max(by_today(days))
    soon, known = last + AHEAD, min(min(day) for day in by_record(days))
    unbooked = Q(booked_on__isnull=True)
    given, lost = GIVEN & unbooked, LOST_BOOKING & Q(booked_on__gte=first)
    ended = unbooked & Q(closes__lt=last) & base_happened(known)
    to_come = given & Q(opens__gt=first, opens__lte=soon)
    # of a day that is compared it need not be said that there is one, and a planner would count that twice
    today = {
        "booked": Q(booked_on__gte=first, booked_on__lte=last),
        "here": Q(arrived_on__gte=first, arrived_on__lte=last),
        "on the ward": given & Q(opens__lte=last, closes__gte=first),
    }
    return (
        _Piece(Section.COMING, today["here"], ("arrived_on", "pk")),
        _Piece(Section.COMING, today["booked"], _BY_HOUR),
        _Piece(Section.COMING, today["on the ward"], ("-opens", "-closes", "-pk")),
        _Piece(Section.PREPARE, Q(booked_on__gt=first, booked_on__lte=soon), _BY_HOUR, shown=True),
        _Piece(Section.PREPARE, to_come, ("opens", "closes", "pk"), shown=True),
        _Piece(Section.BOOK, lost, ("booked_on", "pk")),
        _Piece(Section.RECORD, Q(booked_on__lt=last), _BY_HOUR),
        _Piece(Section.RECORD, Q(arrived_on__lt=last), ("arrived_on", "pk")),
        _Piece(Section.RECORD, ended, _BY_CLOSING),
        _Piece(Section.RECORD, lost & Q(closes__lt=last), ("booked_on", "pk")),
    )
