"""The status of a visit on a day, for a window from 1 to 15 March 2026 with its target on the 8th."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.status import VisitFacts, VisitStatus, days_left, visit_status

WINDOW = VisitWindow(date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 15))
ONCE, RANGE = VisitFacts(WINDOW), VisitFacts(WINDOW, is_range=True)
ONE_DAY = VisitFacts(VisitWindow(date(2026, 3, 8), date(2026, 3, 8), date(2026, 3, 8)))
TARGET_FIRST = VisitFacts(VisitWindow(date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 2)), is_range=True)


@pytest.mark.parametrize(
    ("visit", "day", "expected", "reason"),
    [
        (ONCE, (2, 28), "upcoming", "the eve of the window"),
        (ONCE, (3, 1), "open", "its first day"),
        (ONCE, (3, 7), "open", "the day before the target"),
        (ONCE, (3, 8), "due", "the target"),
        (ONCE, (3, 9), "overdue", "past the target, still inside"),
        (ONCE, (3, 15), "overdue", "the last day"),
        (ONCE, (3, 16), "missed", "the window has closed"),
        (replace(ONCE, window=WINDOW._replace(target=WINDOW.closes)), (3, 11), "open", "four days left"),
        (replace(ONCE, window=WINDOW._replace(target=WINDOW.closes)), (3, 12), "closing", "three days left"),
        (replace(ONCE, window=WINDOW._replace(target=WINDOW.closes)), (3, 15), "due",
         "the target is the last day"),
        (RANGE, (2, 28), "upcoming", "a range to come"),
        (RANGE, (3, 8), "open", "a range is never due"),
        (RANGE, (3, 11), "open", "nor overdue"),
        (RANGE, (3, 12), "closing", "in its last days it is closing"),
        (RANGE, (3, 15), "closing", "on the last one too"),
        (RANGE, (3, 16), "missed", "and then missed"),
        (TARGET_FIRST, (3, 1), "closing", "a range of two days is closing from its first"),
        (ONE_DAY, (3, 7), "upcoming", "a tolerance of nought"),
        (ONE_DAY, (3, 8), "due", "one day only"),
        (ONE_DAY, (3, 9), "missed", "and no other"),
        (replace(ONE_DAY, free=True), (3, 7), "upcoming", "added at the site for the morrow"),
        (replace(ONE_DAY, free=True), (3, 8), "due", "added for today"),
        (replace(ONE_DAY, free=True), (3, 9), "overdue", "nothing is recorded, and no window was missed"),
        (replace(ONE_DAY, free=True, missed=True), (3, 9), "missed", "somebody said so"),
        (replace(ONCE, performed_on=date(2026, 3, 1)), (4, 1), "done", "on the first day: on time"),
        (replace(ONCE, performed_on=date(2026, 3, 15)), (4, 1), "done", "on the last day: on time"),
        (replace(ONCE, performed_on=date(2026, 2, 28)), (4, 1), "done-early", "on the eve"),
        (replace(ONCE, performed_on=date(2026, 3, 16)), (4, 1), "done-late", "on the morrow"),
        (replace(ONCE, missed=True), (3, 8), "missed", "recorded as missed while it is still open"),
        (replace(ONCE, cancelled=True), (3, 16), "cancelled", "cancelled is not missed"),
        (replace(ONCE, not_applicable=True), (3, 16), "not-applicable", "nor is what does not apply"),
        (replace(ONCE, on_hold=True), (3, 16), "on-hold", "nor what is on hold"),
        (replace(ONCE, performed_on=date(2026, 3, 8), missed=True, cancelled=True), (3, 8), "done",
         "done is done"),
        (replace(ONCE, cancelled=True, missed=True, not_applicable=True, on_hold=True), (3, 8),
         "not-applicable", "what never applied comes first: it is cancelled too"),
        (replace(ONCE, cancelled=True, missed=True, on_hold=True), (3, 8), "cancelled", "then this"),
        (replace(ONCE, missed=True, on_hold=True), (3, 8), "missed", "then missed, before a hold"),
    ],
)  # fmt: skip
def test_status(visit, day, expected, reason):
    assert visit_status(visit, date(2026, *day)) is VisitStatus(expected), reason


@pytest.mark.parametrize(
    ("day", "outside", "left", "reason"),
    [
        ((2, 27), -2, 16, "two days early"),
        ((2, 28), -1, 15, "the eve of the window is early"),
        ((3, 1), 0, 14, "the first day is inside"),
        ((3, 15), 0, 0, "the last day is inside"),
        ((3, 16), 1, -1, "the morrow is late"),
    ],
)
def test_days_outside_and_left(day, outside, left, reason):
    day = date(2026, *day)
    assert (WINDOW.days_outside(day), days_left(WINDOW, day)) == (outside, left), reason
    assert WINDOW.holds(day) is (outside == 0)
