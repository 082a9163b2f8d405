"""Who begins before whom, and until when each stands in the way: found without asking everybody of each.

A board asks of every planned start what everybody before it says. In a trial of two thousand that is
millions of questions, nearly all of which are answered by a day that has long passed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date

NEVER, ALWAYS = 0, date.max.toordinal() + 1
"""The bars of who stands in nobody's way, and of who does until a day that nobody can tell."""

_SCANNED = 16
"""So many days are looked at one by one: where people are dense, halving costs more than it leaves out."""


class Bars:
    """A day (as an ordinal) for each of a row; those among the first that are later are found by halves."""

    def __init__(self, days: Sequence[int]) -> None:
        width = 1 << max(0, len(days) - 1).bit_length()
        latest = [NEVER] * width + list(days) + [NEVER] * (width - len(days))
        for place in range(width - 1, 0, -1):
            latest[place] = max(latest[2 * place], latest[2 * place + 1])
        self._latest, self._width = latest, width

    def beyond(self, count: int, day: int) -> Iterator[int]:
        """The places among the first `count` whose day is later than this one, in order."""
        parts = [(1, 0, self._width)]
        while parts:
            node, start, width = parts.pop()
            if start >= count or self._latest[node] <= day:
                continue
            if width <= _SCANNED:
                leaves = self._latest[self._width + start : self._width + min(start + width, count)]
                for place, latest in enumerate(leaves, start):
                    if latest > day:
                        yield place
                continue
            half = width // 2
            parts += [(2 * node + 1, start + half, half), (2 * node, start, half)]


class Row:
    """Numbered courses in the order in which they begin, with the days until which they bar others.

    `begins` are their days by number; `bars` are rows of days, by number as well: each may bar a start by
    the day of its point of no return, or by the day of its infusion.
    """

    def __init__(
        self, begins: Sequence[date], by_begin: Sequence[int] = (), by_infusion: Sequence[int] = ()
    ) -> None:
        self._numbers = sorted(range(len(begins)), key=begins.__getitem__)
        self._begins = [begins[number] for number in self._numbers]
        self._by_begin = Bars([by_begin[number] for number in self._numbers]) if by_begin else None
        self._by_infusion = Bars([by_infusion[number] for number in self._numbers]) if by_infusion else None

    def barring(self, begins: date, infusion: date) -> Iterator[int]:
        """The numbers of those who begin no later than a start and may bar it, each once."""
        count = bisect_right(self._begins, begins)
        known: set[int] = set()
        for bars, day in ((self._by_begin, begins), (self._by_infusion, infusion)):
            for place in () if bars is None else bars.beyond(count, day.toordinal()):
                if place not in known:
                    known.add(place)
                    yield self._numbers[place]
