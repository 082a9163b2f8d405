"""A participant's timeline as shapes: where each band, window, lane and mark stands on a drawing.

Two panels are drawn: the weeks around day zero to the scale of days, and the whole follow-up with
its empty months broken out. Nothing here knows colours, languages or SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import ceil

from schedules.domain.timeline.scale import Scale, broken_scale, even_scale
from schedules.domain.timeline.shapes import (
    BAND_HEIGHT,
    BANDS_TOP,
    MARGIN,
    TEXT,
    Band,
    LaneShape,
    Panel,
    Shade,
    Tick,
    TimelineFacts,
    VisitFact,
    VisitShape,
    WindowFact,
    fitted,
    inside,
    text_width,
)

_DAY = timedelta(days=1)

# The weeks around day zero that have a panel of their own: at least these days, at most those.
NEAR_BEFORE, NEAR_AFTER = 28, 28
NEAR_BEFORE_MOST, NEAR_AFTER_MOST = 42, 35

VISITS_TOP = BANDS_TOP + BAND_HEIGHT + 8
LEVEL_HEIGHT = 36.0
LANE_HEIGHT = 25.0
TICK_WIDTH = 60.0
FOOT = 20.0
NARROWEST_BAR = 4.0


def near_panel(facts: TimelineFacts, width: float) -> Panel | None:
    """The weeks around day zero, one day as wide as the other; None while day zero is not known."""
    if facts.zero is None:
        return None
    first, last = _near_days(facts)
    scale = even_scale(first, last, MARGIN, width - 2 * MARGIN)
    visits = [v for v in facts.visits if v.window.closes >= first and v.window.opens <= last]
    windows = [w for w in facts.windows if (w.first or w.last) and _overlaps(w, first, last)]
    canvas = _Canvas(facts, scale, width)
    return canvas.panel(visits, windows, _weekly(facts, scale, width), closed_runs(facts.closed, scale))


def whole_panel(facts: TimelineFacts, width: float) -> Panel | None:
    """What lies beyond the near panel, its empty months broken out; None where nothing does."""
    head = _near_days(facts) if facts.zero else None
    visits = [v for v in facts.visits if head is None or v.window.closes > head[1]]
    if not visits:
        return None
    windows = [w for w in facts.windows if _reaches_beyond(w, head)]
    spans = [(v.window.opens - 2 * _DAY, v.window.closes + 2 * _DAY) for v in visits]
    scale = broken_scale(head, spans, MARGIN, width - 2 * MARGIN)
    canvas = _Canvas(facts, scale, width)
    return canvas.panel(visits, windows, _at_targets(facts, scale, visits, width))


@dataclass(frozen=True, slots=True)
class _Canvas:
    """A scale on a drawing of a width; puts the parts under each other."""

    facts: TimelineFacts
    scale: Scale
    width: float

    def panel(
        self,
        visits: Sequence[VisitFact],
        windows: Sequence[WindowFact],
        ticks: tuple[Tick, ...],
        shades: tuple[Shade, ...] = (),
    ) -> Panel:
        """The visits stacked on top, a lane for each window below, and the scale at the foot."""
        shapes, levels = stacked(self.scale, visits, self.width)
        top = VISITS_TOP + levels * LEVEL_HEIGHT
        lanes = (lane(self.scale, w, top + n * LANE_HEIGHT, self.width) for n, w in enumerate(windows))
        bottom = top + len(windows) * LANE_HEIGHT + 4
        today, stretches = self.facts.today, self.scale.stretches
        squeezed = len(stretches) > 1 and self.facts.zero is not None
        return Panel(
            width=self.width,
            height=bottom + FOOT,
            plot_bottom=bottom,
            bands=_bands(self.facts, self.scale),
            shades=shades,
            ticks=ticks,
            visits=shapes,
            lanes=tuple(lanes),
            breaks=tuple(part.x + part.width / 2 for part in stretches if part.broken),
            today_x=self.scale.middle(today) if self.scale.holds(today) else None,
            head=Shade(stretches[0].x, stretches[0].width) if squeezed else None,
        )


def _near_days(facts: TimelineFacts) -> tuple[date, date]:
    """The days of the near panel: the usual weeks, longer where a window begins or ends just beyond."""
    zero = facts.zero
    assert zero is not None
    numbers = [(day - zero).days for v in facts.visits for day in (v.window.opens, v.window.closes)]
    before = max([NEAR_BEFORE, *(-n for n in numbers if -NEAR_BEFORE_MOST <= n < 0)])
    after = max([NEAR_AFTER, *(n for n in numbers if 0 < n <= NEAR_AFTER_MOST)])
    return zero - (before + 1) * _DAY, zero + (after + 1) * _DAY


def _bands(facts: TimelineFacts, scale: Scale) -> tuple[Band, ...]:
    """Each epoch over the days of its visits, up to the next; the last begins where the one before ends."""
    epochs = sorted(facts.epochs, key=lambda epoch: epoch.first)
    bands = []
    for place, epoch in enumerate(epochs):
        first, last = epoch.first, epoch.last
        if place + 1 < len(epochs):
            last = min(last, epochs[place + 1].first - _DAY)
        elif place:
            first = epochs[place - 1].last + _DAY
        if last < max(first, scale.first) or first > scale.last:
            continue
        x = scale.start(first)
        wide = scale.end(last) - x
        bands.append(Band(x, wide, epoch.label, epoch.index, text_width(epoch.label) + 6 <= wide))
    return tuple(bands)


def closed_runs(closed: Callable[[date], bool], scale: Scale) -> tuple[Shade, ...]:
    """The days without clinic, neighbours joined."""
    runs: list[list[date]] = []
    for step in range((scale.last - scale.first).days + 1):
        day = scale.first + step * _DAY
        if not closed(day):
            continue
        if runs and runs[-1][1] == day - _DAY:
            runs[-1][1] = day
        else:
            runs.append([day, day])
    return tuple(Shade(scale.start(first), scale.end(last) - scale.start(first)) for first, last in runs)


def _weekly(facts: TimelineFacts, scale: Scale, width: float) -> tuple[Tick, ...]:
    """Day zero and every seventh day before and after it; every second one where there is no room."""
    zero = facts.zero
    assert zero is not None
    week = scale.middle(zero + 7 * _DAY) - scale.middle(zero)
    step = 7 * ceil(TICK_WIDTH / week)
    numbers = range(-((zero - scale.first).days // step) * step, (scale.last - zero).days + 1, step)
    days = ((number, zero + number * _DAY) for number in numbers)
    return tuple(_tick(scale.middle(day), width, day, facts.day_label(n), n == 0) for n, day in days)


def _at_targets(
    facts: TimelineFacts, scale: Scale, visits: Iterable[VisitFact], width: float
) -> tuple[Tick, ...]:
    """The targets, left out where two would run into each other."""
    ticks: list[Tick] = []
    room = TICK_WIDTH
    free_from = (
        scale.start(scale.first) if facts.zero is None else scale.stretches[0].x + scale.stretches[0].width
    )
    for visit in visits:
        target = visit.window.target
        number = facts.day_label((target - facts.zero).days) if facts.zero else ""
        tick = _tick(scale.middle(target), width, target, number)
        if tick.label_x - room / 2 < free_from or not scale.holds(target):
            continue
        ticks.append(tick)
        free_from = tick.label_x + room / 2
    return tuple(ticks)


def _tick(x: float, width: float, day: date, number: str, zero: bool = False) -> Tick:
    return Tick(x, inside(x, TICK_WIDTH - 4, width), day, number, zero)


def stacked(scale: Scale, visits: Sequence[VisitFact], width: float) -> tuple[tuple[VisitShape, ...], int]:
    """The visits, each on the highest level where it meets no other, and how many levels that takes."""
    ends: list[float] = []
    shapes = []
    for fact in visits:
        shape = _visit(scale, fact, width)
        level = next((n for n, end in enumerate(ends) if end + 3 <= shape.extent[0]), len(ends))
        ends[level : level + 1] = [shape.extent[1]]
        shapes.append(replace(shape, top=VISITS_TOP + level * LEVEL_HEIGHT))
    return tuple(shapes), max(1, len(ends))


def _visit(scale: Scale, fact: VisitFact, width: float) -> VisitShape:
    x, wide = _bar(scale, fact.window.opens, fact.window.closes)
    pin_x = min(max(scale.middle(fact.window.target), x + 1), x + wide - 1)
    label_x = inside(pin_x, text_width(fact.mark) + 4, width)
    done = fact.performed_on
    performed_x = scale.middle(done) if done and scale.holds(done) else None
    booked = fact.booked_on if done is None else None
    booked_x = scale.middle(booked) if booked and scale.holds(booked) else None
    return VisitShape(fact, x, wide, VISITS_TOP, pin_x, label_x, performed_x, booked_x)


def _bar(scale: Scale, first: date, last: date) -> tuple[float, float]:
    """Where a bar begins and how wide it is; never too narrow to be seen."""
    x, right = scale.start(first), scale.end(last)
    wide = max(right - x, NARROWEST_BAR)
    return x - (wide - (right - x)) / 2, wide


def lane(scale: Scale, fact: WindowFact, top: float, width: float) -> LaneShape:
    """A protocol window as a lane at a height; open where it goes on beyond the drawing."""
    first, last = fact.first or scale.first, fact.last or scale.last
    x, wide = _bar(scale, first, last)
    label = fitted(fact.label, width - 2 * MARGIN)
    wanted = text_width(label)
    at_end = x + wanted > width - MARGIN
    label_x = max(x + wide, min(wanted + MARGIN, width - MARGIN)) if at_end else x
    return LaneShape(
        fact,
        label,
        x,
        wide,
        top + TEXT + 4,
        min(label_x, width - MARGIN),
        top + TEXT,
        at_end,
        fact.first is None or fact.first < scale.first,
        fact.last is None or fact.last > scale.last,
    )


def _overlaps(window: WindowFact, first: date, last: date) -> bool:
    return (window.first or window.last or first) <= last and (window.last or window.first or last) >= first


def _reaches_beyond(window: WindowFact, head: tuple[date, date] | None) -> bool:
    """Whether a part of the window lies after the days of the near panel."""
    if window.first is None and window.last is None:
        return False
    if head is None:
        return True
    return window.last is None or window.last > head[1] or (window.first or head[1]) > head[1]
