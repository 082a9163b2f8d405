"""A site closes days, opens them or says who is away: shown first, refused in words, nothing typed is lost.

S01-007 is due for D14 between Saturday 26 and Wednesday 30 December 2026, the target being Monday the 28th.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from participants.models import Absence, Participant
from schedules.domain.visits.values import Booking
from schedules.models import Visit
from schedules.services.visits.appointments import book_visit
from tests.integration.web.conftest import MORNING, Enrol, with_role
from trials.models import Role, Site, User, WorkingDayTable
from trials.selectors.records import working_days_of
from trials.services.sites.working_days import correct_working_days

pytestmark = pytest.mark.django_db
MONDAY = date(2026, 12, 28)
CLOSED = {"what": "closed", "first": MONDAY.isoformat(), "note": "stocktaking"}


@pytest.fixture
def participant(enrolled: Enrol) -> Participant:
    return enrolled("S01-007", infusion=date(2026, 12, 14))


@pytest.fixture
def booked(participant: Participant) -> Visit:
    visit = Visit.objects.get(participant=participant, code="d14")
    return book_visit(visit=visit, version=visit.version, booking=Booking(MONDAY), by=None, now=MORNING)


def home(site: Site) -> str:
    return reverse("working-days", args=[site.pk])


def preview(page: Client, site: Site, **typed: Any) -> HttpResponse:
    return page.post(home(site), {**CLOSED, "action": "preview", **typed})


def commit(page: Client, site: Site, shown: Any = None, **typed: Any) -> HttpResponse:
    digest = shown.context["form"].data["digest"] if shown is not None else ""
    said = {**CLOSED, "action": "commit", "digest": digest, "reason": "the yearly count", **typed}
    return page.post(home(site), said)


def words(answer: HttpResponse) -> str:
    return answer.content.decode().replace("&#x27;", "'").replace("&quot;", '"')


@pytest.mark.parametrize(
    ("typed", "said", "reason"),
    [
        ({"first": ""}, "This field is required.", "no day at all"),
        ({"what": "follows"}, "Give the weekday that the site works as.", "no weekday that it follows"),
        ({"first": "someday"}, "Enter a valid date.", "no day of the calendar"),
        ({"last": "2026-12-27"}, "It lies before the first day, 2026-12-28.", "the eve as the last day"),
        ({"last": "2027-12-29"}, "That is longer than a year", "a year and a day"),
        ({"what": ""}, "This field is required.", "nothing said of what changes"),
        ({"note": "x" * 61}, "at most 60 characters", "a note that no list could show"),
    ],
)
def test_what_cannot_be_is_refused_in_words_and_comes_back_as_it_was_typed(
    page: Client, site: Site, participant: Participant, typed: dict[str, str], said: str, reason: str
) -> None:
    answer = preview(page, site, **typed)
    assert (answer.status_code, said in words(answer)) == (422, True), reason
    for name, value in ({**CLOSED, **typed}).items():
        assert answer.context["form"][name].value() == value, f"{name} is kept"
    assert WorkingDayTable.objects.filter(site=site).count() == 1


def test_a_booking_on_a_day_that_closes_is_asked_about_first(page: Client, site: Site, booked: Visit) -> None:
    shown = preview(page, site)
    assert "S01-007" in words(shown)
    refused = commit(page, site, shown)
    assert refused.status_code == 422
    assert refused.context["form"].errors["accept"], "the booking would stand on a closed day"
    assert refused.context["form"]["reason"].value() == "the yearly count"
    assert WorkingDayTable.objects.filter(site=site).count() == 1
    agreed = preview(page, site, accept="on")
    assert commit(page, site, agreed, accept="on").status_code == 302
    booked.refresh_from_db()
    assert booked.booked_on == MONDAY, "a booking is never moved silently"
    assert WorkingDayTable.objects.filter(site=site).count() == 2


def test_a_change_needs_its_reason(page: Client, site: Site, participant: Participant) -> None:
    shown = preview(page, site)
    refused = commit(page, site, shown, reason="")
    assert refused.status_code == 422
    assert refused.context["form"].errors["reason"]
    assert WorkingDayTable.objects.filter(site=site).count() == 1


def test_what_was_booked_meanwhile_is_shown_before_anything_is_closed(
    page: Client, site: Site, participant: Participant
) -> None:
    shown = preview(page, site, accept="on")
    visit = Visit.objects.get(participant=participant, code="d14")
    book_visit(visit=visit, version=visit.version, booking=Booking(MONDAY), by=None, now=MORNING)
    overtaken = commit(page, site, shown, accept="on")
    assert overtaken.status_code == 409
    assert WorkingDayTable.objects.filter(site=site).count() == 1
    assert commit(page, site, overtaken, accept="on").status_code == 302, "and then goes on from there"


@pytest.mark.parametrize(
    ("typed", "left", "reason"),
    [
        ({"what": "closed"}, ("2026-12-28", "", 0), "the clinic is shut that Monday"),
        ({"what": "open", "first": "2026-12-27"}, ("", "2026-12-27", 0), "it works on the Sunday before"),
        ({"what": "away", "last": "2026-12-29"}, ("", "", 1), "somebody is away; the clinic works"),
    ],
)
@pytest.mark.usefixtures("participant")
def test_each_of_the_three_changes_goes_its_own_way(
    page: Client, site: Site, typed: dict[str, str], left: tuple[str, str, int], reason: str
) -> None:
    shown = preview(page, site, **typed)
    assert commit(page, site, shown, **typed).status_code == 302, reason
    latest = WorkingDayTable.objects.filter(site=site).latest("version").document
    days = [" ".join(latest[name]) for name in ("closures", "openings")]
    assert (*days, Absence.objects.filter(site=site).count()) == left, reason


def test_who_may_not_record_here_only_reads_and_a_stranger_finds_nothing(site: Site) -> None:
    monitor, stranger = Client(), Client()
    monitor.force_login(with_role("monitor", Role.MONITOR, site))
    stranger.force_login(User.objects.create_user("stranger"))
    assert (monitor.get(home(site)).status_code, preview(monitor, site).status_code) == (200, 403)
    assert (stranger.get(home(site)).status_code, preview(stranger, site).status_code) == (404, 404)


def test_a_make_up_day_of_a_clinic_with_days_of_its_own_is_settled_here(page: Client, site: Site) -> None:
    standing = working_days_of(site)
    assert standing is not None
    days = replace(
        standing, weekdays=frozenset({2, 4}), make_up_days=frozenset({date(2027, 1, 9), date(2027, 1, 30)})
    )
    correct_working_days(site=site, days=days, by=None, reason="its own clinic days")
    said = words(page.get(home(site)))
    assert "counts as closed until you say" in said
    assert "first=2027-01-09" in said
    typed = {"what": "follows", "first": "2027-01-09", "weekday": "4", "note": ""}
    assert commit(page, site, preview(page, site, **typed), **typed).status_code == 302
    shown = words(page.get(home(site)))
    assert "works as a Thursday" in shown
    assert ("first=2027-01-09" in shown, "first=2027-01-30" in shown) == (False, True)


def test_reading_the_holiday_calendar_again_needs_no_day(page: Client, site: Site) -> None:
    typed = {"what": "renewed", "first": "", "note": ""}
    shown = preview(page, site, **typed)
    assert shown.status_code == 200, words(shown)
    assert commit(page, site, shown, **typed).status_code == 302
    again = preview(page, site, **typed)
    assert (again.status_code, "Nothing has changed" in words(again)) == (422, True)
