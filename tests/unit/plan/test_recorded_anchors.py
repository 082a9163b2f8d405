"""What is on record of an anchor, and the day that a plan makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from participants.domain.anchors import RecordedAnchor
from schedules.domain.plan.recorded_anchors import (
    anchor_day,
    anchor_days,
    hours_that_are_none,
    put_on_record,
    recorded_anchor,
)
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


NEVER = datetime(2027, 3, 28, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("anchor", "is_one"),
    [
        (AnchorDay(MONDAY), True),
        (AnchorDay.at_instant(LATE), True),
        (AnchorDay(NEVER.date(), AnchorKind.PLANNED, NEVER), False),
        (RecordedAnchor("x", planned_at=NEVER), False),
        (RecordedAnchor("x", actual_at=NEVER), False),
        (RecordedAnchor("x", MONDAY, LATE, MONDAY, LATE), True),
    ],
)
def test_an_hour_that_no_clock_shows_is_found(anchor: RecordedAnchor | AnchorDay, is_one: bool) -> None:
    assert [code for code, _why in hours_that_are_none({"x": anchor})] == ([] if is_one else ["x"])


GIVEN = RecordedAnchor("x", actual_on=TUESDAY, actual_at=LATE)
ON_RECORD = RecordedAnchor("x", actual_on=TUESDAY, actual_at=LATE, actual_zone="Asia/Urumqi")


@pytest.mark.parametrize(
    ("anchor", "stands", "zone", "why"),
    [
        (GIVEN, None, "Asia/Shanghai", "nothing stands: the site's"),
        (GIVEN, ON_RECORD, "Asia/Urumqi", "the same again: that of its record"),
        (GIVEN, RecordedAnchor("x", actual_on=MONDAY, actual_zone="Asia/Urumqi"), "Asia/Shanghai", "another"),
        (ON_RECORD, None, "Asia/Urumqi", "it brings its own"),
        (RecordedAnchor("x", actual_on=MONDAY), None, "", "a day without an hour has none"),
    ],
)
def test_an_instant_goes_on_record_with_its_zone(
    anchor: RecordedAnchor, stands: RecordedAnchor | None, zone: str, why: str
) -> None:
    assert put_on_record(anchor, stands, SHANGHAI) == replace(anchor, actual_zone=zone), why
