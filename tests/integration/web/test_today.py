"""Today: what has to be looked at, in which order, and by whom."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from participants.models import Participant
from participants.services.absences import Away
from schedules.domain.visits.status import clinic_days, standing
from schedules.domain.visits.values import Booking
from schedules.models import Flag, Severity, Visit
from schedules.selectors.store.calendars import site_calendars, working_days_by_site
from schedules.selectors.store.stored_visits import record_of
from schedules.selectors.today.worklist import PARTS, SOON_DAYS, Wanted, worklist
from schedules.services.availability.absences import add_absence
from schedules.services.visits.appointments import book_visit
from schedules.web.today.worklist import places_by_year
from tests.cast import a_version
from tests.integration.web.conftest import MORNING, SHANGHAI, TODAY, Enrol, count_queries, with_role
from trials.models import ProtocolVersion, Role, Site, User

DAY = timedelta(days=1)
FLAG = {"kind": "hold", "severity": Severity.WARNING, "message": "x", "raised_at": MORNING}


def rows(page: Client, address: str = "/worklist/") -> list[tuple[str, str, str]]:
    """Part, participant and visit of each line, in the order of the page."""
    context = page.get(address).context
    return [
        (group.part.value, row.participant.subject_code, row.line.mark)
        for group in context["groups"]
        for row in group.rows
    ]


@pytest.mark.parametrize(
    ("infusion", "expected", "why"),
    [
        (TODAY - 25 * DAY, ("open", "D28"), "the window opens today, six days before it closes"),
        (TODAY - 22 * DAY, ("upcoming", "D28"), "the window opens in three days"),
        (TODAY - 32 * DAY, ("to-record", "D28"), "the window closed yesterday and nothing is recorded"),
    ],
)
def test_a_visit_stands_under_its_part(
    page: Client, enrolled: Enrol, infusion: date, expected: tuple[str, str], why: str
) -> None:
    enrolled(infusion=infusion, given=True)
    assert (expected[0], "S01-001", expected[1]) in rows(page), why


def test_a_booking_takes_a_visit_out_of_what_is_to_be_booked(page: Client, enrolled: Enrol) -> None:
    """Whatever its window; on its own day it comes today, and so does who is here without one."""
    enrolled(infusion=TODAY - 29 * DAY, given=True)

    def part() -> set[str]:
        return {part for part, _, mark in rows(page) if mark == "D28"}

    assert part() == {"last-days"}
    for booked, expected in ((TODAY + DAY, "booked"), (TODAY, "coming-today"), (TODAY - DAY, "to-record")):
        Visit.objects.filter(code="d28").update(booked_on=booked)
        assert part() == {expected}, booked
    Visit.objects.filter(code="d28").update(booked_on=None, arrived_on=TODAY)
    assert part() == {"coming-today"}


def test_parts_stand_in_the_order_in_which_they_are_read(page: Client, enrolled: Enrol) -> None:
    for number, days in enumerate((32, 29, 29, 25, 29, 22)):
        enrolled(f"S01-{number:03}", TODAY - days * DAY, given=True)
    Visit.objects.filter(participant__subject_code="S01-002", code="d28").update(booked_on=TODAY)
    Visit.objects.filter(participant__subject_code="S01-004", code="d28").update(booked_on=TODAY + DAY)
    found = list(dict.fromkeys(part for part, _, _ in rows(page)))
    assert found == [part.value for part in PARTS if part.value in found]
    assert {"coming-today", "last-days", "upcoming", "to-record", "booked"} <= set(found)


def test_the_list_says_of_each_visit_what_the_domain_says(enrolled: Enrol, coordinator: User) -> None:
    """On every day from before screening until after month 6, for a participant with all kinds of timing."""
    person = enrolled(infusion=TODAY, traits=["lymphodepletion"])
    visits = list(Visit.objects.all())
    calendar = working_days_by_site([person.site_id]).get(person.site_id)
    for step in range(40):
        day = TODAY + (step * 6 - 36) * DAY
        now = datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)
        if day < TODAY:
            coordinator.memberships.update(starts_on=day)
        expected: dict[str, int] = {}
        for visit in visits:
            said = standing(record_of(visit), clinic_days(day, calendar)).said.value
            if said == "waiting":
                continue  # for the infusion, which nobody has recorded: it stands in no part
            if said != "upcoming" or visit.opens <= day + SOON_DAYS * DAY:
                expected[said] = expected.get(said, 0) + 1
        found = worklist(coordinator, now, Wanted())
        assert {part.value: count for part, count in found.counts.items()} == expected, day
        assert all(row.line.standing.said.value == row.part.value for row in found.rows), day


def test_what_was_done_or_cancelled_needs_no_look(page: Client, enrolled: Enrol) -> None:
    enrolled(infusion=TODAY - 28 * DAY)
    Visit.objects.update(performed_on=TODAY)
    assert rows(page) == []


def test_a_line_says_who_which_visit_how_many_clinic_days_and_what_is_in_the_way(
    page: Client, enrolled: Enrol
) -> None:
    enrolled(
        infusion=date(2026, 9, 4), given=True
    )  # day 28 is 2 October, in the holidays of the National Day
    with_national_day = datetime(2026, 9, 29, 9, tzinfo=SHANGHAI)
    with time_machine.travel(with_national_day, tick=False):
        User.objects.get(username="coordinator").memberships.update(starts_on=date(2026, 9, 1))
        text = page.get("/worklist/").content.decode()
    assert "S01-001" in text
    assert "<b>D28</b>" in text
    assert "Fri 2 Oct" in text, "the weekday stands beside the date"
    assert "No clinic on the target day: National Day" in text
    assert "suggested" in text


def test_a_window_without_a_clinic_day_is_named_as_one(page: Client, enrolled: Enrol, site: Site) -> None:
    """Day 14 ±2 of an infusion on 22 September 2026 lies inside the holidays from 1 to 7 October."""
    with time_machine.travel(datetime(2026, 10, 5, 9, tzinfo=SHANGHAI), tick=False):
        User.objects.get(username="coordinator").memberships.update(starts_on=date(2026, 9, 1))
        enrolled(infusion=date(2026, 9, 20), given=True)  # windows 2 to 6 October
        assert "No clinic day in the whole window" in page.get("/worklist/").content.decode()


def test_days_away_and_bookings_count_on_today_and_on_the_participants_page(
    page: Client, enrolled: Enrol
) -> None:
    """Day 28 of an infusion 28 days ago is today, ±3; booked for tomorrow, then away for two weeks."""
    pk = enrolled(infusion=TODAY - 28 * DAY, given=True).pk
    visit = Visit.objects.get(code="d28")
    book_visit(visit=visit, version=visit.version, booking=Booking(TODAY + DAY), by=None, now=MORNING)
    person, booked = f"/participants/{pk}/", f'booked <time datetime="{TODAY + DAY}"'
    assert [page.get(there).content.decode().count(booked) for there in ("/worklist/", person)] == [1, 2]
    away = Away(first=TODAY, last=TODAY + 14 * DAY, participant=visit.participant)
    add_absence(away=away, by=None, now=MORNING)
    assert ["No clinic day left" in page.get(there).content.decode() for there in ("/worklist/", person)] == [
        True
    ] * 2


def test_an_assumed_window_carries_its_mark_and_the_mark_explains_itself(
    page: Client, enrolled: Enrol
) -> None:
    enrolled(infusion=TODAY - 28 * DAY, given=True)
    text = page.get("/worklist/").content.decode()
    assert "Assumed, not stated by the protocol: ladder, days 22 to 28" in text


def test_only_what_is_in_sight_is_shown(page: Client, enrolled: Enrol, other_site: Site) -> None:
    enrolled("HERE-1", TODAY - 28 * DAY)
    enrolled("THERE-1", TODAY - 28 * DAY, site=other_site)
    assert {code for _, code, _ in rows(page)} == {"HERE-1"}


def test_filters(enrolled: Enrol, site: Site, other_site: Site, version: ProtocolVersion) -> None:
    client = Client()
    client.force_login(with_role("everywhere", Role.COORDINATOR))
    enrolled("HERE-1", TODAY - 28 * DAY, given=True)
    enrolled("THERE-1", TODAY - 28 * DAY, site=other_site, given=True)
    second = a_version("CART-SLE")
    enrolled("OTHER-1", TODAY - 29 * DAY, version=second, given=True)
    codes: Any = lambda address: {code for _, code, _ in rows(client, "/worklist" + address)}  # noqa: E731
    assert codes("/") == {"HERE-1", "THERE-1", "OTHER-1"}
    assert codes(f"/?site={site.pk}") == {"HERE-1", "OTHER-1"}
    assert codes(f"/?trial={version.trial_id}") == {"HERE-1", "THERE-1"}
    assert {part for part, _, _ in rows(client, "/worklist/?part=last-days")} == {"last-days"}
    assert codes("/?site=&trial=&part=&page=0") == {"HERE-1", "THERE-1", "OTHER-1"}


def test_a_foreign_site_in_the_address_shows_nothing(page: Client, enrolled: Enrol, other_site: Site) -> None:
    enrolled("THERE-1", TODAY - 28 * DAY, site=other_site)
    assert rows(page, f"/worklist/?site={other_site.pk}") == []


def test_nothing_to_do_is_said_in_words(page: Client, site: Site) -> None:
    assert "Nothing to do today" in page.get("/worklist/").content.decode()
    assert "Nothing to do here" in page.get("/worklist/?part=last-days").content.decode()


def test_the_list_keeps_its_filters_and_leads_back_to_itself(
    page: Client, enrolled: Enrol, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedules.selectors.today.counted.WHOLE", 1)
    monkeypatch.setattr("schedules.web.today.views.WHOLE", 1)
    for number in range(2):
        enrolled(f"S01-{number:03}", TODAY - 32 * DAY)
    Visit.objects.filter(code="d28").update(booked_on=TODAY - DAY)
    text = page.get(f"/?site={site.pk}&mine=1&all=record").content.decode()
    assert f'href="/worklist/?part=to-record&amp;site={site.pk}"' in text
    assert 'href="/worklist/">Show everything' in page.get(f"/worklist/?site={site.pk}").content.decode()


def test_a_long_worklist_has_pages(page: Client, enrolled: Enrol, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedules.selectors.today.worklist.PAGE", 2)
    for number in range(3):
        enrolled(f"S01-{number:03}", TODAY - 28 * DAY, given=True)
    first, second = rows(page, "/worklist/?part=open"), rows(page, "/worklist/?part=open&page=2")
    assert (len(first), len(second)) == (2, 1)
    assert not {code for _, code, _ in first} & {code for _, code, _ in second}
    assert "?part=open&amp;page=2" in page.get("/worklist/?part=open").content.decode()


def test_what_is_shown_of_many_to_book_stands_by_subject_code_too(
    page: Client, enrolled: Enrol, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows that close on one day stood by enrolment where more than 500 people are in sight."""
    for code in ("S01-003", "S01-001", "S01-002"):
        enrolled(code, TODAY - 29 * DAY, given=True)

    def shown() -> list[str]:
        found = [row for group in page.get("/").context["book_groups"] for row in group.rows]
        return [row.participant.subject_code for row in found if row.visit.code == "d28"]

    few = shown()
    monkeypatch.setattr("participants.selectors.participants.MOST_BY_PERSON", 1)
    assert shown() == few == ["S01-001", "S01-002", "S01-003"]


