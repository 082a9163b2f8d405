"""The calendars of the two libraries, held against the announcements and the wall calendar."""

import subprocess
import sys
from datetime import date, timedelta

import chinese_calendar
import pytest

from trials.domain.errors import DomainError
from trials.domain.sites.working_days import WorkingDays
from trials.formats.sites.holiday_calendars import CalendarError, calendar_names, load_calendar


def on(text: str) -> date:
    """`Sat 2026-02-14` as a day; the weekday must be the calendar's."""
    weekday, iso = text.split()
    day = date.fromisoformat(iso)
    assert f"{day:%a}" == weekday, f"{iso} is a {day:%a}"
    return day


def china() -> WorkingDays:
    return load_calendar("CN", 2025, 2030)


def every_day(first_year: int, last_year: int) -> list[date]:
    first, last = date(first_year, 1, 1), date(last_year, 12, 31)
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


# Announced by the General Office of the State Council in November 2025.
@pytest.mark.parametrize(
    ("day", "why_not", "reason"),
    [
        ("Thu 2026-01-01", "public holiday (New Year's Day)", "New Year"),
        ("Sat 2026-01-03", "public holiday (New Year's Day)", "three days in a row"),
        ("Sun 2026-01-04", None, "a make-up Sunday for 2 January"),
        ("Sat 2026-02-14", None, "a make-up Saturday before the festival"),
        ("Sun 2026-02-15", "public holiday (Spring Festival)", "the festival begins on a Sunday"),
        ("Mon 2026-02-16", "public holiday (Spring Festival)", "New Year's Eve"),
        ("Tue 2026-02-17", "public holiday (Spring Festival)", "the Lunar New Year"),
        ("Mon 2026-02-23", "public holiday (Spring Festival)", "the ninth and last day"),
        ("Tue 2026-02-24", None, "the first day after the festival"),
        ("Sat 2026-02-28", None, "a make-up Saturday after the festival"),
        ("Sat 2026-03-07", "Saturday", "a plain Saturday"),
        ("Mon 2026-04-06", "public holiday (Tomb-sweeping Day)", "the Monday after a Sunday's holiday"),
        ("Tue 2026-05-05", "public holiday (Labour Day)", "the last of five days"),
        ("Sat 2026-05-09", None, "a make-up Saturday for 5 May"),
        ("Sun 2026-09-20", None, "a make-up Sunday before National Day"),
        ("Thu 2026-10-01", "public holiday (National Day)", "National Day"),
        ("Wed 2026-10-07", "public holiday (National Day)", "the seventh and last day"),
        ("Thu 2026-10-08", None, "the first day after National Day"),
        ("Sat 2026-10-10", None, "a make-up Saturday after National Day"),
    ],
)
def test_china_2026_is_as_announced(day: str, why_not: str | None, reason: str) -> None:
    assert china().why_not(on(day)) == why_not, reason
    assert not china().is_provisional(on(day))


def test_the_make_up_days_of_2026() -> None:
    assert sorted(day for day in china().make_up_days if day.year == 2026) == [
        on("Sun 2026-01-04"),
        on("Sat 2026-02-14"),
        on("Sat 2026-02-28"),
        on("Sat 2026-05-09"),
        on("Sun 2026-09-20"),
        on("Sat 2026-10-10"),
    ]


def test_the_two_libraries_agree_where_both_know_the_announcement() -> None:
    from trials.formats.sites.holiday_calendars import _compute

    theirs = _compute("CN", [2025, 2026])
    computed = WorkingDays(
        name="CN", holidays=dict(theirs.items()), make_up_days=frozenset(theirs.weekend_workdays)
    )
    for day in every_day(2025, 2026):
        assert china().is_working_day(day) == computed.is_working_day(day), day


def test_every_official_day_is_as_chinesecalendar_says() -> None:
    for day in every_day(2025, 2026):
        assert china().is_working_day(day) == chinese_calendar.is_workday(day), day


@pytest.mark.parametrize(
    ("day", "why_not", "reason"),
    [
        ("Fri 2027-01-01", "public holiday (New Year's Day)", "the statutory day"),
        ("Fri 2027-02-05", "public holiday (Spring Festival)", "New Year's Eve is statutory since 2025"),
        ("Sat 2027-02-06", "public holiday (Spring Festival)", "the Lunar New Year"),
        ("Mon 2027-02-08", "public holiday (Spring Festival)", "its third day"),
        ("Wed 2027-02-10", "public holiday (Spring Festival, observed)", "in exchange for the Sunday"),
        ("Thu 2027-02-11", None, "likely off once announced, but nobody has said so"),
        ("Sat 2027-02-20", "Saturday", "no make-up day is known yet"),
        ("Fri 2027-10-01", "public holiday (National Day)", "National Day"),
    ],
)
def test_china_2027_holds_the_statutory_days_and_is_provisional(
    day: str, why_not: str | None, reason: str
) -> None:
    assert china().why_not(on(day)) == why_not, reason
    assert china().is_provisional(on(day))


