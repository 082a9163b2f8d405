"""Whether a booking is still an appointment."""

from datetime import date

import pytest

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.bookings import booking_no_longer_fits

WINDOW = VisitWindow(date(2027, 1, 1), date(2027, 1, 4), date(2027, 1, 7))


@pytest.mark.parametrize(
    ("booked_on", "outside_reason", "lost", "why"),
    [
        (None, "", False, "not booked"),
        (date(2027, 1, 1), "", False, "the first day is inside"),
        (date(2027, 1, 7), "", False, "and the last"),
        (date(2026, 12, 31), "", True, "a day before the window"),
        (date(2027, 1, 8), "", True, "a day after it"),
        (date(2027, 1, 8), "travels", False, "outside on purpose"),
    ],
)
def test_a_booking_fits_as_long_as_its_window_holds_it(
    booked_on: date | None, outside_reason: str, lost: bool, why: str
) -> None:
    assert booking_no_longer_fits(booked_on, WINDOW, outside_reason) is lost, why
