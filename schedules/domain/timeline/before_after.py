"""A change of dates as shapes: the same weeks as they stand above, as they would be below, arrows between.

Nothing here knows colours, languages or SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.timeline.drawing import (
    LANE_HEIGHT,
    LEVEL_HEIGHT,
    TICK_WIDTH,
    VISITS_TOP,
    closed_runs,
    lane,
    stacked,
)
from schedules.domain.timeline.scale import Scale, even_scale
from schedules.domain.timeline.shapes import (
    BAR_HEIGHT,
    MARGIN,
    TEXT,
    LaneShape,
    Shade,
    Tick,
    VisitFact,
    VisitShape,
    WindowFact,
    inside,
)

_DAY = timedelta(days=1)
BEFORE_MOST, AFTER_MOST = 42, 35
"""So many days before the earlier and after the later day zero are drawn at most."""

AXIS = 32.0
HEAD = 22.0
GAP = 30.0
MOST_LANES = 6
MON = 0


@dataclass(frozen=True, slots=True)
class MovedVisit:
    """A visit before and after, None where there is none; `look` is how grave the change is."""

    before: VisitFact | None
    after: VisitFact | None
    look: str = ""
    booked_on: date | None = None
    lost: bool = False

    @property
    def changed(self) -> bool:
        """Whether it stands otherwise after than before."""
        return (self.before and self.before.window) != (self.after and self.after.window)


@dataclass(frozen=True, slots=True)
class MoveFacts:
    """All that is drawn: today, day zero before and after, the visits, the windows that end otherwise."""

    today: date
    zeros: tuple[date | None, date | None]
    visits: Sequence[MovedVisit]
    windows: Sequence[WindowFact]
    closed: Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From the target before to the target after, as SVG writes a path, and its point."""

    path: str
    point: str


@dataclass(frozen=True, slots=True)
class Booked:
    """The day of a booking on a visit's bar; `lost` where the window leaves it."""

    x: float
    y: float
    lost: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """A visit on one of the two strips."""

    shape: VisitShape
    look: str
    booked: Booked | None


@dataclass(frozen=True, slots=True)
class Strip:
    """One of the two strips: where its words stand, its day zero, and its visits."""

    label_y: float
    zero: date | None
    zero_x: float | None
    visits: tuple[Placed, ...]
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class MovePanel:
    """The drawing: the strips, the arrows between them, and below the windows that end otherwise."""

    width: float
    height: float
    ticks: tuple[Tick, ...]
    shades: tuple[Shade, ...]
    today_x: float | None
    strips: tuple[Strip, Strip]
    arrows: tuple[Arrow, ...]
    lanes: tuple[LaneShape, ...]
    beyond: int

    @property
    def plot_height(self) -> float:
        """From below the days to the foot of the drawing."""
        return self.height - AXIS


def move_panel(facts: MoveFacts, width: float) -> MovePanel | None:
    """The weeks around day zero before and after; None where no visit of them stands otherwise."""
    days = _days(facts)
    if days is None:
        return None
    first, last = days
    scale = even_scale(first, last, MARGIN, width - 2 * MARGIN)
    shown = [one for one in facts.visits if _is_in(one, first, last)]
    if not any(one.changed for one in shown):
        return None
    before, after = _strips(scale, shown, facts.zeros, width)
    windows = [one for one in facts.windows if _reaches(one, first, last)]
    lanes = tuple(_lanes(scale, windows[:MOST_LANES], after.bottom + 6, width))
    return MovePanel(
        width=width,
        height=after.bottom + 8 + len(lanes) * LANE_HEIGHT,
        ticks=tuple(_mondays(scale, width)),
        shades=closed_runs(facts.closed, scale),
        today_x=scale.middle(facts.today) if scale.holds(facts.today) else None,
        strips=(before, after),
        arrows=tuple(_arrows(before, after)),
        lanes=lanes,
        beyond=sum(one.changed and one not in shown for one in facts.visits),
    )


def _strips(
    scale: Scale, shown: Sequence[MovedVisit], zeros: tuple[date | None, date | None], width: float
) -> tuple[Strip, Strip]:
    """The strip of what was, and below it that of what would be."""
    before = _strip(scale, [(one, one.before) for one in shown], zeros[0], AXIS, width)
    after = _strip(scale, [(one, one.after) for one in shown], zeros[1], before.bottom + GAP, width)
    return before, after


