"""When a reminder is due, and by what name it goes."""

from datetime import UTC, date, datetime

import pytest

from schedules.domain.reminders import closing_key, is_worth_saying, local_days
from schedules.domain.reminders.ledger import WAITS, last_clinic_day, wait_after

SHANGHAI, BERLIN, APIA, MIDWAY = "Asia/Shanghai", "Europe/Berlin", "Pacific/Apia", "Pacific/Midway"


@pytest.mark.parametrize(
    ("zones", "now", "expected", "why"),
    [
        ([], datetime(2026, 11, 21, 12, tzinfo=UTC), {}, "no site, no day"),
        (
            [SHANGHAI, SHANGHAI, "Asia/Urumqi"],
            datetime(2026, 11, 21, 12, tzinfo=UTC),
            {date(2026, 11, 21): (SHANGHAI, "Asia/Urumqi")},
            "one day, each zone once",
        ),
        (
            [SHANGHAI, BERLIN],
            datetime(2026, 11, 21, 16, 0, tzinfo=UTC),
            {date(2026, 11, 21): (BERLIN,), date(2026, 11, 22): (SHANGHAI,)},
            "midnight in Shanghai, afternoon in Berlin",
        ),
        (
            [SHANGHAI, BERLIN],
            datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC),
            {date(2026, 11, 21): (SHANGHAI, BERLIN)},
            "a second before",
        ),
        (
            [APIA, SHANGHAI, MIDWAY, "Pacific/Kiritimati"],
            datetime(2026, 11, 21, 10, 30, tzinfo=UTC),
            {
                date(2026, 11, 20): (MIDWAY,),
                date(2026, 11, 21): (SHANGHAI, APIA),
                date(2026, 11, 22): ("Pacific/Kiritimati",),
            },
            "three days at once: UTC-11, UTC+8 with UTC+13, UTC+14",
        ),
    ],
)
def test_each_zone_has_its_own_day(
    zones: list[str], now: datetime, expected: dict[date, tuple[str, ...]], why: str
) -> None:
    found = local_days(zones, now)
    assert {day: set(there) for day, there in found.items()} == {d: set(z) for d, z in expected.items()}, why
    assert list(found) == sorted(found)


def test_a_window_that_moved_is_another_thing_to_say() -> None:
    assert closing_key("u", date(2026, 11, 24)) == "closing:u:2026-11-24"
    assert closing_key("u", date(2026, 11, 25)) != closing_key("u", date(2026, 11, 24))


@pytest.mark.parametrize(
    ("today", "said", "why"),
    [
        (date(2026, 11, 21), False, "a day before it is due"),
        (date(2026, 11, 22), True, "the day on which it is due"),
        (date(2026, 11, 24), True, "the window closes today"),
        (date(2026, 11, 25), False, "the window has closed"),
    ],
)
def test_a_closing_window_is_spoken_of_until_its_last_day(today: date, said: bool, why: str) -> None:
    found = is_worth_saying(due_on=date(2026, 11, 22), closes=date(2026, 11, 24), today=today)
    assert found is said, why


@pytest.mark.parametrize(
    ("today", "clinic", "last", "worth", "why"),
    [
        (20, {20, 21, 24}, 24, False, "the day on which the window closes"),
        (20, {20, 21, 25}, 21, True, "a day before it closes"),
        (20, {20}, 20, True, "today"),
        (20, {19, 25}, None, True, "none from today on"),
        (24, {24}, 24, False, "it closes today"),
        (24, {23}, None, True, "yesterday is over"),
    ],
)
def test_a_window_has_its_last_clinic_day(
    today: int, clinic: set[int], last: int | None, worth: bool, why: str
) -> None:
    closes = date(2026, 11, 24)
    left = last_clinic_day(date(2026, 11, today), closes, lambda day: day.day in clinic)
    assert (left.last, left.is_worth_a_word) == (last and date(2026, 11, last), worth), why


def test_a_message_waits_longer_after_each_failure_and_at_last_as_long_again() -> None:
    assert [wait_after(attempts) for attempts in range(7)] == [WAITS[0], *WAITS, WAITS[-1]]
