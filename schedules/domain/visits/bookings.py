"""Whether a visit needs a booking, and whether the one that it has is still an appointment."""

from __future__ import annotations

from datetime import date

from schedules.domain.plan.visit_windows import VisitWindow
from trials.domain.protocols.protocol import Place, TimingKind


def needs_no_booking(place: str, timing: str, opens: date, closes: date) -> bool:
    """Say whether a visit comes on its day unbooked: on the ward, on one day or over its whole window.

    `place` and `timing` are values of `Place` and `TimingKind`; most such days are of the infusion's block.
    """
    return place == Place.WARD and (opens == closes or timing == TimingKind.OVER)


def booking_no_longer_fits(booked_on: date | None, window: VisitWindow, outside_reason: str = "") -> bool:
    """Say whether a live visit is booked for a day that its window has left.

    `outside_reason` is why somebody booked a day outside the window on purpose; such a booking
    stands until the window moves again (then the reason, which spoke of another window, is cleared).
    """
    return booked_on is not None and not outside_reason and not window.holds(booked_on)