def _lanes(scale: Scale, windows: Iterable[WindowFact], top: float, width: float) -> Iterator[LaneShape]:
    """The windows, one below the other."""
    return (lane(scale, one, top + place * LANE_HEIGHT, width) for place, one in enumerate(windows))


def _days(facts: MoveFacts) -> tuple[date, date] | None:
    """The first and the last day that are drawn: what changes, at most some weeks from day zero."""
    zeros = [zero for zero in facts.zeros if zero]
    windows = [window for one in facts.visits if one.changed for window in _windows(one)]
    if not zeros or not windows:
        return None
    earliest, latest = min(zeros) - BEFORE_MOST * _DAY, max(zeros) + AFTER_MOST * _DAY
    opens = [window.opens for window in windows if window.closes >= earliest]
    closes = [window.closes for window in windows if window.opens <= latest]
    if not opens or not closes:
        return None
    first = max(earliest, min([*opens, *zeros]))
    last = min(latest, max([*closes, *zeros]))
    return first - _DAY, last + _DAY


def _windows(one: MovedVisit) -> Iterator[VisitWindow]:
    yield from (fact.window for fact in (one.before, one.after) if fact)


def _is_in(one: MovedVisit, first: date, last: date) -> bool:
    return any(window.closes >= first and window.opens <= last for window in _windows(one))


def _reaches(one: WindowFact, first: date, last: date) -> bool:
    known = one.first or one.last
    return known is not None and (one.first or first) <= last and (one.last or last) >= first


def _strip(
    scale: Scale,
    visits: Sequence[tuple[MovedVisit, VisitFact | None]],
    zero: date | None,
    top: float,
    width: float,
) -> Strip:
    """One strip: the visits stacked below the strip's words."""
    there = [
        (one, fact)
        for one, fact in visits
        if fact and fact.window.closes >= scale.first and fact.window.opens <= scale.last
    ]
    shapes, levels = stacked(scale, [fact for _one, fact in there], width)
    down = top + HEAD - VISITS_TOP
    placed = []
    for (one, _fact), shape in zip(there, shapes, strict=True):
        moved = replace(shape, top=shape.top + down)
        booked = None
        if one.booked_on and scale.holds(one.booked_on):
            booked = Booked(scale.middle(one.booked_on), moved.y, one.lost)
        placed.append(Placed(moved, one.look, booked))
    zero_x = scale.middle(zero) if zero and scale.holds(zero) else None
    bottom = top + HEAD + levels * LEVEL_HEIGHT
    return Strip(top + TEXT + 2, zero, zero_x, tuple(placed), top, bottom)


def _arrows(before: Strip, after: Strip) -> Iterator[Arrow]:
    """An arrow for each visit with a target that moves, from below its bar to above its new name."""
    there = {one.shape.fact.code: one.shape for one in after.visits}
    for placed in before.visits:
        was, now = placed.shape, there.get(placed.shape.fact.code)
        if now is None or not was.fact.pinned or was.fact.window.target == now.fact.window.target:
            continue
        x, y, to_x, to_y = was.pin_x, was.y + BAR_HEIGHT + 1, now.pin_x, now.top - 1
        bend = (to_y - y) / 2
        path = (
            f"M{x:.1f} {y:.1f}C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y - 4:.1f}"
        )
        point = f"{to_x - 3:.1f},{to_y - 5:.1f} {to_x + 3:.1f},{to_y - 5:.1f} {to_x:.1f},{to_y:.1f}"
        yield Arrow(path, point)


def _mondays(scale: Scale, width: float) -> Iterator[Tick]:
    """Every Monday, or every second or third where there is no room for each."""
    week = scale.stretches[0].day_width * 7
    step = ceil(TICK_WIDTH / week)
    days = (scale.first + number * _DAY for number in range((scale.last - scale.first).days + 1))
    mondays = [day for day in days if day.weekday() == MON]
    for day in mondays[::step]:
        x = scale.middle(day)
        yield Tick(x, inside(x, TICK_WIDTH - 4, width), day, "")