def test_the_number_of_queries_does_not_grow(page: Client, enrolled: Enrol) -> None:
    def more(first: int) -> None:
        for number, days in enumerate((28, 32, 22, 25, -5)):
            enrolled(f"S01-{first + number:03}", TODAY - days * DAY)
        booked = Visit.objects.filter(code="d28", participant__subject_code=f"S01-{first:03}")
        booked.update(booked_on=TODAY)
        for person in Participant.objects.filter(subject_code__gte=f"S01-{first:03}"):
            Flag.objects.get_or_create(participant=person, key=f"k{person.pk}", defaults=FLAG)

    for address in ("/", "/worklist/"):
        first = 100 if address == "/" else 300
        more(first)
        few = count_queries(lambda: page.get(address))  # noqa: B023 - called at once
        more(first + 50)
        more(first + 100)
        assert count_queries(lambda: page.get(address)) == few, address  # noqa: B023
        assert few <= 50, address


def test_who_is_not_signed_in_is_asked_to(client: Client, db: None) -> None:
    answer = client.get("/", follow=True)
    assert answer.redirect_chain[0][0].startswith("/accounts/login/")
    assert re.search(r"<title>[^<]*Dayzero</title>", answer.content.decode())


def test_roles_that_look_at_no_participant_see_none(enrolled: Enrol, site: Site) -> None:
    enrolled(infusion=TODAY - 28 * DAY)
    client = Client()
    client.force_login(with_role("designer", Role.DESIGNER, site))
    assert rows(client) == []


