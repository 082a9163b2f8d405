"""What stands where on a participant's timeline."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.timeline.drawing import near_panel, whole_panel
from schedules.domain.timeline.shapes import (
    PIN,
    EpochFact,
    Panel,
    TimelineFacts,
    VisitFact,
    WindowFact,
    fitted,
    text_width,
)

DAY = timedelta(days=1)
ZERO = date(2026, 12, 7)  # a Monday
WIDE, NARROW = 960.0, 358.0


def visit(code: str, target: int, before: int = 0, after: int = 0) -> VisitFact:
    day = ZERO + target * DAY
    return VisitFact(code, code, code, VisitWindow(day - before * DAY, day, day + after * DAY), "upcoming")


VISITS = (
    visit("Screening", -28, 0, 22),
    *(visit(f"D{day}", day) for day in (-5, -4, -3)),
    visit("D0", 0),
    visit("D14", 14, 2, 2),
    visit("D28", 28, 3, 3),
    visit("M3", 90, 7, 7),
    visit("M24", 731, 14, 14),
)
WINDOWS = (
    WindowFact("stay", "Stay near the site", "", ZERO, ZERO + 28 * DAY),
    WindowFact("contraception", "Contraception", "", ZERO - 5 * DAY, ZERO + 182 * DAY),
    WindowFact("malignancy", "No malignancy", "", ZERO - 1826 * DAY, ZERO - 6 * DAY),
    WindowFact("unknown", "Half-lives of a drug", "", None, ZERO - 6 * DAY),
    WindowFact("nothing", "Nothing known", "", None, None),
)
EPOCHS = (
    EpochFact("Screening", ZERO - 28 * DAY, ZERO - 6 * DAY, 0),
    EpochFact("Infusion", ZERO, ZERO, 1),
    EpochFact("Follow-up", ZERO + 12 * DAY, ZERO + 745 * DAY, 2),
)


def facts(today: date = date(2026, 11, 21), zero: date | None = ZERO) -> TimelineFacts:
    return TimelineFacts(
        today, zero, VISITS, WINDOWS, EPOCHS, lambda day: day.isoweekday() > 5, lambda n: f"D{n}"
    )


def near(width: float = WIDE) -> Panel:
    panel = near_panel(facts(), width)
    assert panel
    return panel


def whole(width: float = WIDE) -> Panel:
    panel = whole_panel(facts(), width)
    assert panel
    return panel


def test_the_near_panel_shows_the_weeks_around_day_zero_and_the_whole_one_the_rest() -> None:
    assert [shape.fact.code for shape in near().visits] == [v.code for v in VISITS[:7]]
    assert [shape.fact.code for shape in whole().visits] == ["M3", "M24"]


def test_without_day_zero_there_is_one_panel_with_all_visits() -> None:
    unknown = facts(zero=None)
    assert near_panel(unknown, WIDE) is None
    panel = whole_panel(unknown, WIDE)
    assert panel
    assert len(panel.visits) == len(VISITS)
    assert panel.head is None


def test_with_nothing_beyond_the_weeks_around_day_zero_there_is_no_second_panel() -> None:
    short = TimelineFacts(ZERO, ZERO, VISITS[:5], (), (), lambda _day: False, str)
    assert whole_panel(short, WIDE) is None


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_narrowest_window_can_be_seen_beside_its_pin(width: float) -> None:
    """A window of one day hides under its target mark unless the mark stands clear of it."""
    for panel in (near(width), whole(width)):
        for shape in panel.visits:
            assert shape.width >= 4
            assert shape.pin_y + PIN <= shape.y, "the pin's point touches the bar from above"
            assert shape.x <= shape.pin_x <= shape.x + shape.width


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_no_label_runs_into_another_or_off_the_drawing(width: float) -> None:
    for panel in (near(width), whole(width)):
        boxes = [
            (shape.label_y, shape.label_x - text_width(shape.fact.mark) / 2, text_width(shape.fact.mark))
            for shape in panel.visits
        ]
        for level in {box[0] for box in boxes}:
            row = sorted((left, wide) for y, left, wide in boxes if y == level)
            assert row[0][0] >= 0
            assert row[-1][0] + row[-1][1] <= width
            for (left, wide), (following, _) in pairwise(row):
                assert left + wide <= following


def test_the_target_stands_in_the_middle_of_its_day() -> None:
    d0 = next(shape for shape in near().visits if shape.fact.code == "D0")
    assert d0.pin_x == pytest.approx(d0.x + d0.width / 2)


def test_weeks_are_counted_from_day_zero() -> None:
    ticks = near().ticks
    assert [tick.number for tick in ticks] == ["D-28", "D-21", "D-14", "D-7", "D0", "D7", "D14", "D21", "D28"]
    assert [tick.number for tick in ticks if tick.zero] == ["D0"]
    assert {tick.day.isoweekday() for tick in ticks} == {1}, "day zero is a Monday, and so are the others"


def test_days_without_clinic_are_joined_into_weekends() -> None:
    panel = near()
    assert len(panel.shades) == 9
    day_width = panel.visits[1].width
    assert panel.shades[2].width == pytest.approx(2 * day_width)


@pytest.mark.parametrize(
    ("code", "left", "right", "why"),
    [
        ("stay", False, False, "from D0 to D28, all of it in the panel"),
        ("contraception", False, True, "goes on after the panel"),
        ("malignancy", True, False, "began five years before"),
        ("unknown", True, False, "its first day is not known"),
    ],
)
def test_lanes_say_where_they_go_on(code: str, left: bool, right: bool, why: str) -> None:
    lane = next(lane for lane in near().lanes if lane.fact.code == code)
    assert (lane.opens_left, lane.opens_right) == (left, right), why


def test_a_window_without_any_day_is_left_to_the_table() -> None:
    assert "nothing" not in {lane.fact.code for panel in (near(), whole()) for lane in panel.lanes}


def test_the_whole_panel_has_the_lanes_that_reach_beyond_the_first_weeks() -> None:
    assert [lane.fact.code for lane in whole().lanes] == ["contraception"]


def test_an_epoch_lasts_as_long_as_its_visits_and_the_last_follows_at_once() -> None:
    screening, infusion, follow_up = near().bands
    assert [band.index for band in (screening, infusion, follow_up)] == [0, 1, 2]
    assert screening.x + screening.width < infusion.x, "five days of lymphodepletion lie between"
    assert infusion.x + infusion.width == pytest.approx(follow_up.x), "follow-up begins on D1, not at D14"
    assert not infusion.shown, "one day is too narrow for its epoch's name"


@pytest.mark.parametrize(
    ("today", "in_near", "in_whole", "why"),
    [
        (date(2026, 11, 21), True, True, "sixteen days before day zero; in the whole, inside its head"),
        (date(2027, 6, 1), False, True, "half a year on: only in the whole, inside a break"),
        (date(2026, 6, 1), False, False, "half a year before: nowhere"),
    ],
)
def test_today(today: date, in_near: bool, in_whole: bool, why: str) -> None:
    shown = [panel(facts(today), WIDE) for panel in (near_panel, whole_panel)]
    assert [bool(panel and panel.today_x) for panel in shown] == [in_near, in_whole], why


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_lanes_lie_under_all_visits_and_the_scale_under_all_lanes(width: float) -> None:
    for panel in (near(width), whole(width)):
        assert all(shape.label_y < lane.y for shape in panel.visits for lane in panel.lanes)
        assert all(lane.y < panel.plot_bottom < panel.height for lane in panel.lanes)


def test_the_label_of_an_epoch_stands_in_its_middle() -> None:
    for band in near().bands:
        assert band.x < band.middle < band.x + band.width
        assert band.middle - band.x == pytest.approx(band.x + band.width - band.middle)


@pytest.mark.parametrize(
    ("text", "letters", "shown"),
    [
        ("Stay near", 9, "Stay near"),
        ("Stay near the site", 12, "Stay near…"),
        ("Stay near", 2, "…"),
    ],
)
def test_a_label_that_has_no_room_is_cut_and_says_so(text: str, letters: int, shown: str) -> None:
    width = text_width("x" * letters)
    assert fitted(text, width) == shown
    assert text_width(fitted(text, max(width, text_width("…") + 11))) <= max(width, text_width("…") + 11)
