"""A site's working days: versions that plans can name for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules.selectors.store import calendars
from tests.cast import a_site
from trials.domain.sites.working_days import WorkingDays, WorkingDaysError
from trials.formats.sites.holiday_calendars import CalendarError
from trials.models import Site, User, WorkingDayTable
from trials.selectors.records import working_days_of
from trials.services.sites.working_days import Corrections, record_working_days

pytestmark = pytest.mark.django_db

YEARS = {"first_year": 2026, "last_year": 2027}


def days_of(site: Site) -> WorkingDays:
    found = working_days_of(site)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("day", "works", "why"),
    [
        (date(2026, 10, 1), False, "National Day"),
        (date(2026, 10, 10), True, "a Saturday worked in exchange"),
        (date(2026, 10, 12), True, "a Monday"),
        (date(2026, 10, 17), False, "a Saturday"),
    ],
)
def test_the_holiday_calendar_is_the_sites(day: date, works: bool, why: str) -> None:
    site = a_site()
    record_working_days(site=site, by=None, **YEARS)
    assert days_of(site).is_working_day(day) is works, why


def test_the_weekdays_are_the_sites_clinic_days() -> None:
    site = a_site(clinic_days="24")
    record_working_days(site=site, by=None, **YEARS)
    monday, tuesday = date(2026, 10, 12), date(2026, 10, 13)
    assert [days_of(site).is_working_day(day) for day in (monday, tuesday)] == [False, True]


def test_the_sites_own_word_comes_first() -> None:
    site = a_site()
    monday, saturday = date(2026, 10, 12), date(2026, 10, 17)
    corrections = Corrections(closures={monday: "stocktaking"}, openings={saturday: "extra clinic"})
    record_working_days(site=site, by=None, corrections=corrections, **YEARS)
    assert days_of(site).why_not(monday) == "closed (stocktaking)"
    assert days_of(site).is_working_day(saturday)


def test_the_same_days_are_not_kept_twice_but_a_return_to_them_is() -> None:
    user = User.objects.create(username="coordinator")
    site = a_site()
    closed = Corrections(closures={date(2026, 10, 12): "stocktaking"})
    first = record_working_days(site=site, by=user, note="the first", **YEARS)
    again = record_working_days(site=site, by=None, **YEARS)
    second = record_working_days(site=site, by=None, corrections=closed, **YEARS)
    third = record_working_days(site=site, by=None, **YEARS)
    assert (first.version, again.pk, second.version, third.version) == (1, first.pk, 2, 3)
    assert (first.note, first.created_by) == ("the first", user)
    assert days_of(site).digest == third.digest == first.digest


def test_each_site_counts_its_own_versions() -> None:
    tables = [record_working_days(site=a_site(code), by=None, **YEARS) for code in ("A", "B")]
    assert [table.version for table in tables] == [1, 1]


@pytest.mark.parametrize(
    ("calendar", "years", "corrections", "refused", "why"),
    [
        ("XX", (2026, 2027), Corrections(), (CalendarError, "no holiday calendar"), "unknown country"),
        ("CN", (2027, 2026), Corrections(), (CalendarError, "earlier year first"), "years turned round"),
        (
            "CN",
            (2026, 2026),
            Corrections({date(2026, 1, 5): ""}, {date(2026, 1, 5): ""}),
            (WorkingDaysError, "closed and opened"),
            "both at once",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    calendar: str,
    years: tuple[int, int],
    corrections: Corrections,
    refused: tuple[type[Exception], str],
    why: str,
) -> None:
    site = a_site(holiday_calendar=calendar)
    with pytest.raises(refused[0], match=refused[1]):
        record_working_days(
            site=site, by=None, first_year=years[0], last_year=years[1], corrections=corrections
        )
    assert not WorkingDayTable.objects.exists(), why


def test_none_are_known_where_none_are_recorded() -> None:
    assert working_days_of(a_site()) is None


@pytest.fixture
def tables() -> list[tuple[int, str]]:
    """Two sites with working days: the id and the digest of each table."""
    for code in ("WH", "SY"):
        record_working_days(site=a_site(code), by=None, **YEARS)
    return list(WorkingDayTable.objects.order_by("site").values_list("pk", "digest"))


def of_a_version_to_come(read: Callable[[Any], WorkingDays]) -> Callable[[Any], WorkingDays]:
    """Read documents, the first of which cannot be read."""
    seen: list[object] = []

    def reads(document: Any) -> WorkingDays:
        seen.append(document)
        if len(seen) == 1:
            raise WorkingDaysError("this is not a table of working days")
        return read(document)

    return reads


def test_a_table_that_cannot_be_read_stops_no_other_site(
    tables: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named in the log."""
    sites = list(Site.objects.values_list("pk", flat=True))
    whole = calendars.working_days_by_site(sites)
    monkeypatch.setattr(calendars, "_read", of_a_version_to_come(calendars._read))
    found = calendars.working_days_by_site(sites)
    (left,) = found
    assert found[left] == whole[left]
    assert "cannot be read" in caplog.text


def test_a_table_that_cannot_be_read_leaves_the_api_its_other_sites(
    tables: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    whole = calendars.working_days_by_table(tables)
    monkeypatch.setattr(calendars, "_TABLES", {})
    monkeypatch.setattr(WorkingDays, "from_document", of_a_version_to_come(WorkingDays.from_document))
    found = calendars.working_days_by_table(tables)
    (left,) = found
    assert found[left] == whole[left]
    assert "cannot be read" in caplog.text


def test_a_page_keeps_the_tables_it_knows_when_room_is_made_for_more(
    tables: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else their sites would have no closed day on that page."""
    monkeypatch.setattr(calendars, "_TABLES", {})
    monkeypatch.setattr(calendars, "_MOST_TABLES", 0)
    assert set(calendars.working_days_by_table(tables[:1])) == {tables[0]}
    assert set(calendars.working_days_by_table(tables)) == set(tables)


def test_a_table_is_read_once_and_asked_for_by_one_query() -> None:
    site = a_site()
    record_working_days(site=site, by=None, **YEARS)
    first = working_days_of(site)
    with CaptureQueriesContext(connection) as captured:
        assert working_days_of(site) is first
    assert len(captured) == 1
