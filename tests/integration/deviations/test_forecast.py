"""The forecast: windows that close, days lost to absences, follow-up past its trial's end."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from participants.models import Absence
from schedules.domain.visits.outlook import Help
from schedules.domain.visits.values import Booking
from schedules.selectors.pages import forecast
from schedules.services.enrolment.enrolling import enrol
from schedules.services.visits.appointments import book_visit
from tests.cast import a_site, an_enrolment
from tests.integration.deviations.conftest import a_user, at, visit
from trials.models import Role, Trial
from trials.services.sites.working_days import record_working_days

pytestmark = pytest.mark.django_db
# Monday 21 December 2026, day 14: the window of D14 closes on Wednesday.
MONDAY = at(12, 21)


@pytest.fixture(autouse=True)
def monday() -> Any:
    with time_machine.travel(MONDAY, tick=False):
        yield


@pytest.fixture
def client(participant) -> Client:
    record_working_days(site=a_site("WH"), by=None, first_year=2026, last_year=2029)
    client = Client()
    client.force_login(a_user(Role.COORDINATOR, site=a_site("WH")))
    return client


def rows(client: Client, asked: str = "") -> dict[str, Any]:
    page = client.get(reverse("forecast") + asked)
    return {row.line.planned.code: row for row, _words in page.context["rows"]}


def test_open_windows_with_the_clinic_days_that_remain(client, participant) -> None:
    found = rows(client)
    assert set(found) == {"d14", "d28"}, "open, or opening within 28 days; what has closed is not ahead"
    ahead = found["d14"].outlook
    assert (ahead.days_left, ahead.last_day, ahead.warnings) == (3, date(2026, 12, 23), ())
    assert found["d28"].outlook.days_left == 4, "1 January is a holiday, and then comes a weekend"
    assert set(rows(client, "?days=7")) == {"d14"}
    assert rows(client, "?help=1") == {}


def test_absences_take_days_while_it_can_still_be_helped(client, participant) -> None:
    days = {"first": date(2026, 12, 22), "last": date(2026, 12, 23)}
    Absence.objects.create(participant=participant, **days)
    ahead = rows(client, "?help=1")["d14"].outlook
    assert (ahead.days_left, ahead.lost, ahead.warnings) == (1, 2, (Help.LAST_CLINIC_DAY,))
    Absence.objects.create(site=participant.site, first=date(2026, 12, 21), last=date(2026, 12, 21))
    page = client.get(reverse("forecast") + "?help=1").content.decode()
    assert "All clinic days that remain are days of absence" in page
    assert "3 more but for absences" in page


def test_a_visit_booked_for_a_good_day_asks_for_no_help(client, participant) -> None:
    Absence.objects.create(participant=participant, first=date(2026, 12, 22), last=date(2026, 12, 23))
    shown = visit("d14", participant)
    booking = Booking(date(2026, 12, 21))
    book_visit(visit=shown, version=shown.version, booking=booking, by=None, now=MONDAY)
    assert rows(client)["d14"].outlook.warnings == ()
    Absence.objects.create(site=participant.site, first=date(2026, 12, 21), last=date(2026, 12, 21))
    assert rows(client)["d14"].outlook.warnings == (Help.BOOKED_CLOSED,)


def test_no_visit_is_looked_for_past_an_end_that_no_trial_has(client, participant) -> None:
    """Of an end that is still to be found PostgreSQL took a third of all visits to come after it."""

    def looked_for() -> bool:
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/forecast/").status_code == 200
        return any('MAX("schedules_visit"."target")' in one["sql"] for one in queries.captured_queries)

    assert not looked_for()
    Trial.objects.update(planned_end=date(2028, 6, 1))
    assert looked_for()


def test_follow_up_past_the_planned_end(client, participant) -> None:
    assert "past the planned end" not in client.get(reverse("forecast")).content.decode()
    Trial.objects.update(planned_end=date(2028, 6, 1))
    (late,) = client.get(reverse("forecast")).context["past_end"]
    assert (late.visits, late.participants, late.last, late.days) == (2, 1, date(2028, 12, 7), 189)
    page = client.get(reverse("forecast-end", kwargs={"pk": late.trial}))
    (row,) = page.context["rows"]
    assert (row.participant, row.visits, row.days) == (participant, 2, 189)
    other = Client()
    other.force_login(a_user(Role.COORDINATOR, "elsewhere", site=a_site("NJ")))
    assert other.get(reverse("forecast-end", kwargs={"pk": late.trial})).status_code == 404
    assert other.get(reverse("forecast")).context["past_end"] == []


def test_years_whose_holidays_are_not_out_are_named(client, participant) -> None:
    found = client.get(reverse("forecast")).context["provisional"]
    assert [(each.site, each.year) for each in found] == [
        (participant.site, 2027),
        (participant.site, 2028),
    ]


def test_pages_by_key_in_a_constant_number_of_queries(client, participant, monkeypatch) -> None:
    rows(client)

    def queries(asked: str) -> int:
        with CaptureQueriesContext(connection) as found:
            client.get(reverse("forecast") + asked)
        return len(found)

    asked = ("", "?help=1")
    Absence.objects.create(site=participant.site, first=date(2026, 12, 22), last=date(2026, 12, 23))
    one = [queries(each) for each in asked]
    for number in range(2, 6):
        person = an_enrolment(
            participant.protocol_version,
            subject_code=f"S01-00{number}",
            anchors={"infusion": an_enrolment().anchors["infusion"]},
        )
        enrol(enrolment=person, by=None)
    assert [queries(each) for each in asked] == one
    everything = list(client.get(reverse("forecast")).context["rows"])
    monkeypatch.setattr(forecast, "PAGE", 4)
    monkeypatch.setattr(forecast, "LOOKED_AT", 3)
    for filters in ("", "help=1"):
        whole = [row for row, words in everything if words or not filters]
        found, address = [], f"?{filters}"
        while address:
            page = client.get(reverse("forecast") + address)
            found += [row for row, _words in page.context["rows"]]
            address = page.context["next"]
        assert [row.line.planned.code for row in found] == [row.line.planned.code for row in whole]
        assert len({(row.participant.pk, row.line.planned.code) for row in found}) == len(whole)
