"""A change of dates as a picture: what stands above, what would stand below, arrows between."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.timeline.before_after import AXIS, MovedVisit, MoveFacts, move_panel
from schedules.domain.timeline.shapes import VisitFact, WindowFact

ZERO = date(2026, 12, 7)
LATER = timedelta(days=2)
BOOKED = ZERO + timedelta(days=14)


def fact(mark: str, day: int, around: int = 0, *, by: timedelta = timedelta(0)) -> VisitFact:
    target = ZERO + timedelta(days=day) + by
    window = VisitWindow(target - timedelta(days=around), target, target + timedelta(days=around))
    return VisitFact(mark.lower(), mark, mark, window, "upcoming")


def facts(visits: list[MovedVisit], windows: tuple[WindowFact, ...] = ()) -> MoveFacts:
    return MoveFacts(
        ZERO - timedelta(days=7), (ZERO, ZERO + LATER), visits, windows, lambda day: day.weekday() > 4
    )


def moved(mark: str, day: int, around: int = 0, **more: object) -> MovedVisit:
    return MovedVisit(fact(mark, day, around), fact(mark, day, around, by=LATER), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [960.0, 366.0])
def test_every_shape_lies_inside_and_each_move_has_its_arrow(width: float) -> None:
    visits = [
        moved("D-5", -5),
        moved("D0", 0),
        moved("D14", 14, 2, booked_on=ZERO + timedelta(days=14), lost=True),
    ]
    panel = move_panel(facts(visits), width)
    assert panel
    before, after = panel.strips
    assert [one.shape.fact.mark for one in before.visits] == ["D-5", "D0", "D14"]
    assert len(panel.arrows) == 3
    assert AXIS <= before.top < before.bottom < after.top < after.bottom <= panel.height
    for strip in panel.strips:
        for one in strip.visits:
            assert 0 <= one.shape.extent[0] <= one.shape.extent[1] <= width
            assert strip.top < one.shape.label_y < one.shape.y < strip.bottom
    booked = after.visits[2].booked
    assert booked
    assert booked.lost
    assert before.zero_x and after.zero_x and before.zero_x < after.zero_x  # noqa: PT018


def test_nothing_is_drawn_where_nothing_moves_or_day_zero_is_unknown() -> None:
    still = MovedVisit(fact("D14", 14), fact("D14", 14))
    assert move_panel(facts([still]), 960) is None
    unknown = MoveFacts(ZERO, (None, None), [moved("D14", 14)], (), lambda _day: False)
    assert move_panel(unknown, 960) is None
    assert move_panel(facts([]), 960) is None


def test_what_lies_months_away_is_counted_and_not_drawn() -> None:
    panel = move_panel(facts([moved("D0", 0), moved("M6", 182, 7), moved("M12", 365, 14)]), 960)
    assert panel
    assert panel.beyond == 2
    far = facts([moved("M6", 182, 7)])
    assert move_panel(far, 960) is None


def test_a_visit_that_is_added_or_goes_stands_on_one_strip_only_without_an_arrow() -> None:
    visits = [
        moved("D0", 0),
        MovedVisit(fact("D3", 3), None, "warning"),
        MovedVisit(None, fact("D4", 4), "notice"),
    ]
    panel = move_panel(facts(visits), 960)
    assert panel
    assert [one.shape.fact.mark for one in panel.strips[0].visits] == ["D0", "D3"]
    assert [one.shape.fact.mark for one in panel.strips[1].visits] == ["D0", "D4"]
    assert len(panel.arrows) == 1


def test_windows_that_end_otherwise_lie_below_the_strips() -> None:
    windows = tuple(WindowFact(str(n), f"window {n}", "", ZERO, None) for n in range(9))
    panel = move_panel(facts([moved("D0", 0)], windows), 960)
    assert panel
    assert len(panel.lanes) == 6
    assert all(panel.strips[1].bottom < lane.y < panel.height for lane in panel.lanes)