def test_a_booked_day_that_is_over_is_to_be_recorded(page: Client, enrolled: Enrol) -> None:
    """Also of a window that opens weeks from now, or has closed; never of today or of what was recorded."""
    person = enrolled(infusion=TODAY - 25 * DAY)
    d28, month = (
        Visit.objects.get(participant=person, code="d28"),
        Visit.objects.get(participant=person, code="m3"),
    )
    page_of = lambda: {mark: part for part, _, mark in rows(page)}  # noqa: E731
    for booked in (TODAY, TODAY + DAY):
        Visit.objects.filter(pk=d28.pk).update(booked_on=booked)
        assert page_of()["D28"] != "to-record", booked
    Visit.objects.filter(pk__in=[d28.pk, month.pk]).update(booked_on=TODAY - DAY)
    assert (page_of()["D28"], page_of()["M3"]) == ("to-record", "to-record")
    assert "record what became of it" in page.get(f"/participants/{person.pk}/").content.decode()
    Visit.objects.filter(pk__in=[d28.pk, month.pk]).update(performed_on=TODAY - DAY)
    assert not {"D28", "M3"} & set(page_of())


def test_provisional_holidays_are_said_once(page: Client, enrolled: Enrol, site: Site) -> None:
    for number in range(3):
        enrolled(f"S01-{number:03}", TODAY - 28 * DAY)
    text = page.get("/").content.decode()
    found = re.findall(r"Holidays of (\d+) provisional", text)
    assert found == ["2027"]
    assert page.get("/worklist/").context["provisional"] == page.get("/").context["provisional"]


