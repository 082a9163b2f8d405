"""What lies ahead of a visit: days that remain, days lost to absences, and what asks for help in time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schedules.domain.plan.visit_windows import VisitWindow
from schedules.domain.visits.outlook import Ahead, Help, days_past, outlook
from trials.domain.protocols.protocol import Place
from trials.domain.sites.working_days import WorkingDays

# Monday 1 to Sunday 7 March 2027; the Wednesday is a holiday.
CALENDAR = WorkingDays("CN", holidays={date(2027, 3, 3): "Made up"}, official_years=frozenset({2027}))
MONDAY = date(2027, 3, 1)
WED, THU, FRI, SAT, SUN = (MONDAY + timedelta(days=n) for n in (2, 3, 4, 5, 6))


def window(opens: date, closes: date) -> VisitWindow:
    return VisitWindow(opens, opens, closes)


def away(*days: date) -> dict[date, str]:
    return dict.fromkeys(days, "the participant is away")


def clinic(opens: date, closes: date, booked: date | None = None) -> Ahead:
    return Ahead(window(opens, closes), Place.CLINIC, booked)


def ward(opens: date, closes: date) -> Ahead:
    return Ahead(window(opens, closes), Place.WARD)


WEEK = clinic(MONDAY, SUN)


@pytest.mark.parametrize(
    ("visit", "closed", "today", "days", "helps", "why"),
    [
        (WEEK, {}, MONDAY, (4, 0, FRI), [], "a week without its Wednesday"),
        (WEEK, {}, THU, (2, 0, FRI), [], "two days are no warning by themselves"),
        (WEEK, {}, FRI, (1, 0, FRI), ["last-clinic-day"], "the last day"),
        (WEEK, {}, SAT, (0, 0, None), ["no-clinic-day-left"], "open, and nobody works"),
        (clinic(SAT, SUN), {}, MONDAY, (0, 0, None), ["no-clinic-day"], "a weekend, seen on Monday"),
        (clinic(THU, SUN), away(FRI), MONDAY, (1, 1, THU), ["last-clinic-day"], "an absence leaves one day"),
        (clinic(THU, SUN), away(THU, FRI), MONDAY, (0, 2, None), ["all-away"], "absences leave none"),
        (WEEK, away(MONDAY, THU), MONDAY, (2, 2, FRI), ["few-beside-absences"], "two of four are left"),
        (WEEK, away(SAT), MONDAY, (4, 0, FRI), [], "away when nobody works anyway"),
        (clinic(MONDAY, SUN, FRI), {}, FRI, (1, 0, FRI), [], "booked for its last day: nothing to help"),
        (clinic(MONDAY, SUN, FRI), away(FRI), THU, (1, 1, THU), ["booked-closed"], "booked, and away"),
        (clinic(MONDAY, SUN, SAT), {}, THU, (2, 0, FRI), ["booked-closed"], "booked for a Saturday"),
        (
            clinic(MONDAY, THU, FRI),
            {},
            THU,
            (1, 0, THU),
            ["booked-outside"],
            "booked for the day after its window",
        ),
        (ward(MONDAY, SUN), {}, SAT, (2, 0, SUN), [], "the ward works every day"),
        (ward(SAT, SUN), away(SUN), MONDAY, (1, 1, SAT), ["few-beside-absences"], "a day away"),
        (ward(WED, WED), {}, MONDAY, (1, 0, WED), ["holiday-on-ward"], "a public holiday on the ward"),
    ],
)
def test_what_lies_ahead(visit, closed, today, days, helps, why) -> None:
    """`days` are those that are left, those lost to absences, and the last one."""
    found = outlook(visit, CALENDAR, closed, today)
    assert (found.days_left, found.lost, found.last_day) == days, why
    assert [each.value for each in found.warnings] == helps, why
    assert not found.provisional


def test_without_a_calendar_nothing_is_claimed() -> None:
    found = outlook(Ahead(window(MONDAY, SUN), Place.CLINIC), None, away(THU), MONDAY)
    assert (found.days_left, found.last_day, found.warnings) == (None, None, ())


def test_a_year_that_is_not_out_is_provisional() -> None:
    later = date(2028, 3, 6)
    assert outlook(Ahead(window(later, later), Place.CLINIC), CALENDAR, {}, MONDAY).provisional


def test_every_kind_of_help_is_a_kind_of_its_own() -> None:
    assert len({each.value for each in Help}) == len(Help)


@pytest.mark.parametrize(
    ("day", "end", "days"),
    [(SUN, None, 0), (SUN, SUN, 0), (SUN, SAT, 1), (MONDAY, SUN, 0)],
)
def test_days_past_the_planned_end(day, end, days) -> None:
    assert days_past(day, end) == days
