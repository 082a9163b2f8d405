"""Targets in hours that are over keep the days that they had, whatever zone reads them now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from participants.domain.anchors import RecordedAnchor
from participants.domain.moments import ZoneOfRecord, day_of, on_record, zone_on_record
from schedules.domain.plan.anchors import follow
from schedules.domain.plan.days_on_record import keep_days
from schedules.domain.plan.projection import project
from schedules.domain.plan.protocol_windows import instant_of
from schedules.domain.plan.recorded_anchors import anchor_day, recorded_anchor
from schedules.domain.plan.values import AnchorDay, AnchorKind
from schedules.domain.plan.visit_windows import VisitWindow
from tests.unit.plan import small
from tests.unit.plan.small import at, instant, protocol, visit
from trials.domain.protocols.offsets import Offset, Unit, shift_date


@dataclass(frozen=True)
class _Visit:
    code: str
    window: VisitWindow
    at: datetime

    def _replace(self, **values):
        return replace(self, **values)


@dataclass(frozen=True)
class _Plan:
    visits: tuple[_Visit, ...]


SHANGHAI, LOS_ANGELES = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/Los_Angeles")
BERLIN = ZoneInfo("Europe/Berlin")
AT = datetime(2026, 12, 6, 18, 30, tzinfo=UTC)
MONDAY, SUNDAY = date(2026, 12, 7), date(2026, 12, 6)


def test_an_instant_on_record_has_the_day_of_the_place_where_it_was():
    there = on_record(AT, "Asia/Shanghai", LOS_ANGELES)
    assert there is not None
    assert day_of(there, LOS_ANGELES) == MONDAY
    assert zone_on_record(there, LOS_ANGELES) == "Asia/Shanghai", "also when it is written again"
    assert day_of(AT, LOS_ANGELES) == SUNDAY, "any other instant is read in the site's zone"
    assert there.astimezone(UTC) == AT


def test_an_actual_day_stays_and_a_planned_one_is_read_in_the_sites_zone():
    actual = RecordedAnchor("infusion", actual_on=MONDAY, actual_at=AT, actual_zone="Asia/Shanghai")
    planned = RecordedAnchor("infusion", planned_on=MONDAY, planned_at=AT)
    assert anchor_day(actual, LOS_ANGELES).day == MONDAY
    assert anchor_day(planned, LOS_ANGELES).day == SUNDAY
    assert recorded_anchor("infusion", actual, LOS_ANGELES) == actual
    assert recorded_anchor("infusion", AnchorDay(MONDAY, at=AT), LOS_ANGELES).planned_on == SUNDAY


@pytest.mark.parametrize(("target", "kept"), [(SUNDAY, MONDAY), (MONDAY, MONDAY)])
def test_a_target_in_hours_that_is_over_keeps_its_day(target, kept):
    before = VisitWindow(MONDAY, MONDAY, MONDAY)
    visit = _Visit("h24", VisitWindow(target, target, target), AT.astimezone(LOS_ANGELES))
    plan = keep_days(_Plan((visit,)), {"h24": (AT, before)})
    assert plan.visits[0].window.target == kept
    moved = _Visit("h24", VisitWindow(target, target, target), AT + timedelta(hours=1))
    assert keep_days(_Plan((moved,)), {"h24": (AT, before)}).visits == (moved,), "another instant"


@pytest.mark.parametrize("day", [date(2026, 10, 25), date(2027, 3, 28), date(2026, 7, 1)])
@pytest.mark.parametrize(("hours", "days"), [(24, 1), (48, 2), (-24, -1), (0, 0), (36, 1), (-36, -2)])
def test_24_hours_after_a_day_without_an_hour_are_a_day(day, hours, days):
    """24 hours after 25 October 2026 in Berlin fell on the 25th: that night has an hour more."""
    expected = day + timedelta(days=days)
    offset = Offset(hours, Unit.HOURS)
    assert shift_date(day, offset) == expected
    protocol = SimpleNamespace(zone="Europe/Berlin", month=None)
    assert follow(AnchorDay(day), offset, protocol).day == expected


def test_a_derived_hour_is_read_at_the_present_site():
    base = AnchorDay(MONDAY, at=AT.astimezone(ZoneOfRecord("Asia/Shanghai")))
    there = follow(base, Offset(24, Unit.HOURS), SimpleNamespace(zone="America/Los_Angeles", month=None))
    assert (there.day, there.at) == (MONDAY, AT + timedelta(hours=24))


def test_instants_of_a_window_are_compared_across_the_autumn_hour():
    first = datetime(2026, 10, 25, 2, 45, tzinfo=BERLIN)
    second = datetime(2026, 10, 25, 2, 15, fold=1, tzinfo=BERLIN)
    assert second < first, "by what their clocks show"
    assert instant_of(second, BERLIN) > instant_of(first, BERLIN), "half an hour later"


@pytest.mark.parametrize(
    ("given", "hours", "window"),
    [
        (small.day_of("Mon 2026-12-07 actual"), "PT36H", ("2026-12-08", "2026-12-08", "2026-12-09")),
        (small.day_of("Mon 2026-12-07 actual"), "PT48H", ("2026-12-09", "2026-12-09", "2026-12-09")),
        (small.day_of("Mon 2026-12-07 actual"), "PT1H", ("2026-12-07", "2026-12-07", "2026-12-08")),
        (small.day_of("Mon 2026-12-07 actual"), "-PT36H", ("2026-12-05", "2026-12-05", "2026-12-06")),
        (small.day_of("Mon 2026-12-07"), "PT36H", ("2026-12-08", "2026-12-08", "2026-12-08")),
        (
            instant("2026-12-07T14:00", kind=AnchorKind.ACTUAL),
            "PT36H",
            ("2026-12-09", "2026-12-09", "2026-12-09"),
        ),
    ],
)
def test_a_visit_in_hours_after_a_day_without_an_hour_has_every_day_that_it_can_be(given, hours, window):
    """36 hours after noon is two days on, and after ten in the morning one: neither is late."""
    (planned,) = project(protocol(visit("v", at(hours))), {"infusion": given}).visits
    assert tuple(day.isoformat() for day in planned.window) == window
