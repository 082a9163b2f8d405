"""The VTIMEZONE of a site, read by parsers that are not the library that wrote it."""
# ruff: noqa: DTZ001 (wall times, which get their zone in the test)

import io
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schedules.ical.zones import FIRST_YEAR, LAST_YEAR, vtimezone

ZONES = [
    "Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Kathmandu", "UTC", "Europe/Berlin",
    "Europe/Dublin", "America/New_York", "America/Sao_Paulo", "America/Mexico_City", "Australia/Lord_Howe",
    "Pacific/Auckland", "Africa/Casablanca", "Asia/Tehran", "Asia/Gaza", "Pacific/Apia", "America/Nuuk",
]  # fmt: skip


def text_of(zone: str) -> str:
    return vtimezone(zone).to_ical().decode()


@cache
def read_by_dateutil(zone: str) -> object:
    return tzical(io.StringIO(text_of(zone).replace("\r\n ", "").replace("\r\n", "\n"))).get(zone)


@pytest.mark.parametrize("zone", ZONES)
def test_middays_of_thirty_years(zone: str) -> None:
    """One in each fortnight: no zone keeps an hour for less (Morocco's Ramadan is four weeks)."""
    read, real = read_by_dateutil(zone), ZoneInfo(zone)
    day = datetime(FIRST_YEAR + 1, 1, 1, 12)
    while day.year <= LAST_YEAR:
        assert day.replace(tzinfo=read).utcoffset() == day.replace(tzinfo=real).utcoffset(), day
        day += timedelta(days=14)


@settings(max_examples=60)
@given(
    zone=st.sampled_from(ZONES),
    wall=st.datetimes(datetime(FIRST_YEAR + 1, 1, 1), datetime(LAST_YEAR, 12, 31), allow_imaginary=False),
)
@example("Europe/Berlin", datetime(2026, 3, 29, 3, 0))
@example("Europe/Berlin", datetime(2026, 10, 25, 3, 0))
def test_any_hour_that_happens_once(zone: str, wall: datetime) -> None:
    real = ZoneInfo(zone)
    first, second = wall.replace(tzinfo=real), wall.replace(tzinfo=real, fold=1)
    if first.utcoffset() != second.utcoffset() or first.astimezone(UTC).astimezone(real) != first:
        return  # an hour that the clock skips or says twice has no one answer
    assert wall.replace(tzinfo=read_by_dateutil(zone)).utcoffset() == first.utcoffset()


@pytest.mark.parametrize(
    ("zone", "parts", "why"),
    [
        (
            "Asia/Shanghai",
            ["STANDARD"],
            "one offset since 1991; the summer times before are left out",
        ),
        ("Europe/Berlin", ["STANDARD", "DAYLIGHT", "STANDARD"], "how it begins, and two yearly rules"),
        ("Europe/Dublin", ["STANDARD", "DAYLIGHT", "STANDARD"], "its data call winter the exception"),
    ],
)
def test_parts(zone: str, parts: list[str], why: str) -> None:
    assert [part.name for part in vtimezone(zone).subcomponents] == parts, why


@pytest.mark.parametrize(
    ("zone", "rules", "why"),
    [
        ("Asia/Shanghai", [], "nothing ever changes"),
        ("Europe/Berlin", ["BYDAY=-1SU;BYMONTH=3", "BYDAY=-1SU;BYMONTH=10"], "last Sundays"),
        ("America/New_York", ["BYDAY=2SU;BYMONTH=3", "BYDAY=1SU;BYMONTH=11"], "second and first Sunday"),
        ("America/Mexico_City", [], "gave up summer time in 2022: dates, and no rule that goes on for ever"),
        ("Africa/Casablanca", [], "follows the moon: no yearly rule holds"),
    ],
)
def test_rules(zone: str, rules: list[str], why: str) -> None:
    found = [line for line in text_of(zone).splitlines() if line.startswith("RRULE:")]
    assert found == [f"RRULE:FREQ=YEARLY;{rule}" for rule in rules], why


@pytest.mark.parametrize("zone", ZONES)
def test_summer_is_never_behind_winter(zone: str) -> None:
    """Outlook takes DAYLIGHT for the later clock."""
    for part in vtimezone(zone).subcomponents:
        if part.name == "DAYLIGHT":
            assert part.TZOFFSETTO >= part.TZOFFSETFROM, part.to_ical()


def test_no_remark_and_no_time_before_the_first_year() -> None:
    for zone in ZONES:
        text = text_of(zone)
        assert "COMMENT" not in text, "the library's own builder remarks that its zone is half true"
        assert not any(f"DTSTART:{year}" in text for year in range(1900, FIRST_YEAR - 1))
