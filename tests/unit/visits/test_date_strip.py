"""The two weeks beside a visit to book, and the day that one click books."""

from datetime import date

import pytest

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.bookings import needs_no_booking
from schedules.domain.visits.date_strip import STRIP_DAYS, could_be_one, date_strip, day_to_offer
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays
from trials.domain.words import plain

CLINIC = WorkingDays("Clinic", "made up", official_years=frozenset({2026}))


def d(day: int) -> date:
    """A day of December 2026; the 7th is a Monday."""
    return date(2026, 12, day)


def test_the_strip_shows_the_window_its_ends_its_target_and_shut_days() -> None:
    days = date_strip(VisitWindow(d(3), d(12), d(14)), Place.CLINIC, CLINIC, d(7), plain)
    assert [one.day for one in days] == [d(7 + n) for n in range(STRIP_DAYS)]
    assert [one.day.day for one in days if one.inside] == list(range(7, 15))
    assert [one.day.day for one in days if one.first or one.last] == [7, 14]
    assert [one.day.day for one in days if one.target] == [12]
    assert [one.day.day for one in days if one.shut] == [12, 13, 19, 20]
    assert [one.day.day for one in days if one.monday] == [7, 14]
    ward = date_strip(VisitWindow(d(3), d(12), d(14)), Place.WARD, CLINIC, d(7), plain)
    assert not [one for one in ward if one.shut], "the ward works every day"


@pytest.mark.parametrize(
    ("window", "place", "today", "suggested", "offered", "why"),
    [
        ((7, 9, 11), Place.CLINIC, 7, None, 9, "the target"),
        ((7, 9, 11), Place.CLINIC, 7, 10, 10, "the suggested day while it lies ahead"),
        ((7, 9, 11), Place.CLINIC, 11, 10, 11, "the suggested day is over"),
        ((7, 9, 11), Place.CLINIC, 7, 14, 9, "the suggested day is outside the window"),
        ((7, 12, 15), Place.CLINIC, 7, 13, 11, "neither the suggested day nor the target is a clinic day"),
        ((7, 12, 15), Place.WARD, 7, None, 12, "the ward works every day"),
        ((7, 9, 13), Place.CLINIC, 12, None, None, "only a weekend is left"),
        ((7, 9, 11), Place.CLINIC, 12, None, None, "the window has closed"),
    ],
)
def test_one_click_books_the_suggested_day_or_the_nearest_open_one(
    window, place, today, suggested, offered, why
) -> None:
    days = VisitWindow(*map(d, window))
    found = day_to_offer(days, place, CLINIC, d(today), suggested and d(suggested))
    assert found == (offered and d(offered)), why
    if place is Place.CLINIC and offered == 9:
        assert day_to_offer(days, place, None, d(today), None) == d(9), "also without a calendar"


@pytest.mark.parametrize(
    ("full", "offered", "why"),
    [
        ((9,), 8, "the earlier of the two nearest with a slot"),
        ((8, 9), 10, "the nearest with a slot"),
        ((8, 9, 10, 11), 9, "no slot is left: the day as it would be"),
        ((10, 11), 9, "the target has a slot"),
    ],
)
def test_a_day_with_a_slot_goes_before_one_that_is_full(
    full: tuple[int, ...], offered: int, why: str
) -> None:
    window = VisitWindow(d(7), d(9), d(13))
    is_full = {d(day) for day in full}.__contains__
    assert day_to_offer(window, Place.CLINIC, CLINIC, d(7), None, is_full) == d(offered), why


@pytest.mark.parametrize(
    ("place", "timing", "closes", "given"),
    [
        ("ward", "at", 7, True),
        ("ward", "over", 9, True),
        ("ward", "within", 9, False),
        ("clinic", "at", 7, False),
        ("clinic", "over", 9, False),
    ],
)
def test_a_day_on_the_ward_that_is_given_needs_no_booking(place, timing, closes, given) -> None:
    assert needs_no_booking(place, timing, d(7), d(closes)) is given


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ((2, 9, 16), (4, 11, 18), True),  # D90 and month 3
        ((5, 7, 9), (8, 10, 12), False),  # two samples, three days apart: their windows only touch
        ((1, 2, 3), (10, 11, 12), False),
    ],
)
def test_two_visits_are_one_journey_where_each_ones_target_is_in_the_others_window(
    first: tuple, second: tuple, one: bool
) -> None:
    windows = [VisitWindow(*map(d, days)) for days in (first, second)]
    assert could_be_one(*windows) is one
    assert could_be_one(*reversed(windows)) is one


def test_today_is_offered_where_it_is_meant_or_the_last_day_and_else_tomorrow() -> None:
    """Nobody can be called in within the hour: a target that has passed is met tomorrow."""
    window = VisitWindow(d(7), d(8), d(10))
    assert day_to_offer(window, Place.CLINIC, CLINIC, d(8), None) == d(8), "the target"
    assert day_to_offer(window, Place.CLINIC, CLINIC, d(9), None) == d(10)
    assert day_to_offer(window, Place.CLINIC, CLINIC, d(10), None) == d(10), "the last day"
