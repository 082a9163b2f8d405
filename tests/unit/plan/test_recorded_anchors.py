"""What is on record of an anchor, and the day that a plan makes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from participants.domain.anchors import RecordedAnchor
from schedules.domain.plan.recorded_anchors import anchor_day, anchor_days, recorded_anchor
from schedules.domain.plan.values import AnchorDay, AnchorKind

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY, TUESDAY = date(2026, 12, 7), date(2026, 12, 8)
LATE = datetime(2026, 12, 7, 17, tzinfo=UTC)  # one o'clock on Tuesday in Shanghai


@pytest.mark.parametrize(
    ("anchor", "day", "kind", "hour", "why"),
    [
        (RecordedAnchor("x", planned_on=MONDAY), MONDAY, "planned", None, "planned for a day"),
        (RecordedAnchor("x", MONDAY, None, TUESDAY), TUESDAY, "actual", None, "what happened comes first"),
        (RecordedAnchor("x", actual_on=MONDAY), MONDAY, "actual", None, "and needs no plan"),
        (RecordedAnchor("x", MONDAY, LATE), TUESDAY, "planned", 1, "an hour knows its day in the zone"),
        (
            RecordedAnchor("x", MONDAY, LATE, MONDAY),
            MONDAY,
            "actual",
            None,
            "the planned hour is not the actual",
        ),
        (AnchorDay(MONDAY), MONDAY, "planned", None, "a day stays what it is"),
        (AnchorDay(MONDAY, AnchorKind.ACTUAL, LATE), TUESDAY, "actual", 1, "an hour is brought to the zone"),
    ],
)
def test_the_day_that_a_plan_counts_from(
    anchor: RecordedAnchor | AnchorDay, day: date, kind: str, hour: int | None, why: str
) -> None:
    found = anchor_day(anchor, SHANGHAI)
    assert found is not None
    assert (found.day, found.kind, found.at.hour if found.at else None) == (day, kind, hour), why


def test_an_anchor_without_a_day_is_left_out() -> None:
    anchors = {"x": RecordedAnchor("x"), "y": AnchorDay(MONDAY)}
    assert list(anchor_days(anchors, SHANGHAI)) == ["y"]


@pytest.mark.parametrize(
    ("anchor", "expected", "why"),
    [
        (AnchorDay(MONDAY), RecordedAnchor("x", planned_on=MONDAY), "a plan"),
        (AnchorDay(MONDAY, AnchorKind.ACTUAL), RecordedAnchor("x", actual_on=MONDAY), "a fact"),
        (AnchorDay.at_instant(LATE), RecordedAnchor("x", TUESDAY, LATE), "the day is the site's"),
        (RecordedAnchor("y", MONDAY, LATE), RecordedAnchor("x", TUESDAY, LATE), "whoever says otherwise"),
        (RecordedAnchor("x", MONDAY, None, TUESDAY), RecordedAnchor("x", MONDAY, None, TUESDAY), "both days"),
    ],
)
def test_what_goes_on_record(anchor: RecordedAnchor | AnchorDay, expected: RecordedAnchor, why: str) -> None:
    assert recorded_anchor("x", anchor, SHANGHAI) == expected, why
