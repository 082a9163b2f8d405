"""Days and their places on a drawing: evenly, and with the empty months broken out."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.domain.timeline.scale import GAP_SHARE, HEAD_SHARE, broken_scale, even_scale

DAY = timedelta(days=1)
ZERO = date(2026, 12, 7)


@pytest.mark.parametrize(
    ("day", "start", "end", "why"),
    [
        (date(2026, 12, 1), 10, 20, "the first day begins at the left edge"),
        (date(2026, 12, 4), 40, 50, "three days on, three days' width on"),
        (date(2026, 12, 10), 100, 110, "the last day ends at the right edge"),
        (date(2026, 11, 30), 10, 10, "a day before the drawing has no width, at its left edge"),
        (date(2026, 12, 25), 110, 110, "a day after it, at its right edge"),
    ],
)
def test_an_even_scale_gives_every_day_the_same_width(day: date, start: float, end: float, why: str) -> None:
    scale = even_scale(date(2026, 12, 1), date(2026, 12, 10), 10, 100)
    assert (scale.start(day), scale.end(day)) == (start, end), why


def test_empty_months_are_broken_out_and_windows_keep_one_scale() -> None:
    head = (ZERO - 28 * DAY, ZERO + 28 * DAY)
    m3 = (ZERO + 83 * DAY, ZERO + 97 * DAY)
    m24 = (ZERO + 716 * DAY, ZERO + 744 * DAY)
    scale = broken_scale(head, [m24, m3], 0, 1000)
    kinds = [(s.first, s.last, s.broken) for s in scale.stretches]
    assert kinds == [
        (*head, False),
        (head[1] + DAY, m3[0] - DAY, True),
        (*m3, False),
        (m3[1] + DAY, m24[0] - DAY, True),
        (*m24, False),
    ]
    assert scale.stretches[0].width == pytest.approx(HEAD_SHARE * 1000)
    assert scale.stretches[2].day_width == pytest.approx(scale.stretches[4].day_width)
    assert sum(s.width for s in scale.stretches if s.broken) <= GAP_SHARE * 1000


@pytest.mark.parametrize(
    ("spans", "stretches", "why"),
    [
        ([(30, 40)], 2, "next to the head: no gap between"),
        ([(20, 40)], 2, "what the head shows already is not drawn twice"),
        ([(40, 45), (50, 55)], 3, "a gap of a few days is drawn as it is"),
        ([(40, 45), (70, 75)], 5, "a gap of weeks is broken"),
        ([(10, 20)], 1, "inside the head: the head is all there is"),
    ],
)
def test_gaps(spans: list[tuple[int, int]], stretches: int, why: str) -> None:
    head = (ZERO - 29 * DAY, ZERO + 29 * DAY)
    days = [(ZERO + first * DAY, ZERO + last * DAY) for first, last in spans]
    assert len(broken_scale(head, days, 0, 900).stretches) == stretches, why


@given(
    st.lists(st.tuples(st.integers(-60, 900), st.integers(0, 40)), min_size=1, max_size=25),
    st.booleans(),
)
def test_days_never_stand_in_the_wrong_order(spans: list[tuple[int, int]], with_head: bool) -> None:
    head = (ZERO - 28 * DAY, ZERO + 28 * DAY) if with_head else None
    days = [(ZERO + first * DAY, ZERO + (first + length) * DAY) for first, length in spans]
    scale = broken_scale(head, days, 6, 948)
    for before, after in zip(scale.stretches, scale.stretches[1:], strict=False):
        assert before.last + DAY == after.first
        assert before.x + before.width == pytest.approx(after.x)
    assert scale.stretches[-1].x + scale.stretches[-1].width == pytest.approx(6 + 948)
    starts = [scale.start(scale.first + n * DAY) for n in range((scale.last - scale.first).days + 1)]
    assert starts == sorted(starts)