def test_a_year_without_its_calendar_is_named_once_it_is_near_and_no_visit_is_looked_at(
    page: Client, enrolled: Enrol, site: Site
) -> None:
    """Fifteen years of follow-up were named, for which all visits of a site were read."""
    enrolled("S01-000", TODAY - 28 * DAY)
    with CaptureQueriesContext(connection) as queries:
        assert [year for year, _sites in page.get("/").context["provisional"]] == [2027]
    assert not any("GROUP BY" in one["sql"] and "closes" in one["sql"] for one in queries)
    places = site_calendars([site])
    assert [year for year, _sites in places_by_year(date(2026, 10, 3), places)] == [2027]
    assert places_by_year(date(2026, 10, 2), places) == []


def test_a_booking_whose_window_moved_weeks_away_is_to_be_made_again_and_breaks_no_page(
    page: Client, enrolled: Enrol
) -> None:
    """Booked for tomorrow, and the window begins in five weeks: somebody must be told."""
    person = enrolled(infusion=TODAY + 10 * DAY)
    visit = Visit.objects.get(participant=person, code="d28")
    Visit.objects.filter(pk=visit.pk).update(booked_on=TODAY + DAY)
    answer = page.get("/")
    assert answer.status_code == 200
    content = answer.content.decode()
    assert f'id="v-{visit.pk}"' in content
    assert "no longer fits" in content
    assert visit.pk in [row.visit.pk for row in answer.context["book_rows"]]
