"""From days to horizontal places on a drawing, evenly or with the empty months left out.

All lengths are in the drawing's own units; a day is as wide as its stretch makes it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)
DaySpan = tuple[date, date]

# A gap of more than this many days between two windows is not drawn to scale.
LONGEST_EVEN_GAP = 10
# How wide a gap may be drawn, and how much of the drawing all gaps together may take.
GAP_WIDTH = 26.0
GAP_SHARE = 0.3
# The part of the drawing that the head takes, which another drawing shows in full.
HEAD_SHARE = 0.14


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of days drawn at one scale; `broken` where the scale is not that of the rest."""

    first: date
    days: int
    x: float
    width: float
    broken: bool = False

    @property
    def last(self) -> date:
        """The last day of the run."""
        return self.first + (self.days - 1) * _DAY

    @property
    def day_width(self) -> float:
        """How wide one day is."""
        return self.width / self.days


@dataclass(frozen=True, slots=True)
class Scale:
    """Stretches of days, one after the other without a hole."""

    stretches: tuple[Stretch, ...]

    @property
    def first(self) -> date:
        """The first day that is drawn."""
        return self.stretches[0].first

    @property
    def last(self) -> date:
        """The last day that is drawn."""
        return self.stretches[-1].last

    def holds(self, day: date) -> bool:
        """Whether the day is drawn."""
        return self.first <= day <= self.last

    def stretch_of(self, day: date) -> Stretch:
        """The stretch of a day; of a day that is not drawn, the nearest one."""
        firsts = [stretch.first for stretch in self.stretches]
        return self.stretches[max(0, bisect_right(firsts, day) - 1)]

    def start(self, day: date) -> float:
        """Where a day begins; a day that is not drawn begins at the nearer edge."""
        stretch = self.stretch_of(day)
        days = min(max((day - stretch.first).days, 0), stretch.days)
        return stretch.x + days * stretch.day_width

    def end(self, day: date) -> float:
        """Where a day ends."""
        return self.start(day + _DAY) if day < self.last else self.start(self.last + _DAY)

    def middle(self, day: date) -> float:
        """The middle of a day."""
        return (self.start(day) + self.end(day)) / 2


def even_scale(first: date, last: date, left: float, width: float) -> Scale:
    """Every day as wide as every other, both ends included."""
    return Scale((Stretch(first, (last - first).days + 1, left, width),))


def broken_scale(head: DaySpan | None, spans: Sequence[DaySpan], left: float, width: float) -> Scale:
    """The head squeezed into a fixed part, the spans to one scale, long gaps between them broken.

    `head` are days that another drawing shows in full (None: there are none); `spans` are the days
    that matter, in any order. Needs a head or a span.
    """
    runs = _runs(head, spans)
    fixed = _fixed_widths(head, runs, width)
    free_days = sum(days for index, (_, days, _) in enumerate(runs) if index not in fixed)
    each_day = (width - sum(fixed.values())) / free_days if free_days else 0
    stretches, x = [], left
    for index, (first, days, broken) in enumerate(runs):
        this = fixed.get(index, days * each_day)
        stretches.append(Stretch(first, days, x, this, broken))
        x += this
    return Scale(tuple(stretches))


def _runs(head: DaySpan | None, spans: Sequence[DaySpan]) -> list[tuple[date, int, bool]]:
    """First day, length and brokenness of each run: the head, the spans merged, the long gaps between."""
    runs: list[tuple[date, int, bool]] = []
    for first, last in _merged(head, spans):
        if runs and (gap := (first - (end := runs[-1][0] + runs[-1][1] * _DAY)).days):
            runs.append((end, gap, True))
        runs.append((first, (last - first).days + 1, False))
    return runs


def _merged(head: DaySpan | None, spans: Sequence[DaySpan]) -> list[DaySpan]:
    """The head as it is, and what of the spans lies after it, those joined between which no long gap is."""
    merged = [head] if head else []
    for first, last in sorted(spans):
        begins = max(first, head[1] + _DAY) if head else first
        if last < begins:
            continue
        joined = bool(merged) and (begins - merged[-1][1]).days <= LONGEST_EVEN_GAP
        if joined and not (head and len(merged) == 1):
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        elif joined:
            merged.append((merged[-1][1] + _DAY, last))
        else:
            merged.append((begins, last))
    return merged


def _fixed_widths(
    head: DaySpan | None, runs: Sequence[tuple[date, int, bool]], width: float
) -> dict[int, float]:
    """How wide the runs are that are not to scale, by their index."""
    gaps = [index for index, (_, _, broken) in enumerate(runs) if broken]
    each = min(GAP_WIDTH, GAP_SHARE * width / len(gaps)) if gaps else 0
    fixed = dict.fromkeys(gaps, each)
    if head and len(runs) > 1:
        fixed[0] = HEAD_SHARE * width
    return fixed
