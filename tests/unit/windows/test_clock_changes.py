"""No day shifts and 48 hours stay 48 hours, whatever the clocks do.

The suite takes a handful of zones; DAYZERO_LONG=1 takes every IANA zone and every change of
its clocks from 2020 to 2040.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from participants.domain.fact_kinds import Admission, Lodging
from participants.domain.fact_kinds import TestResult as Result
from participants.domain.facts import Facts
from participants.domain.moments import day_of, first_after, first_instant
from schedules.domain.plan.projection import project
from schedules.domain.plan.values import AnchorDay
from schedules.domain.windows.judges import judge, next_change_at
from tests.unit.plan.small import protocol, window
from tests.unit.windows.judging import window as window_of
from trials.domain.protocols.protocol import Freshness, Observation, Presence, Stay

LONG = bool(os.environ.get("DAYZERO_LONG"))
FIRST, END = (2020, 2041) if LONG else (2026, 2027)
ZONES = (
    sorted(available_timezones())
    if LONG
    else [
        "Asia/Shanghai",  # no changes
        "America/New_York",  # at two in the morning
        "America/Havana",  # at midnight: one day begins at one o'clock
        "Australia/Lord_Howe",  # by half an hour
        "Africa/Casablanca",  # backwards for Ramadan
        "Pacific/Chatham",  # a quarter of an hour off
    ]
)
DAY, HOUR, TICK = timedelta(days=1), timedelta(hours=1), timedelta(microseconds=1)


def changes(zone: ZoneInfo) -> Iterator[datetime]:
    """The instants (to the hour, UTC) after which the zone's clocks differ from before."""
    moment, end = datetime(FIRST, 1, 1, tzinfo=UTC), datetime(END, 1, 1, tzinfo=UTC)
    while moment < end:
        step = moment + 7 * DAY
        if moment.astimezone(zone).utcoffset() != step.astimezone(zone).utcoffset():
            yield from _hours(moment, step, zone)
        moment = step


def _hours(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    while start < end:
        if start.astimezone(zone).utcoffset() != (start + HOUR).astimezone(zone).utcoffset():
            yield start + HOUR
        start += HOUR


def moments(name: str) -> list[datetime]:
    """The changes of a zone; a day in March for one whose clocks never change."""
    return list(changes(ZoneInfo(name))) or [datetime(FIRST, 3, 29, 1, tzinfo=UTC)]


@pytest.mark.parametrize("name", ZONES)
def test_48_hours_stay_48_hours(name):
    zone = ZoneInfo(name)
    rule = window("infusion -PT48H", "infusion PT0H", Freshness("hcg", "negative"))
    small = protocol(windows=(rule,), zone=name)
    for change in moments(name):
        anchor = (change + 20 * HOUR).astimezone(zone)
        plan = project(small, {"infusion": AnchorDay.at_instant(anchor)}, zone=zone)
        placed = plan.windows[0]
        for elapsed, status in ((48 * HOUR, "kept"), (48 * HOUR + TICK, "violated"), (-TICK, "cannot-judge")):
            taken = (anchor.astimezone(UTC) - elapsed).astimezone(zone)
            facts = Facts(tests=(Result("hcg", taken, None, "negative"),))
            verdict = judge(placed, facts, anchor.astimezone(UTC) + DAY, zone)
            assert verdict.status == status, (name, change, elapsed)


@pytest.mark.parametrize("name", ZONES)
def test_no_day_shifts(name):
    """A window of three days round every change opens and closes with the site's own days."""
    zone = ZoneInfo(name)
    for change in moments(name):
        day = change.astimezone(zone).date()
        opens, closes = day - DAY, day + DAY
        for terms, facts in scenes(opens, closes, zone):
            placed = window_of(terms, opens, closes)
            begin, end = first_instant(opens, zone), first_after(closes, zone)
            for now, status in (
                (begin - TICK, "not-yet"),
                (begin, "open-and-kept"),
                (end - TICK, "open-and-kept"),
                (end, "kept"),
            ):
                assert judge(placed, facts, now, zone).status == status, (name, change, terms, now)
            assert next_change_at(placed, facts, begin, zone) == end


def scenes(opens: date, closes: date, zone: ZoneInfo) -> Iterator[tuple[object, Facts]]:
    yield Observation("toxicity"), Facts()
    yield Presence(60), Facts(lodgings=(Lodging(opens, closes, 60),))
    yield Stay(leave_on_last_day=False), Facts(admissions=(Admission(first_instant(opens, zone)),))


@pytest.mark.parametrize("name", ZONES)
def test_the_days_of_a_site_join_without_gap_or_overlap(name):
    zone = ZoneInfo(name)
    for change in moments(name):
        day = change.astimezone(zone).date()
        for one in (day - DAY, day, day + DAY):
            begin, end = first_instant(one, zone), first_after(one, zone)
            assert day_of(begin, zone) == one, name
            assert day_of(begin - TICK, zone) == one - DAY, name
            assert end == first_instant(one + DAY, zone), name