def test_only_years_that_chinesecalendar_knows_are_official() -> None:
    assert china().official_years == {2025, 2026}
    assert not [day for day in china().make_up_days if day.year > 2026]


@pytest.mark.parametrize(
    ("day", "why_not", "reason"),
    [
        ("Wed 2024-02-14", None, "a holiday before the range is not in the table"),
        ("Sat 2024-02-17", "Saturday", "a weekend before the range still is one"),
        ("Thu 2031-01-23", None, "nor is a Lunar New Year after the range"),
    ],
)
def test_years_outside_the_range_know_weekends_only(day: str, why_not: str | None, reason: str) -> None:
    assert china().why_not(on(day)) == why_not, reason
    assert china().is_provisional(on(day))


def test_a_version_names_the_range_and_what_was_read() -> None:
    assert china().version.startswith("CN 2025-2030 holidays 0.")
    assert " chinesecalendar 1." in china().version
    assert load_calendar("CN", 2026, 2026).source.startswith("2026-2026 chinesecalendar"), "no other was read"
    assert load_calendar("CN", 2025, 2030) is china(), "built once"


# ---- other countries


@pytest.mark.parametrize(
    ("country", "day", "why_not", "reason"),
    [
        (
            "IT",
            "Sat 2026-08-15",
            "public holiday (Assumption Of Mary Day)",
            "a holiday is kept on a Saturday",
        ),
        ("GB", "Fri 2026-12-25", "public holiday (Christmas Day)", "a holiday of all its countries"),
        ("GB", "Fri 2026-01-02", None, "the second of January is a holiday in Scotland only"),
        ("US", "Fri 2026-07-03", "public holiday (Independence Day, observed)", "4 July is a Saturday"),
        ("SA", "Fri 2026-03-06", "Friday, not a clinic day", "the week runs from Sunday to Thursday"),
        ("SA", "Sun 2026-03-08", None, "Sunday is worked"),
        ("VN", "Sat 2026-08-22", None, "a make-up Saturday outside China"),
    ],
)
def test_other_countries_come_from_holidays(country: str, day: str, why_not: str | None, reason: str) -> None:
    assert load_calendar(country, 2026, 2027).why_not(on(day)) == why_not, reason


@pytest.mark.parametrize(
    ("country", "year", "provisional", "reason"),
    [
        ("GB", 2026, False, "the year of the library's release"),
        ("GB", 2027, True, "computed, but nothing says that it was announced"),
        ("GB", 1850, True, "before the library's first year"),
        ("TN", 2026, True, "its days by the moon are marked as estimated"),
        ("LK", 2027, True, "after the library's last year for the country"),
    ],
)
def test_years_of_other_countries_are_official_up_to_the_release(
    country: str, year: int, provisional: bool, reason: str
) -> None:
    assert load_calendar(country, year, year).is_provisional(year) is provisional, reason


# ---- names and costs


def test_the_names_are_two_letter_codes_and_china_is_one() -> None:
    assert "CN" in calendar_names()
    assert {"DE", "GB", "JP", "US"} <= set(calendar_names()), "the error message gives these as examples"
    assert {len(name) for name in calendar_names()} == {2}


@pytest.mark.parametrize(
    ("name", "years", "says"),
    [
        ("XX", (2026, 2027), "'XX' is no holiday calendar: write CN or one of"),
        ("cn", (2026, 2027), "in capitals"),
        ("", (2026, 2027), "'' is no holiday calendar"),
        ("CN", (2027, 2026), "2027 to 2026 is no range of years"),
        ("CN", (0, 2026), "0 to 2026"),
        ("CN", (2026, 10000), "2026 to 10000"),
    ],
)
def test_what_is_asked_wrongly_is_told_what_is_possible(name: str, years: tuple[int, int], says: str) -> None:
    with pytest.raises(CalendarError) as caught:
        load_calendar(name, *years)
    assert says in str(caught.value)
    assert isinstance(caught.value, DomainError)


def test_a_plan_without_a_calendar_does_not_import_the_libraries() -> None:
    code = (
        "import sys, trials.formats.sites.holiday_calendars;"
        "assert not {'holidays', 'chinese_calendar'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_one_country_does_not_import_all_others() -> None:
    load_calendar("CN", 2027, 2027)
    assert "holidays.countries.zimbabwe" not in sys.modules
